"""Entries as RFC 5545 text that any calendar program opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import (
    Calendar,
    Conference,
    Event,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vCalAddress,
    vRecur,
    vUri,
)

from daemon.demo.cast import name_of
from daemon.demo.entry import DemoEntry, PartStat, Venue

ZONE = ZoneInfo("Europe/London")
_END = b"END:VCALENDAR\r\n"
_SUMMER, _WINTER = timedelta(hours=1), timedelta(0)


def calendar_file(owner: str, events: Iterable[bytes]) -> bytes:
    """One person's calendar as an export writes it."""
    calendar = Calendar()
    calendar.add("prodid", "-//Northwind//Rapport demo//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", owner)
    calendar.add("x-wr-timezone", ZONE.key)
    calendar.add_component(_london())
    text: bytes = calendar.to_ical()
    return text.removesuffix(_END) + b"".join(events) + _END


def event_text(entry: DemoEntry, today: date, *, private: bool) -> bytes:
    """The entry's VEVENT, and one for each occurrence that was moved or called off."""
    return b"".join(event.to_ical() for event in _events(entry, today, private=private))


def _events(entry: DemoEntry, today: date, *, private: bool) -> Iterator[Event]:
    main = _event(entry, entry.start, entry.end, today, private=private)
    if entry.repeats is not None:
        rule = dict(entry.repeats.rule)
        main.add("rrule", vRecur(rule | {"UNTIL": entry.repeats.until.replace(tzinfo=ZONE).astimezone(UTC)}))
        if entry.repeats.left_out:
            main.add("exdate", [at.replace(tzinfo=ZONE) for at in entry.repeats.left_out])
    yield main
    yield from _exceptions(entry, today, private=private)


def _exceptions(entry: DemoEntry, today: date, *, private: bool) -> Iterator[Event]:
    if entry.repeats is None:
        return
    for original, start in entry.repeats.moved:
        event = _event(entry, start, start + entry.length, today, private=private)
        event.add("recurrence-id", original.replace(tzinfo=ZONE))
        yield event
    for original in entry.repeats.called_off:
        event = _event(entry, original, original + entry.length, today, private=private, cancelled=True)
        event.add("recurrence-id", original.replace(tzinfo=ZONE))
        yield event


def _event(entry: DemoEntry, start: date, end: date, today: date, *, private: bool, cancelled: bool = False) -> Event:
    cancelled = cancelled or entry.cancelled
    event = Event()
    event.add("uid", entry.uid)
    event.add("summary", entry.title)
    event.add("dtstart", _moment(start))
    event.add("dtend", _moment(end))
    booked = _booked(start, today)
    for name in ("dtstamp", "created", "last-modified"):
        event.add(name, booked)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("sequence", 1 if cancelled else 0)
    event.add("class", "PRIVATE" if private else "PUBLIC")
    if entry.note:
        event.add("description", entry.note)
    if entry.out_of_office:
        event.add("x-microsoft-cdo-busystatus", "OOF")
    _add_people(event, entry)
    _add_venue(event, entry.venue)
    return event


def _add_people(event: Event, entry: DemoEntry) -> None:
    """Somebody alone in an entry is no attendee: calendars then name neither organiser nor attendees."""
    if len(entry.attendees) < 2 and not entry.venue.room:
        return
    event.add("organizer", vCalAddress.new(entry.organiser, cn=name_of(entry.organiser)))
    for address, answer in entry.attendees:
        event.add("attendee", _attendee(address, answer))
    if entry.venue.room:
        room = vCalAddress.new(
            entry.venue.room, cn=entry.venue.text, cutype="ROOM", role="NON-PARTICIPANT", partstat="ACCEPTED"
        )
        event.add("attendee", room)


def _attendee(address: str, answer: PartStat) -> vCalAddress:
    return vCalAddress.new(address, cn=name_of(address), partstat=answer.value, role="REQ-PARTICIPANT")


def _add_venue(event: Event, venue: Venue) -> None:
    if venue.text or venue.google_meet:
        event.add("location", venue.text or venue.google_meet)
    if venue.google_meet:
        event.add("x-google-conference", vUri(venue.google_meet))
    if venue.teams:
        event.add("x-microsoft-skypeteamsmeetingurl", vUri(venue.teams))
    if venue.dial_in:
        event.add("conference", Conference(venue.dial_in, feature="PHONE", label="Dial in").to_uri())


def _moment(day: date) -> date:
    return day.replace(tzinfo=ZONE) if isinstance(day, datetime) else day


def _booked(start: date, today: date) -> datetime:
    """When it was put there: some days before it began, and not later than yesterday."""
    first_day = start.date() if isinstance(start, datetime) else start
    day = min(first_day - timedelta(days=9), today - timedelta(days=1))
    return datetime.combine(day, time(8, 30), UTC)


def _london() -> Timezone:
    """British time as it has changed since 1996."""
    zone = Timezone()
    zone.add("tzid", ZONE.key)
    summer, winter = TimezoneDaylight(), TimezoneStandard()
    summer.add("dtstart", datetime(1996, 3, 31, 1))  # noqa: DTZ001  # RFC 5545 wants local time here
    winter.add("dtstart", datetime(1996, 10, 27, 2))  # noqa: DTZ001  # likewise
    for part, name, month, before, after in (
        (summer, "BST", 3, _WINTER, _SUMMER),
        (winter, "GMT", 10, _SUMMER, _WINTER),
    ):
        part.add("rrule", vRecur({"FREQ": "YEARLY", "BYMONTH": month, "BYDAY": "-1SU"}))
        part.add("tzname", name)
        part.add("tzoffsetfrom", before)
        part.add("tzoffsetto", after)
        zone.add_component(part)
    return zone
