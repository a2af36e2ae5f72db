"""R14: the stage by the evidence, what is missing for the next one, and what we believe."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from scoring.insights.circle import Circle, Profile
from scoring.insights.people import PeopleMonth
from scoring.insights.stage import (
    DEFAULTS,
    Account,
    Evidence,
    Stage,
    StageThresholds,
    Standing,
    evidence_of,
    lacks_of,
    portfolio_texts,
    stage_of,
    standing_text,
    standings_of,
)
from scoring.months.month import Month, shift
from tests.scoring.builders import ANA, BEN, CAT, JO, SAM
from tests.scoring.circles import BOOKED, circle, month

OCTOBER = Month("2026-10")
CLIENT = Account(tier="key")


def evidence(
    people: int = 3, ours: int = 2, months_met: int = 4, centres: int | None = None, months: int = 6
) -> Evidence:
    return Evidence(
        months=months, people=people, ours=ours, centres=centres, months_met=months_met, meetings=months_met, called=0
    )


@pytest.mark.parametrize(
    ("found", "stage"),
    [
        pytest.param(evidence(3, 2, 4), Stage.COLLABORATIVE, id="just collaborative"),
        pytest.param(evidence(2, 2, 4), Stage.BASIC, id="a person short"),
        pytest.param(evidence(3, 1, 4), Stage.BASIC, id="one of ours short"),
        pytest.param(evidence(3, 2, 3), Stage.BASIC, id="a month short"),
        pytest.param(evidence(0, 0, 0), Stage.BASIC, id="nothing at all"),
        pytest.param(evidence(8, 4, 6, centres=3), Stage.INTERCONNECTED, id="just interconnected"),
        pytest.param(evidence(7, 4, 6, centres=3), Stage.COLLABORATIVE, id="seven people"),
        pytest.param(evidence(8, 3, 6, centres=3), Stage.COLLABORATIVE, id="three of ours"),
        pytest.param(evidence(8, 4, 5, centres=3), Stage.COLLABORATIVE, id="a month without"),
        pytest.param(evidence(20, 4, 6, centres=2), Stage.COLLABORATIVE, id="two centres, however many people"),
        pytest.param(evidence(12, 4, 6, centres=None), Stage.INTERCONNECTED, id="twelve where centres are unknown"),
        pytest.param(evidence(11, 4, 6, centres=None), Stage.COLLABORATIVE, id="eleven where centres are unknown"),
    ],
)
def test_r14_the_evidence_decides(found: Evidence, stage: Stage) -> None:
    assert stage_of(CLIENT, found, OCTOBER) is stage


@pytest.mark.parametrize(
    ("account", "stage"),
    [
        pytest.param(Account(tier="prospect"), Stage.EXPLORATORY, id="a prospect, whatever the evidence"),
        pytest.param(Account(since=date(2026, 11, 1)), Stage.EXPLORATORY, id="a client from the day after"),
        pytest.param(Account(since=date(2026, 10, 31)), Stage.INTERCONNECTED, id="a client on the month's last day"),
        pytest.param(Account(), Stage.INTERCONNECTED, id="nothing said"),
    ],
)
def test_r14_exploratory_is_who_is_no_client_yet(account: Account, stage: Stage) -> None:
    assert stage_of(account, evidence(12, 4, 6), OCTOBER) is stage


def test_r14_the_evidence_is_that_of_six_months() -> None:
    profiles = {ANA: Profile(centre="EMEA"), BEN: Profile(centre="APAC")}
    found = circle(
        month("2026-04", ["old@acme.example"]),
        month("2026-05", [ANA], ours=[JO], called=1),
        month("2026-08", [ANA, BEN], ours=[JO, SAM]),
        month("2026-10", {CAT: BOOKED}),
        month("2026-11", [CAT]),
        profiles=profiles,
        centres=["EMEA", "APAC"],
    )
    assert evidence_of(found, OCTOBER) == Evidence(
        months=6, people=2, ours=2, centres=2, months_met=2, meetings=3, called=1
    )


def test_r14_centres_that_nobody_told_are_unknown() -> None:
    assert evidence_of(circle(month("2026-10")), OCTOBER).centres is None


@pytest.mark.parametrize(
    ("found", "lacks"),
    [
        pytest.param(
            evidence(1, 1, 2),
            ("2 more people of theirs", "1 more of ours", "a meeting in 2 more months of six"),
            id="everything",
        ),
        pytest.param(evidence(3, 2, 3), ("a meeting in 1 more month of six",), id="a month"),
        pytest.param(
            evidence(5, 4, 6, centres=1), ("3 more people of theirs", "2 more buying centres"), id="for the highest"
        ),
        pytest.param(evidence(5, 4, 6), ("7 more people of theirs",), id="people in the place of unknown centres"),
        pytest.param(evidence(8, 4, 6, centres=3), (), id="nothing beyond the highest"),
    ],
)
def test_r14_what_is_missing_for_the_next_stage(found: Evidence, lacks: tuple[str, ...]) -> None:
    assert lacks_of(stage_of(CLIENT, found, OCTOBER), CLIENT, found, DEFAULTS) == lacks


def _months(text: str, count: int, back: int) -> list[PeopleMonth]:
    """So many people with two of ours in each of the last months up to `text`."""
    people = [f"person{number}@acme.example" for number in range(count)]
    return [month(shift(Month(text), -one), people, ours=[JO, SAM]) for one in range(back)]


def standing(found: Circle, account: Account = CLIENT, *, months: int = 2, at: Month = OCTOBER) -> Standing:
    """The last of the standings of so many months."""
    return standings_of(account, found, [shift(at, -back) for back in range(months - 1, -1, -1)])[at]


def names(found: Standing) -> list[str]:
    return [one.name for one in found.findings]


@pytest.mark.parametrize(
    ("believed", "finding"),
    [
        pytest.param(Stage.INTERCONNECTED, ["believed_above"], id="we believe more"),
        pytest.param(Stage.COLLABORATIVE, [], id="we believe what the evidence shows"),
        pytest.param(Stage.BASIC, ["evidence_ahead"], id="the evidence is ahead"),
        pytest.param(None, [], id="we believe nothing"),
    ],
)
def test_r14_belief_against_evidence(believed: Stage | None, finding: list[str]) -> None:
    found = standing(circle(*_months("2026-10", 3, back=12)), Account(believed=believed))
    assert (found.stage, names(found)) == (Stage.COLLABORATIVE, finding)


def test_r14_belief_and_evidence_are_told_side_by_side() -> None:
    found = circle(*_months("2026-10", 3, back=12))
    (above,) = standing(found, Account(believed=Stage.INTERCONNECTED)).findings
    (ahead,) = standing(found, Account(believed=Stage.BASIC)).findings
    assert (above.numbers, above.good) == ({"believed": "interconnected", "evidence": "collaborative"}, False)
    assert above.sentence == (
        "We believe it interconnected; the evidence is collaborative (3 people, 2 of ours, a meeting in 6 of 6 months)."
    )
    assert (ahead.numbers, ahead.good) == ({"believed": "basic", "evidence": "collaborative"}, True)
    assert ahead.sentence == "The evidence is collaborative, ahead of basic, which is what we believe."


@pytest.mark.parametrize(
    ("account", "lacks"),
    [
        (Account(tier="prospect"), "to become a client: its tier is prospect"),
        (Account(since=date(2027, 1, 1)), "to become a client"),
    ],
)
def test_r14_who_is_no_client_yet_lacks_just_that(account: Account, lacks: str) -> None:
    found = standing(circle(*_months("2026-10", 3, back=12)), account)
    assert (found.stage, found.next, found.lacks) == (Stage.EXPLORATORY, Stage.BASIC, (lacks,))


def test_r14_centres_are_evidence_where_any_is_known() -> None:
    found = circle(month("2026-10"), profiles={ANA: Profile(centre="EMEA")}, centres=["EMEA", "APAC"])
    assert standing_text(standing(found)).startswith("Basic: 1 person, 1 of ours, 1 buying centre, a meeting in 1 of")


def test_r14_nothing_is_concluded_from_months_that_are_unknown() -> None:
    found = circle(month("2026-10"), begins="2026-06")
    assert names(standing(found, Account(believed=Stage.COLLABORATIVE))) == []
    assert standing_text(standing(found)).startswith(
        "Basic: 1 person, 1 of ours, a meeting in 1 of 6 months; only 5 of 6 months are known."
    )


@pytest.mark.parametrize(
    ("first", "finding"),
    [
        pytest.param(13, ["too_long"], id="a year and a month"),
        pytest.param(12, [], id="a year"),
    ],
)
def test_r14_collaborative_for_over_a_year(first: int, finding: list[str]) -> None:
    found = circle(*_months("2026-10", 3, back=first + 4), begins="2024-01")
    assert names(standing(found, months=24)) == finding


def test_r14_movement_is_told_both_ways() -> None:
    up = standing(circle(*_months("2026-10", 3, back=4)))
    assert (names(up), up.findings[0].good) == (["moved_up"], True)
    assert up.findings[0].sentence == "The stage moved up this month, from basic to collaborative."
    down = standing(circle(*_months("2026-08", 3, back=4)), at=Month("2026-11"))
    assert (names(down), down.findings[0].good) == (["moved_down"], False)
    assert down.findings[0].numbers == {"from": "collaborative", "to": "basic"}
    assert down.findings[0].sentence == "The stage moved down this month, from collaborative to basic."


def test_r14_its_sentence_says_evidence_and_lack() -> None:
    found = standing(circle(*_months("2026-10", 3, back=12)))
    assert standing_text(found) == (
        "Collaborative: 3 people, 2 of ours, a meeting in 6 of 6 months. "
        "For interconnected it lacks 9 more people of theirs and 2 more of ours."
    )


def test_r14_thresholds_are_config() -> None:
    lower = StageThresholds(collaborative=replace(DEFAULTS.collaborative, people=1, ours=1, months=1))
    assert stage_of(CLIENT, evidence(1, 1, 1), OCTOBER, lower) is Stage.COLLABORATIVE


@pytest.mark.parametrize(
    ("tiers", "hours", "says"),
    [
        pytest.param(
            ["key", None, "key"],
            [9, 1, 0],
            (
                "2 key accounts; a mature company can serve 15 to 30, a young one about 5.",
                "The top fifth (1 of 3 clients) gave 90 % of all man-hours.",
            ),
            id="a small company",
        ),
        pytest.param(
            ["key"] * 10,
            [1] * 10,
            (
                "10 key accounts; a mature company can serve 15 to 30, a young one about 5.",
                "The top fifth (2 of 10 clients) gave 20 % of all man-hours.",
            ),
            id="all alike",
        ),
        pytest.param(
            ["key"],
            [1] * 6,
            (
                "1 key account; a mature company can serve 15 to 30, a young one about 5.",
                "The top fifth (2 of 6 clients) gave 33 % of all man-hours.",
            ),
            id="a fifth and a bit is two",
        ),
        pytest.param(
            [],
            [],
            ("0 key accounts; a mature company can serve 15 to 30, a young one about 5.",),
            id="no clients, no share",
        ),
    ],
)
def test_r14_the_portfolio(tiers: list[str | None], hours: list[int], says: tuple[str, ...]) -> None:
    assert portfolio_texts(tiers, hours) == says
