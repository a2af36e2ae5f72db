"""R15: what a booked meeting earns, what a step more would, and what there is to beat."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from scoring.insights.circle import name_from
from scoring.insights.next_step import (
    ToBeat,
    booked,
    booked_seconds,
    most_to_gain,
    next_step,
    next_step_text,
    to_beat_text,
)
from scoring.meetings.values import Conference, Setting
from scoring.months.counting import Judged
from scoring.months.month import Month
from scoring.months.steps import Rules
from tests.scoring.builders import ANA, BEN, CAT, JO, LONDON, RULES, at, judged, meeting

_PHONE = Setting(conference=Conference.PHONE)


def ahead(listed: Any = (JO, ANA), minutes: float = 45, start: str = "2026-11-12 09:00", **fields: Any) -> Judged:
    """A meeting in November, as seen on the first of that month."""
    return judged(meeting(listed, start=start, minutes=minutes, **fields), now=at("2026-11-01"))


@pytest.mark.parametrize(
    ("listed", "minutes", "points"),
    [
        pytest.param([JO, ANA], 45, (3, 8, 5, 13), id="short with one"),
        pytest.param([JO, ANA], 60, (3, 8, 5, 13), id="an hour is short"),
        pytest.param([JO, ANA], 61, (5, 13, 5, 13), id="long with one"),
        pytest.param([JO, ANA, BEN], 60, (8, 8, 13, 13), id="short with two"),
        pytest.param([JO, ANA, BEN, CAT], 90, (13, 13, 13, 13), id="the top step"),
    ],
)
def test_r15_points_as_booked_and_a_step_more(listed: list[str], minutes: int, points: tuple[int, ...]) -> None:
    found = next_step(ahead(listed, minutes), RULES)
    assert (found.points, found.one_more, found.longer, found.both) == points


@pytest.mark.parametrize(
    ("listed", "minutes", "text"),
    [
        pytest.param([JO, ANA], 45, "45 min with Ana alone: 3. One colleague more: 8. Over an hour too: 13.", id="3"),
        pytest.param([JO, ANA], 90, "1 h 30 with Ana alone: 5. One colleague more: 13.", id="5"),
        pytest.param([JO, ANA, BEN], 30, "30 min with Ana and Ben: 8. Over an hour: 13.", id="8"),
        pytest.param([JO, ANA, BEN], 120, "2 h with Ana and Ben: 13.", id="13"),
    ],
)
def test_r15_its_sentence(listed: list[str], minutes: int, text: str) -> None:
    found = next_step_text(next_step(ahead(listed, minutes), RULES), LONDON, name_from)
    assert found == f"Thursday 12 November, {text}"


def test_r15_a_call_would_earn_more_as_a_meeting() -> None:
    found = next_step(ahead(setting=_PHONE), RULES)
    assert (found.points, found.one_more, found.longer, found.both, found.met) == (1, 1, 1, 1, 3)
    assert next_step_text(found, LONDON, name_from).endswith("with Ana alone: 1 as a call. Met instead: 3.")


def test_r15_nobody_who_counts_yet_earns_nothing_yet() -> None:
    from scoring.meetings.values import Response

    strict = Rules(responses=frozenset({Response.ACCEPTED}))
    silent = judged(
        meeting({JO: "accepted", ANA: "none"}, start="2026-11-12 09:00"), rules=strict, now=at("2026-11-01")
    )
    found = next_step(silent, strict)
    assert (found.points, found.one_more) == (0, 3)
    assert "with nobody who counts yet: 0. One colleague more: 3." in next_step_text(found, LONDON, name_from)


def test_r15_points_are_those_of_the_config() -> None:
    from scoring.months.steps import DEFAULT_POINTS, Step

    rules = Rules(points={**DEFAULT_POINTS, Step.SHORT_ONE: 4})
    assert next_step(ahead(), rules).points == 4


def test_r15_only_what_may_count_is_booked() -> None:
    listed = [
        ahead(start="2026-11-20 09:00"),
        ahead(start="2026-11-10 09:00"),
        ahead(start="2026-11-12 00:00", minutes=1440, all_day=True),
        ahead(cancelled=True),
        judged(meeting()),
    ]
    assert [one.meeting.start.day for one in booked(listed)] == [10, 20]


def test_r15_booked_hours_count_no_minute_twice_and_no_call() -> None:
    listed = [
        ahead([JO, ANA, BEN], 60, "2026-11-12 09:00"),
        ahead([JO, ANA], 60, "2026-11-12 09:30"),
        ahead([JO, ANA], 60, "2026-11-13 09:30", setting=_PHONE),
        ahead([JO, ANA], 660, "2026-11-14 09:30"),
    ]
    assert booked_seconds(listed, RULES) == 2.5 * 3600


@pytest.mark.parametrize(
    ("minutes", "longest", "counted"),
    [
        pytest.param(600, 600, 600, id="exactly the longest"),
        pytest.param(600 + 1 / 60, 600, 0, id="a second longer"),
        pytest.param(45, 45, 45, id="exactly the company's longest"),
        pytest.param(46, 45, 0, id="longer than the company's"),
    ],
)
def test_r15_booked_hours_are_those_of_meetings_that_can_count(minutes: float, longest: int, counted: int) -> None:
    rules = Rules(longest_meeting=timedelta(minutes=longest))
    assert booked_seconds([ahead(minutes=minutes)], rules) == counted * 60


@pytest.mark.parametrize(("most", "days"), [(1, [13]), (2, [12, 13]), (3, [12, 13, 15]), (9, [11, 12, 13, 14, 15])])
def test_r15_those_with_most_to_gain_are_told_in_their_order(most: int, days: list[int]) -> None:
    """By the points between as booked and the best that can be made of it: none, 10, 12 (a call), 0 and 8."""
    listed = [
        ahead([JO, ANA, BEN], 90, "2026-11-11 09:00"),
        ahead([JO, ANA], 45, "2026-11-12 09:00"),
        ahead([JO, ANA, BEN], 90, "2026-11-13 09:00", setting=_PHONE),
        ahead([JO, ANA, BEN, CAT], 90, "2026-11-14 09:00"),
        ahead([JO, ANA], 90, "2026-11-15 09:00"),
    ]
    assert [one.meeting.start.day for one in most_to_gain(reversed(listed), RULES, most)] == days


def beat(**fields: Any) -> str:
    values: dict[str, Any] = {
        "client": "Acme",
        "running": Month("2026-11"),
        "seconds": 6 * 3600,
        "so_far_seconds": 5400,
        "booked_seconds": 0,
        "booked": 0,
    }
    return to_beat_text(ToBeat(**(values | fields)), name_from)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param(
            {"booked": 2, "booked_seconds": 10800},
            "Acme: 6.0 h to beat; November has 1.5 h so far, and 3.0 h booked.",
            id="something is booked",
        ),
        pytest.param(
            {"last_met": (date(2026, 10, 12), (ANA, BEN))},
            (
                "Acme: 6.0 h to beat; November has 1.5 h so far, nothing booked in it; "
                "last met Ana and Ben on 12 October 2026."
            ),
            id="nothing is booked",
        ),
        pytest.param(
            {"seconds": 0, "so_far_seconds": 0},
            "Acme: 0.0 h to beat; November has 0.0 h so far, nothing booked in it, and nobody was ever met.",
            id="never met",
        ),
    ],
)
def test_r15_a_line_for_who_is_not_developing(fields: dict[str, Any], text: str) -> None:
    assert beat(**fields) == text
