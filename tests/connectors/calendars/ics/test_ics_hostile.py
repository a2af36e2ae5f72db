"""One entry, zone or stray line beside good entries: it is set aside with its reason, and every other one counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.calendars.ics.ics_support import Desk, calendar, desk, event
from tests.connectors.calendars.ics.test_ics_entries import VTIMEZONE


@pytest.fixture(scope="module")
def table() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


FIRST = event(uid="first", start=":20250401T100000Z")
LAST = event("RRULE:FREQ=DAILY;COUNT=2", uid="last", start=":20250402T100000Z")
GOOD = ["2025-04-01 10:00", "2025-04-02 10:00", "2025-04-03 10:00"]


def nested(depth: int, *inside: str) -> str:
    return "\r\n".join([*["BEGIN:X-BOX"] * depth, *inside, *["END:X-BOX"] * depth])


ASIDE = {
    # between two good entries: what stands there, and what is told of it
    "nested too deeply": (event(nested(33)), ["its components are nested too deeply"]),
    "nested too deeply, never ending": (event(*["BEGIN:X-BOX"] * 40), ["it does not end"]),
    "not an entry, nested too deeply": (nested(33), []),
    "not an entry, never ending": ("BEGIN:X-BOX", []),
    "a task that never ends": ("BEGIN:VTODO\r\nSUMMARY:x", []),
    "a zone that never ends": ("BEGIN:VTIMEZONE\r\nTZID:x", []),
    "a stray end": ("END:VCALENDAR", []),
    "several stray ends": ("END:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR", []),
    "a stray end within an entry": (event("END:VCALENDAR"), ["it does not end"]),
    "a stray beginning": ("BEGIN:VCALENDAR", []),
    "a calendar within an entry": (event("BEGIN:VCALENDAR", "END:VCALENDAR", start=""), ["it has no start"]),
    "an answer": (
        f"END:VCALENDAR\r\nBEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n{event()}\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR",
        ["it is an answer to an invitation, not a meeting"],
    ),
    "a zero byte in a title": (event("SUMMARY:a\x00b", start=""), ["it has no start"]),
}


@pytest.mark.parametrize("name", ASIDE)
def test_the_others_count(table: Desk, name: str) -> None:
    between, reasons = ASIDE[name]
    found = table.read(calendar(FIRST, between, LAST))
    assert (found.starts, found.reasons) == (GOOD, reasons)


def test_a_zone_that_stands_after_a_stray_end_is_known(table: Desk) -> None:
    zone = VTIMEZONE.format(name="Ours")
    found = table.read(calendar("END:VCALENDAR", zone, event(start=";TZID=Ours:20250701T143000")))
    assert (found.starts, found.copy.flaws) == (["2025-07-01 10:00"], ())


def test_an_entry_before_every_calendar_counts(table: Desk) -> None:
    assert table.read(FIRST.encode() + b"\r\n" + calendar(LAST)).starts == GOOD


def beside(table: Desk, *events: str) -> tuple[list[str], list[str]]:
    """What was read at good moments, and the reasons of what was set aside. A file out of time raises."""
    found = table.read(calendar(FIRST, *events, LAST))
    return [start for start in found.starts if start in GOOD], found.reasons


def test_hourly_series_leave_room_for_the_others(table: Desk) -> None:
    hourly = [event("RRULE:FREQ=HOURLY", uid=f"u{number}", start=":20241101T003000Z") for number in range(30)]
    good, reasons = beside(table, *hourly)
    assert good == GOOD
    assert set(reasons) == {"with the others of its file that repeat it makes too many occurrences"}
    assert len(reasons) == 28


def test_series_that_are_hard_to_work_out_leave_time_for_the_others(table: Desk) -> None:
    never = [
        event(f"RRULE:FREQ=HOURLY;BYMONTH=1;BYYEARDAY=366;BYMINUTE={number}", uid=f"u{number}") for number in range(60)
    ]
    good, reasons = beside(table, *never)
    assert good == GOOD
    assert reasons == ["its repetition takes too long to work out"] * 60


def test_zones_that_are_hard_to_work_out_leave_time_for_the_others(table: Desk) -> None:
    rule = "RRULE:FREQ=YEARLY;BYDAY=4SU;BYMONTH=10"
    zones = [
        VTIMEZONE.format(name=f"Z{number}").replace(rule, "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30")
        for number in range(30)
    ]
    in_them = [event(uid=f"u{number}", start=f";TZID=Z{number}:20250601T100000") for number in range(30)]
    found = table.read(calendar(FIRST, *zones, *in_them, LAST))
    assert [start for start in found.starts if start in GOOD] == GOOD
    assert [copy.flaws for copy in found.copies].count(("unknown_zone",)) == 30


def crowd(people: int) -> list[str]:
    return [f"ATTENDEE:mailto:a{number}@acme.example" for number in range(people)]


def test_people_times_occurrences_are_bounded(table: Desk) -> None:
    bomb = event("RRULE:FREQ=HOURLY", *crowd(9_990), start=":20241101T003000Z")
    good, reasons = beside(table, bomb)
    assert good == GOOD
    assert reasons == ["its people times its occurrences are more than 500000"]


def test_people_times_occurrences_of_a_file_are_bounded(table: Desk) -> None:
    large = [
        event("RRULE:FREQ=DAILY;COUNT=400", *crowd(1_100), uid=f"u{number}", start=":20250101T003000Z")
        for number in range(6)
    ]
    good, reasons = beside(table, *large)
    assert good == GOOD
    assert reasons == ["with the others of its file that repeat it makes too many occurrences"] * 2


def test_a_large_meeting_every_week_counts(table: Desk) -> None:
    found = table.read(event("RRULE:FREQ=WEEKLY", *crowd(2_000)))
    assert (len(found.copies), found.problems) == (98, [])
