"""Files that would take all time or memory: each ends soon, as a problem of the one entry, and the others count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.calendars.ics import files
from connectors.calendars.ics.parser.request import Request
from connectors.calendars.ics.process import Reader
from connectors.errors import SkipCalendar
from tests.connectors.calendars.ics.ics_support import OWNER, WINDOW, Desk, calendar, connector, desk, event, pull


@pytest.fixture(scope="module")
def table() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


SINCE_1970 = ":19700101T090000Z"
NEVER = "RRULE:FREQ=HOURLY;BYMONTH=1;BYYEARDAY=366"
ALL_SECONDS = ",".join(map(str, range(60)))
ALL_HOURS = ",".join(map(str, range(24)))

BOMBS = {
    "every second": event("RRULE:FREQ=SECONDLY", start=SINCE_1970),
    "every second, soon over": event("RRULE:FREQ=SECONDLY;COUNT=2"),
    "every minute": event("RRULE:FREQ=MINUTELY;COUNT=2000000000", start=SINCE_1970),
    "all seconds of a day": event(f"RRULE:FREQ=DAILY;BYHOUR={ALL_HOURS};BYMINUTE={ALL_SECONDS};BYSECOND={ALL_SECONDS}"),
    "never": event("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    "never in any year": event("RRULE:FREQ=YEARLY;BYMONTH=4,6;BYMONTHDAY=-31"),
    "never, and hard to tell": event(NEVER),
    "no interval": event("RRULE:FREQ=DAILY;INTERVAL=0"),
    "interval beyond time": event(f"RRULE:FREQ=YEARLY;INTERVAL={'9' * 30}"),
    "too many occurrences": event("RRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45", start=":20240601T000000Z"),
    "too many attendees": event(*["ATTENDEE:mailto:ana@acme.example"] * 10_001),
    "one endless line": event("RRULE:" + "FREQ=DAILY;" * 100_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_set_aside(table: Desk, name: str) -> None:
    began = time.monotonic()
    found = table.read(calendar(BOMBS[name], event(uid="good", start=":20250401T100000Z")))
    assert time.monotonic() - began < 15
    assert found.starts == ["2025-04-01 10:00"]
    assert [problem.where for problem in found.problems] == [f"{OWNER}.ics, line 3"]


COSTLY = {
    # allowed: it only looks dangerous
    "every day since 1970": (event("RRULE:FREQ=DAILY", start=SINCE_1970), 810),
    "every hour since 1970": (event("RRULE:FREQ=HOURLY", start=SINCE_1970), 19_440),
    "two thousand million times": (event("RRULE:FREQ=DAILY;COUNT=2000000000", start=SINCE_1970), 810),
    "every leap day": (event("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", start=":20240229T100000Z"), 0),
    "month's ends": (event("RRULE:FREQ=MONTHLY;BYMONTH=2,3;BYMONTHDAY=31,-1;COUNT=4", start=":20250228T100000Z"), 4),
    "fifty thousand dates": (event("RDATE:" + ",".join(["20250401T100000Z"] * 50_000)), 2),
}


@pytest.mark.parametrize("name", COSTLY)
def test_costly_series_count(table: Desk, name: str) -> None:
    text, copies = COSTLY[name]
    found = table.read(text)
    assert (len(found.copies), found.problems) == (copies, [])


def test_changed_occurrences_of_a_bomb_count(table: Desk) -> None:
    change = event("RECURRENCE-ID:20250401T100000Z", start=":20250401T110000Z")
    found = table.read(calendar(event("RRULE:FREQ=SECONDLY"), change))
    assert (found.starts, len(found.problems)) == (["2025-04-01 11:00"], 1)


def test_many_bombs_of_one_kind_cost_no_more_than_one(table: Desk) -> None:
    never = [event(NEVER, uid=f"u{number}") for number in range(200)]
    began = time.monotonic()
    found = table.read(calendar(*never, event(uid="good")))
    assert time.monotonic() - began < 15
    assert (len(found.problems), len(found.copies)) == (200, 1)


def request(size: int) -> Request:
    start, end = int(WINDOW.start.timestamp()), int(WINDOW.end.timestamp())
    return Request(owner=OWNER, source="x", start=start, end=end, zone="Europe/London", size=size)


def test_a_source_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    bomb = calendar(event(NEVER))
    good = calendar(event())
    reader = Reader(seconds=0.8)
    try:
        with pytest.raises(SkipCalendar, match="takes too much time") as caught:
            reader.read(request(len(bomb)), bomb, "the file x.ics")
        assert caught.value.code == "too_costly"
        assert len(reader.read(request(len(good)), good, "the file x.ics")) == 1
    finally:
        reader.close()


def test_a_child_that_died_is_replaced() -> None:
    data = calendar(event())
    reader = Reader()
    try:
        first = reader.read(request(len(data)), data, "x")
        for child in reader._idle:  # what the kernel does when memory is short
            child.kill()
            child.wait()
        assert reader.read(request(len(data)), data, "x") == first
    finally:
        reader.close()


def test_closing_leaves_no_child(tmp_path: Path) -> None:
    (tmp_path / f"{OWNER}.ics").write_bytes(calendar(event()))
    calendars = connector(tmp_path)
    (person,) = calendars.people().people
    assert len(pull(calendars, person).copies) == 1
    (child,) = calendars._reader._idle  # there is no other way to see it
    calendars.close()
    assert child.poll() is not None


def test_too_large_a_file(tmp_path: Path) -> None:
    with (tmp_path / f"{OWNER}.ics").open("wb") as file:
        file.truncate(files.LARGEST_BYTES + 1)
    calendars = connector(tmp_path)
    (person,) = calendars.people().people
    with pytest.raises(SkipCalendar, match="64 MB") as caught:
        pull(calendars, person)
    assert caught.value.code == "too_large"


def test_the_child_has_none_of_the_parents_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM_ICS_URL", "https://swordfish.example")
    data = calendar(event())
    reader = Reader()
    try:
        reader.read(request(len(data)), data, "x")
        (child,) = reader._idle  # its environment is what is looked at
        assert b"swordfish" not in Path(f"/proc/{child.pid}/environ").read_bytes()
    finally:
        reader.close()
