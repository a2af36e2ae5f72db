"""R10: where the score has gone over the last three ended months."""

from __future__ import annotations

import pytest

from scoring.months.figures import Figures
from scoring.months.history import History, Trend
from scoring.months.month import Month
from scoring.months.steps import Step
from tests.scoring.builders import figures, history

OCTOBER = Month("2026-10")


def scored(month: str, calls: int) -> Figures:
    """A month whose score is its number of calls."""
    return figures(month, steps={Step.PHONE: calls} if calls else {})


def past(*scores: int, **fields: object) -> History:
    """A client long known, with these scores in the months up to October 2026."""
    months = [f"2026-{10 - back:02d}" for back in range(len(scores) - 1, -1, -1)]
    found = [scored(month, score) for month, score in zip(months, scores, strict=True)]
    return history(scored("2025-01", 1), *found, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scores", "trend"),
    [
        pytest.param((3, 1, 4), Trend.IMPROVING, id="c over a, whatever b"),
        pytest.param((3, 9, 4), Trend.IMPROVING, id="c over a, b above both"),
        pytest.param((4, 5, 3), Trend.DECLINING, id="c under a"),
        pytest.param((3, 9, 3), Trend.FLAT, id="c equals a"),
        pytest.param((0, 0, 0), Trend.FLAT, id="nothing at all, but met once"),
        pytest.param((0, 0, 1), Trend.IMPROVING, id="from nothing"),
        pytest.param((1, 0, 0), Trend.DECLINING, id="to nothing"),
        pytest.param((9, 1, 2, 3), Trend.IMPROVING, id="only three months are asked"),
    ],
)
def test_r10_the_trend_compares_the_first_and_last_of_three_months(scores: tuple[int, ...], trend: Trend) -> None:
    row = past(*scores).row(OCTOBER)
    assert (row.trend, row.trend_scores) == (trend, scores[-3:])


@pytest.mark.parametrize(
    ("first_met", "trend"),
    [
        pytest.param(None, Trend.NEW, id="never met"),
        pytest.param("2026-10", Trend.NEW, id="met first in c"),
        pytest.param("2026-09", Trend.NEW, id="met first in b"),
        pytest.param("2026-08", Trend.FLAT, id="met first in a: all three are known"),
        pytest.param("2026-07", Trend.FLAT, id="met before a"),
    ],
)
def test_r10_the_trend_is_new_while_its_first_month_lies_before_the_first_meeting(
    first_met: str | None, trend: Trend
) -> None:
    assert history(first_met=first_met).row(OCTOBER).trend is trend


def test_r10_the_running_month_is_no_part_of_a_trend() -> None:
    found = past(1, 2, 3, running="2026-11")
    november = history(*found.months.values(), scored("2026-11", 0))
    row = november.row(Month("2026-11"))
    assert (row.trend, row.trend_scores) == (Trend.IMPROVING, (1, 2, 3))


def test_r10_a_past_month_has_the_trend_of_its_own_three_months() -> None:
    assert past(5, 1, 2, 3, 0).row(Month("2026-08")).trend_scores == (5, 1, 2)


def test_r10_months_before_history_are_shown_as_unknown() -> None:
    row = history(scored("2026-09", 1), scored("2026-10", 2), begins="2026-09").row(OCTOBER)
    assert (row.trend, row.trend_scores) == (Trend.NEW, (None, 1, 2))


def test_r10_the_worked_example_improves() -> None:
    """Four months of 12, 14, 17 and 22 points."""
    assert past(12, 14, 17, 22).row(OCTOBER).trend is Trend.IMPROVING
    assert past(12, 14, 17, 22).row(OCTOBER).trend_scores == (14, 17, 22)


@pytest.mark.parametrize(
    ("scores", "trend"),
    [
        pytest.param((1, 1, 1, 0, 0, 4), Trend.IMPROVING, id="three months over the three before"),
        pytest.param((0, 0, 5, 3, 0, 1), Trend.DECLINING, id="three months under the three before"),
        pytest.param((6, 0, 0, 0, 0, 6), Trend.FLAT, id="as much"),
    ],
)
def test_r10_a_quarterly_trend_compares_three_months_with_the_three_before(
    scores: tuple[int, ...], trend: Trend
) -> None:
    assert past(*scores, quarterly=True).row(OCTOBER).trend is trend


@pytest.mark.parametrize(
    ("first_met", "begins", "trend"),
    [
        pytest.param("2026-07", "2026-05", Trend.IMPROVING, id="in the last of the earlier three, all six are known"),
        pytest.param("2026-08", "2026-05", Trend.NEW, id="in the first of the later three"),
        pytest.param("2026-07", "2026-04", Trend.IMPROVING, id="seven are known"),
        pytest.param("2026-07", "2026-06", Trend.NEW, id="one too few is known"),
        pytest.param("2025-01", "2026-05", Trend.IMPROVING, id="met before history"),
    ],
)
def test_r10_a_quarterly_trend_is_new_while_the_earlier_three_end_before_the_first_meeting(
    first_met: str, begins: str, trend: Trend
) -> None:
    met = [scored(f"2026-{month:02d}", calls) for month, calls in ((7, 1), (8, 1), (9, 1), (10, 2))]
    known = [one for one in met if one.month >= first_met]
    found = history(*known, first_met=first_met, begins=begins, quarterly=True)
    assert found.row(OCTOBER).trend is trend


@pytest.mark.parametrize("known", range(1, 6))
def test_r10_a_quarterly_trend_is_new_while_it_reaches_before_history(known: int) -> None:
    """R11: months before history are unknown, never zero; three months cannot be compared with one."""
    months = [scored(f"2026-{11 - back:02d}", 2) for back in range(1, known + 1)]
    found = history(*months, begins=f"2026-{11 - known:02d}", quarterly=True)
    assert found.row(OCTOBER).trend is Trend.NEW
