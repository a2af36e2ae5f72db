"""One item of Graph's calendar made a copy, what may not be kept, or a problem (`docs/providers.md` B2, B4, B5).

Pure: from plain JSON values and whose calendar it is. Bodies and links, which come unasked, are not looked at.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tzlocal.windows_tz import win_tz

from connectors.calendars.microsoft365.attendees import attendance_of, conference_of, invited, whereabouts
from connectors.calendars.shared.items import (
    Erased,
    Found,
    Origin,
    Unreadable,
    moment_of,
    page_of,
    read_or_problem,
    text_of,
    whole,
    zone_of,
)
from connectors.contract import Page, Problem
from scoring.meetings.identity import identify, reduce_uid
from scoring.meetings.values import Copy, CopyState, Identity, Setting

SELECT = (
    "id,type,seriesMasterId,iCalUId,originalStart,originalStartTimeZone,subject,start,end,isAllDay,isCancelled,isDraft,"
    "isOrganizer,hideAttendees,sensitivity,organizer,attendees,responseStatus,location,locations,isOnlineMeeting,"
    "onlineMeetingProvider,onlineMeeting,lastModifiedDateTime"
)
"""What is asked for where it may be chosen: no body, preview or web link. `uid` is not known to every Graph."""

_OF_PART = frozenset(SELECT.split(",")) | {"uid", "occurrenceId"}
_OF_MASTER = _OF_PART - {"id", "type", "seriesMasterId", "occurrenceId", "originalStart", "start", "end"}
PARTS = frozenset({"occurrence", "exception"})
_PRIVATE = frozenset({"personal", "private", "confidential"})


def entry_of(number: str, master: str | None = None) -> str:
    """How an item is kept: by its id, short, and with its series' in front (ids have 150 characters, B4)."""
    return f"{short(master)}.{short(number)}" if master else short(number)


@lru_cache(maxsize=1_000)
def short(number: str) -> str:
    """An id in twelve characters; like the id, it is case-sensitive."""
    return urlsafe_b64encode(blake2b(number.encode("utf-8", "surrogatepass"), digest_size=9).digest()).decode()


def read_page(items: Sequence[Any], origin: Origin) -> Page:
    """A page's items. One that stands twice counts as it was changed last, else as it came last (B1)."""
    return page_of((read_item(item, origin) for item in items), entries=len(items))


def read_item(item: Any, origin: Origin) -> Found:
    """One complete item that is no series."""
    number = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(number, str) or not number:
        return Problem(where="an entry", reason="it has no id")
    master = item.get("seriesMasterId")
    entry = entry_of(number, master if isinstance(master, str) else None)
    return read_or_problem("Graph", entry, lambda: _kept(item, entry, origin))


def _kept(item: Mapping[str, Any], entry: str, origin: Origin) -> Copy | Erased:
    if item.get("sensitivity") in _PRIVATE or item.get("isDraft") is True:
        return Erased(entry)
    if not origin.may_keep(invited(item)):
        return Erased(entry)
    all_day = item.get("isAllDay") is True
    attendance = attendance_of(item, origin.addresses)
    changed = item.get("lastModifiedDateTime")
    start = _moment(item.get("start"), all_day=all_day)
    return Copy(
        connector=origin.connector,
        calendar=origin.calendar,
        entry=entry,
        owner=origin.addresses[0],
        identity=_identity(item, entry, start, origin, all_day=all_day),
        state=CopyState.CANCELLED if item.get("isCancelled") is True else CopyState.LIVE,
        start=start,
        end=_moment(item.get("end"), all_day=all_day),
        all_day=all_day,
        organiser=attendance.organiser,
        participants=attendance.participants,
        response=attendance.response,
        setting=Setting(room=attendance.room, conference=conference_of(item), place=whereabouts(item)),
        title=text_of(item.get("subject")) or None,
        changed_at=moment_of(changed) if changed else origin.read_at,
        read_at=origin.read_at,
        flaws=attendance.flaws,
    )


def _moment(value: Any, *, all_day: bool) -> datetime:
    """A bound of an item. We ask for UTC; an all-day one means its dates, in whatever zone it is written (B5)."""
    if not value:
        raise Unreadable("it has no start or no end")
    text, zone = value["dateTime"], value.get("timeZone") or "UTC"
    moment = datetime.fromisoformat(text[:19])
    if all_day:
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if zone == "UTC":
        return moment.replace(tzinfo=UTC)
    known = _windows_zone(zone)
    if known is None:
        raise Unreadable("its zone is not known")
    return whole(moment.replace(tzinfo=known))


def _identity(item: Mapping[str, Any], entry: str, start: datetime, origin: Origin, *, all_day: bool) -> Identity:
    """R1. Only an occurrence of a series has an original start that counts; a plain occurrence begins at it.

    `iCalUId` holds the occurrence's date in the series' zone; where only that is known, it has to do.
    """
    uid, on = _uid(item)
    at = None
    if item.get("type") in PARTS or item.get("seriesMasterId"):
        original = item.get("originalStart")
        if original:
            at = moment_of(original)
        elif item.get("type") == "occurrence":
            at = start
        elif on is None:
            on = _named_day(item)
        if at is not None and on is None:
            floats = all_day and not (at.hour or at.minute)  # a date, written as if it were UTC
            on = at.date() if floats else _day(at, item.get("originalStartTimeZone"))
        if all_day:
            at = None
    return identify(uid, at=at, on=on, fallback=(origin.connector, origin.calendar, entry))


def _uid(item: Mapping[str, Any]) -> tuple[str | None, date | None]:
    """The UID that all occurrences share once it is reduced, and the date that this one's holds.

    `uid` is not always there (B4): it only counts where `iCalUId` is no Global Object ID, which could differ by item.
    """
    uid = item.get("iCalUId")
    if not uid or not uid.lstrip().startswith("04000000"):
        uid = item.get("uid") or uid
    return uid, reduce_uid(uid)[1] if uid else None


def _named_day(item: Mapping[str, Any]) -> date:
    """The date in an `occurrenceId`: `OID.SERIES.2020-04-30`."""
    try:
        return date.fromisoformat(str(item.get("occurrenceId") or "")[-10:])
    except ValueError:
        raise Unreadable("it is an occurrence without its original start") from None


def _day(at: datetime, zone: Any) -> date:
    """The date of an occurrence in its series' zone, else in UTC."""
    known = _windows_zone(zone) if isinstance(zone, str) else None
    return at.astimezone(known).date() if known is not None else at.date()


def _windows_zone(name: str) -> tzinfo | None:
    """A zone by its Windows name or its IANA name; None for what is neither."""
    return zone_of(win_tz.get(name, name))


def is_complete(item: Mapping[str, Any]) -> bool:
    """Whether an item tells all that a copy needs: occurrences often come as stubs (B2)."""
    return "attendees" in item and "organizer" in item


def of_master(item: Mapping[str, Any]) -> dict[str, Any]:
    """What occurrences may take over from their series; no body, no link."""
    return {key: item[key] for key in _OF_MASTER if key in item}


def of_part(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an occurrence tells itself; no body, no link."""
    return {key: item[key] for key in _OF_PART if key in item}
