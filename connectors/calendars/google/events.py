"""One item of `events.list` made a copy, a tombstone, what may not be kept, or a problem (`docs/providers.md` A3, A4).

Pure: from plain JSON values and whose calendar it is. What a page holds is decided item by item; nothing here asks
the network, a clock or the config.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from connectors.calendars.google.attendees import attendance_of, conference_of, invited
from connectors.calendars.shared.items import (
    Erased,
    Found,
    Origin,
    Removed,
    Unreadable,
    midnight,
    moment_of,
    page_of,
    read_or_problem,
    text_of,
    whole,
    zone_of,
)
from connectors.contract import Page, Problem
from scoring.meetings.identity import identify
from scoring.meetings.values import Conference, Copy, Identity, LocationKind, Setting
from scoring.months.steps import place_of

FIELDS = (
    "nextPageToken,nextSyncToken,items("
    "id,status,eventType,visibility,iCalUID,recurringEventId,updated,summary,location,"
    "start(date,dateTime,timeZone),end(date,dateTime),originalStartTime(date,dateTime,timeZone),endTimeUnspecified,"
    "organizer(email,self),attendees(email,self,resource,responseStatus,additionalGuests),"
    "attendeesOmitted,guestsCanSeeOtherGuests,hangoutLink,"
    "conferenceData(conferenceSolution/key/type,entryPoints/entryPointType))"
)
"""What is asked for: no description, attachment or pin leaves Google (`docs/design.md` 7). Of the one link, which old
events have without any conference data, nothing is kept but that it is there."""

_NO_MEETINGS = frozenset({"outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail"})
_PRIVATE = frozenset({"private", "confidential"})


def read_page(items: Sequence[Any], origin: Origin) -> Page:
    """A page's items. One that stands twice counts as it was changed last (`docs/providers.md` A2)."""
    return page_of((read_item(item, origin) for item in items), entries=len(items))


def read_item(item: Any, origin: Origin) -> Found:
    """One item. A cancelled one is gone, whatever else it tells: on the organiser's calendar the details stay."""
    entry = item.get("id") if isinstance(item, dict) else None
    if not isinstance(entry, str) or not entry:
        return Problem(where="an entry", reason="it has no id")
    if item.get("status") == "cancelled":
        return Removed(entry)
    return read_or_problem("Google", entry, lambda: _kept(item, entry, origin))


def _kept(item: Mapping[str, Any], entry: str, origin: Origin) -> Copy | Erased:
    if item.get("visibility") in _PRIVATE or item.get("eventType") in _NO_MEETINGS:
        return Erased(entry)
    if not origin.may_keep(invited(item)):
        return Erased(entry)
    start, end, all_day = _times(item)
    attendance = attendance_of(item, origin.addresses)
    title = item.get("summary")
    changed = item.get("updated")
    unspecified = item.get("endTimeUnspecified") is True
    return Copy(
        connector=origin.connector,
        calendar=origin.calendar,
        entry=entry,
        owner=origin.addresses[0],
        identity=_identity(item, entry, origin),
        start=start,
        end=start if unspecified else end,
        all_day=all_day,
        organiser=attendance.organiser,
        participants=attendance.participants,
        response=attendance.response,
        setting=_setting(attendance.room, conference_of(item), place_of(text_of(item.get("location")))),
        title=None if not title else text_of(title) or None,
        changed_at=moment_of(changed) if changed else origin.read_at,
        read_at=origin.read_at,
        flaws=(*attendance.flaws, "end_unspecified") if unspecified else attendance.flaws,
    )


@lru_cache
def _setting(room: bool, conference: Conference, place: LocationKind) -> Setting:  # three facts, in R5's order
    return Setting(room=room, conference=conference, place=place)


def _times(item: Mapping[str, Any]) -> tuple[datetime, datetime, bool]:
    """Start, end (exclusive) and whether they are dates, which stand for midnight UTC."""
    start, end = item.get("start"), item.get("end")
    if not start or not end:
        raise Unreadable("it has no start or no end")
    if ("date" in start) != ("date" in end):
        raise Unreadable("it starts on a date and ends at a time, or the other way round")
    if "date" in start:
        return midnight(start["date"]), midnight(end["date"]), True
    return _instant(start), _instant(end), False


def _identity(item: Mapping[str, Any], entry: str, origin: Origin) -> Identity:
    """R1. Only an occurrence of a series has an original start that counts."""
    at = on = None
    if item.get("recurringEventId"):
        original = item.get("originalStartTime")
        if not original:
            raise Unreadable("it is an occurrence without its original start")
        if "date" in original:
            on = date.fromisoformat(original["date"])
        else:
            at = _instant(original)
            zone = original.get("timeZone") or item["start"].get("timeZone")
            on = _day(original["dateTime"], at, zone)
    fallback = (origin.connector, origin.calendar, entry)
    return identify(item.get("iCalUID"), at=at, on=on, fallback=fallback)


def _day(text: str, at: datetime, zone: str | None) -> date:
    """The date of an occurrence in its series' zone; where none is told, in the offset that it is written with."""
    known = zone_of(zone) if zone else None
    return at.astimezone(known).date() if known is not None else date.fromisoformat(text[:10])


def _instant(value: Mapping[str, Any]) -> datetime:
    """A `dateTime`, which has an offset, or else a `timeZone` beside it."""
    moment = datetime.fromisoformat(value["dateTime"])
    if moment.tzinfo is None:
        zone = zone_of(value.get("timeZone") or "")
        if zone is None:
            raise Unreadable("its time has neither offset nor zone")
        moment = moment.replace(tzinfo=zone)
    return whole(moment)
