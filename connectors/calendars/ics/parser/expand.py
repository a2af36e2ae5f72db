"""A series and its changed occurrences, made single occurrences within a window.

Every series is expanded on its own wall clock, naive: an occurrence stays at ten o'clock when the clocks change, and
EXDATE and RECURRENCE-ID, in whatever zone they are written, are compared there. Only the results become UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from icalendar import Event as Component
from icalendar import vDDDLists, vDDDTypes
from recurring_ical_events import EventAdapter, Occurrence, Series

from connectors.calendars.ics.parser.event import Event, Length, utc
from connectors.calendars.ics.parser.rules import rule_of
from connectors.calendars.ics.parser.values import Malformed
from scoring.meetings.values import Window

_MARGIN = timedelta(hours=36)  # wider than any offset, so that no wall clock leaves the window by its zone


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence, or an event that does not recur: then neither `at` nor `on` is there (R1)."""

    event: Event
    start: datetime
    end: datetime
    cancelled: bool
    at: datetime | None = None
    on: date | None = None
    copy: int = 0


@dataclass(slots=True)
class Group:
    """What shares a UID: the event or series itself, and its changed occurrences. `copy` counts reused UIDs."""

    master: Event | None
    changes: list[Event] = field(default_factory=list)
    copy: int = 0
    cancelled: bool = False


def grouped(events: Iterable[Event]) -> Iterator[Group]:
    """Events by UID, the latest revision of each."""
    by_uid: dict[str, list[Event]] = {}
    for event in events:
        if event.uid is None:
            yield Group(None, [event]) if event.occurrence else Group(event)
        else:
            by_uid.setdefault(event.uid, []).append(event)
    for family in by_uid.values():
        if len(family) == 1 and family[0].occurrence is None:
            yield Group(family[0], cancelled=family[0].cancelled)
        else:
            yield from _families(family)


def _families(family: list[Event]) -> Iterator[Group]:
    masters = sorted((event for event in family if event.occurrence is None), key=lambda event: event.rank)
    changes = [event for event in family if event.occurrence is not None]
    latest = _latest(masters)
    if not latest:
        yield Group(None, changes)
    for copy, master in enumerate(latest):
        yield Group(master, [] if copy else changes, copy, masters[-1].cancelled or master.cancelled)


def _latest(masters: list[Event]) -> list[Event]:
    """Of the revisions of one UID those with the highest SEQUENCE; those that start apart reuse the UID.

    Where the latest calls off a series without repeating its rule, it is the series that is called off.
    """
    top = [event for event in masters if event.rank[0] == masters[-1].rank[0]]
    series = [event for event in masters if event.recurs]
    if series and masters[-1].cancelled and not any(event.recurs for event in top):
        return series[-1:]
    return list({utc(event.start, event.zone): event for event in top}.values())


def single(master: Event, group: Group) -> Instance:
    """An event that does not recur."""
    start = utc(master.start, master.zone)
    end = master.length.end(master.start, master.zone)
    return Instance(master, start, end, group.cancelled or master.cancelled, copy=group.copy)


def occurrences(group: Group, window: Window) -> Iterator[Instance]:
    """Those of a series. Raises `Malformed`, and what the library does of a hostile rule."""
    return within(_Wall(group).occurrences(window), window)


def within(instances: Iterable[Instance], window: Window) -> Iterator[Instance]:
    """Those that the window holds."""
    return (instance for instance in instances if window.holds(instance.start, instance.end))


class _Part(EventAdapter):  # type: ignore[misc]  # the library has no types
    """One VEVENT of a series as the library sees it, with the event that it stands for."""

    def __init__(self, component: Component, event: Event, original: datetime | None = None) -> None:
        super().__init__(component)
        self.event = event
        self.original = original


class _Found(Occurrence):  # type: ignore[misc]  # the library has no types
    """An occurrence that remembers where it stood before it, or those from an earlier one on, were moved."""

    def __init__(self, part: _Part, start: datetime | None = None, end: datetime | None = None) -> None:
        super().__init__(part, start, end)
        self.event = part.event
        self.changed = start is None
        self.original: Any = part.original if start is None else start - part.move_recurrences_by


class _WallSeries(Series):  # type: ignore[misc]  # the library has no types
    def occurrence(self, adapter: _Part, start: datetime | None = None, end: datetime | None = None) -> _Found:
        return _Found(adapter, start, end)


class _Wall:
    """A group on the wall clock of its series."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._base = base = group.master or group.changes[0]
        self._all_day = base.all_day or (group.master is None and _named_by_day(base))
        self._zone = UTC if self._all_day else _series_zone(base)
        order = sorted([base, *group.changes], key=lambda event: event.rank)
        self._ranks = {id(event): position for position, event in enumerate(order)}
        self._lengths = dict(self._periods())
        self._parts = [] if group.master is None else [self._master(group.master)]
        self._parts += [self._change(event) for event in group.changes]

    def occurrences(self, window: Window) -> Iterator[Instance]:
        first, last = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (window.start, window.end))
        for found in _WallSeries(self._parts).between(first - _MARGIN, last + _MARGIN):
            yield self._instance(found)

    def _instance(self, found: _Found) -> Instance:
        event: Event = found.event
        original: datetime = found.original
        if found.changed:
            start, end = utc(event.start, event.zone), event.length.end(event.start, event.zone)
        else:
            length = self._lengths.get(original, event.length)
            start, end = utc(found.start, self._zone), length.end(found.start, self._zone)
        named_by_day = self._all_day or (self._group.master is None and _named_by_day(event))
        return Instance(
            event,
            start,
            end,
            event.cancelled or self._called_off(event),
            at=None if named_by_day else utc(original, self._zone),
            on=original.date(),
            copy=self._group.copy,
        )

    def _called_off(self, event: Event) -> bool:
        """Whether the series is, and the event is no later revision than that."""
        master = self._group.master
        return self._group.cancelled and (master is None or event is master or event.rank[0] <= master.rank[0])

    def _master(self, event: Event) -> _Part:
        component = self._component(event, event.start, event.length.end(event.start, event.zone))
        component["RRULE"] = [rule_of(text, event) for text in event.rules]
        rdates = [self._wall(moment) for moment in event.rdates] + list(self._lengths)
        component["RDATE"] = vDDDLists(rdates)
        component["EXDATE"] = vDDDLists([self._excluded(moment) for moment in event.exdates])
        return _Part(component, event)

    def _change(self, event: Event) -> _Part:
        start = utc(event.start, event.zone)
        end = event.length.end(event.start, event.zone)
        component = self._component(event, _shown(start, self._zone), end)
        original = self._original(event)
        parameters = {"RANGE": "THISANDFUTURE"} if event.following else {}
        component["RECURRENCE-ID"] = vDDDTypes(original, params=parameters)
        return _Part(component, event, original)

    def _component(self, event: Event, start: datetime, end: datetime) -> Component:
        component = Component()
        component["UID"] = event.uid or ""
        component["SEQUENCE"] = self._ranks[id(event)]
        component["DTSTART"] = vDDDTypes(start)
        component["DTEND"] = vDDDTypes(_shown(end, self._zone))
        return component

    def _original(self, event: Event) -> datetime:
        """The wall clock at which the occurrence stood that the event changes."""
        moment = event.occurrence
        if moment is None:
            raise Malformed("its place in its series cannot be read")
        if self._all_day or not moment.day:
            return self._wall(moment)
        return self._on_day(moment.date)

    def _on_day(self, day: date) -> datetime:
        """The series' occurrence of a day, where a RECURRENCE-ID names no more."""
        usual = datetime.combine(day, self._base.start.time())
        if self._group.master is None:
            return datetime.combine(day, time.min)
        series: Any = _WallSeries(self._parts[:1])
        midnight = datetime.combine(day, time.min)
        starts = [
            start for start in series.rrule_between(midnight, midnight + timedelta(days=1)) if start.date() == day
        ]
        return min(starts, default=usual)

    def _wall(self, moment: Any) -> datetime:
        if self._all_day:
            return datetime.combine(moment.date, time.min)
        wall: datetime = moment.wall_in(self._zone)
        return wall

    def _excluded(self, moment: Any) -> datetime | date:
        """A day given for a timed series excludes what lies on it."""
        return moment.date if moment.day and not self._all_day else self._wall(moment)

    def _periods(self) -> Iterator[tuple[datetime, Length]]:
        """RDATE;VALUE=PERIOD: occurrences with a length of their own."""
        for moment, ends in self._base.periods if self._group.master else ():
            start = self._wall(moment)
            if isinstance(ends, timedelta):
                yield start, Length(days=ends.days, seconds=ends.seconds)
            else:
                lasts = utc(ends.wall_in(self._zone), self._zone) - utc(start, self._zone)
                yield start, Length(seconds=int(lasts.total_seconds()))


def _series_zone(base: Event) -> tzinfo:
    """The zone whose wall clock the series keeps: its start's, else that of what names the occurrence."""
    moment = base.occurrence
    if moment is not None and not moment.day and moment.zone is not None and moment.zone is not UTC:
        return moment.zone
    return base.zone


def _named_by_day(event: Event) -> bool:
    return event.all_day or (event.occurrence is not None and event.occurrence.day)


def _shown(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
