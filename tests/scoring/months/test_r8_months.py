"""R8: a meeting's month by the company's clock, and its length by real time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from scoring.meetings.values import Identity, Meeting, Window
from scoring.months.month import Month, begins, first_day, month_from, month_of, shift
from scoring.months.steps import Step
from tests.scoring.builders import JO, LONDON, all_day_copy, at, day, judged, local, meeting, merged, midnight

NEW_YORK = ZoneInfo("America/New_York")
AUCKLAND = ZoneInfo("Pacific/Auckland")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
BEIRUT = ZoneInfo("Asia/Beirut")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("moment", "zone", "month"),
    [
        pytest.param("2026-09-30 22:59:59", LONDON, "2026-09", id="London, summer: the last second of September"),
        pytest.param("2026-09-30 23:00", LONDON, "2026-10", id="London, summer: October begins at 23:00 UTC"),
        pytest.param("2026-10-31 23:59:59", LONDON, "2026-10", id="London, winter: the last second of October"),
        pytest.param("2026-11-01 00:00", LONDON, "2026-11", id="London, winter: November begins at midnight UTC"),
        pytest.param("2026-10-01 03:59:59", NEW_YORK, "2026-09", id="New York, summer: still September"),
        pytest.param("2026-10-01 04:00", NEW_YORK, "2026-10", id="New York, summer: October begins at 04:00 UTC"),
        pytest.param("2026-12-01 04:59:59", NEW_YORK, "2026-11", id="New York, winter: still November"),
        pytest.param("2026-12-01 05:00", NEW_YORK, "2026-12", id="New York, winter: December begins at 05:00 UTC"),
        pytest.param("2026-09-30 10:59:59", AUCKLAND, "2026-09", id="Auckland, summer: still September"),
        pytest.param("2026-09-30 11:00", AUCKLAND, "2026-10", id="Auckland, summer: October a day before, 11:00 UTC"),
        pytest.param("2026-06-30 12:00", AUCKLAND, "2026-07", id="Auckland, winter: July at noon UTC"),
        pytest.param("2026-12-31 11:00", AUCKLAND, "2027-01", id="Auckland: the year changes first"),
        pytest.param("2026-09-30 18:14:59", KATHMANDU, "2026-09", id="Kathmandu: a quarter of an hour counts"),
        pytest.param("2026-09-30 18:15", KATHMANDU, "2026-10", id="Kathmandu: October begins at 18:15 UTC"),
    ],
)
def test_r8_a_moment_belongs_to_the_month_of_the_companys_clock(moment: str, zone: ZoneInfo, month: str) -> None:
    assert month_of(at(moment), zone) == month


def test_r8_the_zone_in_which_a_moment_is_told_does_not_matter() -> None:
    moment = datetime(2026, 10, 1, 5, tzinfo=timezone(timedelta(hours=9)))
    assert month_of(moment, LONDON) == "2026-09"


@pytest.mark.parametrize(
    ("month", "zone", "moment"),
    [
        pytest.param("2026-10", LONDON, "2026-09-30 23:00", id="London in summer"),
        pytest.param("2026-11", LONDON, "2026-11-01 00:00", id="London in winter"),
        pytest.param("2026-10", NEW_YORK, "2026-10-01 04:00", id="New York"),
        pytest.param("2026-10", AUCKLAND, "2026-09-30 11:00", id="Auckland"),
        pytest.param("2026-11", NEW_YORK, "2026-11-01 04:00", id="New York: on the day the clock goes back"),
    ],
)
def test_r8_a_month_begins_at_the_companys_midnight(month: str, zone: ZoneInfo, moment: str) -> None:
    assert begins(Month(month), zone) == at(moment)


@pytest.mark.parametrize("zone", [LONDON, NEW_YORK, AUCKLAND, LORD_HOWE, BEIRUT], ids=str)
def test_r8_months_follow_each_other_without_gap_or_overlap(zone: ZoneInfo) -> None:
    month = Month("2024-01")
    for _ in range(48):
        start, end = begins(month, zone), begins(shift(month, 1), zone)
        assert month_of(start, zone) == month
        assert month_of(end - timedelta(seconds=1), zone) == month
        assert month_of(end, zone) == shift(month, 1)
        month = shift(month, 1)


@pytest.mark.parametrize(
    ("month", "months", "shifted"),
    [
        ("2026-10", 0, "2026-10"),
        ("2026-10", 3, "2027-01"),
        ("2026-01", -1, "2025-12"),
        ("2026-12", 1, "2027-01"),
        ("2026-10", -12, "2025-10"),
        ("2026-10", -37, "2023-09"),
    ],
)
def test_r8_months_are_counted_across_years(month: str, months: int, shifted: str) -> None:
    assert shift(Month(month), months) == shifted
    assert shift(Month(shifted), -months) == month


@pytest.mark.parametrize("text", ["2026-10", "0001-01", "9999-12"])
def test_r8_a_month_is_written_as_year_and_month(text: str) -> None:
    assert month_from(text) == text
    assert first_day(Month(text)) == day(f"{text}-01")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-1",
        "26-10",
        "2026-13",
        "2026-00",
        "0000-01",
        "2026/10",
        "2026-10-01",
        " 2026-10",
        "２０２６-１０",
    ],
)
def test_r8_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        month_from(text)


def spanning(start: str, end: str, zone: ZoneInfo) -> Meeting:
    """A meeting from one wall clock's time to another."""
    begin, finish = local(start, zone), local(end, zone)
    return meeting(start=begin.replace(tzinfo=None).isoformat(), minutes=(finish - begin).total_seconds() / 60)


@pytest.mark.parametrize(
    ("start", "end", "zone", "hours", "step"),
    [
        pytest.param("2026-03-29 00:30", "2026-03-29 02:30", LONDON, 1.0, Step.SHORT_ONE, id="London forward"),
        pytest.param("2026-10-25 00:30", "2026-10-25 02:30", LONDON, 3.0, Step.LONG_ONE, id="London back"),
        pytest.param("2026-03-08 01:30", "2026-03-08 03:30", NEW_YORK, 1.0, Step.SHORT_ONE, id="New York forward"),
        pytest.param("2026-11-01 00:30", "2026-11-01 02:30", NEW_YORK, 3.0, Step.LONG_ONE, id="New York back"),
        pytest.param("2026-09-27 01:30", "2026-09-27 03:30", AUCKLAND, 1.0, Step.SHORT_ONE, id="Auckland forward"),
        pytest.param("2026-04-05 01:30", "2026-04-05 03:30", AUCKLAND, 3.0, Step.LONG_ONE, id="Auckland back"),
        pytest.param("2026-10-04 01:30", "2026-10-04 03:00", LORD_HOWE, 1.0, Step.SHORT_ONE, id="half an hour forward"),
        pytest.param("2026-10-24 23:00", "2026-10-25 08:00", LONDON, 10.0, Step.LONG_ONE, id="nine by the wall, ten"),
    ],
)
def test_r8_a_meeting_across_a_clock_change_has_its_true_length(
    start: str, end: str, zone: ZoneInfo, hours: float, step: Step
) -> None:
    found = spanning(start, end, zone)
    assert found.length == timedelta(hours=hours)
    assert judged(found).step is step


def test_r8_a_meetings_length_is_real_time_even_if_told_by_a_wall_clock() -> None:
    """Python subtracts wall clocks when both times carry one zone; a meeting must not."""
    wall = (datetime(2026, 10, 25, hour, 30, tzinfo=LONDON) for hour in (0, 2))
    start, end = wall
    found = Meeting(
        identity=Identity(series=b"k"),
        start=start,
        end=end,
        all_day=False,
        cancelled=False,
        organiser=None,
        participants=(),
        setting=meeting().setting,
        title=None,
        calendars=(JO,),
    )
    assert found.length == timedelta(hours=3)


@pytest.mark.parametrize(
    ("on", "until", "zone", "hours"),
    [
        pytest.param("2026-10-05", "2026-10-06", LONDON, 24, id="a day in London"),
        pytest.param("2026-10-25", "2026-10-26", LONDON, 25, id="the day the clock goes back"),
        pytest.param("2026-03-29", "2026-03-30", LONDON, 23, id="the day it goes forward"),
        pytest.param("2026-10-01", "2026-10-02", NEW_YORK, 24, id="the first of a month in New York"),
        pytest.param("2026-10-01", "2026-10-02", AUCKLAND, 24, id="the first of a month in Auckland"),
        pytest.param("2026-09-30", "2026-10-03", AUCKLAND, 72, id="three days across a border"),
        pytest.param("2026-03-29", "2026-03-30", BEIRUT, 23, id="a day without a midnight"),
    ],
)
def test_r8_an_all_day_entry_has_its_days_in_the_companys_zone(on: str, until: str, zone: ZoneInfo, hours: int) -> None:
    found = merged(all_day_copy(on=on, until=until), zone=zone)
    assert (found.start, found.end) == (midnight(on, zone), midnight(until, zone))
    assert month_of(found.start, zone) == on[:7]
    assert found.length == timedelta(hours=hours)
    assert found.start.tzinfo is UTC


def test_r8_an_all_day_entry_of_today_has_not_ended_until_the_companys_midnight() -> None:
    found = merged(all_day_copy(on="2026-10-05", until="2026-10-06"), zone=AUCKLAND)
    assert judged(found, now=at("2026-10-05 10:59")).reason == "not_yet"
    assert judged(found, now=at("2026-10-05 11:00")).reason == "all_day"


def test_r8_a_meeting_belongs_to_the_month_in_which_it_starts_though_it_ends_in_the_next() -> None:
    found = meeting(start="2026-10-31 23:30", minutes=120)
    assert month_of(found.start, LONDON) == "2026-10"


@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [
        pytest.param("2026-10-01 00:00", "2026-10-01 01:00", True, id="begins with it"),
        pytest.param("2026-09-30 23:00", "2026-10-01 00:00", False, id="ends as it begins"),
        pytest.param("2026-09-30 23:00", "2026-10-01 00:01", True, id="reaches into it"),
        pytest.param("2026-10-01 00:00", "2026-10-01 00:00", True, id="without duration, at its beginning"),
        pytest.param("2026-10-31 23:59", "2026-11-02 00:00", True, id="begins within it"),
        pytest.param("2026-11-01 00:00", "2026-11-01 01:00", False, id="begins as it ends"),
        pytest.param("2026-09-01 00:00", "2026-12-01 00:00", True, id="longer than it"),
    ],
)
def test_a_window_holds_what_ends_after_it_begins_and_begins_before_it_ends(start: str, end: str, holds: bool) -> None:
    assert Window(start=at("2026-10-01"), end=at("2026-11-01")).holds(at(start), at(end)) is holds


@pytest.mark.parametrize("end", ["2026-10-01", "2026-09-30"])
def test_a_window_has_a_length(end: str) -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        Window(start=at("2026-10-01"), end=at(end))
