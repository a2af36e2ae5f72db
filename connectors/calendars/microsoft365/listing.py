"""One mailbox: everything in a window, or what changed since a delta link (`docs/providers.md` B1-B3, G).

A first listing covers the links' whole window. A later one is one request when nothing changed. Then too an event that
drifts into the window has not changed, so the days that the window's end has gained are listed as well, once a day.
The scheduled comparison lists the plain view and keeps the links.

A link's window never moves (B1). So it reaches beyond what is read now, and a new listing replaces it before that is
used up; both lengths differ from person to person, so that few mailboxes are listed anew on the same day.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from connectors.calendars.microsoft365.client import GraphClient
from connectors.calendars.microsoft365.events import read_page
from connectors.calendars.microsoft365.mailbox import Keep, Mailbox
from connectors.calendars.microsoft365.resolving import Resolver, spread
from connectors.calendars.microsoft365.series import Series
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.items import Newest, Origin
from connectors.calendars.shared.paging import most_pages
from connectors.contract import Done, Page, Reading
from scoring.meetings.values import Window

VERSION = 1
_DAY = timedelta(days=1)  # dates begin at another time in every zone
_MARGIN = timedelta(days=24)
_MARGIN_SPREAD = timedelta(days=14)
_RENEWED = timedelta(days=1)
_RENEWED_SPREAD = timedelta(days=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeltaLink:
    """A delta link, which is a secret, and the window that was baked into it."""

    url: str = field(repr=False)
    window: Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """The links, one unless the tenant refuses long windows, and up to where everything in the window was told.

    What begins after `listed` was told by a link when it was no concern of ours, and will not be told again.
    """

    links: tuple[DeltaLink, ...]
    listed: datetime

    @property
    def window(self) -> Window:
        """All that the links cover."""
        return Window(
            start=min(link.window.start for link in self.links), end=max(link.window.end for link in self.links)
        )

    def covers(self, window: Window, person: str) -> bool:
        """Whether listings of this window may go on from it, with days to spare."""
        ahead = _RENEWED + _share(person, "renewed") * _RENEWED_SPREAD
        return self.window.start <= window.start and window.end + ahead <= self.window.end

    def dump(self) -> str:
        """As it is stored. A secret."""
        parts = [[link.url, link.window.start.isoformat(), link.window.end.isoformat()] for link in self.links]
        return json.dumps({"v": VERSION, "parts": parts, "listed": self.listed.isoformat()})


def load(text: str | None) -> Cursor | None:
    """A cursor of ours; None where there is none, or none of this version."""
    if text is None:
        return None
    try:
        found = json.loads(text)
        links = tuple(
            DeltaLink(url=str(url), window=Window(start=_moment(start), end=_moment(end)))
            for url, start, end in found["parts"]
        )
        return Cursor(links=links, listed=_moment(found["listed"])) if links and found["v"] == VERSION else None
    except (ValueError, KeyError, TypeError):
        return None


def window_of_links(window: Window, person: str) -> Window:
    """What new links are asked to cover, so that `window` can move on for weeks."""
    margin = _MARGIN + _share(person, "margin") * _MARGIN_SPREAD
    return Window(start=window.start - _DAY, end=(window.end + _DAY + margin).replace(microsecond=0))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _share(person: str, what: str) -> float:
    """A number from 0 to 1 that a person keeps."""
    return int.from_bytes(blake2b(f"{what} {person}".encode(), digest_size=2).digest(), "big") / 65_536


Sort = Callable[[Sequence[Any]], Page]
"""Reads a page of items, and sets aside those that cannot be read yet."""


class Listing:
    """Of one mailbox, from the request to `Done`."""

    def __init__(self, client: GraphClient, counter: RequestCounter, origin: Origin, reading: Reading) -> None:
        self._counter = counter
        self._origin = origin
        self._reading = reading
        self._mailbox = Mailbox(client, origin.calendar, counter, most_pages(reading.window))
        self._newest = Newest(reading.now)
        self._links: list[DeltaLink] = []

    def run(self) -> Iterator[Page | Done]:
        """Pages, then `Done`. Raises `CursorExpired` when the links are of no use any more."""
        person = self._origin.calendar
        cursor = load(self._reading.cursor)
        if cursor is None or not cursor.covers(self._reading.window, person):
            yield from self._everything(window_of_links(self._reading.window, person), self._first)
            yield self._done(tuple(self._links), full=True)
        elif self._reading.full:
            for link in cursor.links:
                yield from self._everything(link.window, self._view)
            yield self._done(cursor.links, full=True)
        else:
            yield from self._changed(cursor)
            yield self._done(tuple(self._links), full=False)

    def _done(self, links: tuple[DeltaLink, ...], *, full: bool) -> Done:
        return Done(
            cursor=Cursor(links=links, listed=self._reading.window.end).dump(),
            full=full,
            window=self._reading.window,
            read_through=self._reading.now,
            requests=self._counter.made,
        )

    def _everything(self, window: Window, ask: Callable[[Window, Sort], Iterator[Page]]) -> Iterator[Page]:
        """A listing, with what it tells of series in whatever shape (B2)."""
        series = Series()
        resolver = Resolver(self._mailbox, self._origin, self._reading.held, window)

        def sort(items: Sequence[Any]) -> Page:
            plain = [item for item in items if not _is_tombstone(item) and not _waits(item, series, resolver)]
            return replace(read_page(plain, self._origin), entries=len(items))

        for page in spread(window, lambda part: ask(part, sort)):
            yield self._newest.of(page)
        yield from series.pages(self._origin)
        for number in series.unclear():
            yield from resolver.instances(number)
        yield from resolver.incomplete()

    def _first(self, window: Window, sort: Sort) -> Iterator[Page]:
        return self._mailbox.first_changes(window, sort, self._keep(window))

    def _keep(self, window: Window) -> Keep:
        return lambda link: self._links.append(DeltaLink(url=link, window=window))

    def _view(self, window: Window, sort: Sort) -> Iterator[Page]:
        return self._mailbox.view(window, sort)

    def _changed(self, cursor: Cursor) -> Iterator[Page]:
        """What changed since the links, and what lies in the days that the window has gained."""
        end = self._reading.window.end
        if end > cursor.listed:
            yield from self._everything(Window(start=cursor.listed - _DAY, end=end + _DAY), self._view)
        resolver = Resolver(self._mailbox, self._origin, self._reading.held, cursor.window)

        def sort(items: Sequence[Any]) -> Page:
            plain = [item for item in items if not resolver.take(item)]
            return replace(read_page(plain, self._origin), entries=len(items))

        for link in cursor.links:
            for page in self._mailbox.changes(link.url, sort, self._keep(link.window)):
                if page.entries:
                    yield self._newest.of(page)
        yield from resolver.pages()


def _is_tombstone(item: Any) -> bool:
    return isinstance(item, Mapping) and "@removed" in item


def _waits(item: Any, series: Series, resolver: Resolver) -> bool:
    """Whether an item can only be read when the listing is complete."""
    if not isinstance(item, Mapping):
        return False
    return series.take(item) or resolver.take_incomplete(item)
