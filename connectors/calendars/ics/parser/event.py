"""One VEVENT read into what recurrence needs: start on its own wall clock, length, rules, place in a series.

Who takes part and what it is called is read later (`details`), and only of what lies in the window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from connectors.calendars.ics.parser.lines import VEvent
from connectors.calendars.ics.parser.values import (
    Malformed,
    Moment,
    Property,
    duration_of,
    instant_of,
    moment_of,
    moments_of,
    property_of,
)
from connectors.calendars.ics.parser.zones import Zone, Zones

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event is: days of the calendar, then elapsed seconds (RFC 5545 3.8.5.3: DTEND is exact)."""

    days: int = 0
    seconds: int = 0

    def end(self, start: datetime, zone: tzinfo) -> datetime:
        """The end in UTC of what starts on that wall clock."""
        return utc(start + timedelta(days=self.days), zone) + timedelta(seconds=self.seconds)


@dataclass(slots=True, kw_only=True)
class Event:
    """A VEVENT. `start` is naive, on the wall clock of `zone`; of an all-day event midnight, and `zone` is UTC.

    `rank` orders the revisions of one thing: SEQUENCE, last change, position in the file. `occurrence` is its
    RECURRENCE-ID, `following` whether it changes what comes after too.
    """

    vevent: VEvent
    uid: str | None
    rank: tuple[int, float, int]
    start: datetime
    zone: tzinfo
    all_day: bool
    length: Length
    cancelled: bool
    changed: datetime | None
    rules: list[str] = field(default_factory=list)
    rdates: list[Moment] = field(default_factory=list)
    periods: list[tuple[Moment, Moment | timedelta]] = field(default_factory=list)
    exdates: list[Moment] = field(default_factory=list)
    occurrence: Moment | None = None
    following: bool = False
    flaws: list[str] = field(default_factory=list)

    @property
    def recurs(self) -> bool:
        return bool(self.rules or self.rdates or self.periods)


def utc(wall: datetime, zone: tzinfo) -> datetime:
    """The instant of a wall clock; of a time that the clocks skip, as RFC 5545 3.3.5 reads it."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


class EventReader:
    """Reads the events of one VCALENDAR."""

    def __init__(self, zones: Zones, floating: Zone, method: str) -> None:
        self._zones = zones
        self._floating = floating
        self._cancels = method == "CANCEL"

    def read(self, vevent: VEvent, position: int) -> Event:
        """The event. Raises `Malformed`."""
        if vevent.flaw is not None:
            raise Malformed(vevent.flaw)
        start = self._first(vevent, b"DTSTART")
        if start is None:
            raise Malformed("it has no start")
        begins = self._settle(moment_of(start, self._zones))
        flaws = [] if begins.known else ["unknown_zone"]
        begins, length = self._extent(vevent, begins, flaws)
        changed = _changed(vevent)
        event = Event(
            vevent=vevent,
            uid=_uid(vevent),
            rank=(_sequence(vevent), (changed or _EPOCH).timestamp(), position),
            start=begins.wall,
            zone=begins.zone or UTC,
            all_day=begins.day,
            length=length,
            cancelled=self._cancels or word(vevent, b"STATUS") == "CANCELLED",
            changed=changed,
            flaws=flaws,
        )
        self._place(event)
        return event

    def _place(self, event: Event) -> None:
        """Where the event stands in its series: an occurrence of it, or the rules that make the occurrences."""
        vevent = event.vevent
        if (given := self._first(vevent, b"RECURRENCE-ID")) is not None:
            event.occurrence = moment_of(given, self._zones)
            event.following = given.parameters.get("RANGE", "").upper() == "THISANDFUTURE"
            return  # Lotus repeats the RDATE of the occurrence in it
        event.rules = [property_of(line).value.strip() for line in vevent.properties.get(b"RRULE", ())]
        for line in vevent.properties.get(b"RDATE", ()):
            moments, periods, complete = moments_of(property_of(line), self._zones)
            event.rdates += moments
            event.periods += periods
            _note(event.flaws, "unreadable_rdate", not complete)
        for line in vevent.properties.get(b"EXDATE", ()):
            moments, _, complete = moments_of(property_of(line), self._zones)
            event.exdates += moments
            _note(event.flaws, "unreadable_exdate", not complete)
        _note(event.flaws, "exrule", b"EXRULE" in vevent.properties)

    def _extent(self, vevent: VEvent, begins: Moment, flaws: list[str]) -> tuple[Moment, Length]:
        given = self._first(vevent, b"DTEND")
        lasts = self._first(vevent, b"DURATION")
        if given is None:
            return begins, _lasting(begins, None if lasts is None else duration_of(lasts.value))
        _note(flaws, "end_and_duration", lasts is not None)
        ends = self._settle(moment_of(given, self._zones))
        _note(flaws, "unknown_zone", not ends.known and not flaws)
        _note(flaws, "mixed_times", begins.day != ends.day)
        if not begins.day and _is_whole_days(vevent, begins, ends):
            begins = Moment(begins.wall, UTC, day=True)
            ends = Moment(ends.wall, UTC, day=True)
        if begins.day:
            return begins, Length(days=(ends.date - begins.date).days)
        if ends.day:
            ends = Moment(ends.wall, begins.zone)
        seconds = utc(ends.wall, ends.zone or UTC) - utc(begins.wall, begins.zone or UTC)
        return begins, Length(seconds=int(seconds.total_seconds()))

    def _settle(self, moment: Moment) -> Moment:
        """A time that floats, in the zone that the calendar or else the company is in."""
        if moment.zone is not None:
            return moment
        return Moment(moment.wall, self._floating.rules, known=self._floating.known)

    def _first(self, vevent: VEvent, name: bytes) -> Property | None:
        lines = vevent.properties.get(name)
        return property_of(lines[0]) if lines else None


def word(vevent: VEvent, name: bytes) -> str:
    """A property that is one word, in capitals; empty if absent or unreadable."""
    for line in vevent.properties.get(name, ()):
        return line.partition(b":")[2].decode("utf-8", "replace").strip().upper()
    return ""


def _lasting(begins: Moment, lasts: timedelta | None) -> Length:
    if lasts is None:
        return Length(days=1 if begins.day else 0)
    if begins.day:
        return Length(days=-(-lasts // timedelta(days=1)))
    return Length(days=lasts.days, seconds=lasts.seconds)


def _is_whole_days(vevent: VEvent, begins: Moment, ends: Moment) -> bool:
    """Exchange writes an all-day event as midnight to midnight and says what it is beside."""
    midnights = begins.wall.time() == ends.wall.time() == datetime.min.time()
    return midnights and not ends.day and word(vevent, b"X-MICROSOFT-CDO-ALLDAYEVENT") == "TRUE"


def _uid(vevent: VEvent) -> str | None:
    for line in vevent.properties.get(b"UID", ()):
        return property_of(line).value.strip() or None
    return None


def _sequence(vevent: VEvent) -> int:
    text = word(vevent, b"SEQUENCE")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _changed(vevent: VEvent) -> datetime | None:
    for name in (b"LAST-MODIFIED", b"DTSTAMP"):
        for line in vevent.properties.get(name, ()):
            try:
                found = instant_of(property_of(line))
            except Malformed:
                found = None
            if found is not None:
                return found
    return None


def _note(flaws: list[str], flaw: str, holds: bool) -> None:
    if holds and flaw not in flaws:
        flaws.append(flaw)
