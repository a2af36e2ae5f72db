"""R4: which meetings count, which are set aside, and for which reason of several."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scoring.meetings.values import Channel, Meeting, Response
from scoring.months.counting import Judged, Reason, judge
from scoring.months.steps import Rules, Step
from tests.scoring.builders import ANA, BEA, BEN, BOOK, JO, NOW, RULES, SAM, at, judged, meeting

_ACCEPTED_ONLY = Rules(responses=frozenset({Response.ACCEPTED}))


def crowd(number: int) -> dict[str, str]:
    """Jo, Ana and so many others."""
    return {JO: "accepted", ANA: "accepted"} | {f"x{one}@mail.example": "none" for one in range(number)}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(meeting(), None, id="an hour with Ana counts"),
        pytest.param(meeting(cancelled=True), Reason.CANCELLED, id="cancelled"),
        pytest.param(meeting(start="2026-12-02 09:00"), Reason.NOT_YET, id="booked"),
        pytest.param(meeting(start="2026-12-01 08:30"), Reason.NOT_YET, id="under way"),
        pytest.param(meeting(start="2026-12-01 08:00"), None, id="ends now: it has ended"),
        pytest.param(meeting(start="2026-12-01 08:00", minutes=60 + 1 / 60), Reason.NOT_YET, id="ends in a second"),
        pytest.param(meeting(all_day=True, minutes=24 * 60), Reason.ALL_DAY, id="an all-day entry"),
        pytest.param(meeting(minutes=0), Reason.NO_DURATION, id="ends as it starts"),
        pytest.param(meeting(minutes=-30), Reason.NO_DURATION, id="ends before it starts"),
        pytest.param(meeting(minutes=1 / 60), None, id="a second long"),
        pytest.param(meeting(minutes=600), None, id="exactly ten hours"),
        pytest.param(meeting(minutes=600 + 1 / 60), Reason.TOO_LONG, id="a second over ten hours"),
        pytest.param(meeting(crowd(98)), None, id="exactly a hundred people"),
        pytest.param(meeting(crowd(99)), Reason.TOO_MANY_PEOPLE, id="one over a hundred"),
        pytest.param(
            meeting(crowd(98) | {f"no-reply@x{one}.example": "none" for one in range(9)}), None, id="nobodies are none"
        ),
        pytest.param(
            meeting(crowd(98) | {BEN: "declined"}), Reason.TOO_MANY_PEOPLE, id="those who declined count as people"
        ),
        pytest.param(
            meeting({JO: "declined", ANA: "accepted"}), Reason.WE_DID_NOT_ATTEND, id="the only one of ours declined"
        ),
        pytest.param(
            meeting({ANA: "accepted", BEN: "accepted"}, organiser=ANA), Reason.WE_DID_NOT_ATTEND, id="none of ours"
        ),
        pytest.param(meeting({JO: "declined", SAM: "none", ANA: "accepted"}), None, id="one of ours is left"),
        pytest.param(meeting({JO: "accepted", ANA: "declined"}), Reason.CLIENT_DECLINED, id="the only one declined"),
        pytest.param(
            meeting({JO: "accepted", ANA: "declined", BEN: "declined"}), Reason.CLIENT_DECLINED, id="all declined"
        ),
        pytest.param(meeting({JO: "accepted", ANA: "declined", BEN: "none"}), None, id="one of theirs is left"),
        pytest.param(meeting({JO: "accepted", ANA: "tentative"}), None, id="tentative counts"),
        pytest.param(meeting({JO: "accepted", ANA: "none"}), None, id="silence counts"),
    ],
)
def test_r4_a_meeting_counts_unless_one_of_these_sets_it_aside(found: Meeting, reason: Reason | None) -> None:
    one = judged(found)
    assert one.reason is reason
    assert (one.step is None) is (reason is not None)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        pytest.param({JO: "accepted", ANA: "none"}, Reason.RESPONSE_NOT_COUNTED, id="none is not accepted"),
        pytest.param({JO: "accepted", ANA: "tentative"}, Reason.RESPONSE_NOT_COUNTED, id="nor is tentative"),
        pytest.param(
            {JO: "accepted", ANA: "none", BEN: "declined"}, Reason.RESPONSE_NOT_COUNTED, id="one declined, one silent"
        ),
        pytest.param({JO: "accepted", ANA: "declined"}, Reason.CLIENT_DECLINED, id="all declined is told first"),
        pytest.param({JO: "accepted", ANA: "none", BEN: "accepted"}, None, id="one response counts"),
        pytest.param({JO: "none", ANA: "accepted"}, None, id="ours are present whatever `responses` says"),
        pytest.param({JO: "tentative", ANA: "accepted"}, None, id="tentative ones of ours too"),
    ],
)
def test_r4_no_counted_response_sets_a_meeting_aside(listed: dict[str, str], reason: Reason | None) -> None:
    assert judged(meeting(listed), rules=_ACCEPTED_ONLY).reason is reason


_EVERYTHING = meeting(
    {JO: "declined", ANA: "declined"} | {f"x{one}@mail.example": "none" for one in range(200)},
    start="2026-12-02 00:00",
    minutes=20 * 60,
    all_day=True,
    cancelled=True,
)


def test_r4_of_several_reasons_the_first_in_this_order_is_told() -> None:
    """Everything is wrong with this meeting; one thing after the other is put right."""
    now = NOW
    steps: list[tuple[Reason, Meeting]] = []
    found = _EVERYTHING
    steps.append((Reason.CANCELLED, found))
    found = replace(found, cancelled=False)
    steps.append((Reason.NOT_YET, found))
    found = replace(found, start=at("2026-10-05"), end=at("2026-10-05"))
    steps.append((Reason.ALL_DAY, found))
    found = replace(found, all_day=False)
    steps.append((Reason.NO_DURATION, found))
    found = replace(found, end=found.start + timedelta(hours=20))
    steps.append((Reason.TOO_LONG, found))
    found = replace(found, end=found.start + timedelta(hours=1))
    steps.append((Reason.TOO_MANY_PEOPLE, found))
    found = replace(found, participants=meeting({JO: "declined", ANA: "declined"}).participants)
    steps.append((Reason.WE_DID_NOT_ATTEND, found))
    found = replace(found, participants=meeting({JO: "accepted", ANA: "declined"}).participants)
    steps.append((Reason.CLIENT_DECLINED, found))
    found = replace(found, participants=meeting({JO: "accepted", ANA: "none"}).participants)
    steps.append((Reason.RESPONSE_NOT_COUNTED, found))
    for reason, one in steps:
        assert judged(one, rules=_ACCEPTED_ONLY, now=now).reason is reason
    assert [reason for reason, _ in steps] == list(Reason)


def test_r4_the_reasons_stand_in_the_order_in_which_they_are_asked() -> None:
    assert [reason.value for reason in Reason] == [
        "cancelled",
        "not_yet",
        "all_day",
        "no_duration",
        "too_long",
        "too_many_people",
        "we_did_not_attend",
        "client_declined",
        "response_not_counted",
    ]


def test_r4_longest_and_largest_are_the_companys() -> None:
    rules = Rules(longest_meeting=timedelta(hours=2), largest_meeting=3)
    assert judged(meeting(minutes=121), rules=rules).reason is Reason.TOO_LONG
    assert judged(meeting(minutes=120), rules=rules).reason is None
    assert judged(meeting((JO, SAM, ANA)), rules=rules).reason is None
    assert judged(meeting((JO, SAM, ANA, BEN)), rules=rules).reason is Reason.TOO_MANY_PEOPLE


def test_r4_a_meeting_without_client_people_is_no_ones() -> None:
    assert judge(meeting((JO, "someone@mail.example")), BOOK, RULES, NOW) == []
    assert judge(meeting(()), BOOK, RULES, NOW) == []


def test_r4_one_client_may_decline_what_counts_for_another() -> None:
    found = meeting({JO: "accepted", ANA: "declined", BEA: "accepted"})
    assert judged(found, "Acme").reason is Reason.CLIENT_DECLINED
    assert judged(found, "Beta").reason is None


def test_r4_a_declined_invitation_can_never_be_counted() -> None:
    with pytest.raises(ValueError, match="declined"):
        Rules(responses=frozenset({Response.DECLINED}))


def test_r4_a_judged_meeting_is_either_counted_or_set_aside() -> None:
    fields = {
        "meeting": meeting(),
        "client": "Acme",
        "channel": Channel.IN_PERSON,
        "people": (),
        "confirmed": (),
        "declined": (),
        "ours": (),
    }
    with pytest.raises(ValueError, match="either"):
        Judged(**fields)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="either"):
        Judged(**fields, step=Step.PHONE, reason=Reason.ALL_DAY)  # type: ignore[arg-type]


def test_r4_who_declined_and_who_of_ours_was_there_is_told_by_address() -> None:
    one = judged(meeting({SAM: "none", JO: "accepted", BEN: "declined", ANA: "accepted"}))
    assert (one.ours, one.people, one.declined) == ((JO, SAM), (ANA,), (BEN,))
