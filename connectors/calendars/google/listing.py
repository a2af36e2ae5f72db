"""One calendar, listed in full, or what changed since a sync token (`docs/providers.md` A1, A2, G).

A full listing covers the window. A sync token then brings every change, whatever its date; but an event that drifts
into the window as time goes on has not changed, so when the window's end has moved, the days that it gained are listed
as well. That is one request a day more; the others cost one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.calendars.google.client import GoogleClient
from connectors.calendars.google.errors import RequestInfo, calendar_error
from connectors.calendars.google.events import FIELDS, read_page
from connectors.calendars.google.json_pages import rows_in, token_in
from connectors.calendars.google.sessions import Connection
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.client import Answer
from connectors.calendars.shared.items import Newest, Origin
from connectors.calendars.shared.paging import all_pages, most_pages
from connectors.contract import Done, Page, Reading
from connectors.errors import CursorExpired, RetryLater

# The same for a full listing and for every list of changes after it (A2). `showDeleted` is left out of both: the one
# then has no tombstones, the other always has them. `eventTypes` too: an event that becomes another kind would silently
# be missed, and what is no meeting is told from others here. `maxAttendees` would hide people.
_PARAMETERS: Mapping[str, Any] = {
    "calendarId": "primary",
    "singleEvents": True,
    "maxResults": 2500,
    "fields": FIELDS,
}
_MARGIN = timedelta(days=1)  # dates begin at another time in every zone; what is listed too much does no harm
VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """How far a calendar is known: by a sync token, and up to which end of the window it was listed."""

    token: str | None = field(repr=False)
    end: datetime

    def dump(self) -> str:
        return json.dumps({"v": VERSION, "token": self.token, "end": self.end.isoformat()})


def load(text: str | None) -> Cursor | None:
    """A cursor of ours; None where there is none, or none of this version, or the last answer had no token."""
    if text is None:
        return None
    try:
        found = json.loads(text)
        cursor = Cursor(token=found["token"], end=datetime.fromisoformat(found["end"]))
        return cursor if cursor.token and found["v"] == VERSION else None
    except (ValueError, KeyError, TypeError):
        return None


class Listing:
    """Of one calendar, from the request to `Done`."""

    def __init__(
        self, client: GoogleClient, counter: RequestCounter, scopes: tuple[str, ...], origin: Origin, reading: Reading
    ) -> None:
        self._client = client
        self._counter = counter
        self._info = RequestInfo(api="calendar", subject=origin.addresses[0], scopes=scopes)
        self._origin = origin
        self._reading = reading
        self._token: str | None = None
        self._newest = Newest(reading.now)

    def run(self) -> Iterator[Page | Done]:
        """Pages, then `Done`. Raises `CursorExpired` when the sync token is of no use any more."""
        window = self._reading.window
        cursor = None if self._reading.full else load(self._reading.cursor)
        if cursor is None:
            yield from self._list(_between(window.start, window.end))
        else:
            if window.end > cursor.end:
                yield from self._list(_between(cursor.end, window.end))
            yield from self._list({"syncToken": cursor.token})
        yield Done(
            cursor=Cursor(token=self._token, end=window.end).dump(),
            full=cursor is None,
            window=window,
            read_through=self._reading.now,
            requests=self._counter.made,
        )

    def _list(self, what: Mapping[str, Any]) -> Iterator[Page]:
        """All pages of a list; afterwards `_token` is its sync token."""
        info = replace(self._info, with_token="syncToken" in what)

        def ask(page_token: str | None) -> tuple[Page | None, str | None]:
            parameters = {**_PARAMETERS, **what, **({"pageToken": page_token} if page_token else {})}
            make = partial(_request, parameters)
            page, following, self._token = self._client.ask(info, make, calendar_error, self._counter, self._read)
            return page, following

        endless = (
            CursorExpired("the list of changes does not end")
            if info.with_token
            else RetryLater("endless", "the calendar's list does not end")
        )
        for page in all_pages(ask, None, most_pages(self._reading.window), self._counter, endless):
            if page is not None:
                yield self._newest.of(page)

    def _read(self, answer: Answer) -> tuple[Page | None, str | None, str | None]:
        """Its items, if it has any, and the tokens of the next page and of the next list of changes."""
        items = rows_in(answer, "items")
        page = read_page(items, self._origin) if items else None
        return page, token_in(answer, "nextPageToken"), token_in(answer, "nextSyncToken")


def _between(start: datetime, end: datetime) -> dict[str, str]:
    """`timeMin` bounds the end of an event, `timeMax` its start, both exclusively (A1)."""
    return {"timeMin": (start - _MARGIN).isoformat(), "timeMax": (end + _MARGIN).isoformat()}


def _request(parameters: Mapping[str, Any], connection: Connection) -> Any:
    return connection.events.list(**parameters)
