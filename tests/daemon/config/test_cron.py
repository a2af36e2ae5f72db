"""When a digest's schedule comes up: crontab(5)'s days, and each moment once however the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.schema.cron import next_moment

BERLIN = ZoneInfo("Europe/Berlin")
# Changes at 2:00 and at midnight, by an hour and by half of one, in both hemispheres, and none at all.
ZONES = [
    ZoneInfo(name)
    for name in ("Europe/Berlin", "Europe/Dublin", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "UTC")
]


def moments(expression: str, since: datetime, until: datetime) -> list[datetime]:
    """All that come up between two moments, each asked for from the one before."""
    found = [next_moment(expression, since)]
    while found[-1] < until:
        found.append(next_moment(expression, found[-1].astimezone(since.tzinfo)))
    return found[:-1]


def local(expression: str, since: datetime, until: datetime) -> list[str]:
    return [f"{moment.astimezone(since.tzinfo):%m-%d %H:%M}" for moment in moments(expression, since, until)]


def berlin(month: int, day: int, hour: int = 0, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 8 1 5 mon", ["05-01", "05-04", "05-11", "05-18", "05-25"]),  # the 1st is a Friday: either will do
        ("0 8 1 5 *", ["05-01"]),
        ("0 8 * 5 7", ["05-03", "05-10", "05-17", "05-24", "05-31"]),
        ("0 8 1-4 5 *", ["05-01", "05-02", "05-03", "05-04"]),
        ("0 8 30 2 mon", ["02-02", "02-09", "02-16", "02-23"]),
        ("0 8 1 5 fri-sun", ["05-01", "05-02", "05-03", *(f"05-{day:02d}" for day in (8, 9, 10, 15, 16, 17)),
                             *(f"05-{day}" for day in (22, 23, 24, 29, 30, 31))]),
    ],
)  # fmt: skip
def test_a_day_of_the_month_or_a_weekday(expression: str, days: list[str]) -> None:
    assert local(expression, berlin(1, 1), berlin(12, 31)) == [f"{day} 08:00" for day in days]


def test_a_moment_that_the_clock_leaves_out_comes_when_the_change_is_over() -> None:
    assert local("30 2 * 3 *", berlin(3, 28), berlin(3, 31)) == ["03-28 02:30", "03-29 03:00", "03-30 02:30"]


def test_a_moment_that_the_clock_repeats_comes_once() -> None:
    first, second = moments("30 2 * * *", berlin(10, 25), berlin(10, 27))
    assert (first, second) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), berlin(10, 26, 2, 30))


@pytest.mark.parametrize("minute", [0, 29, 30, 31, 59])
def test_a_moment_that_has_come_does_not_come_again_in_the_second_pass_of_its_hour(minute: int) -> None:
    assert next_moment("30 2 * * *", berlin(10, 25, 2, minute, fold=1)) == berlin(10, 26, 2, 30)


def test_the_moment_itself_is_over() -> None:
    eight = berlin(5, 1, 8)
    assert next_moment("0 8 1 * *", eight - timedelta(microseconds=1)) == eight
    assert next_moment("0 8 1 * *", eight) == berlin(6, 1, 8)
    assert next_moment("0 8 1 * *", eight + timedelta(microseconds=1)) == berlin(6, 1, 8)


def test_a_minute_that_is_always_meant_follows_the_clock() -> None:
    quarters = moments("*/15 * * * *", berlin(10, 25, 1, 59), berlin(10, 25, 3))
    assert len(quarters) == 8  # the hour from 2 to 3 comes twice
    assert all(later - earlier == timedelta(minutes=15) for earlier, later in pairwise(quarters))


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 59),
    hour=st.integers(0, 3),
    day=st.integers(1, 28),
    asked=st.lists(st.integers(0, 366 * 24 * 60), max_size=20),
)
def test_once_a_month_whenever_it_is_asked(zone: ZoneInfo, minute: int, hour: int, day: int, asked: list[int]) -> None:
    expression = f"{minute} {hour} {day} * *"
    since, until = datetime(2026, 1, 1, tzinfo=zone), datetime(2027, 1, 1, tzinfo=zone)
    all_of_them = moments(expression, since - timedelta(seconds=1), until)
    assert [(moment.astimezone(zone).month, moment.astimezone(zone).day) for moment in all_of_them] == [
        (month, day) for month in range(1, 13)
    ]
    for minutes in asked:
        moment = (since.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone)
        later = [coming for coming in all_of_them if coming > moment.astimezone(UTC)]
        if later:
            assert next_moment(expression, moment) == later[0]
