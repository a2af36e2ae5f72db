"""What settings of connectors and senders share: secrets by reference, durations, the tables' manners.

A secret is never part of an error, a log or a repr: only its reference is.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, StringConstraints, model_validator

from connectors.known_secrets import remember

_DURATION = re.compile(r"\s*(\d+)\s*(s|m|h|d|day|days|hour|hours|minute|minutes|second|seconds|week|weeks)\s*")
_UNIT_SECONDS = {
    "s": 1, "second": 1, "seconds": 1,
    "m": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "week": 604800, "weeks": 604800,
}  # fmt: skip

_LOOKS_SECRET = re.compile(
    r"(?i:xox[a-z]+-|xapp-|-----begin|bearer |hooks\.slack)|\beyJ|\bya29\.|://[^/\s@]*@"
    r"|(?=[A-Za-z0-9_~+=-]*\d)(?=[A-Za-z0-9_~+=-]*[A-Za-z])[A-Za-z0-9_~+=-]{20,}"
)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONSTANT = re.compile(r"[A-Z_][A-Z0-9_]*")


def looks_secret(text: str) -> bool:
    """Whether a text may be a token, a key or an address with a password; such is shown nowhere."""
    return _LOOKS_SECRET.search(text) is not None


class SettingsModel(BaseModel):
    """A table of the config file: frozen, no unknown keys, no found values in its own errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Without what looks like a secret, should one stand where none belongs."""
        for name, value in super().__repr_args__():
            yield name, _redacted(value) if isinstance(value, str) else value


class ConnectorSettings(SettingsModel):
    """What every `[[connectors]]` table has."""

    name: Annotated[str, StringConstraints(min_length=1, pattern=r"^[\w.-]+$")]
    kind: str
    check_denied: str | None = None


class SecretMissing(Exception):
    """A secret cannot be had. Says which reference and why, never a value."""


class Secret(SettingsModel):
    """`{ env = "NAME" }`, `{ file = "PATH" }`, `{ credential = "NAME" }`, or the value inline: that warns."""

    env: str | None = None
    file: str | None = None
    credential: str | None = None
    inline: SecretStr | None = None

    FORMS: ClassVar[str] = '{ env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            if not value.strip():
                raise ValueError(f"a secret is {cls.FORMS}, and never empty")
            return cls._plain(value)
        if isinstance(value, dict) and "inline" not in value:
            return value
        raise ValueError(f"a secret is {cls.FORMS}")

    @classmethod
    def _plain(cls, text: str) -> dict[str, str]:
        """What a string alone means here."""
        return {"inline": text}

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Its form alone: somebody may have written the value where its name belongs."""
        forms = ("env", "file", "credential", "inline")
        yield "form", next((form for form in forms if getattr(self, form) is not None), None)

    @model_validator(mode="after")
    def _exactly_one(self) -> Secret:
        given = [form for form in (self.env, self.file, self.credential, self.inline) if form is not None]
        if len(given) != 1 or given[0] == "" or "\0" in f"{self.file}{self.credential}":
            raise ValueError(f"a secret is exactly one of {self.FORMS}")
        if self.env is not None and _ENVIRONMENT_NAME.fullmatch(self.env) is None:
            raise ValueError(f"a secret is {self.FORMS}; NAME has letters, digits and underscores")
        return self

    def path(self, folder: Path) -> Path | None:
        """The file that holds it, if a file does. Raises `SecretMissing` outside systemd for a credential."""
        if self.file is not None:
            return folder / Path(self.file).expanduser()
        if self.credential is not None:
            base = os.environ.get("CREDENTIALS_DIRECTORY")
            if not base:
                raise SecretMissing(f"credential {_redacted(self.credential)!r}: $CREDENTIALS_DIRECTORY is not set")
            return Path(base) / self.credential
        return None

    def resolve(self, folder: Path) -> str:
        """The value, without one trailing line break, from now on kept out of logs. Raises `SecretMissing`."""
        value = self._read(folder)
        remember(value)
        return value

    def _read(self, folder: Path) -> str:
        if self.inline is not None:
            return self.inline.get_secret_value()
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                named = self.env if _CONSTANT.fullmatch(self.env) else "that is named here"
                raise SecretMissing(f"environment variable {named} is not set")
            return value
        path = self.path(folder)
        if path is None:  # the validator admits exactly one form
            raise SecretMissing("no reference is given")
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise SecretMissing(f"file {_redacted(path.name)}: {error.strerror or 'cannot be read'}") from None
        except UnicodeDecodeError:
            raise SecretMissing(f"file {_redacted(path.name)}: is no text") from None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise SecretMissing(f"file {_redacted(path.name)}: is empty")
        return text

    def warning(self, folder: Path) -> str | None:
        """What a careful administrator would change about it, or None."""
        if self.inline is not None:
            return f"is written in the config file; better: {self.FORMS}"
        try:
            path = self.path(folder)
            if path is not None and stat.S_IMODE(path.stat().st_mode) & 0o077:
                return f"file {_redacted(path.name)} can be read by other users; chmod 600 it"
        except (SecretMissing, OSError):
            return None
        return None


class FileOrSecret(Secret):
    """A key or certificate file: a string is the file's path, and a reference leads to the contents."""

    FORMS: ClassVar[str] = 'a path, { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'

    @classmethod
    def _plain(cls, text: str) -> dict[str, str]:
        return {"file": text}


class CertificateFile(FileOrSecret):
    """A certificate with its private key: PEM, or PFX, which is no text."""

    def content(self, folder: Path) -> bytes:
        """The file as it is. Raises `SecretMissing`."""
        path = self.path(folder)
        if path is None:
            return super().resolve(folder).encode()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SecretMissing(f"file {_redacted(path.name)}: {error.strerror or 'cannot be read'}") from None
        if not data:
            raise SecretMissing(f"file {_redacted(path.name)}: is empty")
        remember(data.decode("latin-1"))
        return data

    def resolve(self, folder: Path) -> str:
        """The content, a byte a character."""
        return self.content(folder).decode("latin-1")


def _redacted(name: str) -> str:
    """A text as it may be shown, in case somebody wrote the secret itself where its name belongs."""
    return "…" if looks_secret(name) else name


def parse_duration(value: Any) -> timedelta:
    """`"15m"`, `"1h"`, `"60 days"` as a timedelta. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.lower()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration is a whole number and a unit, such as "15m", "1h" or "60 days"')
    seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > 36_500 * 86_400:
        raise ValueError("a duration is at most 100 years")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
