"""One round of one calendar: listed in full, or what changed since a sync token (`docs/providers.md` A1, A2, G).

A full listing covers the window. A sync token then brings every change, whatever its date; but an entry that drifts
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

from connectors.calendars.google.client import Access, Calls
from connectors.calendars.google.errors import Asked, calendar_error
from connectors.calendars.google.events import FIELDS, read_page
from connectors.calendars.google.json_pages import Answer
from connectors.calendars.google.sessions import Line
from connectors.calendars.shared.items import Newest, Origin
from connectors.contract import Done, Page, Person, Reading
from connectors.errors import ConnectorError, CursorExpired, RetryLater

# The same for a listing and for every round after it (A2). `showDeleted` is left out of both: a listing then has no
# tombstones, a round always has them. `eventTypes` too: an entry that becomes another kind would silently be missed,
# and what is no meeting is told from others here. `maxAttendees` would hide people.
_PARAMETERS: Mapping[str, Any] = {
    "calendarId": "primary",
    "singleEvents": True,
    "maxResults": 2500,
    "fields": FIELDS,
}
_MARGIN = timedelta(days=1)  # dates begin at another time in every zone; what is listed too much does no harm
_MOST_PAGES = 100_000
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


class Round:
    """A calendar's round, from the request to `Done`."""

    def __init__(
        self, access: Access, connector: str, scopes: tuple[str, ...], person: Person, reading: Reading
    ) -> None:
        self._access = access
        self._reading = reading
        self._asked = Asked(api="calendar", subject=person.address, scopes=scopes)
        self._origin = Origin(
            connector=connector,
            calendar=person.id,
            addresses=person.addresses,
            read_at=reading.now,
            may_keep=reading.may_keep,
        )
        self._calls = Calls()
        self._token: str | None = None
        self._newest = Newest(reading.now)

    def run(self) -> Iterator[Page | Done]:
        """Pages, then `Done`. Raises `CursorExpired` when the sync token is of no use any more."""
        try:
            yield from self._run()
        except ConnectorError as error:
            error.requests = self._calls.made
            raise

    def _run(self) -> Iterator[Page | Done]:
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
            requests=self._calls.made,
        )

    def _list(self, what: Mapping[str, Any]) -> Iterator[Page]:
        """All pages of a listing; afterwards `_token` is its sync token. An empty page says nothing about the next."""
        asked = replace(self._asked, with_token="syncToken" in what)
        parameters = {**_PARAMETERS, **what}
        for _ in range(_MOST_PAGES):
            ask = partial(_request, parameters)
            page, following, token = self._access.call(asked, ask, calendar_error, self._calls, self._read)
            if page is not None:
                yield self._newest.of(page)
            if not following:
                self._token = token
                return
            if following == parameters.get("pageToken"):
                break
            parameters["pageToken"] = following
        if asked.with_token:
            raise CursorExpired("the list of changes does not end")
        raise RetryLater("endless", "the calendar's list does not end")

    def _read(self, answer: Answer) -> tuple[Page | None, Any, Any]:
        """Its items, if it has any, and the tokens of the next page and of the next round."""
        items = answer.get("items")
        page = read_page(items, self._origin) if items else None
        return page, answer.get("nextPageToken"), answer.get("nextSyncToken")


def _between(start: datetime, end: datetime) -> dict[str, str]:
    """`timeMin` bounds the end of an entry, `timeMax` its start, both exclusively (A1)."""
    return {"timeMin": (start - _MARGIN).isoformat(), "timeMax": (end + _MARGIN).isoformat()}


def _request(parameters: Mapping[str, Any], line: Line) -> Any:
    return line.entries.list(**parameters)
