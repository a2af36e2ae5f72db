"""R7: man-hours: each minute of a person once, exact inside, rounded once for people."""

from __future__ import annotations

import pytest

from scoring.meetings.values import Conference, Meeting, Setting
from scoring.months.figures import Credited, Figures, credit, figures_of
from scoring.months.hours import Interval, Ledger, hours_text, share_out, tenths, thousandths
from scoring.months.month import Month
from scoring.months.steps import Rules
from tests.scoring.builders import ANA, BEN, CAT, JO, RULES, SAM, judged, meeting

_PHONE = Setting(conference=Conference.PHONE)
_VIDEO = Setting(conference=Conference.VIDEO)


def month(*meetings: Meeting, rules: Rules = RULES) -> Figures:
    """Acme's October."""
    return figures_of("Acme", Month("2026-10"), [judged(one, rules=rules) for one in meetings], rules)


def lines(*meetings: Meeting) -> list[Credited]:
    return credit([judged(one) for one in meetings], RULES)


@pytest.mark.parametrize(
    ("spans", "credited"),
    [
        pytest.param([(0, 60)], [60], id="one"),
        pytest.param([(0, 60), (60, 120)], [60, 60], id="back to back"),
        pytest.param([(0, 60), (30, 90)], [60, 30], id="overlapping: the first has the common part"),
        pytest.param([(0, 90), (30, 60)], [90, 0], id="one inside the other"),
        pytest.param([(0, 90), (30, 60), (50, 100)], [90, 0, 10], id="a short one inside does not reset the reach"),
        pytest.param([(0, 60), (0, 60)], [60, 0], id="double-booked exactly"),
        pytest.param([(0, 30), (0, 60)], [30, 30], id="the same start"),
        pytest.param([(0, 10), (50, 60)], [10, 10], id="with a gap"),
        pytest.param([(0, 0)], [0], id="nothing"),
        pytest.param([(5, 0)], [0], id="backwards"),
        pytest.param([(-60, 0), (-30, 30)], [60, 30], id="before 1970"),
    ],
)
def test_r7_a_ledger_credits_no_second_twice(spans: list[Interval], credited: list[int]) -> None:
    ledger = Ledger()
    assert [ledger.credit(["ana"], span) for span in spans] == credited


def test_r7_a_ledger_keeps_people_apart() -> None:
    ledger = Ledger()
    assert ledger.credit(["ana"], (0, 60)) == 60
    assert ledger.credit(["ana", "ben"], (30, 90)) == 30 + 60
    assert ledger.credit([], (90, 100)) == 0


@pytest.mark.parametrize(
    ("meetings", "hours"),
    [
        pytest.param([meeting(minutes=30)], 0.5, id="one person half an hour"),
        pytest.param(
            [meeting(minutes=30), meeting(minutes=30, start="2026-10-06 09:00")], 1.0, id="twice half an hour"
        ),
        pytest.param([meeting(minutes=60)], 1.0, id="once an hour"),
        pytest.param([meeting((JO, ANA, BEN))], 2.0, id="two people one hour"),
        pytest.param([meeting((JO, *(f"p{n}@acme.example" for n in range(6))))], 6.0, id="six people one hour"),
        pytest.param(
            [meeting((JO, *(f"p{n}@acme.example" for n in range(4))), minutes=120)], 8.0, id="four people two hours"
        ),
        pytest.param([meeting({JO: "accepted", ANA: "accepted", BEN: "declined"})], 1.0, id="who declined gives none"),
        pytest.param([meeting(), meeting(start="2026-10-05 09:30")], 1.5, id="double-booked time counts once"),
        pytest.param([meeting(), meeting((SAM, ANA), start="2026-10-05 09:30")], 1.5, id="whoever of ours it was with"),
        pytest.param([meeting(), meeting((JO, BEN), start="2026-10-05 09:30")], 2.0, id="another person's counts"),
        pytest.param([meeting(cancelled=True)], 0.0, id="set aside"),
        pytest.param([meeting(), meeting(start="2026-10-05 09:30", cancelled=True)], 1.0, id="set aside gives none"),
        pytest.param([meeting(setting=_VIDEO)], 1.0, id="by video"),
        pytest.param([meeting(setting=_PHONE)], 0.0, id="by phone"),
        pytest.param([], 0.0, id="no meetings"),
    ],
)
def test_r7_man_hours_are_the_union_of_each_persons_meetings_summed(meetings: list[Meeting], hours: float) -> None:
    assert thousandths(month(*meetings).man_seconds) == hours


def test_r7_phone_time_stands_apart_and_has_a_union_of_its_own() -> None:
    found = month(
        meeting(setting=_PHONE),
        meeting((JO, ANA, BEN), start="2026-10-05 09:30", setting=_PHONE),
        meeting(start="2026-10-05 09:30"),
    )
    assert (found.phone_seconds, found.man_seconds) == (5400 + 3600, 3600)
    assert found.client_people == 2


def test_r7_video_scored_as_a_call_is_phone_time() -> None:
    found = month(meeting(setting=_VIDEO), rules=Rules(video_is_meeting=False))
    assert (found.man_seconds, found.phone_seconds, found.our_seconds) == (0, 3600, 0)


def test_r7_client_people_are_the_distinct_persons_of_counted_meetings_phone_included() -> None:
    found = month(
        meeting((JO, ANA)),
        meeting({JO: "accepted", ANA: "accepted", BEN: "declined"}, start="2026-10-06 09:00"),
        meeting((JO, CAT), start="2026-10-07 09:00", setting=_PHONE),
        meeting((JO, "dan@acme.example"), start="2026-10-08 09:00", cancelled=True),
    )
    assert found.client_people == 2


def test_r7_our_hours_are_the_same_union_for_ours_face_to_face() -> None:
    found = month(
        meeting((JO, SAM, ANA)),
        meeting((JO, BEN), start="2026-10-05 09:30"),
        meeting((JO, ANA), start="2026-10-06 09:00", setting=_PHONE),
        meeting({JO: "declined", SAM: "none", ANA: "accepted"}, start="2026-10-07 09:00"),
    )
    assert found.our_seconds == (3600 + 1800) + 3600 + 3600
    assert found.our_people == 2


def test_r7_confirmed_hours_are_the_part_of_those_who_accepted_or_organised() -> None:
    found = month(
        meeting({JO: "accepted", ANA: "accepted", BEN: "none"}),
        meeting({JO: "accepted", ANA: "none"}, start="2026-10-06 09:00"),
        meeting({JO: "accepted", ANA: "none"}, start="2026-10-07 09:00", organiser=ANA),
    )
    assert (found.man_seconds, found.confirmed_seconds) == (4 * 3600, 2 * 3600)


def test_r7_double_booked_time_is_credited_to_the_meeting_that_starts_first() -> None:
    later, first = meeting(start="2026-10-05 09:30", title="later"), meeting(title="first")
    assert [(one.judged.meeting.title, one.man_seconds) for one in lines(later, first)] == [
        ("first", 3600),
        ("later", 1800),
    ]


def test_r7_meetings_that_start_together_are_credited_in_a_fixed_order() -> None:
    short, long = meeting(minutes=30, title="short"), meeting(minutes=90, title="long")
    assert lines(short, long) == lines(long, short)
    assert sum(one.man_seconds for one in lines(short, long)) == 5400


def test_r7_the_lines_of_explain_add_up_to_the_month() -> None:
    meetings = [
        meeting((JO, ANA, BEN), start="2026-10-05 09:00", minutes=50),
        meeting({JO: "accepted", ANA: "none"}, start="2026-10-05 09:20"),
        meeting((SAM, ANA), start="2026-10-05 09:40", setting=_PHONE),
        meeting((SAM, BEN), start="2026-10-05 09:45", cancelled=True),
    ]
    found, told = month(*meetings), lines(*meetings)
    assert len(told) == len(meetings)
    assert sum(one.man_seconds for one in told) == found.man_seconds
    assert sum(one.confirmed_seconds for one in told) == found.confirmed_seconds
    assert sum(one.phone_seconds for one in told) == found.phone_seconds
    assert sum(one.our_seconds for one in told) == found.our_seconds


@pytest.mark.parametrize(
    ("seconds", "shown", "exact"),
    [
        pytest.param(0, 0, 0.0, id="nothing"),
        pytest.param(1, 0, 0.0, id="a second is 0.28 thousandths"),
        pytest.param(2, 0, 0.001, id="two are 0.56 thousandths"),
        pytest.param(9, 0, 0.003, id="nine are 2.5 thousandths: up"),
        pytest.param(179, 0, 0.05, id="under half a tenth: down"),
        pytest.param(180, 1, 0.05, id="half a tenth: up"),
        pytest.param(360, 1, 0.1, id="a tenth"),
        pytest.param(539, 1, 0.15, id="under one and a half tenths"),
        pytest.param(540, 2, 0.15, id="one and a half tenths: up, not to even"),
        pytest.param(900, 3, 0.25, id="a quarter of an hour: up, not to even"),
        pytest.param(3600, 10, 1.0, id="an hour"),
        pytest.param(5400, 15, 1.5, id="an hour and a half"),
        pytest.param(1200, 3, 0.333, id="twenty minutes"),
        pytest.param(2400, 7, 0.667, id="forty minutes"),
    ],
)
def test_r7_hours_are_rounded_once_half_up(seconds: int, shown: int, exact: float) -> None:
    assert tenths(seconds) == shown
    assert thousandths(seconds) == exact


def test_r7_seconds_are_summed_before_they_are_rounded() -> None:
    """Three meetings of 20 minutes are an hour, not three times 0.3."""
    found = month(*(meeting(minutes=20, start=f"2026-10-0{day} 09:00") for day in (5, 6, 7)))
    assert tenths(found.man_seconds) == 10


@pytest.mark.parametrize(
    ("tenths_of_hours", "text"), [(0, "0.0"), (1, "0.1"), (145, "14.5"), (-20, "-2.0"), (-5, "-0.5"), (1000, "100.0")]
)
def test_r7_hours_are_shown_to_one_decimal(tenths_of_hours: int, text: str) -> None:
    assert hours_text(tenths_of_hours) == text


@pytest.mark.parametrize(
    ("parts", "shares"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([0, 0], [0, 0], id="no time at all"),
        pytest.param([1200, 1200, 1200], [4, 3, 3], id="three thirds make ten tenths"),
        pytest.param([180, 180], [1, 0], id="two halves make one"),
        pytest.param([179, 0], [0, 0], id="too little to show"),
        pytest.param([100, 300, 3600], [0, 1, 10], id="the largest remainder is rounded up"),
        pytest.param([359, 359, 359, 0], [1, 1, 1, 0], id="none goes to who has no remainder"),
    ],
)
def test_r7_shares_in_tenths_add_up_to_the_sum_as_shown(parts: list[int], shares: list[int]) -> None:
    assert share_out(parts) == shares
    assert sum(shares) == tenths(sum(parts))


def test_r7_the_largest_meeting_is_told_with_its_credited_time() -> None:
    found = month(meeting(minutes=40), meeting((JO, ANA, BEN), start="2026-10-05 09:30", minutes=60))
    assert found.largest_seconds == 3600 + 3000
