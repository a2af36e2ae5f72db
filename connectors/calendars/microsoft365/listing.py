"""One round of one mailbox: everything in a window, or what changed since a delta link (`docs/providers.md` B1-B3, G).

A first round lists the links' whole window. A later one is one request when nothing changed. Then too an entry that
drifts into the window has not changed, so the days that the window's end has gained are listed as well, once a day.
The scheduled comparison lists the plain view and keeps the links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.calendars.microsoft365.client import Access, Calls
from connectors.calendars.microsoft365.cursor import DAY, Cursor, Part, load, window_of_links
from connectors.calendars.microsoft365.events import read_page
from connectors.calendars.microsoft365.mailbox import Keep, Mailbox
from connectors.calendars.microsoft365.resolving import Settling, spread
from connectors.calendars.microsoft365.series import Series
from connectors.calendars.shared.items import Newest, Origin
from connectors.contract import Done, Page, Person, Reading
from connectors.errors import ConnectorError
from scoring.meetings.values import Window

Sort = Callable[[Sequence[Any]], Page]


class Round:
    """A mailbox's round, from the request to `Done`."""

    def __init__(self, access: Access, connector: str, person: Person, reading: Reading) -> None:
        self._reading = reading
        self._person = person
        self._calls = Calls()
        self._mailbox = Mailbox(access, person.id, self._calls)
        self._newest = Newest(reading.now)
        self._links: list[Part] = []
        self._origin = Origin(
            connector=connector,
            calendar=person.id,
            addresses=person.addresses,
            read_at=reading.now,
            may_keep=reading.may_keep,
        )

    def run(self) -> Iterator[Page | Done]:
        """Pages, then `Done`. Raises `CursorExpired` when the links are of no use any more."""
        try:
            yield from self._parts()
        except ConnectorError as error:
            error.requests = self._calls.made
            raise

    def _parts(self) -> Iterator[Page | Done]:
        cursor = load(self._reading.cursor)
        if cursor is None or not cursor.covers(self._reading.window, self._person.id):
            yield from self._everything(window_of_links(self._reading.window, self._person.id), self._first)
            yield self._done(tuple(self._links), full=True)
        elif self._reading.full:
            for part in cursor.parts:
                yield from self._everything(part.window, self._view)
            yield self._done(cursor.parts, full=True)
        else:
            yield from self._changed(cursor)
            yield self._done(tuple(self._links), full=False)

    def _done(self, parts: tuple[Part, ...], *, full: bool) -> Done:
        return Done(
            cursor=Cursor(parts=parts, listed=self._reading.window.end).dump(),
            full=full,
            window=self._reading.window,
            read_through=self._reading.now,
            requests=self._calls.made,
        )

    def _everything(self, window: Window, ask: Callable[[Window, Sort], Iterator[Page]]) -> Iterator[Page]:
        """A listing, with what it tells of series in whatever shape (B2)."""
        series = Series()
        settling = Settling(self._mailbox, self._origin, self._reading.held, window)

        def sort(items: Sequence[Any]) -> Page:
            plain = [one for one in items if not _is_tombstone(one) and not _waits(one, series, settling)]
            return replace(read_page(plain, self._origin), entries=len(items))

        for part in spread(window, lambda one: ask(one, sort)):
            yield self._newest.of(part)
        yield from series.pages(self._origin)
        for number in series.unclear():
            yield from settling.instances(number)
        yield from settling.incomplete()

    def _first(self, window: Window, sort: Sort) -> Iterator[Page]:
        return self._mailbox.first_changes(window, sort, self._keep(window))

    def _keep(self, window: Window) -> Keep:
        return lambda link: self._links.append(Part(link=link, window=window))

    def _view(self, window: Window, sort: Sort) -> Iterator[Page]:
        return self._mailbox.view(window, sort)

    def _changed(self, cursor: Cursor) -> Iterator[Page]:
        """What changed since the links, and what lies in the days that the window has gained."""
        end = self._reading.window.end
        if end > cursor.listed:
            yield from self._everything(Window(start=cursor.listed - DAY, end=end + DAY), self._view)
        settling = Settling(self._mailbox, self._origin, self._reading.held, cursor.window)

        def sort(items: Sequence[Any]) -> Page:
            plain = [one for one in items if not settling.take(one)]
            return replace(read_page(plain, self._origin), entries=len(items))

        for part in cursor.parts:
            for page in self._mailbox.changes(part.link, sort, self._keep(part.window)):
                if page.entries:
                    yield self._newest.of(page)
        yield from settling.pages()


def _is_tombstone(item: Any) -> bool:
    return isinstance(item, Mapping) and "@removed" in item


def _waits(item: Any, series: Series, settling: Settling) -> bool:
    """Whether an item can only be read when the listing is complete."""
    if not isinstance(item, Mapping):
        return False
    return series.take(item) or settling.take_incomplete(item)
