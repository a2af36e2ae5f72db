"""What can be asked of one mailbox: changes, a view, the instances of a series, one item (`docs/providers.md` B1, B2).

Every request has the same preferences: they are not remembered by links (B1). Pages are read while they are unpacked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.calendars.microsoft365.client import GraphClient, Request
from connectors.calendars.microsoft365.errors import NoItem, RequestInfo, calendar_error, foreign_link
from connectors.calendars.microsoft365.events import SELECT
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.client import Answer
from connectors.calendars.shared.paging import all_pages
from connectors.errors import CursorExpired, RetryLater
from connectors.net.retry import Again
from scoring.meetings.values import Window

T = TypeVar("T")
Read = Callable[[Sequence[Any]], T]
"""Reads the items of a page."""
Keep = Callable[[str], None]

_PREFER = 'outlook.timezone="UTC", outlook.body-content-type="text", IdType="ImmutableId"'
_PAGE = 200  # with bodies, which cannot be refused: larger pages take Graph long, and memory


class Mailbox:
    """One person's mailbox, for one listing."""

    def __init__(self, client: GraphClient, person: str, counter: RequestCounter, most_pages: int) -> None:
        self._client = client
        self._most_pages = most_pages
        self._person = person
        self._counter = counter
        self._root = f"{client.endpoint}/users/{quote(person, safe='')}"

    def changes(self, link: str, read: Read[T], keep: Keep) -> Iterator[T]:
        """What changed since a delta link; `keep` is given the next one at the end.

        Raises `CursorExpired` when the link is of no use any more, or none of this Graph's.
        """
        if not self._client.leads_to(link):
            raise CursorExpired("the delta link leads to another host")
        return self._delta(link, RequestInfo(subject=self._person, with_link=True), read, keep)

    def first_changes(self, window: Window, read: Read[T], keep: Keep) -> Iterator[T]:
        """Everything in a window; `keep` is given the delta link at the end. Raises `TooWide`."""
        url = f"{self._root}/calendarView/delta?{_between(window)}"
        return self._delta(url, RequestInfo(subject=self._person), read, keep)

    def view(self, window: Window, read: Read[T]) -> Iterator[T]:
        """Everything in a window. Raises `TooWide`.

        Not `$select`ed: then it would not say when an item was changed (B2).
        """
        url = f"{self._root}/calendarView?{_between(window)}"
        return (found for found, _ in self._pages(url, RequestInfo(subject=self._person), read, _PAGE))

    def instances(self, series: str, window: Window, read: Read[T]) -> Iterator[T]:
        """The occurrences and exceptions of a series in a window. Raises `NoItem` and `TooWide`."""
        url = f"{self._root}/events/{quote(series, safe='')}/instances?{_between(window)}&$select={SELECT}"
        info = RequestInfo(subject=self._person, of_item=True)
        return (found for found, _ in self._pages(url, info, read, _PAGE))

    def item(self, number: str) -> Mapping[str, Any] | None:
        """One item as it is now; None when it is gone."""
        url = f"{self._root}/events/{quote(number, safe='')}?$select={SELECT}"
        info = RequestInfo(subject=self._person, of_item=True)
        try:
            return self._client.get(
                Request(url=url, headers=_headers(1), info=info), calendar_error, self._counter, dict
            )
        except NoItem:
            return None

    def _delta(self, url: str, info: RequestInfo, read: Read[T], keep: Keep) -> Iterator[T]:
        final: str | None = None
        for found, final in self._pages(url, info, read, _PAGE):  # noqa: B007  # the last page's is what counts
            yield found
        if final is None:
            raise _unended(info, "the list of changes ends without saying how to go on")
        keep(final)

    def _pages(self, url: str, info: RequestInfo, read: Read[T], size: int) -> Iterator[tuple[T, str | None]]:
        """All pages of a list, each with the delta link that it ends with. One may be empty with more to come (B1)."""

        def link(answer: Answer, name: str) -> str | None:
            """A link of an answer, which is asked for as it is, now or in a later listing."""
            found = answer.get(name)
            if found and not (isinstance(found, str) and self._client.leads_to(found)):
                raise CursorExpired("the list of changes leads to another host") if info.with_link else foreign_link()
            return found or None

        def unpacked(answer: Answer) -> tuple[tuple[T, str | None], str | None]:
            items = answer.get("value")
            if not isinstance(items, list):
                raise Again("garbled", "Graph's answer is not as documented")
            return (read(items), link(answer, "@odata.deltaLink")), link(answer, "@odata.nextLink")

        def page(where: str) -> tuple[tuple[T, str | None], str | None]:
            request = Request(url=where, headers=_headers(size), info=info)
            return self._client.get(request, calendar_error, self._counter, unpacked)

        endless = _unended(info, "the calendar's list does not end")
        return all_pages(page, url, self._most_pages, self._counter, endless)


def _unended(info: RequestInfo, what: str) -> CursorExpired | RetryLater:
    return CursorExpired(what) if info.with_link else RetryLater("endless", what)


def _headers(size: int) -> dict[str, str]:
    return {"Prefer": f"{_PREFER}, odata.maxpagesize={size}"}


def _between(window: Window) -> str:
    return f"startDateTime={_stamp(window.start)}&endDateTime={_stamp(window.end)}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
