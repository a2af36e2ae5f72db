"""One item of `events.list` made a copy, a tombstone, what may not be kept, or a problem (`providers.md` A3, A4).

Pure: from plain JSON values and whose calendar it is. What a page holds is decided item by item; nothing here asks
the network, a clock or the config.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from connectors.calendars._google_guests import address_of, attendance_of, conference_of
from connectors.contract import Page, Problem
from scoring.identity import identify
from scoring.meeting import Copy, Identity, Setting
from scoring.steps import TITLE_LIMIT, place_of

FIELDS = (
    "nextPageToken,nextSyncToken,items("
    "id,status,eventType,visibility,iCalUID,recurringEventId,updated,summary,location,"
    "start(date,dateTime,timeZone),end(date,dateTime),originalStartTime(date,dateTime,timeZone),endTimeUnspecified,"
    "organizer(email,self),attendees(email,self,resource,responseStatus,additionalGuests),"
    "attendeesOmitted,guestsCanSeeOtherGuests,hangoutLink,"
    "conferenceData(conferenceSolution/key/type,entryPoints/entryPointType))"
)
"""What is asked for: no description, attachment or pin ever leaves Google (`design.md` 7). Of the one link, which old
entries have without any conference data, nothing is kept but that it is there."""

_NO_MEETINGS = frozenset({"outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail"})
_PRIVATE = frozenset({"private", "confidential"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Whose calendar is read, by id and addresses (the primary first), over which connector and when."""

    connector: str
    calendar: str
    addresses: tuple[str, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """A tombstone: it has been deleted, or this occurrence called off."""

    entry: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Private, or no meeting (R2, R4): it may not be kept, nor stay if it was."""

    entry: str


Found = Copy | Removed | Erased | Problem


class _Unreadable(Exception):
    """An item that lacks what every entry has. Its text is the reason."""


def read_page(items: Sequence[Any], origin: Origin) -> Page:
    """A page's items. One that stands twice counts as it was changed last (`providers.md` A2)."""
    found: dict[str, Found] = {}
    problems: list[Problem] = []
    for item in items:
        one = read_item(item, origin)
        if isinstance(one, Problem):
            problems.append(one)
        elif not _is_older(one, found.get(entry := one.entry)):
            found[entry] = one
    return Page(
        copies=tuple(one for one in found.values() if isinstance(one, Copy)),
        removed=tuple(one.entry for one in found.values() if isinstance(one, Removed)),
        erased=tuple(one.entry for one in found.values() if isinstance(one, Erased)),
        problems=tuple(problems),
        entries=len(items),
    )


def _is_older(one: Found, other: Found | None) -> bool:
    return isinstance(one, Copy) and isinstance(other, Copy) and one.changed_at < other.changed_at


def read_item(item: Any, origin: Origin) -> Found:
    """One item. A cancelled one is gone, whatever else it tells: on the organiser's calendar the details stay."""
    entry = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(entry, str) or not entry:
        return Problem(where="an entry", reason="it has no id")
    if item.get("status") == "cancelled":
        return Removed(entry)
    if item.get("visibility") in _PRIVATE or item.get("eventType") in _NO_MEETINGS:
        return Erased(entry)
    try:
        return _copy(item, entry, origin)
    except _Unreadable as error:
        return Problem(where=f"entry {entry[:100]}", reason=str(error))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return Problem(where=f"entry {entry[:100]}", reason="it is not as Google documents entries")


def _copy(item: Mapping[str, Any], entry: str, origin: Origin) -> Copy:
    start, end, all_day = _times(item)
    guests = attendance_of(item, origin.addresses)
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
        organiser=_organiser(item),
        participants=guests.participants,
        response=guests.response,
        setting=Setting(room=guests.room, conference=conference_of(item), place=place_of(_text(item.get("location")))),
        title=None if not title else _text(title) or None,
        changed_at=_moment(changed) if changed else origin.read_at,
        read_at=origin.read_at,
        flaws=(*guests.flaws, "end_unspecified") if unspecified else guests.flaws,
    )


def _times(item: Mapping[str, Any]) -> tuple[datetime, datetime, bool]:
    """Start, end (exclusive) and whether they are dates, which stand for midnight UTC."""
    start, end = item.get("start"), item.get("end")
    if not start or not end:
        raise _Unreadable("it has no start or no end")
    if ("date" in start) != ("date" in end):
        raise _Unreadable("it starts on a date and ends at a time, or the other way round")
    if "date" in start:
        return _midnight(start["date"]), _midnight(end["date"]), True
    return _instant(start), _instant(end), False


def _identity(item: Mapping[str, Any], entry: str, origin: Origin) -> Identity:
    """R1. Only an occurrence of a series has an original start that counts."""
    at = on = None
    if item.get("recurringEventId"):
        original = item.get("originalStartTime")
        if not original:
            raise _Unreadable("it is an occurrence without its original start")
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
    known = _zone(zone) if zone else None
    return at.astimezone(known).date() if known is not None else date.fromisoformat(text[:10])


def _organiser(item: Mapping[str, Any]) -> str | None:
    organiser = item.get("organizer")
    return address_of(organiser.get("email") or "") if organiser else None


def _instant(value: Mapping[str, Any]) -> datetime:
    """A `dateTime`, which has an offset, or else a `timeZone` beside it."""
    moment = datetime.fromisoformat(value["dateTime"])
    if moment.tzinfo is None:
        zone = _zone(value.get("timeZone") or "")
        if zone is None:
            raise _Unreadable("its time has neither offset nor zone")
        moment = moment.replace(tzinfo=zone)
    return _whole(moment)


def _moment(text: str) -> datetime:
    return _whole(datetime.fromisoformat(text))


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _midnight(text: str) -> datetime:
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return None


def _text(value: Any) -> str:
    """A text for people, without control characters and cut where titles are (`design.md` 12)."""
    return _CONTROL.sub(" ", value[: 2 * TITLE_LIMIT]).strip()[:TITLE_LIMIT] if isinstance(value, str) else ""
