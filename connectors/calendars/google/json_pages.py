"""A listing of Google's unpacked event by event.

A page unpacked whole is ten times its size and no longer in the processor's cache when it is read. Event by event each
is read while it is there, and let go: half the time, and next to no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import msgspec

from connectors.calendars.shared.client import Answer
from connectors.net.retry import Again

_event = msgspec.json.Decoder().decode


class _Listing(msgspec.Struct, rename="camel"):
    """What a page of `events.list` is asked for; its items are left as they came."""

    items: list[msgspec.Raw] | None = None
    next_page_token: str | None = None
    next_sync_token: str | None = None


_listing = msgspec.json.Decoder(_Listing).decode


class _Items(Sequence[Any]):
    """Items that are unpacked as they are come to."""

    def __init__(self, raw: list[msgspec.Raw]) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        found = self._raw[index]
        return _Items(found) if isinstance(found, list) else _event(found)

    def __iter__(self) -> Iterator[Any]:
        return map(_event, self._raw)


def in_parts(body: bytes) -> Answer:
    """A listing whose items are unpacked while they are read."""
    page = _listing(body)
    return {
        "items": _Items(page.items or []),
        "nextPageToken": page.next_page_token,
        "nextSyncToken": page.next_sync_token,
    }


UNUSUAL = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What unpacking in parts raises where it is stricter than `json` (a lone surrogate, say)."""


def rows_in(answer: Answer, name: str) -> Sequence[Any]:
    """A list of an answer; none where it is left out, as Google does with an empty one. Raises `Again`."""
    rows = answer.get(name)
    if rows is None:
        return ()
    if not isinstance(rows, list | _Items):
        raise _garbled()
    return rows


def token_in(answer: Answer, name: str) -> str | None:
    """A token of an answer; None where it has none. Raises `Again`, also for one that no request can carry."""
    token = answer.get(name)
    if not token:
        return None
    if not isinstance(token, str) or not token.isascii():
        raise _garbled()
    return token


def _garbled() -> Again:
    return Again("garbled", "Google's answer is not as documented")
