"""The child process that reads hostile calendars: bytes in, occurrences out as plain JSON, within bounds.

It is started as a program by `process`, has no secret and no network to care for, and may be killed at any moment.
A request is a line of JSON and the bytes that it announces; the answer is lines of JSON, `done` or `error` the last.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from connectors.calendars.ics.parser.budget import Budget, Large, expand
from connectors.calendars.ics.parser.details import details_of, is_no_meeting, is_private
from connectors.calendars.ics.parser.event import Event, EventReader
from connectors.calendars.ics.parser.expand import Group, Instance, grouped
from connectors.calendars.ics.parser.lines import NotACalendar, Truncated, VCalendar, VEvent, read_vcalendars
from connectors.calendars.ics.parser.request import PAGE, Allowance, Request, set_up
from connectors.calendars.ics.parser.values import Malformed
from connectors.calendars.ics.parser.zones import Zone, Zones, definitions_allowance
from scoring.meetings.values import Window

_ANSWERS = ("REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER")  # RFC 5546 1.4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Emit = Callable[[dict[str, Any]], None]


class _Pages:
    """Collects what is found and sends it on, a page at a time."""

    def __init__(self, request: Request, emit: Emit) -> None:
        self._request = request
        self._emit = emit
        self._twins: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._clear()

    def _clear(self) -> None:
        self._details: list[dict[str, Any]] = []
        self._positions: dict[int, int] = {}
        self._rows: list[list[Any]] = []
        self._erased: list[str] = []
        self._problems: list[list[Any]] = []
        self._events = 0

    def add(self, instance: Instance) -> None:
        """One occurrence: a copy, or what may not be kept."""
        event = instance.event
        if is_private(event) or is_no_meeting(event):
            self._erased.append(self._name(instance))
        else:
            position = self._positions.get(id(event))
            if position is None:
                self._details.append(details_of(event, self._request.owner))
                position = self._positions[id(event)] = len(self._details) - 1
            self._rows.append([position, self._name(instance), *_times(instance)])
        self._count()

    def report(self, line: int, reason: str) -> None:
        """An event that was set aside."""
        self._problems.append([line, reason])
        self._count()

    def send(self) -> None:
        if self._events:
            self._emit(
                {
                    "details": self._details,
                    "rows": self._rows,
                    "erased": self._erased,
                    "problems": self._problems,
                    "events": self._events,
                }
            )
        self._clear()

    def _count(self) -> None:
        self._events += 1
        if self._events >= PAGE:
            self.send()

    def _name(self, instance: Instance) -> str:
        """A stable id, opaque since UIDs hold people's addresses: source, UID, occurrence."""
        key = self._key(instance.event)
        moment = instance.at or instance.on or ""
        return _digest(self._request.source, key, str(instance.copy), str(moment))

    def _key(self, event: Event) -> str:
        """The UID; without one what the event says, and its position among those that say the same."""
        if event.uid is not None:
            return f"uid:{event.uid}"
        found = self._keys.get(id(event.vevent))
        if found is None:
            lines = (*event.vevent.properties.get(b"DTSTART", ()), *event.vevent.properties.get(b"SUMMARY", ()))
            content = "\x1f".join(line.decode("utf-8", "replace") for line in lines)
            position = self._twins[content] = self._twins.get(content, -1) + 1
            found = self._keys[id(event.vevent)] = f"content:{content}:{position}"
        return found


def process(request: Request, data: bytes, emit: Emit) -> None:
    """Reads one source and sends its pages. Raises `NotACalendar` or `Truncated`."""
    window = Window(start=_moment(request.start), end=_moment(request.end))
    pages = _Pages(request, emit)
    events: list[Event] = []
    allowance = definitions_allowance()
    for vcalendar in read_vcalendars(data):
        reader = _reader(vcalendar, ZoneInfo(request.zone), allowance)
        for vevent in vcalendar.vevents:
            if reader is None:
                pages.report(vevent.line, "it is an answer to an invitation, not a meeting")
            elif event := _read(reader, vevent, len(events), pages):
                events.append(event)
    budget = Budget()
    large = [group for group in grouped(events) if not _expand(group, window, budget, pages)]
    budget.patient = True
    for group in large:
        _expand(group, window, budget, pages)
    pages.send()


def _reader(vcalendar: VCalendar, company: ZoneInfo, allowance: Allowance) -> EventReader | None:
    """What reads the events of a VCALENDAR; None where its METHOD says that they are answers, not meetings."""
    method = vcalendar.properties.get(b"METHOD", b"").decode("utf-8", "replace").upper()
    if method in _ANSWERS:
        return None
    zones = Zones(vcalendar.zones, company, allowance)
    named = vcalendar.properties.get(b"X-WR-TIMEZONE", b"").decode("utf-8", "replace")
    return EventReader(zones, zones.find(named) if named else Zone(company), method)


def _read(reader: EventReader, vevent: VEvent, position: int, pages: _Pages) -> Event | None:
    try:
        return reader.read(vevent, position)
    except Malformed as error:
        pages.report(vevent.line, str(error))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever a hostile entry raises, in a library too, it costs itself alone
        pages.report(vevent.line, "it cannot be read")
    return None


def _expand(group: Group, window: Window, budget: Budget, pages: _Pages) -> bool:
    """Whether the group was dealt with; if not, it is to be looked at again after the others."""
    first = group.master or group.changes[0]
    try:
        for instance in _instances(group, window, budget):
            pages.add(instance)
    except Large:
        return False
    except Malformed as error:
        pages.report(first.vevent.line, str(error))
    except (MemoryError, OSError):
        raise  # no entry's fault: all memory is used up, or nobody takes the answer
    except Exception:  # noqa: BLE001 - as in `_read`
        pages.report(first.vevent.line, "it cannot be read")
    return True


def _instances(group: Group, window: Window, budget: Budget) -> Iterator[Instance]:
    """The occurrences in the window; of what became private wherever it lies, as it may be stored from before."""
    master = group.master
    if master is not None and not master.recurs and not group.changes and is_private(master):
        window = Window(start=_EPOCH - timedelta(days=100 * 365), end=_EPOCH + timedelta(days=400 * 365))
    return expand(group, window, budget)


def _times(instance: Instance) -> list[Any]:
    return [
        instance.cancelled,
        _seconds(instance.start),
        _seconds(instance.end),
        instance.event.all_day,
        None if instance.at is None else _seconds(instance.at),
        None if instance.on is None else instance.on.isoformat(),
    ]


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)


def _digest(*parts: str) -> str:
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()


def answer(line: bytes, source: BinaryIO, emit: Emit) -> None:
    """One request answered, whatever the bytes are."""
    request = Request(**json.loads(line))
    data = source.read(request.size)
    try:
        process(request, data, emit)
    except NotACalendar as error:
        emit({"error": "malformed", "why": str(error)})
    except Truncated:
        emit({"error": "truncated"})
    except (MemoryError, RecursionError):
        emit({"error": "too_costly"})
    else:
        emit({"done": True})


def main() -> None:
    """Answers requests until the parent closes the pipe."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not pass for an answer
    set_up()

    def emit(found: dict[str, Any]) -> None:
        out.write(json.dumps(found, separators=(",", ":")).encode() + b"\n")
        out.flush()

    while line := sys.stdin.buffer.readline():
        answer(line, sys.stdin.buffer, emit)


if __name__ == "__main__":
    main()
