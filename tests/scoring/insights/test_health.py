"""The health assessment: the last answers beside what the calendar shows, and hygiene without health."""

from __future__ import annotations

import pytest

from scoring.insights.health import RELATIONSHIPS, ElementAnswer, health_of
from scoring.insights.stage import Evidence, Stage, Standing
from scoring.months.month import Month

OCTOBER = Month("2026-10")


def standing(stage: Stage = Stage.COLLABORATIVE) -> Standing:
    evidence = Evidence(months=6, people=3, ours=2, centres=None, months_met=5, meetings=9, called=0)
    return Standing(stage=stage, evidence=evidence, next=None, lacks=(), believed=None, since=OCTOBER)


def answer(mark: int, *, element: str = "account_strategy", quarter: str = "2026-09") -> ElementAnswer:
    return ElementAnswer(element=element, quarter=Month(quarter), text=str(mark), mark=mark)


def test_the_last_answer_up_to_the_quarter_counts() -> None:
    given = [answer(2, quarter="2026-06"), answer(4, quarter="2026-12"), answer(5, quarter="2027-03")]
    found = health_of(given, standing(), [], OCTOBER)
    assert {key: one.text for key, one in found.answers.items()} == {"account_strategy": "4"}


@pytest.mark.parametrize(
    ("month", "quarter", "counts"),
    [
        ("2026-01", "2026-03", True),  # of the quarter that the month lies in
        ("2026-03", "2026-03", True),
        ("2026-03", "2026-06", False),
        ("2026-04", "2026-06", True),
        ("2026-12", "2026-12", True),
        ("2026-12", "2027-03", False),
    ],
)
def test_an_answer_counts_from_its_quarter_on(month: str, quarter: str, counts: bool) -> None:
    assert bool(health_of([answer(2, quarter=quarter)], standing(), [], Month(month)).answers) is counts


def test_what_they_say_of_relationships_is_no_good_mark_of_the_account() -> None:
    narrow = ["single_threaded", "one_buying_centre"]
    given = [answer(3), answer(5, element=RELATIONSHIPS)]
    assert health_of(given, standing(), narrow, OCTOBER).warning == ""


@pytest.mark.parametrize(
    ("stage", "signals", "mark"),
    [
        pytest.param(Stage.INTERCONNECTED, [], 5, id="the best"),
        pytest.param(Stage.COLLABORATIVE, [], 4, id="a stage lower"),
        pytest.param(Stage.COLLABORATIVE, ["single_threaded"], 3, id="hangs on one person"),
        pytest.param(Stage.COLLABORATIVE, ["falling"], 4, id="a signal of something else"),
        pytest.param(Stage.BASIC, ["single_threaded", "one_of_ours", "one_buying_centre"], 1, id="never below 1"),
    ],
)
def test_relationships_are_marked_by_the_calendar(stage: Stage, signals: list[str], mark: int) -> None:
    found = health_of([], standing(stage), signals, OCTOBER)
    assert found.relationships_mark == mark
    assert found.relationships.endswith("3 people, 2 of ours, a meeting in 5 of 6 months")


@pytest.mark.parametrize(
    ("marks", "signals", "warned"),
    [
        pytest.param((5, 3), ["single_threaded", "one_buying_centre"], True, id="4 on average, and narrow"),
        pytest.param((4, 3), ["single_threaded", "one_buying_centre"], False, id="the marks are not good"),
        pytest.param((5, 5), ["single_threaded"], False, id="narrow in one way only"),
        pytest.param((), ["single_threaded", "one_buying_centre"], False, id="nobody answered"),
    ],
)
def test_hygiene_without_health(marks: tuple[int, ...], signals: list[str], warned: bool) -> None:
    elements = ("account_strategy", "account_governance")
    given = [answer(mark, element=element) for mark, element in zip(marks, elements, strict=False)]
    assert bool(health_of(given, standing(), signals, OCTOBER).warning) is warned
