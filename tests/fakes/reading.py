"""One calendar read over a connector, as the service would, and what its pages hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Calendars, Done, Page, Person, Reading
from connectors.net.retry import Patience
from scoring.meetings.values import Copy, Window

NOW = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
WINDOW = Window(start=datetime(2026, 9, 1, tzinfo=UTC), end=datetime(2027, 1, 15, tzinfo=UTC))
QUICK = Patience(tries=5, seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)
JO, ANA = "jo@northwind.example", "ana@acme.example"


def person(address: str = JO) -> Person:
    return Person(id=address, addresses=(address,))


def reading(
    cursor: str | None = None,
    *,
    window: Window = WINDOW,
    now: datetime = NOW,
    full: bool = False,
    held: Collection[str] = (),
) -> Reading:
    return Reading(cursor=cursor, window=window, now=now, full=full or cursor is None, held=lambda: held)


def pull(connector: Calendars, cursor: str | None = None, *, address: str = JO, **more: Any) -> tuple[list[Page], Done]:
    """One listing: its pages, and its end. `more` goes to `reading`."""
    *pages, done = connector.pull(person(address), reading(cursor, **more))
    assert isinstance(done, Done)
    return [page for page in pages if isinstance(page, Page)], done


def copies(pages: Iterable[Page]) -> dict[str, Copy]:
    """The copies of a listing by entry, the last of each."""
    return {copy.entry: copy for page in pages for copy in page.copies}


def removed(pages: Iterable[Page]) -> set[str]:
    return {entry for page in pages for entry in page.removed}


def erased(pages: Iterable[Page]) -> set[str]:
    return {entry for page in pages for entry in page.erased}
