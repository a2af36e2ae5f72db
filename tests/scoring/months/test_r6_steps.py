"""R6: the step a meeting is on, the points it earns, and the score of those who confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from scoring.meetings.values import Conference, Meeting, Response, Setting
from scoring.months.counting import judge
from scoring.months.figures import figures_of
from scoring.months.month import Month
from scoring.months.steps import DEFAULT_POINTS, Rules, Step, score_of
from tests.scoring.builders import ANA, BEA, BEN, BOOK, CAT, JO, NOW, PAT, RULES, SAM, history, judged, meeting

_PHONE = Setting(conference=Conference.PHONE)
_OCTOBER = Month("2026-10")


@pytest.mark.parametrize(
    ("found", "step"),
    [
        pytest.param(meeting(minutes=5), Step.SHORT_ONE, id="five minutes with one"),
        pytest.param(meeting(minutes=60), Step.SHORT_ONE, id="sixty minutes are short"),
        pytest.param(meeting(minutes=60 + 1 / 60), Step.LONG_ONE, id="a second more is long"),
        pytest.param(meeting((JO, ANA, BEN), minutes=60), Step.SHORT_MANY, id="sixty minutes with two"),
        pytest.param(meeting((JO, ANA, BEN), minutes=60 + 1 / 60), Step.LONG_MANY, id="a second more with two"),
        pytest.param(meeting((JO, ANA, BEN, CAT)), Step.SHORT_MANY, id="three are many"),
        pytest.param(meeting((JO, SAM, ANA)), Step.SHORT_ONE, id="ours do not make it many"),
        pytest.param(meeting((JO, ANA, PAT)), Step.SHORT_ONE, id="nor do others"),
        pytest.param(meeting((JO, ANA, BEA)), Step.SHORT_ONE, id="nor do another client's"),
        pytest.param(meeting((JO, ANA, "no-reply@acme.example")), Step.SHORT_ONE, id="nor does nobody"),
        pytest.param(meeting({JO: "accepted", ANA: "accepted", BEN: "declined"}), Step.SHORT_ONE, id="one declined"),
        pytest.param(meeting({JO: "accepted", ANA: "none", BEN: "none"}), Step.SHORT_MANY, id="two who never answered"),
        pytest.param(meeting((JO, ANA, BEN), minutes=120, setting=_PHONE), Step.PHONE, id="a phone call, however long"),
    ],
)
def test_r6_length_and_client_people_make_the_step(found: Meeting, step: Step) -> None:
    assert judged(found).step is step


def test_r6_long_is_what_the_company_says() -> None:
    rules = Rules(long_meeting_over=timedelta(minutes=30))
    assert judged(meeting(minutes=30), rules=rules).step is Step.SHORT_ONE
    assert judged(meeting(minutes=31), rules=rules).step is Step.LONG_ONE


def test_r6_only_people_whose_response_is_counted_count() -> None:
    rules = Rules(responses=frozenset({Response.ACCEPTED}))
    one = judged(meeting({JO: "accepted", ANA: "accepted", BEN: "tentative", CAT: "none"}), rules=rules)
    assert (one.people, one.step) == ((ANA,), Step.SHORT_ONE)


@pytest.mark.parametrize(
    ("found", "confirmed", "step"),
    [
        pytest.param(meeting({JO: "accepted", ANA: "accepted"}), (ANA,), Step.SHORT_ONE, id="accepted"),
        pytest.param(meeting({JO: "accepted", ANA: "none"}), (), None, id="never answered"),
        pytest.param(meeting({JO: "accepted", ANA: "tentative"}), (), None, id="tentative is no confirmation"),
        pytest.param(
            meeting({JO: "accepted", ANA: "none"}, organiser=ANA), (ANA,), Step.SHORT_ONE, id="organised, unanswered"
        ),
        pytest.param(
            meeting({JO: "accepted", ANA: "accepted", BEN: "none"}), (ANA,), Step.SHORT_ONE, id="one silent invitee"
        ),
        pytest.param(
            meeting({JO: "accepted", ANA: "none", BEN: "none"}, setting=_PHONE), (), None, id="a call nobody confirmed"
        ),
        pytest.param(
            meeting({JO: "accepted", ANA: "accepted", BEN: "none"}, setting=_PHONE), (ANA,), Step.PHONE, id="a call"
        ),
        pytest.param(
            meeting({JO: "accepted", ANA: "declined", BEN: "accepted"}, organiser=ANA),
            (BEN,),
            Step.SHORT_ONE,
            id="an organiser who declined confirms nothing",
        ),
    ],
)
def test_r6_the_confirmed_step_is_that_of_those_who_accepted_or_organised(
    found: Meeting, confirmed: tuple[str, ...], step: Step | None
) -> None:
    one = judged(found)
    assert (one.confirmed, one.confirmed_step) == (confirmed, step)


def test_r6_one_silent_invitee_lifts_three_points_to_eight_and_the_confirmed_score_shows_it() -> None:
    found = figures_of("Acme", _OCTOBER, [judged(meeting({JO: "accepted", ANA: "accepted", BEN: "none"}))], RULES)
    row = history(found).row(_OCTOBER)
    assert (row.score, row.score_confirmed) == (8, 3)


def test_r6_a_set_aside_meeting_is_on_no_step_confirmed_or_not() -> None:
    one = judged(meeting(cancelled=True))
    assert (one.step, one.confirmed_step) == (None, None)


@pytest.mark.parametrize(
    ("steps", "points"),
    [
        pytest.param({}, 0, id="nothing"),
        pytest.param({Step.SHORT_ONE: 4}, 12, id="four short meetings with one person"),
        pytest.param({Step.SHORT_ONE: 3, Step.LONG_ONE: 1}, 14, id="three short, one two-hour with one"),
        pytest.param({Step.SHORT_ONE: 3, Step.SHORT_MANY: 1}, 17, id="three short with one, one short with two"),
        pytest.param({Step.SHORT_ONE: 3, Step.LONG_MANY: 1}, 22, id="three short with one, one two-hour with two"),
        pytest.param({Step.PHONE: 5}, 5, id="calls earn one each"),
    ],
)
def test_r6_the_score_is_the_sum_of_the_points(steps: Mapping[Step, int], points: int) -> None:
    assert score_of(steps, RULES) == points


def test_r6_the_points_are_configurable() -> None:
    points = {Step.PHONE: 0, Step.SHORT_ONE: 1, Step.LONG_ONE: 2, Step.SHORT_MANY: 4, Step.LONG_MANY: 100}
    assert score_of({Step.LONG_MANY: 2, Step.PHONE: 3, Step.SHORT_ONE: 1}, Rules(points=points)) == 201


def test_r6_the_default_points_grow_faster_than_the_steps() -> None:
    assert [DEFAULT_POINTS[step] for step in Step] == [1, 3, 5, 8, 13]


def test_r6_a_meeting_with_two_clients_counts_once_for_each_by_that_clients_people() -> None:
    found = judge(meeting((JO, ANA, BEN, BEA), minutes=90), BOOK, RULES, NOW)
    assert {(one.client, one.people, one.step) for one in found} == {
        ("Acme", (ANA, BEN), Step.LONG_MANY),
        ("Beta", (BEA,), Step.LONG_ONE),
    }
