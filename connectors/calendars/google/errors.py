"""What Google refuses, as what to do next, with a sentence on what to click where (`docs/providers.md` A6, A8, D).

Pure. What Google wrote is read for its codes alone: it may quote tokens, titles and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.calendars.google.credentials import Key, refused_key
from connectors.calendars.shared.refusals import Refusal, blocked, passing_error
from connectors.errors import ConnectorError, CursorExpired, RetryLater, SkipCalendar, StopConnector
from connectors.net.retry import Again
from connectors.net.session import PASSING_STATUSES

_RATE = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
_QUOTA = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_API_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_SCOPES = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientScopes"})
_APIS = {"calendar": ("Google Calendar API", "calendar-json"), "directory": ("Admin SDK API", "admin")}
_DELEGATION = (
    "In admin.google.com open Security > Access and data control > API controls > Domain-wide delegation, and give "
    "client ID {client} exactly these scopes: {scopes}. It may take up to a day to work."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestInfo:
    """What a request is about, as an error has to know it.

    `api` is `calendar`, `directory` or `mail`; `with_token`: a sync token was sent; `others_work`: the same was
    granted to somebody else, so that a refusal is about this person alone.
    """

    api: str
    subject: str
    scopes: tuple[str, ...]
    with_token: bool = False
    others_work: bool = False


class DailyLimit(RetryLater):
    """The project's quota is used up: asking again soon is of no use to anybody."""


class NotFound(Again):
    """404: once it may be a slow replica."""


def reasons_of(refusal: Refusal) -> frozenset[str]:
    """Every code in it, of the old form and the new; empty when Google did not write it."""
    return frozenset(_codes(refusal.error)) if refusal.error is not None else frozenset()


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    yield str(error.get("status") or "")
    for row in [*_rows(error, "errors"), *_rows(error, "details")]:
        yield str(row.get("reason") or "")


def _rows(error: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = error.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def passing(refusal: Refusal) -> ConnectorError | None:
    """Trouble that has nothing to do with what was asked, or None (A6)."""
    reasons = reasons_of(refusal)
    if reasons & _QUOTA:
        error = DailyLimit if "quotaExceeded" not in reasons else RetryLater
        return error("quota", "Google's quota is used up for now", after_seconds=refusal.retry_after)
    if refusal.status in PASSING_STATUSES or reasons & _RATE:
        return passing_error("Google", refusal, slow=refusal.status == 429 or bool(reasons & _RATE))
    if not reasons and refusal.status != 401:
        return blocked("Google", refusal, _PROXY)
    return None


_PROXY = "Look at the proxy and the firewall: www.googleapis.com, admin.googleapis.com and oauth2.googleapis.com."


def calendar_error(refusal: Refusal, info: RequestInfo, key: Key) -> ConnectorError:
    """A refused `events.list`."""
    reasons = reasons_of(refusal)
    if info.with_token and refusal.status in (400, 410):
        return CursorExpired("Google does not know the sync token any more")
    if (error := passing(refusal) or api_off(reasons, info, key)) is not None:
        return error
    if "notACalendarUser" in reasons:
        return SkipCalendar("no_calendar", "has no Google Calendar", _NO_CALENDAR, standing=True)
    if reasons & _SCOPES:
        remedy = _DELEGATION.format(client=key.client_id, scopes=",".join(info.scopes))
        what = "the scopes do not reach this calendar"
        return SkipCalendar("insufficient", what, remedy, standing=info.others_work)
    if refusal.status == 403:
        return SkipCalendar("forbidden", "Google refuses this calendar", _FORBIDDEN, standing=True)
    if refusal.status == 404:
        return NotFound("not_found", "Google finds no such calendar")
    if refusal.status == 401:
        return RetryLater("unauthorized", "Google refuses a token that it has just given", "Check the clock.")
    return RetryLater("refused", f"Google answers {refusal.status} to a listing")


_NO_CALENDAR = (
    "If they should have one: admin.google.com > Apps > Google Workspace > Calendar > Service status. "
    "Else put the address in exclude."
)
_FORBIDDEN = "Look in admin.google.com at what the person's organisational unit allows, or put the address in exclude."


def missing_calendar() -> SkipCalendar:
    """404, twice."""
    return SkipCalendar("not_found", "Google finds no such calendar", _NO_CALENDAR, standing=True)


def directory_error(refusal: Refusal, info: RequestInfo, key: Key, group: str | None) -> ConnectorError:
    """A refused listing of people or of a `group`'s members: it is never about one person, so nothing goes on."""
    reasons = reasons_of(refusal)
    if (error := passing(refusal) or api_off(reasons, info, key)) is not None:
        return error
    if reasons & _SCOPES:
        return delegation("Google grants no access to the directory", info, key)
    if refusal.status == 404 and group is not None:
        return StopConnector("no_group", f"Google finds no group {group}", "Correct the group's address.")
    if refusal.status in (401, 403):
        return StopConnector(
            "not_admin",
            f"{info.subject} may not read the directory",
            "In admin.google.com give `admin` a role with the privileges Users > Read and Groups > Read (Account > "
            "Admin roles), or name another administrator.",
        )
    return RetryLater("refused", f"Google answers {refusal.status} to a listing of the directory")


def api_off(reasons: frozenset[str], info: RequestInfo, key: Key) -> StopConnector | None:
    """The API is not enabled in the service account's project."""
    if not reasons & _API_OFF:
        return None
    name, service = _APIS[info.api]
    page = f"https://console.cloud.google.com/apis/library/{service}.googleapis.com"
    page += f"?project={key.project}" if key.project else ""
    return StopConnector("api_off", f"the {name} is off in the project", f"Enable it at {page} and wait a few minutes.")


def delegation(what: str, info: RequestInfo, key: Key) -> StopConnector:
    """Domain-wide delegation lacks the client or a scope: one that is missing refuses them all (A8)."""
    remedy = _DELEGATION.format(client=key.client_id, scopes=",".join(info.scopes))
    return StopConnector("unauthorized_client", what, remedy)


class Unclear(Exception):
    """The token endpoint's refusal may be about the person or about everybody; others' tokens will tell."""


_TOKEN_STOPS = {
    "invalid_scope": ("scopes", "Google knows one of the scopes not", "Correct `scopes` in the config."),
    "admin_policy_enforced": (
        "policy",
        "a policy of the Workspace keeps this application out",
        "In admin.google.com open Security > API controls > App access control, and trust the service account.",
    ),
}
_SUBJECT = ("invalid email", "not a valid email", "deleted", "disabled", "suspended", "impersonation", "restricted")
_ACCOUNT = ("jwt signature", "account not found", "client was not found", "invalid issuer", "jwt: failed")
_CLOCK = ("short-lived", "timeframe", "iat and exp", "token must be", "too early", "expired")


def token_error(error: str, description: str, info: RequestInfo, key: Key) -> ConnectorError:
    """A refused token, by its code and the words that GAM and Google document. Raises `Unclear`."""
    text = description.lower()
    if error in _TOKEN_STOPS:
        return StopConnector(*_TOKEN_STOPS[error])
    if error in ("invalid_client", "deleted_client", "disabled_client") or any(words in text for words in _ACCOUNT):
        return refused_key(key.account)
    if error == "invalid_grant" and any(words in text for words in _CLOCK):
        return StopConnector("clock", "Google refuses the time of the request", "Check the clock of this machine.")
    if any(words in text for words in _SUBJECT):
        return unknown_person(info)
    if error in ("unauthorized_client", "access_denied", "invalid_grant", "invalid_request"):
        raise Unclear
    return RetryLater("token", "Google gives no token and does not say why")


def unknown_person(info: RequestInfo) -> ConnectorError:
    """Google has no such person, or not any more."""
    if info.api == "directory":
        what = f"{info.subject} is nobody in the Workspace, or suspended"
        return StopConnector("no_admin", what, "Name an administrator as `admin`.")
    if info.api == "mail":
        what = f"{info.subject} is nobody in the Workspace, or suspended"
        return StopConnector("no_user", what, "Name a mailbox of the Workspace as email.username or email.from.")
    return SkipCalendar(
        "no_user", "is nobody in the Workspace, or suspended", "Correct or remove the address.", standing=True
    )


def not_delegated() -> SkipCalendar:
    """Everybody else's calendar can be read: this person belongs to another Workspace, or is kept out."""
    return SkipCalendar(
        "not_delegated",
        "is outside the delegated Workspace",
        "Read it over a connector of that Workspace.",
        standing=True,
    )
