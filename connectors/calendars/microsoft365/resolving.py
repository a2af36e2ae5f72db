"""What a list of changes says too little about: tombstones, series, stubs (`docs/providers.md` B2, B3, G).

It is resolved when the list is complete. A tombstone may mean that an event has only left the view, and a deleted
occurrence has none. So what is held is looked at once, and of a series that was touched in whatever way the instances
are listed: that is what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from connectors.calendars.microsoft365.errors import NoItem, TooWide
from connectors.calendars.microsoft365.events import is_complete, read_page, short
from connectors.calendars.microsoft365.mailbox import Mailbox
from connectors.calendars.shared.items import Origin
from connectors.contract import Page
from connectors.errors import RetryLater
from scoring.meetings.values import Window

T = TypeVar("T")
_BACK = timedelta(days=1825)  # the longest window that is said to be allowed (B1)
_SHORTEST = timedelta(days=7)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # nobody kept a calendar here before


def spread(window: Window, ask: Callable[[Window], Iterator[T]]) -> Iterator[T]:
    """A listing over a window, in as many parts as the tenant wants it. Raises `RetryLater` when it wants none."""
    waiting = [window]
    while waiting:
        part = waiting.pop()
        try:
            yield from ask(part)
        except TooWide:
            if part.end - part.start < _SHORTEST:
                raise RetryLater("refused", "Graph refuses a listing of a week as too long") from None
            waiting += reversed(_halves(part))


def _halves(window: Window) -> tuple[Window, Window]:
    """A window in two; what lies across is in both."""
    middle = (window.start + (window.end - window.start) / 2).replace(microsecond=0)
    return Window(start=window.start, end=middle), Window(start=middle, end=window.end)


@dataclass(frozen=True, slots=True)
class _HeldEntries:
    """What is kept of the calendar: single entries, and those of each series, by their short ids."""

    singles: frozenset[str]
    series: Mapping[str, frozenset[str]]
    parts: Mapping[str, str]

    def of_series(self, master: str) -> set[str]:
        """A series' entries, and its own from when it did not recur."""
        own = {master} if master in self.singles else set()
        return own | self.series.get(master, frozenset())


@dataclass(slots=True)
class _Waiting:
    """Ids that a listing told of."""

    removed: dict[str, None] = field(default_factory=dict)
    touched: dict[str, None] = field(default_factory=dict)
    incomplete: dict[str, None] = field(default_factory=dict)


class Resolver:
    """Of one listing. `held` is asked once, and only if a tombstone or a series makes it necessary."""

    def __init__(self, mailbox: Mailbox, origin: Origin, held: Callable[[], Collection[str]], window: Window) -> None:
        self._mailbox = mailbox
        self._origin = origin
        self._ask_held = held
        self._window = window
        self._waiting = _Waiting()
        self._resolved: set[str] = set()

    def take(self, item: Any) -> bool:
        """Takes what cannot be read by itself; what it leaves can."""
        if not isinstance(item, Mapping) or not isinstance(number := item.get("id"), str):
            return False
        if "@removed" in item:
            self._waiting.removed[number] = None
            return True
        master = number if item.get("type") == "seriesMaster" else item.get("seriesMasterId")
        if isinstance(master, str):
            self._waiting.touched[master] = None
            return True
        return self.take_incomplete(item)

    def take_incomplete(self, item: Mapping[str, Any]) -> bool:
        """Takes an item that does not say everything."""
        number = item.get("id")
        if is_complete(item) or not isinstance(number, str):
            return False
        self._waiting.incomplete[number] = None
        return True

    def pages(self) -> Iterator[Page]:
        """All that was taken, resolved."""
        yield from self.incomplete()
        for number in self._waiting.removed:
            yield from self._tombstone(number)
        for number in self._waiting.touched:
            yield from self._series(number)

    def incomplete(self) -> Iterator[Page]:
        """Single items that did not say everything, as they are now."""
        for number in self._waiting.incomplete:
            item = self._mailbox.item(number)
            if item is not None:
                yield self._page([item])

    def instances(self, number: str) -> Iterator[Page]:
        """The instances of a series in the window; none when it is gone."""
        try:
            yield from spread(self._window, lambda part: self._mailbox.instances(number, part, self._page))
        except NoItem:
            return

    def _tombstone(self, number: str) -> Iterator[Page]:
        """Only what is held matters. What can still be fetched has left the view, and keeps its entry."""
        name = short(number)
        if name in self._held.series:
            self._waiting.touched[number] = None
        entry = name if name in self._held.singles else self._held.parts.get(name)
        if entry is None:
            return
        item = self._mailbox.item(number)
        if item is None:
            yield Page(removed=(entry,))
        elif item.get("type") == "seriesMaster":
            self._waiting.touched[number] = None
        else:
            page = self._page([item])
            stays = {copy.entry for copy in page.copies} | set(page.erased)
            self._resolved |= stays
            yield (
                page
                if entry in stays or page.problems
                else Page(copies=page.copies, erased=page.erased, removed=(entry,))
            )

    def _series(self, number: str) -> Iterator[Page]:
        """A series that was touched: its instances are what there is; what is held beyond them is gone."""
        held = self._held.of_series(short(number)) - self._resolved
        try:
            for page in spread(self._window, lambda part: self._mailbox.instances(number, part, self._page)):
                held -= _entries(page)
                yield page
        except NoItem:
            item = self._mailbox.item(number)
            if item is not None and item.get("type") != "seriesMaster":
                page = self._page([item])  # it does not recur any more
                held -= _entries(page)
                yield page
        else:
            for page in self._older(number, held):
                held -= _entries(page)
                yield page
        if held:
            yield Page(removed=tuple(sorted(held)))

    def _older(self, number: str, held: set[str]) -> Iterator[Page]:
        """Instances before the window, until all of the held are found: they are kept for longer than it reaches back.

        They come as they are now, for one may have been moved there.
        """
        missing = set(held)
        end = self._window.start
        while missing and end > _FIRST:
            window = Window(start=end - _BACK, end=end)
            is_empty = True
            for page in spread(window, lambda part: self._mailbox.instances(number, part, self._page)):
                is_empty = is_empty and not page.entries
                missing -= _entries(page)
                yield page
            if is_empty:
                break
            end = window.start

    def _page(self, items: Sequence[Any]) -> Page:
        return read_page(items, self._origin)

    @cached_property
    def _held(self) -> _HeldEntries:
        """Entries as `entry_of` makes them."""
        singles, parts = [], {}
        series: dict[str, set[str]] = {}
        for entry in self._ask_held():
            master, dot, own = entry.partition(".")
            if dot:
                series.setdefault(master, set()).add(entry)
                parts[own] = entry
            else:
                singles.append(entry)
        return _HeldEntries(frozenset(singles), {name: frozenset(entries) for name, entries in series.items()}, parts)


def _entries(page: Page) -> set[str]:
    """What a page speaks of; an entry that could not be read is there as well."""
    unread = {problem.entry for problem in page.problems if problem.entry is not None}
    return {copy.entry for copy in page.copies} | set(page.erased) | unread
