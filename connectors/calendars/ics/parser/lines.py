"""The bytes of a calendar file, taken apart into components without reading their values.

Every VEVENT is kept by itself with the line where it begins, so that one malformed event can be named and set aside
while the others count. Only the properties that an event needs are kept: a description is never held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_EVENT_PROPERTIES = frozenset(
    b"UID DTSTART DTEND DURATION RRULE RDATE EXDATE EXRULE RECURRENCE-ID SEQUENCE STATUS CLASS SUMMARY LOCATION "
    b"ORGANIZER ATTENDEE LAST-MODIFIED DTSTAMP CONFERENCE X-GOOGLE-CONFERENCE X-GOOGLE-HANGOUT "
    b"X-MICROSOFT-SKYPETEAMSMEETINGURL X-MICROSOFT-ONLINEMEETINGCONFLINK X-MICROSOFT-ONLINEMEETINGEXTERNALLINK "
    b"X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-CDO-ALLDAYEVENT".split()
)
_EVENT_PREFIXES = (b"X-ZOOM",)
_CALENDAR_PROPERTIES = frozenset((b"METHOD", b"X-WR-TIMEZONE"))
_DEEPEST = 32
_LONGEST_LINE = 1_000_000


class NotACalendar(Exception):
    """The bytes are no iCalendar text. Says why in one clause."""


class Truncated(Exception):
    """The text ends inside a calendar: it was half-written, or half-fetched."""


@dataclass(slots=True)
class VEvent:
    """One VEVENT: the line where it begins, and its lines by property, unfolded. `flaw` says why it is unreadable."""

    line: int
    properties: dict[bytes, list[bytes]] = field(default_factory=dict)
    flaw: str | None = "it does not end"


@dataclass(slots=True)
class VCalendar:
    """One VCALENDAR: its METHOD and zone, its events, and its VTIMEZONEs as text lines."""

    properties: dict[bytes, bytes] = field(default_factory=dict)
    vevents: list[VEvent] = field(default_factory=list)
    zones: list[list[bytes]] = field(default_factory=list)


def read_vcalendars(data: bytes) -> list[VCalendar]:
    """Every VCALENDAR of a file. Raises `NotACalendar` or `Truncated`."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise NotACalendar("it is empty")
    reader = _Reader()
    for number, line in _logical_lines(data.replace(b"\x00", b"")):  # one in a title must not cost the calendar
        reader.take(number, line)
    if not reader.begun:
        raise NotACalendar("it is binary" if b"\x00" in data else "it holds no calendar")
    if reader.stack:
        raise Truncated
    return reader.vcalendars


def _logical_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Unfolded lines (RFC 5545 3.1) with the number of the physical line where each begins; any line ends."""
    parts: list[bytes] = []
    begins = 0
    for number, raw in enumerate(data.splitlines(), 1):
        if raw[:1] in (b" ", b"\t"):
            parts.append(raw[1:])
        elif raw:
            if parts:
                yield begins, b"".join(parts)
            parts, begins = [raw], number
    if parts:
        yield begins, b"".join(parts)


class _Reader:
    """Follows BEGIN and END; lenient, so that what is out of place in one component costs no other.

    A VEVENT belongs to a VCALENDAR and to nothing else (RFC 5545 3.6): where one begins, whatever is open but the
    calendar has ended, and one that stands outside of every calendar belongs to the calendar before it.
    """

    def __init__(self) -> None:
        self.vcalendars: list[VCalendar] = []
        self.stack: list[bytes] = []
        self.begun = False
        self._outside = False
        self._too_deep = False
        self._vevent: VEvent | None = None
        self._zone: list[bytes] | None = None

    def take(self, number: int, line: bytes) -> None:
        name, value = _split(line)
        if name == b"BEGIN":
            self._begin(number, value.strip().upper(), line)
        elif name == b"END":
            self._end(value.strip().upper(), line)
        elif self._zone is not None:
            self._zone.append(line)
        elif self._vevent is not None and len(self.stack) == 2:
            if name in _EVENT_PROPERTIES or name.startswith(_EVENT_PREFIXES):
                self._keep(name, line)
        elif len(self.stack) == 1 and name in _CALENDAR_PROPERTIES:
            self.vcalendars[-1].properties.setdefault(name, value.strip())

    def _keep(self, name: bytes, line: bytes) -> None:
        if self._vevent is not None:
            if len(line) > _LONGEST_LINE:
                self._vevent.properties[b"TOO-LONG"] = []
            else:
                self._vevent.properties.setdefault(name, []).append(line)

    def _begin(self, number: int, name: bytes, line: bytes) -> None:
        if name == b"VCALENDAR" and len(self.stack) < 2:
            self._enter_calendar()
            return
        if not self.stack:
            if name not in (b"VEVENT", b"VTIMEZONE"):
                return
            self._enter_outside()
        if name == b"VEVENT":
            del self.stack[1:]
            self._vevent = self._zone = None
        if len(self.stack) >= _DEEPEST:
            self._too_deep = True
            return
        self.stack.append(name)
        if len(self.stack) == 2:
            self._too_deep = False
        if len(self.stack) == 2 and name == b"VEVENT":
            self._vevent = VEvent(number)
            self.vcalendars[-1].vevents.append(self._vevent)
        elif name == b"VTIMEZONE" and len(self.stack) == 2:
            self._zone = [line]
        elif self._zone is not None:
            self._zone.append(line)

    def _enter_calendar(self) -> None:
        """A calendar begins; one that is open has not been written to its end, and what it holds counts."""
        self.begun = True
        self._outside = False
        self.stack = [b"VCALENDAR"]
        self.vcalendars.append(VCalendar())

    def _enter_outside(self) -> None:
        self._outside = True
        self.stack = [b"VCALENDAR"]
        if not self.vcalendars:
            self.vcalendars.append(VCalendar())

    def _end(self, name: bytes, line: bytes) -> None:
        if name not in self.stack:
            return
        closed = name == self.stack[-1]
        del self.stack[len(self.stack) - 1 - self.stack[::-1].index(name) :]
        if self._zone is not None:
            self._zone.append(line)
        if len(self.stack) < 2:
            self._close(closed)

    def _close(self, closed: bool) -> None:
        """A component right within the calendar ends, by its own END or by the calendar's."""
        if self._vevent is not None:
            self._vevent.flaw = self._flaw(self._vevent) if closed else self._vevent.flaw
            self._vevent = None
        if self._zone is not None:
            if closed and not self._too_deep:
                self.vcalendars[-1].zones.append(self._zone)
            self._zone = None
        if self._outside:
            self.stack.clear()

    def _flaw(self, vevent: VEvent) -> str | None:
        if self._too_deep:
            return "its components are nested too deeply"
        return "a line of it is too long" if b"TOO-LONG" in vevent.properties else None


def _split(line: bytes) -> tuple[bytes, bytes]:
    """A line's name in capitals, and what follows the first colon."""
    head, _, value = line.partition(b":")
    return head.partition(b";")[0].strip().upper(), value
