"""Single values of an event: a content line's parameters, and the times that it tells.

A time keeps its wall clock and its zone apart, since a series recurs on its own wall clock (RFC 5545 3.8.5.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from icalendar.parser import Contentline
from icalendar.prop import vDDDTypes, vDuration

from connectors.calendars.ics.parser.zones import Zones


class Malformed(Exception):
    """An event that cannot be read. Says why in one clause that names no title and no person."""


@dataclass(frozen=True, slots=True)
class Property:
    """A content line: its parameters by upper-case name, and its value without backslashes."""

    parameters: dict[str, str]
    value: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A DATE or DATE-TIME: wall clock and zone; `zone` is None while it floats. `known`: no zone was guessed."""

    wall: datetime
    zone: tzinfo | None
    day: bool = False
    known: bool = True

    def wall_in(self, zone: tzinfo) -> datetime:
        """The wall clock that `zone` shows then. What floats, and a day, is the same in every zone."""
        if self.day or self.zone is None or self.zone is zone:
            return self.wall
        return self.wall.replace(tzinfo=self.zone).astimezone(zone).replace(tzinfo=None)

    @property
    def date(self) -> date:
        """The day that is meant where a day is wanted but an instant was written.

        Exchange writes midnight of some zone as UTC, others the last second of a day: the nearest midnight tells which.
        """
        if self.day or self.zone is not UTC:
            return self.wall.date()
        if self.wall.second == 59:
            return _nearest_midnight(self.wall + timedelta(seconds=1)) - timedelta(days=1)
        return _nearest_midnight(self.wall)


def _nearest_midnight(wall: datetime) -> date:
    return (wall + timedelta(hours=12)).date()


def property_of(line: bytes) -> Property:
    """A content line taken apart. Raises `Malformed`.

    The library takes 20 µs and more for a line, so it is asked only where there is a parameter or an escape, and once
    for rows that every event of a calendar repeats.
    """
    name, colon, rest = line.partition(b":")
    if colon and b";" not in name and b"\\" not in rest:
        return Property({}, rest.decode("utf-8", "replace"))
    return _repeated(line) if len(line) <= _REPEATED_BYTES else _read(line)


def _read(line: bytes) -> Property:
    try:
        parameters, value = _parts(line.decode("utf-8", "replace"))
    except (ValueError, AssertionError):
        raise Malformed("a line of it cannot be read") from None
    return Property({name.upper(): _single(given) for name, given in parameters.items()}, value)


_REPEATED_BYTES = 500
_repeated = lru_cache(maxsize=4096)(_read)


def _parts(line: str) -> tuple[Any, str]:
    content: Any = Contentline  # untyped in the library
    _, parameters, value = content(line).parts()
    return parameters, value


def _library_value(text: str, kind: Any) -> object:
    """A value as the library reads it, whose readers are untyped."""
    found: object = kind.from_ical(text.strip().upper())
    return found


def _single(value: object) -> str:
    """Several values of a parameter as they stood: a zone's name holds commas, quoted or not."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def moment_of(given: Property, zones: Zones) -> Moment:
    """A DATE or DATE-TIME with its zone. Raises `Malformed`."""
    return _moment(given.value, given.parameters.get("TZID"), zones)


def moments_of(given: Property, zones: Zones) -> tuple[list[Moment], list[tuple[Moment, Moment | timedelta]], bool]:
    """The values of a list (RDATE, EXDATE): moments, periods, and whether all of them could be read."""
    moments: list[Moment] = []
    periods: list[tuple[Moment, Moment | timedelta]] = []
    complete = True
    zone = given.parameters.get("TZID")
    for value in given.value.split(","):
        try:
            start, slash, end = value.partition("/")
            if slash:
                ends = duration_of(end) if "P" in end.upper() else _moment(end, zone, zones)
                periods.append((_moment(start, zone, zones), ends))
            elif value.strip():
                moments.append(_moment(value, zone, zones))
        except Malformed:
            complete = False
    return moments, periods, complete


def duration_of(text: str) -> timedelta:
    """A DURATION. Raises `Malformed`."""
    try:
        found = _library_value(text, vDuration)
    except (ValueError, TypeError, OverflowError):
        raise Malformed("its duration cannot be read") from None
    if not isinstance(found, timedelta):
        raise Malformed("its duration cannot be read")
    return found


def instant_of(given: Property) -> datetime | None:
    """LAST-MODIFIED or DTSTAMP, which are UTC by RFC 5545 3.8.7, or None if it cannot be read."""
    try:
        found = _library_value(given.value, vDDDTypes)
    except (ValueError, TypeError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else None


def _moment(text: str, zone: str | None, zones: Zones) -> Moment:
    try:
        found = _library_value(text, vDDDTypes)
    except (ValueError, TypeError, OverflowError):
        raise Malformed("one of its times cannot be read") from None
    if isinstance(found, datetime):
        if not 1601 <= found.year <= 2400:
            raise Malformed("one of its times is out of range")
        if found.tzinfo is not None:
            return Moment(found.replace(tzinfo=None), UTC)
        if zone is None:
            return Moment(found, None)
        named = zones.find(zone)
        return Moment(found, named.rules, known=named.known)
    if isinstance(found, date) and 1601 <= found.year <= 2400:
        return Moment(datetime.combine(found, time.min), UTC, day=True)
    raise Malformed("one of its times cannot be read")
