"""R9: the verdict on a client's month, by man-hours as shown."""

from __future__ import annotations

import pytest

from scoring.months.figures import Figures
from scoring.months.history import History, Verdict
from scoring.months.month import Month
from scoring.months.steps import Step
from tests.scoring.builders import figures, history

OCTOBER = Month("2026-10")
EARLIER = figures("2025-01", 1)  # so that nothing later is the first month


@pytest.mark.parametrize(
    ("months", "verdict"),
    [
        pytest.param([EARLIER, figures("2026-09", 2), figures("2026-10", 3)], Verdict.DEVELOPING, id="more"),
        pytest.param([EARLIER, figures("2026-09", 3), figures("2026-10", 2)], Verdict.NOT_DEVELOPING, id="less"),
        pytest.param([EARLIER, figures("2026-09", 3), figures("2026-10", 3)], Verdict.STEADY, id="equal"),
        pytest.param([EARLIER, figures("2026-10", 3)], Verdict.DEVELOPING, id="from nothing"),
        pytest.param([EARLIER, figures("2026-09", 3)], Verdict.NOT_DEVELOPING, id="to nothing"),
        pytest.param([EARLIER], Verdict.NO_CONTACT, id="nothing in either"),
        pytest.param([], Verdict.NO_CONTACT, id="never met"),
        pytest.param([EARLIER, figures("2026-10", phone=2)], Verdict.STEADY, id="calls alone, none before"),
        pytest.param(
            [EARLIER, figures("2026-09", phone=1), figures("2026-10", phone=2)], Verdict.STEADY, id="calls in both"
        ),
        pytest.param([EARLIER, figures("2026-09", phone=2)], Verdict.NO_CONTACT, id="calls only in the month before"),
        pytest.param(
            [EARLIER, figures("2026-09", 2), figures("2026-10", phone=5)], Verdict.NOT_DEVELOPING, id="calls instead"
        ),
        pytest.param([figures("2026-10", 3)], Verdict.NEW, id="the first month"),
        pytest.param([figures("2026-10", phone=1)], Verdict.NEW, id="the first month, by phone only"),
        pytest.param(
            [figures("2026-09", phone=1), figures("2026-10", 3)], Verdict.DEVELOPING, id="after a first month by phone"
        ),
        pytest.param([figures("2026-11", 3)], Verdict.NO_CONTACT, id="met first in a later month"),
    ],
)
def test_r9_the_verdict_compares_a_month_with_the_one_before(months: list[Figures], verdict: Verdict) -> None:
    assert history(*months).row(OCTOBER).verdict is verdict


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        pytest.param(3600, 3779, Verdict.STEADY, id="more, but 1.0 is shown for both"),
        pytest.param(3600, 3780, Verdict.DEVELOPING, id="1.1 is shown"),
        pytest.param(3779, 3600, Verdict.STEADY, id="less, but 1.0 is shown for both"),
        pytest.param(3780, 3779, Verdict.NOT_DEVELOPING, id="a second less, but 1.0 after 1.1 is shown"),
        pytest.param(0, 120, Verdict.STEADY, id="two minutes are 0.0, yet a meeting"),
        pytest.param(120, 0, Verdict.NO_CONTACT, id="0.0 in either, and nothing this month"),
        pytest.param(0, 180, Verdict.DEVELOPING, id="three minutes are 0.1"),
    ],
)
def test_r9_hours_are_compared_in_tenths_as_shown(before: int, now: int, verdict: Verdict) -> None:
    found = history(EARLIER, figures("2026-09", seconds=before), figures("2026-10", seconds=now))
    assert found.row(OCTOBER).verdict is verdict


@pytest.mark.parametrize(
    "months",
    [
        pytest.param([], id="nothing"),
        pytest.param([figures("2026-11", 5)], id="its first meeting"),
        pytest.param([EARLIER, figures("2026-10", 1), figures("2026-11", 5)], id="more already"),
    ],
)
@pytest.mark.parametrize("quarterly", [False, True], ids=["monthly", "quarterly"])
def test_r9_the_running_month_is_never_judged(months: list[Figures], quarterly: bool) -> None:
    assert history(*months, quarterly=quarterly).row(Month("2026-11")).verdict is Verdict.SO_FAR


def test_r9_the_first_month_is_new_only_once() -> None:
    found = history(figures("2026-08", 1), figures("2026-09", 1), figures("2026-10", 2))
    verdicts = [found.row(Month(f"2026-{month}")).verdict for month in ("08", "09", "10")]
    assert verdicts == [Verdict.NEW, Verdict.STEADY, Verdict.DEVELOPING]


def test_r9_the_worked_examples_are_new_and_then_developing() -> None:
    hours = {"2026-05": 0.5, "2026-06": 1, "2026-07": 2, "2026-08": 6, "2026-09": 8}
    found = history(*(figures(month, one) for month, one in hours.items()))
    verdicts = [found.row(Month(month)).verdict for month in hours]
    assert verdicts == [Verdict.NEW] + [Verdict.DEVELOPING] * 4


def test_r9_a_first_meeting_whose_copies_are_gone_is_still_the_first() -> None:
    """R11: first-met dates outlive the copies."""
    assert history(figures("2026-10", 3), first_met="2024-12").row(OCTOBER).verdict is Verdict.DEVELOPING


def quarters(*hours: float, begins: str = "2024-11", first_met: str | None = "found") -> History:
    """A quarterly client's hours in the months up to October 2026."""
    months = [f"2026-{10 - back:02d}" for back in range(len(hours) - 1, -1, -1)]
    found = [figures(month, one) for month, one in zip(months, hours, strict=True)]
    earlier = [figures("2025-01", 1)] if begins < "2025-01" and first_met == "found" else []
    return history(*earlier, *found, quarterly=True, begins=begins, first_met=first_met)


@pytest.mark.parametrize(
    ("hours", "verdict"),
    [
        pytest.param((1, 1, 1, 0, 0, 4), Verdict.DEVELOPING, id="three months more than the three before"),
        pytest.param((4, 0, 0, 1, 1, 1), Verdict.NOT_DEVELOPING, id="less, though October equals September"),
        pytest.param((0, 6, 0, 0, 6, 0), Verdict.STEADY, id="equal, though October is empty"),
        pytest.param((0, 0, 0, 0, 0, 0), Verdict.NO_CONTACT, id="nothing in six months"),
        pytest.param((0, 0, 0, 3, 0, 0), Verdict.DEVELOPING, id="from nothing"),
        pytest.param((9, 1, 1, 1, 1, 1, 1), Verdict.STEADY, id="what lies seven months back is not asked"),
    ],
)
def test_r9_a_quarterly_rhythm_compares_three_months_with_the_three_before(
    hours: tuple[float, ...], verdict: Verdict
) -> None:
    row = quarters(*hours).row(OCTOBER)
    assert (row.verdict, row.quarterly) == (verdict, True)
    assert row.compared.now == ("2026-08", "2026-09", "2026-10")
    assert row.compared.before == ("2026-05", "2026-06", "2026-07")


def test_r9_a_quarters_tenths_are_those_of_its_seconds() -> None:
    months = [figures(f"2026-{month:02d}", seconds=120) for month in (8, 9, 10)]
    assert history(EARLIER, *months, quarterly=True).row(OCTOBER).verdict is Verdict.DEVELOPING


@pytest.mark.parametrize("known", range(1, 6))
def test_r9_a_quarter_is_not_compared_with_months_before_history(known: int) -> None:
    """R11: months before history are unknown, never zero: one cannot say that the client gave more than in them."""
    begins = f"2026-{11 - known:02d}"
    row = quarters(*[2.0] * known, begins=begins).row(OCTOBER)
    assert row.verdict not in (Verdict.DEVELOPING, Verdict.NOT_DEVELOPING)


@pytest.mark.parametrize(
    ("begins", "first_met", "verdict"),
    [
        pytest.param("2026-04", "found", Verdict.DEVELOPING, id="seven months are known"),
        pytest.param("2026-05", "found", Verdict.DEVELOPING, id="exactly the six that are compared"),
        pytest.param("2026-05", "2024-12", Verdict.DEVELOPING, id="the six, and met before history"),
        pytest.param("2026-06", "found", Verdict.NEW, id="one too few"),
    ],
)
def test_r9_a_quarterly_client_is_new_while_its_six_months_are_not_all_known(
    begins: str, first_met: str, verdict: Verdict
) -> None:
    hours = {"2026-04": 9, "2026-05": 1, "2026-06": 1, "2026-07": 1, "2026-08": 1, "2026-09": 1, "2026-10": 2}
    known = [figures(month, one) for month, one in hours.items() if month >= begins]
    found = history(*known, quarterly=True, begins=begins, first_met=first_met)
    assert found.row(OCTOBER).verdict is verdict


def test_r9_a_quarterly_client_that_was_never_met_is_not_new() -> None:
    assert history(quarterly=True, begins="2026-08").row(OCTOBER).verdict is Verdict.NO_CONTACT


def test_r9_the_month_before_history_is_unknown_never_zero() -> None:
    row = history(figures("2026-10", 3), begins="2026-10").row(OCTOBER)
    assert (row.previous, row.previous_score, row.verdict) == (None, None, Verdict.NEW)


def test_r9_a_known_month_without_meetings_is_zero() -> None:
    row = history(EARLIER, figures("2026-10", 3)).row(OCTOBER)
    assert row.previous == Figures(client="Acme", month=Month("2026-09"))
    assert row.previous_score == 0


def test_r9_a_row_tells_scores_by_the_present_points() -> None:
    found = history(
        EARLIER, figures("2026-10", steps={Step.SHORT_ONE: 2, Step.LONG_MANY: 1}, confirmed={Step.PHONE: 1})
    )
    row = found.row(OCTOBER)
    assert (row.score, row.score_confirmed, row.figures.meetings) == (19, 1, 3)
