"""Takes out of text for logs what must not stand in one: secrets, tokens, addresses of services, people, titles.

What this process has read as a secret goes by value (`connectors.known_secrets`); what looks like one, by its form.
"""

from __future__ import annotations

import re
import traceback
from pathlib import PurePath

from connectors.known_secrets import remembered
from daemon.output.safe_text import one_line

GONE = "[removed]"
SOMEBODY = "[address]"
_MOST = 100_000
_LONGEST = 2_000
_NAMED_SECRET = re.compile(
    r"(?i)(pass(?:word|wd)?|secret|token|assertion|signature|api[_-]?key|authorization|cookie|credential|cursor)s?$"
)
_TELLING_KEYS = frozenset(
    {"title", "titles", "subject", "summary", "location", "description", "body", "calendar_title"}
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----[^-]*(?:-----END [A-Z0-9 ]{1,40}-----)?"), GONE),
    (re.compile(r"\bx(?:ox[a-z](?:\.xox[a-z])?|app)-[\w.-]+", re.IGNORECASE), GONE),
    (re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*){0,4}"), GONE),
    (re.compile(r"\bya29\.[\w.-]+|\b1//[\w-]{10,}"), GONE),
    (re.compile(r"(?i)\b(bearer|basic|negotiate)\s+[\w.~+/=-]{6,}"), rf"\1 {GONE}"),
    (
        re.compile(
            r"(?i)\b((?:client_)?secret|pass(?:word|wd)?|(?:access_|refresh_|id_|sync|page|delta|skip)?token|assertion"
            r"|api[_-]?key|authorization)([\"']?\s{0,5}[:=]\s{0,5}[\"']?)(?!\[removed\])[^\s\"'&,;}]+"
        ),
        rf"\1\2{GONE}",
    ),
    (re.compile(r"\b(?=[\w~+=-]{0,200}\d)(?=[\w~+=-]{0,200}[A-Za-z])[\w~+=-]{40,}"), GONE),
)
_LINK = re.compile(r"\b([a-z][a-z0-9+.-]{0,30}://)([^\s\"'<>]*)", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>\"',;:()\[\]{}=|]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,254}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST_FRAMES = 25
_MOST_CAUSES = 5


def scrub(text: str, *, addresses: bool = False) -> str:
    """One line without secrets and, unless `addresses`, without anybody's address. A huge text is cut."""
    text = text[:_MOST]
    for secret in sorted(remembered(), key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, GONE)
    text = _LINK.sub(_host_alone, text[: 2 * _LONGEST])
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    if not addresses:
        text = _ADDRESS.sub(SOMEBODY, text)
    return one_line(text, _LONGEST)


def _host_alone(link: re.Match[str]) -> str:
    """Where a link leads to, without who asks and what for: feeds and cursors have their secret in path or query."""
    host = re.split(r"[/?#\\]", link[2], maxsplit=1)[0]
    return link[1] + (GONE if "@" in link[2] else host)


def scrub_value(key: str, value: object, *, addresses: bool = False) -> object:
    """A value of a log line by its name: plain data comes back as plain data, everything else as scrubbed text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if key.lower() in _TELLING_KEYS or _NAMED_SECRET.search(key):
        return GONE
    if isinstance(value, dict):
        return {
            scrub(str(name), addresses=addresses): scrub_value(str(name), part, addresses=addresses)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub_value(key, part, addresses=addresses) for part in value]
    if isinstance(value, BaseException):
        return kind_of(value)
    return scrub(str(value), addresses=addresses)


def kind_of(error: object) -> str:
    """An exception (or what else is no text) without what it says: its kind, and our own code for it."""
    code = getattr(error, "code", None)
    known = isinstance(code, str) and _CODE.fullmatch(code) is not None
    return f"{type(error).__name__} ({code})" if known else type(error).__name__


def trace(error: BaseException) -> str:
    """Where an exception came from and what led to it, a line a frame, without any value."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < _MOST_CAUSES:
        frames = traceback.extract_tb(cause.__traceback__)[-_MOST_FRAMES:]
        lines = [f"  {_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
        told.append("\n".join([kind_of(cause), *lines]))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\ncaused by ".join(told)


def _place(file: str) -> str:
    """The last parts of a path, which say enough and leave out whose machine it is."""
    return "/".join(PurePath(file).parts[-3:])
