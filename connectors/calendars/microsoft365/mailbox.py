"""What can be asked of one mailbox: changes, a view, the instances of a series, one item (`docs/providers.md` B1, B2).

Every request has the same preferences: they are not remembered by links (B1). Pages are read while they are unpacked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.calendars.microsoft365.client import Access, Answer, Calls, Request
from connectors.calendars.microsoft365.errors import Asked, NoItem, calendar_error, foreign_link
from connectors.calendars.microsoft365.events import SELECT
from connectors.errors import CursorExpired, RetryLater
from connectors.net.retry import Again
from scoring.meetings.values import Window

T = TypeVar("T")
Read = Callable[[Sequence[Any]], T]
"""Reads the items of a page."""
Keep = Callable[[str], None]

_PREFER = 'outlook.timezone="UTC", outlook.body-content-type="text", IdType="ImmutableId"'
_PAGE = 200  # with bodies, which cannot be refused: larger pages take Graph long, and memory
_MOST_PAGES = 100_000


class Mailbox:
    """One person's mailbox, for one round."""

    def __init__(self, access: Access, person: str, calls: Calls) -> None:
        self._access = access
        self._person = person
        self._calls = calls
        self._root = f"{access.endpoint}/users/{quote(person, safe='')}"

    def changes(self, link: str, read: Read[T], keep: Keep) -> Iterator[T]:
        """What changed since a delta link; `keep` is given the next one at the end.

        Raises `CursorExpired` when the link is of no use any more.
        """
        return self._delta(link, Asked(subject=self._person, with_link=True), read, keep)

    def first_changes(self, window: Window, read: Read[T], keep: Keep) -> Iterator[T]:
        """Everything in a window; `keep` is given the delta link at the end. Raises `TooWide`."""
        url = f"{self._root}/calendarView/delta?{_between(window)}"
        return self._delta(url, Asked(subject=self._person), read, keep)

    def view(self, window: Window, read: Read[T]) -> Iterator[T]:
        """Everything in a window. Not `$select`ed: then it would not say when an item was changed. Raises `TooWide`."""
        url = f"{self._root}/calendarView?{_between(window)}"
        return (found for found, _ in self._pages(url, Asked(subject=self._person), read, _PAGE))

    def instances(self, series: str, window: Window, read: Read[T]) -> Iterator[T]:
        """The occurrences and exceptions of a series in a window. Raises `NoItem` and `TooWide`."""
        url = f"{self._root}/events/{quote(series, safe='')}/instances?{_between(window)}&$select={SELECT}"
        asked = Asked(subject=self._person, of_item=True)
        return (found for found, _ in self._pages(url, asked, read, _PAGE))

    def item(self, number: str) -> Mapping[str, Any] | None:
        """One item as it is now; None when it is gone."""
        url = f"{self._root}/events/{quote(number, safe='')}?$select={SELECT}"
        asked = Asked(subject=self._person, of_item=True)
        try:
            return self._access.get(
                Request(url=url, headers=_headers(1), asked=asked), calendar_error, self._calls, dict
            )
        except NoItem:
            return None

    def _delta(self, url: str, asked: Asked, read: Read[T], keep: Keep) -> Iterator[T]:
        final: str | None = None
        for found, final in self._pages(url, asked, read, _PAGE):  # noqa: B007  # the last page's is what counts
            yield found
        if final is None:
            raise _unended(asked, "the list of changes ends without saying how to go on")
        keep(final)

    def _pages(self, url: str, asked: Asked, read: Read[T], size: int) -> Iterator[tuple[T, str | None]]:
        """All pages of a listing. One may be empty with more to come (B1)."""

        def unpacked(answer: Answer) -> tuple[T, str | None, str | None]:
            items = answer.get("value")
            if not isinstance(items, list):
                raise Again("garbled", "Graph's answer is not as documented")
            return read(items), _link(answer, "@odata.nextLink"), _link(answer, "@odata.deltaLink")

        for _ in range(_MOST_PAGES):
            request = Request(url=url, headers=_headers(size), asked=asked)
            found, following, final = self._access.get(request, calendar_error, self._calls, unpacked)
            yield found, final
            if following is None:
                return
            if following == url:
                break
            url = following
        raise _unended(asked, "the calendar's list does not end")


def _unended(asked: Asked, what: str) -> CursorExpired | RetryLater:
    return CursorExpired(what) if asked.with_link else RetryLater("endless", what)


def _headers(size: int) -> dict[str, str]:
    return {"Prefer": f"{_PREFER}, odata.maxpagesize={size}"}


def _link(answer: Answer, name: str) -> str | None:
    """A link of an answer, which is asked for as it is; where it leads is checked before a token is sent."""
    link = answer.get(name)
    if link is not None and not isinstance(link, str):
        raise foreign_link()
    return link or None


def _between(window: Window) -> str:
    return f"startDateTime={_stamp(window.start)}&endDateTime={_stamp(window.end)}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
