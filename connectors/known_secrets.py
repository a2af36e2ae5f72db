"""The secrets that this process has read, by value, so that whatever writes for people can take them out.

A secret is remembered when it is read (`connectors.settings.Secret`), and for good: also after a new config has come.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

_SHORTEST = 4
_SHORTEST_LINE = 16
_KEYS = ("private_key", "private_key_id", "client_secret", "refresh_token", "password", "token")
_PEM_EDGE = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")
_seen: frozenset[str] = frozenset()
_adding = threading.Lock()


def remember(secret: str) -> None:
    """From now on neither this value nor a telling part of it is to be shown."""
    global _seen  # noqa: PLW0603  # one for the process, as its output is one
    found = {form for part in _parts(secret) for form in _forms(part)}
    with _adding:
        _seen |= found


def remembered() -> frozenset[str]:
    """All that must not be shown."""
    return _seen


def _parts(secret: str) -> Iterator[str]:
    """The secret, the lines of one that has several, what is secret in a JSON key file, and in an address."""
    text = secret.strip()
    if "://" in text and "\n" not in text:
        yield from _parts_of_address(text)
        return
    yield text
    if "\n" in text:
        yield from (line for line in map(str.strip, text.splitlines()) if _is_telling(line))
    if text.startswith("{"):
        yield from _parts_of_json(text)


def _is_telling(line: str) -> bool:
    return len(line) >= _SHORTEST_LINE and _PEM_EDGE.fullmatch(line) is None


def _parts_of_json(text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        for key in _KEYS:
            if isinstance(value := found.get(key), str):
                yield value
                yield from filter(_is_telling, value.splitlines())


def _parts_of_address(text: str) -> Iterator[str]:
    """A store's password; the path and query of what is asked over HTTP, where feeds and webhooks hold their secret."""
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError:
        yield text
        return
    if password:
        yield from (text, password, unquote(password))
    if parts.scheme in ("http", "https", "webcal", "webcals"):
        yield text
        if len(parts.path) >= _SHORTEST_LINE:
            yield parts.path
        if len(parts.query) >= _SHORTEST:
            yield parts.query


def _forms(part: str) -> Iterator[str]:
    """As it is, as an address has it, and as JSON has it."""
    if len(part) >= _SHORTEST:
        yield part
        yield quote(part, safe="")
        yield json.dumps(part)[1:-1]
        yield repr(part)[1:-1]
