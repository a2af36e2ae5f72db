"""R12: a client's people: whom we met, for how long, who is new, and what is unknown."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from scoring.insights.circle import UNKNOWN, Profile, name_from
from scoring.insights.people import PeopleMonth, Presence, people_of
from scoring.meetings.values import Conference, Meeting, Setting
from scoring.months.month import Month
from tests.scoring.builders import ANA, BEN, CAT, JO, LONDON, RULES, SAM, at, judged, meeting
from tests.scoring.circles import BOOKED, circle, month, presence

OCTOBER = Month("2026-10")
Q3 = (Month("2026-08"), Month("2026-09"), OCTOBER)
_PHONE = Setting(conference=Conference.PHONE)


def met(*meetings: Meeting, now: str = "2026-12-01", zone: ZoneInfo = LONDON) -> PeopleMonth:
    return people_of("Acme", OCTOBER, [judged(one, now=at(now)) for one in meetings], RULES, zone)


def test_r12_a_month_tells_who_met_for_how_long_and_on_which_days() -> None:
    found = met(
        meeting([JO, ANA, BEN], start="2026-10-05 09:00", minutes=90),
        meeting([JO, SAM, ANA], start="2026-10-20 09:00", minutes=30),
    )
    assert found.theirs == {ANA: Presence(7200, 0, 2, 5, 20, 0), BEN: Presence(5400, 0, 1, 5, 5, 0)}
    assert (found.ours, found.meetings) == ({JO: 2, SAM: 1}, 2)


def test_r12_time_booked_twice_counts_once_for_each_person() -> None:
    found = met(
        meeting([JO, ANA, BEN], start="2026-10-05 09:00", minutes=60),
        meeting([SAM, ANA], start="2026-10-05 09:30", minutes=60),
    )
    assert {one: presence.man_seconds for one, presence in found.theirs.items()} == {ANA: 5400, BEN: 3600}


def test_r12_calls_are_meetings_without_man_hours() -> None:
    found = met(meeting([JO, ANA], setting=_PHONE))
    assert (found.theirs[ANA], found.meetings) == (Presence(0, 0, 1, 5, 5, 0), 1)


def test_r12_who_declined_was_not_there() -> None:
    found = met(meeting({JO: "accepted", ANA: "accepted", BEN: "declined"}))
    assert list(found.theirs) == [ANA]


def test_r12_what_has_not_ended_is_booked_and_an_all_day_entry_is_not() -> None:
    found = met(
        meeting([JO, ANA], start="2026-10-20 09:00"),
        meeting([JO, BEN], start="2026-10-21 00:00", minutes=1440, all_day=True),
        now="2026-10-10",
    )
    assert (found.theirs, found.meetings) == ({ANA: BOOKED}, 0)


def test_r12_days_are_the_companys() -> None:
    found = met(meeting([JO, ANA], start="2026-10-05 23:30", minutes=20))
    assert found.theirs[ANA].first == 6  # half past midnight in London's summer


@pytest.mark.parametrize(
    ("organiser", "calendars", "answer", "silent"),
    [
        pytest.param(JO, (JO,), "none", 3600, id="the organiser's copy is read, and there is no answer"),
        pytest.param(JO, (JO,), "tentative", 0, id="tentative is an answer"),
        pytest.param(JO, (JO,), "accepted", 0, id="accepted"),
        pytest.param(JO, (SAM,), "none", 0, id="another copy may not know"),
        pytest.param(BEN, (JO,), "none", 0, id="theirs called it: we do not read that copy"),
    ],
)
def test_r12_silence_counts_only_where_a_copy_would_know(
    organiser: str, calendars: tuple[str, ...], answer: str, silent: int
) -> None:
    found = met(meeting({JO: "accepted", SAM: "accepted", ANA: answer}, organiser=organiser, calendars=calendars))
    assert found.theirs[ANA].unanswered_seconds == silent


@pytest.mark.parametrize(
    ("organiser", "called"),
    [
        pytest.param(JO, 0, id="ours"),
        pytest.param(ANA, 1, id="theirs"),
        pytest.param("noa@mail.example", 0, id="a consultant"),
        pytest.param(None, 0, id="nobody known"),
    ],
)
def test_r12_who_called_a_meeting(organiser: str | None, called: int) -> None:
    assert met(meeting([JO, ANA, BEN], organiser=organiser)).called == called


@pytest.mark.parametrize(
    ("first", "begins", "new"),
    [
        pytest.param("2026-07", "2024-11", [], id="met the month before the quarter"),
        pytest.param("2026-08", "2024-11", [ANA], id="met in its first month"),
        pytest.param("2026-10", "2024-11", [ANA], id="met in its last month"),
        pytest.param("2026-10", "2026-05", [ANA], id="known a quarter further back"),
        pytest.param("2026-10", "2026-06", None, id="known less than a quarter further back: unknown"),
    ],
)
def test_r12_new_is_who_was_first_met_in_the_period(first: str, begins: str, new: list[str] | None) -> None:
    assert circle(month(first), begins=begins).new_in(Q3) == new


def test_r12_who_is_only_booked_has_not_been_met() -> None:
    assert circle(month("2026-10", {ANA: BOOKED})).new_in(Q3) == []


@pytest.mark.parametrize(
    ("centres", "new"),
    [
        pytest.param({ANA: "EMEA", BEN: "APAC"}, ["APAC"], id="APAC's first is new"),
        pytest.param({ANA: "EMEA", BEN: "EMEA"}, [], id="a new person of a centre met before"),
        pytest.param({ANA: "EMEA", BEN: None}, [], id="of which centre is unknown"),
    ],
)
def test_r12_a_buying_centre_is_new_in_the_same_sense(centres: dict[str, str | None], new: list[str]) -> None:
    profiles = {person: Profile(centre=centre) for person, centre in centres.items()}
    found = circle(month("2026-01", [ANA]), month("2026-09", [BEN]), profiles=profiles, centres=["EMEA", "APAC"])
    assert found.new_centres_in(Q3) == new


def test_r12_without_known_centres_none_is_new_or_old() -> None:
    assert circle(month("2026-09")).new_centres_in(Q3) is None


def test_r12_everybody_with_hours_and_days_most_hours_first() -> None:
    found = circle(
        month("2026-08", {ANA: presence(1, day=3), BEN: presence(2, day=4)}),
        month("2026-10", {ANA: presence(0.5, day=7), CAT: BOOKED}),
    ).everybody()
    assert [(one.address, one.first, one.last) for one in found] == [
        (BEN, date(2026, 8, 4), date(2026, 8, 4)),
        (ANA, date(2026, 8, 3), date(2026, 10, 7)),
    ]
    assert found[1].seconds == {"2026-08": 3600, "2026-10": 1800}


def test_r12_what_nobody_told_is_unknown() -> None:
    found = circle(month("2026-10")).everybody()[0].profile
    assert found == UNKNOWN
    assert (found.executive, found.centre) == (None, None)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ana@acme.example", "Ana"),
        ("ana.brown@acme.example", "Ana Brown"),
        ("ana_de-wit@acme.example", "Ana De Wit"),
        ("McKay@acme.example", "McKay"),
        ("...@acme.example", "...@acme[.]example"),
    ],
)
def test_r12_a_name_is_made_of_the_address_where_none_was_told(address: str, name: str) -> None:
    assert name_from(address) == name
    assert circle(profiles={address: Profile(name="Told")}).name(address) == "Told"


def test_r12_whom_we_met_last() -> None:
    found = circle(
        month("2026-08", {ANA: presence(day=3), BEN: presence(day=9), CAT: presence(day=9)}), month("2026-10", [ANA])
    )
    assert found.last_meeting(Month("2026-09")) == (date(2026, 8, 9), (BEN, CAT))
    assert found.last_meeting(Month("2026-07")) is None
    assert found.last_met(ANA, Month("2026-09")) == date(2026, 8, 3)
    assert found.last_met(ANA, OCTOBER) == date(2026, 10, 15)
    assert found.last_meeting(OCTOBER) == (date(2026, 10, 15), (ANA,))
    assert found.last_meeting(Month("2026-08")) == (date(2026, 8, 9), (BEN, CAT))


def test_r12_what_a_month_holds_of_a_person_adds_up() -> None:
    silent = {JO: "accepted", ANA: "none"}
    found = met(
        *(meeting(silent, start=f"2026-10-0{day} 09:00") for day in (5, 6)),
        *(meeting([JO, ANA], start=f"2026-10-0{day} 09:00", organiser=ANA) for day in (7, 8)),
        *(meeting([JO, ANA], start=f"2026-10-2{day} 09:00") for day in (1, 2, 3)),
        now="2026-10-15",
    )
    assert found.theirs == {ANA: Presence(4 * 3600, 2 * 3600, 4, 5, 8, 3)}
    assert (found.meetings, found.called) == (4, 2)


def test_r12_a_half_year_adds_up() -> None:
    months = tuple(Month(f"2026-{number:02}") for number in range(5, 11))
    found = circle(*(month(text, {ANA: presence(2, silent=1), BEN: 1}, called=1) for text in months)).span(months)
    assert found.seconds == {ANA: 12 * 3600, BEN: 6 * 3600}
    assert (found.unanswered, found.meetings, found.called, found.months_met) == (6 * 3600, 12, 6, 6)


@pytest.mark.parametrize(
    ("first", "begins", "new"),
    [
        pytest.param("2026-07", "2024-11", [], id="met the month before the quarter"),
        pytest.param("2026-08", "2024-11", ["EMEA"], id="met in its first month"),
        pytest.param("2026-10", "2024-11", ["EMEA"], id="met in its last month"),
        pytest.param("2026-11", "2024-11", [], id="met after it"),
        pytest.param("2026-10", "2026-06", None, id="known less than a quarter further back: unknown"),
    ],
)
def test_r12_a_centre_is_new_when_the_first_of_it_is_met(first: str, begins: str, new: list[str] | None) -> None:
    profiles = {ANA: Profile(centre="EMEA"), BEN: Profile(centre="EMEA")}
    found = circle(month(first, [ANA]), month("2026-11", [BEN]), begins=begins, profiles=profiles, centres=["EMEA"])
    assert found.new_centres_in(Q3) == new


@pytest.mark.parametrize(
    ("later", "is_met"), [("2026-10", False), ("2026-11", True), ("2027-01", True), ("2027-02", False)]
)
def test_r12_who_is_met_or_booked_in_the_quarter_after(later: str, is_met: bool) -> None:
    for theirs in ([ANA], {ANA: BOOKED}):
        assert circle(month(later, theirs)).met_after(ANA, OCTOBER) is is_met
