"""The service account's key file, and the scopes that are asked for with it (`docs/providers.md` A8, D).

Standard library only, for the config is checked with it. Holds a private key: nothing of it is ever told but the
account's address, its client id and its project.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import StopConnector
from connectors.net.endpoints import is_safe_endpoint

_PREFIX = "https://www.googleapis.com/auth/"
_DIRECTORY = f"{_PREFIX}admin.directory."
CALENDAR_SCOPES = (f"{_PREFIX}calendar.events.readonly",)
USERS_SCOPE = f"{_DIRECTORY}user.readonly"
MEMBERS_SCOPE = f"{_DIRECTORY}group.member.readonly"
_NEW_KEY = (
    "In console.cloud.google.com open IAM & Admin > Service Accounts > the account > Keys, add a JSON key, and put it "
    "where credentials_file points."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A service account's key. `info` is the whole file, as google-auth takes it."""

    account: str
    client_id: str
    project: str
    token_uri: str
    info: dict[str, Any] = field(repr=False)


def read_key(text: str) -> Key:
    """The key file's contents. Raises `StopConnector` for anything else."""
    try:
        info = json.loads(text)
    except ValueError:
        info = None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise _wrong("credentials_file holds no key of a service account")
    wanted = ("client_email", "private_key", "token_uri")
    missing = [name for name in wanted if not isinstance(info.get(name), str) or not info[name]]
    if missing:
        raise _wrong(f"the key file lacks {', '.join(missing)}")
    if not is_safe_endpoint(info["token_uri"]):
        raise _wrong("the key file's token_uri is not https")
    return Key(
        account=info["client_email"],
        client_id=str(info.get("client_id") or "of the service account"),
        project=str(info.get("project_id") or ""),
        token_uri=info["token_uri"],
        info=info,
    )


def _wrong(what: str) -> StopConnector:
    return StopConnector("credentials", what, _NEW_KEY)


def broken_key() -> StopConnector:
    """The private key in the file cannot be used."""
    return _wrong("the key file's private key cannot be read")


def refused_key(account: str) -> StopConnector:
    """Google knows no such key, or no such account."""
    return StopConnector("credentials", f"Google refuses the key of {account}: it was revoked or deleted", _NEW_KEY)


def calendar_scopes(chosen: Iterable[str]) -> tuple[str, ...]:
    """The scopes for calendars: those of the config, else the least that works."""
    return tuple(scope for scope in map(full_name, chosen) if not scope.startswith(_DIRECTORY)) or CALENDAR_SCOPES


def directory_scopes(chosen: Iterable[str], *, groups: bool) -> tuple[str, ...]:
    """The scopes for people and, where `groups` are read, members; the config's own where it names any."""
    least = (USERS_SCOPE, MEMBERS_SCOPE) if groups else (USERS_SCOPE,)
    return tuple(scope for scope in map(full_name, chosen) if scope.startswith(_DIRECTORY)) or least


def full_name(name: str) -> str:
    """A scope by its full name; `calendar.events.readonly` is short for it."""
    return name if "://" in name else _PREFIX + name
