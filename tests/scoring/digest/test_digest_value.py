"""The digest as a value: what its lines, sums and sentences say (R4, R6, R7, R9, R10, R11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from scoring.digest.build import FLAW_WORDS, Material, build_digest
from scoring.digest.lines import line_of, parts_of, strip_of
from scoring.digest.restatement import Restated
from scoring.digest.sections import Aside
from scoring.digest.value import ClientLine, Digest
from scoring.meetings.address_book import Client
from scoring.meetings.values import Conference, Meeting, Setting
from scoring.months.counting import judge
from scoring.months.figures import Credited, Figures, credit, figures_of
from scoring.months.history import Coverage, History, Verdict
from scoring.months.hours import tenths
from scoring.months.month import Month
from scoring.months.steps import Step
from tests.scoring.builders import (
    ACME,
    ANA,
    BEA,
    BEN,
    BETA,
    BOOK,
    CAT,
    JO,
    NOW,
    RULES,
    SAM,
    at,
    figures,
    history,
    judged,
    meeting,
)

OCTOBER, NOVEMBER = Month("2026-10"), Month("2026-11")
EARLIER = figures("2025-01", 1)
_PHONE = Setting(conference=Conference.PHONE)


def days(month: Month) -> int:
    """Twenty working days in every month."""
    return 20


def credited(*meetings: Meeting, client: str = "Acme") -> list[Credited]:
    return credit([judged(one, client) for one in meetings], RULES)


def line(found: History, month: str = "2026-10", **fields: object) -> ClientLine:
    values: dict[str, object] = {
        "manager": JO,
        "tier": "key",
        "incomplete": frozenset(),
        "working_days": days,
    } | fields
    return line_of(found, Month(month), (), **values)  # type: ignore[arg-type]


def told(found: History, about: str, month: str = "2026-10", **fields: object) -> list[str]:
    """The sentences of a client's line that hold these words."""
    return [one for one in line(found, month, **fields).sentences if about in one]


def digest(
    *histories: History,
    month: str = "2026-10",
    meetings: Mapping[str, Sequence[Credited]] | None = None,
    tiers: Mapping[str, str | None] | None = None,
    **fields: object,
) -> Digest:
    """Northwind's digest over these clients, all of tier key unless told otherwise."""
    clients = [Client(name=one.client, manager=JO, tier=(tiers or {}).get(one.client, "key")) for one in histories]
    values: dict[str, object] = {
        "name": "leadership",
        "company": "Northwind",
        "timezone": "Europe/London",
        "month": Month(month),
        "running": NOVEMBER,
        "now": at("2026-11-01 08:00"),
        "clients": clients,
        "histories": {one.client: one for one in histories},
        "meetings": meetings or {},
        "coverage": (),
        "missing": (),
        "incomplete": frozenset(),
        "working_days": days,
    } | fields
    return build_digest(Material(**values))  # type: ignore[arg-type]


def client(name: str, before: float, now: float, *, quarterly: bool = False) -> History:
    """A client long known, with so many hours in September and October."""
    months = [figures("2025-01", 1, client=name)]
    months += [figures(month, hours, client=name) for month, hours in (("2026-09", before), ("2026-10", now)) if hours]
    return history(*months, client=name, quarterly=quarterly)


# The sum behind a client's hours


@pytest.mark.parametrize(
    ("meetings", "parts"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([meeting(minutes=90, title="Plan")], [("Plan, 1 person, 1 h 30", 15)], id="one, by its title"),
        pytest.param([meeting((JO, ANA, BEN))], [("a meeting, 2 people, 1 h", 20)], id="one without a title"),
        pytest.param([meeting(setting=_PHONE, title="Call")], [], id="calls are no part of it"),
        pytest.param([meeting(cancelled=True, title="Off")], [], id="nor are those set aside"),
        pytest.param(
            [meeting(start=f"2026-10-0{day} 09:00", minutes=20, title=f"M{day}") for day in (5, 6, 7)],
            [("M5, 1 person, 20 min", 4), ("M6, 1 person, 20 min", 3), ("M7, 1 person, 20 min", 3)],
            id="three, one by one; their tenths add up to the hour",
        ),
        pytest.param(
            [meeting(start=f"2026-10-0{day} 09:00", minutes=20, title=f"M{day}") for day in (5, 6, 7)]
            + [meeting((JO, ANA, BEN), start="2026-10-08 09:00", minutes=120, title="Workshop")],
            [("Workshop, 2 people, 2 h", 40), ("3 short meetings with one person", 10)],
            id="more: the largest, and the rest by step",
        ),
        pytest.param(
            [meeting(minutes=90, title="First"), meeting(minutes=60, title="Inside")],
            [("First, 1 person, 1 h 30", 5), ("Inside, 1 person, 1 h", 10)],
            id="double-booked time is the first one's",
        ),
    ],
)
def test_r7_the_parts_tell_the_sum_behind_the_hours(meetings: list[Meeting], parts: list[tuple[str, int]]) -> None:
    found = parts_of(credited(*meetings))
    assert sorted((one.text, one.tenths) for one in found) == sorted(parts)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 12])
@pytest.mark.parametrize("minutes", [1, 7, 20, 25, 59, 61])
def test_r7_the_parts_add_up_to_the_tenths_of_the_line(count: int, minutes: int) -> None:
    people = [(JO, ANA), (JO, ANA, BEN), (JO, ANA, BEN, CAT)]
    found = [
        meeting(people[one % 3], start=f"2026-10-{5 + one:02d} 09:00", minutes=minutes + one) for one in range(count)
    ]
    lines = credited(*found)
    shown = tenths(figures_of("Acme", OCTOBER, [one.judged for one in lines], RULES).man_seconds)
    assert sum(part.tenths for part in parts_of(lines)) == shown


def test_r7_the_parts_do_not_depend_on_the_order_of_meetings() -> None:
    found = credited(*(meeting(start=f"2026-10-{day:02d} 09:00", minutes=30) for day in range(5, 12)))
    assert parts_of(found) == parts_of(found[::-1])


# The strip


def test_r11_the_strip_shows_two_years_and_what_is_unknown() -> None:
    bars = strip_of(
        history(figures("2026-09", 2), figures("2026-10", 3), begins="2026-08"), OCTOBER, frozenset({Month("2026-09")})
    )
    assert len(bars) == 24
    assert (bars[0].month, bars[-1].month) == ("2024-11", "2026-10")
    assert [(bar.tenths, bar.score, bar.complete) for bar in bars[-4:]] == [
        (None, None, True),
        (0, 0, True),
        (20, 5, False),
        (30, 5, True),
    ]


# The sentences that explain a verdict


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        pytest.param(
            figures("2026-09", 3),
            figures("2026-10", 6, steps={Step.LONG_MANY: 1, Step.SHORT_ONE: 2}, largest=4),
            "−1.0 h",
            id="one meeting is most of this month",
        ),
        pytest.param(
            figures("2026-09", 8, steps={Step.LONG_MANY: 1, Step.SHORT_ONE: 2}, largest=6),
            figures("2026-10", 3),
            "+1.0 h",
            id="one meeting was most of the month before",
        ),
        pytest.param(
            figures("2026-09", 3),
            figures("2026-10", 4, steps={Step.LONG_ONE: 2}, largest=2),
            "−1.0 h",
            id="exactly half",
        ),
        pytest.param(
            figures("2026-09", 8, steps={Step.LONG_MANY: 1}, largest=8),
            figures("2026-10", 3, steps={Step.SHORT_ONE: 3}, largest=1),
            "+3.0 h",
            id="one workshop was all of the month before",
        ),
    ],
)
def test_r9_where_one_meeting_is_half_or_more_the_change_without_it_is_told(
    before: Figures, now: Figures, change: str
) -> None:
    (sentence,) = told(history(EARLIER, before, now), "without it")
    assert change in sentence


@pytest.mark.parametrize(
    "months",
    [
        pytest.param(
            (figures("2026-09", 4, largest=1), figures("2026-10", 6, steps={Step.LONG_ONE: 4}, largest=2)),
            id="no meeting is half",
        ),
        pytest.param((), id="nothing was met"),
    ],
)
def test_r9_else_no_change_without_a_meeting_is_told(months: tuple[Figures, ...]) -> None:
    assert told(history(EARLIER, *months), "without it") == []


def test_r9_the_change_of_the_same_months_a_year_earlier_is_told() -> None:
    found = history(
        figures("2024-12", 1),
        figures("2025-09", 5),
        figures("2025-10", 2),
        figures("2026-09", 4),
        figures("2026-10", 3),
    )
    (sentence,) = told(found, "A year earlier")
    assert sentence == "A year earlier, the change from September to October was −3.0 h."


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(history(EARLIER, figures("2026-10", 3), begins="2025-10"), id="before history: unknown"),
        pytest.param(history(figures("2026-01", 1), figures("2026-10", 3)), id="before the first meeting"),
    ],
)
def test_r9_what_is_unknown_of_a_year_earlier_is_not_told(found: History) -> None:
    assert told(found, "year earlier") == []


@pytest.mark.parametrize(
    ("months", "sentences"),
    [
        pytest.param(
            (
                figures("2026-08", 1, steps={Step.LONG_MANY: 2}),
                figures("2026-09", 1),
                figures("2026-10", 3, steps={Step.LONG_ONE: 1}),
            ),
            ["The hours grew, but the score has declined over three months (26 → 5 → 5)."],
            id="developing, yet declining",
        ),
        pytest.param(
            (
                figures("2026-08", 1, steps={Step.SHORT_ONE: 1}),
                figures("2026-09", 5),
                figures("2026-10", 3, steps={Step.LONG_MANY: 1}),
            ),
            ["The hours did not grow, but the score has improved over three months (3 → 5 → 13)."],
            id="not developing, yet improving",
        ),
        pytest.param(
            (figures("2026-08", 1), figures("2026-09", 1), figures("2026-10", 3, steps={Step.LONG_MANY: 1})),
            [],
            id="both up",
        ),
    ],
)
def test_r10_where_verdict_and_trend_disagree_one_sentence_says_both(
    months: tuple[Figures, ...], sentences: list[str]
) -> None:
    assert told(history(EARLIER, *months), "but the score") == sentences


def test_r10_the_long_view_compares_means_of_three_months_with_a_year_earlier() -> None:
    earlier = [figures(month, 1) for month in ("2024-12", "2025-08", "2025-09", "2025-10")]
    found = history(*earlier, figures("2026-08", 2), figures("2026-10", 3))
    assert told(found, "Long view") == ["Long view: 1.7 h a month over three months, 1.0 h a year earlier."]


def test_r10_a_month_with_fewer_working_days_is_told_where_it_changes_the_picture() -> None:
    found = history(EARLIER, figures("2026-09", 21), figures("2026-10", 20))
    shorter = {"2026-09": 22, "2026-10": 18}
    assert told(found, "Per working day", working_days=lambda month: shorter[month])
    assert told(found, "Per working day") == []
    assert told(found, "Per working day", working_days=lambda _: 0) == []


def test_r6_the_confirmed_score_is_told_where_it_differs() -> None:
    steps = {Step.SHORT_MANY: 1}
    differs = figures("2026-10", 2, steps=steps, confirmed={Step.SHORT_ONE: 1})
    assert told(history(EARLIER, differs), "accepted or organised") == [
        "Counting only those who accepted or organised, the score is 3 instead of 8."
    ]
    assert told(history(EARLIER, figures("2026-10", 2, steps=steps)), "accepted or organised") == []


def test_r7_phone_calls_are_told_beside_the_hours() -> None:
    found = history(EARLIER, figures("2026-10", 1, phone=2, phone_seconds=5400))
    assert told(found, "phone call") == ["Beside it, 2 phone calls (1.5 h), which are no man-hours."]


@pytest.mark.parametrize("quarterly", [False, True], ids=["monthly", "quarterly"])
def test_r9_the_running_month_is_told_by_its_own_hours(quarterly: bool) -> None:
    found = history(EARLIER, figures("2026-09", 4), figures("2026-10", 3), figures("2026-11", 1), quarterly=quarterly)
    assert line(found, "2026-11").verdict_text == "Acme has given 1.0 h in November so far."


def test_r9_the_month_before_history_is_no_change() -> None:
    found = line(history(figures("2026-10", 3), begins="2026-10"))
    assert (found.before_tenths, found.change_tenths, found.score_before) == (None, None, None)


# Headline and order


def test_the_headline_counts_the_relationships_that_are_developing() -> None:
    new = history(figures("2026-10", 1, client="New"), client="New")
    found = digest(client("Up", 1, 2), client("Down", 2, 1), client("Same", 1, 1), new)
    assert (found.developing, found.judged) == (1, 4)
    assert found.headline == "October: 1 of 4 relationships is developing, 1 is new"
    assert found.subject == "October: 1 of 4 developing; look at Down"
    assert found.month_text == "October 2026"


def test_the_subject_names_three_clients_at_most() -> None:
    found = digest(*(client(name, 2, 1) for name in "ABCDE"))
    assert found.subject == "October: 0 of 5 developing; look at A, B, C and 2 more"


def test_a_running_month_is_told_as_so_far_and_judges_nobody() -> None:
    found = digest(history(EARLIER, figures("2026-11", 2.5)), month="2026-11")
    assert (found.judged, found.complete) == (0, False)
    assert found.headline == found.subject == "November so far: 2.5 hours of clients' time"


def test_a_digest_without_clients_is_told_without_a_fault() -> None:
    found = digest()
    assert (found.headline, found.lines, found.not_met) == ("October: no relationship to judge", (), ())


def test_the_lines_stand_in_reading_order_those_that_need_action_first() -> None:
    found = digest(
        client("More", 1, 2),
        client("Most", 1, 5),
        client("Less", 3, 2),
        client("Least", 5, 1),
        client("Silent", 0, 0),
        client("Same", 2, 2),
        history(figures("2026-10", 1, client="New"), client="New"),
    )
    assert [one.client for one in found.lines] == ["Least", "Less", "Silent", "Same", "New", "Most", "More"]


def test_key_accounts_stand_before_others_of_the_same_verdict() -> None:
    tiers = {"A": "prospect", "B": "standard", "C": None, "D": "strategic", "E": "key"}
    found = digest(*(client(name, 2, 1) for name in "ABCDE"), tiers=tiers)
    assert [one.client for one in found.lines] == ["E", "D", "C", "B", "A"]


def test_the_order_of_clients_in_the_config_does_not_matter() -> None:
    clients = [client(name, before, now) for name, before, now in (("A", 1, 2), ("B", 2, 1), ("C", 1, 1), ("D", 2, 1))]
    assert digest(*clients).lines == digest(*clients[::-1]).lines


# Not met


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        pytest.param(
            history(EARLIER, figures("2026-08", 1)),
            "Acme: last met in August 2026; nothing is booked.",
            id="met earlier, nothing booked",
        ),
        pytest.param(
            history(EARLIER, figures("2026-11", booked=1), figures("2026-12", booked=2)),
            "Acme: last met in January 2025; 3 meetings are booked.",
            id="booked",
        ),
        pytest.param(
            history(figures("2026-11", booked=1)),
            "Acme: never met since November 2024; 1 meeting is booked.",
            id="never met",
        ),
        pytest.param(
            history(EARLIER, figures("2026-11", 2)),
            "Acme: last met in January 2025; nothing is booked.",
            id="what came after the month is not told as met before it",
        ),
    ],
)
def test_who_was_not_met_is_told_with_the_last_meeting_and_what_is_booked(found: History, sentence: str) -> None:
    assert [one.sentence for one in digest(found).not_met] == [sentence]


def test_a_client_met_by_phone_was_met() -> None:
    assert digest(history(EARLIER, figures("2026-10", phone=1))).not_met == ()


def test_r9_a_quarterly_client_met_in_one_of_the_three_months_was_met() -> None:
    assert digest(history(EARLIER, figures("2026-08", 1), quarterly=True)).not_met == ()


@pytest.mark.parametrize("quarterly", [False, True], ids=["monthly", "quarterly"])
def test_who_was_met_in_the_running_month_was_met(quarterly: bool) -> None:
    found = digest(history(EARLIER, figures("2026-11", 1), quarterly=quarterly), month="2026-11")
    assert found.not_met == ()


def test_what_is_booked_later_in_the_running_month_is_booked() -> None:
    (found,) = digest(history(EARLIER, figures("2026-11", booked=2)), month="2026-11").not_met
    assert found.sentence == "Acme: last met in January 2025; 2 meetings are booked."


def test_a_client_met_before_the_months_at_hand_was_not_never_met() -> None:
    """R11: first-met dates outlive what is looked at."""
    (found,) = digest(history(begins="2020-01", first_met="2020-05")).not_met
    assert "never met" not in found.sentence


# Set aside


def test_r4_what_is_set_aside_is_told_by_reason_with_its_number() -> None:
    meetings = {
        "Acme": credited(
            meeting(all_day=True, minutes=1440),
            meeting(minutes=700, start="2026-10-06 06:00"),
            meeting(minutes=720, start="2026-10-07 06:00"),
            meeting({JO: "accepted", ANA: "declined"}, start="2026-10-08 06:00"),
            meeting(start="2026-10-09 06:00"),
        )
    }
    found = digest(client("Acme", 1, 1), meetings=meetings).set_aside
    assert [(one.reason, one.meetings, one.clients) for one in found] == [
        ("all_day", 1, ("Acme",)),
        ("too_long", 2, ("Acme",)),
        ("client_declined", 1, ()),
    ]
    assert found[0].sentence == "1 meeting with Acme: an all-day entry: not counted; enter each day with its hours."


def test_r4_a_meeting_with_two_clients_is_set_aside_once_and_lists_both() -> None:
    both = meeting((JO, ANA, BEA), minutes=700)
    found = digest(
        client("Acme", 1, 1),
        client("Beta", 1, 1),
        meetings={name: credited(both, client=name) for name in ("Acme", "Beta")},
    ).set_aside
    assert [(one.meetings, one.clients) for one in found] == [(1, ("Acme", "Beta"))]


def test_r4_meetings_of_clients_not_in_the_digest_are_not_told() -> None:
    lines = credited(meeting((JO, BEA), minutes=700), client="Beta")
    assert digest(client("Acme", 1, 1), meetings={"Beta": lines}).set_aside == ()


# What the figures lack


def test_r11_a_digest_from_incomplete_figures_says_so_and_names_the_calendars() -> None:
    found = digest(client("Acme", 1, 1), missing=(JO, SAM))
    assert not found.complete
    assert f"2 calendars were not read to the end of October: {JO} and {SAM}." in found.lacks


def test_r11_where_ours_are_not_shown_calendars_are_counted_only() -> None:
    found = digest(client("Acme", 1, 1), missing=(JO,), show_ours=False)
    assert found.lacks == ("1 calendar was not read to the end of October.",)


def test_r11_calendars_that_cannot_be_read_are_named_as_never_read_but_make_nothing_incomplete() -> None:
    never = Coverage(calendar=SAM, joined=Month("2024-11"), left=None, read_through=None, never_read="no mailbox")
    found = digest(client("Acme", 1, 1), coverage=(never,))
    assert found.complete
    assert found.lacks == (f"1 calendar is never read: {SAM}.",)


@pytest.mark.parametrize("flaw", sorted(FLAW_WORDS))
def test_r3_flaws_of_the_data_are_told_in_words(flaw: str) -> None:
    lines = credited(meeting(flaws=(flaw,)))
    assert digest(client("Acme", 1, 1), meetings={"Acme": lines}).lacks == (f"1 meeting has {FLAW_WORDS[flaw]}.",)


def test_r3_a_flaw_of_a_meeting_with_two_clients_is_told_once() -> None:
    both = meeting((JO, ANA, BEA), flaws=("additional_guests",))
    lines = {one.client: credit([one], RULES) for one in judge(both, BOOK, RULES, NOW)}
    found = digest(client("Acme", 1, 1), client("Beta", 1, 1), meetings=lines)
    assert found.lacks == ("1 meeting has guests without an address.",)


# Notes


def test_the_share_of_hours_that_are_confirmed_is_told() -> None:
    found = digest(history(EARLIER, figures("2026-10", 4, confirmed_seconds=3 * 3600)))
    assert "75 % of the hours come from people who accepted or organised." in found.notes


def test_r9_a_quarterly_rhythm_says_so() -> None:
    found = digest(client("Acme", 1, 1, quarterly=True), client("Beta", 1, 1))
    assert [one for one in found.notes if "Quarterly" in one] == [
        "Quarterly rhythm, three months against the three before: Acme."
    ]


def test_r9_a_quarterly_clients_place_follows_the_change_that_its_verdict_speaks_of() -> None:
    """Big lost 9 h in its quarter, but nothing from September to October; Small lost 1 h this month."""
    quarterly = history(
        *(figures(month, hours, client="Big") for month, hours in (("2025-01", 1), ("2026-06", 10), ("2026-08", 1))),
        client="Big",
        quarterly=True,
    )
    found = digest(client("Small", 2, 1), quarterly)
    assert [(one.client, one.verdict) for one in found.lines] == [
        ("Big", Verdict.NOT_DEVELOPING),
        ("Small", Verdict.NOT_DEVELOPING),
    ]


def test_a_client_of_the_config_has_its_line_and_its_manager() -> None:
    assert {one.client for one in digest(client(ACME.name, 0, 0), client(BETA.name, 0, 0)).lines} == {"Acme", "Beta"}
    assert digest(client("Acme", 0, 0)).lines[0].manager == JO


# What stands beside the table

SECTIONS = Aside(
    restated=[Restated(client="Acme", month=Month("2026-09"), score=1, man_seconds=0, why="late", sentence="It was.")],
    strangers=[("one.example", 1), ("two.example", 2)],
    without_digest=[JO, SAM],
    portfolio=["2 key accounts."],
)


def sections(*histories: History, **fields: Any) -> dict[str, tuple[str, ...]]:
    found = digest(*histories, aside=replace(SECTIONS, **fields))
    return {one.title: one.sentences for one in found.sections}


def test_the_sections_in_their_order_and_words() -> None:
    movers = [client("Alpha", 1, 3), client("Beta", 3, 1), client("Gamma", 2, 4), client("Delta", 2, 2)]
    quick = client("Epsilon", 9, 0, quarterly=True)
    assert list(sections(*movers, quick).items()) == [
        ("Changed since it was last told", ("It was.",)),
        ("Largest changes", ("More: Alpha +2.0 h, Gamma +2.0 h.", "Less: Beta \u22122.0 h.")),
        ("All clients together", ("2 key accounts.",)),
        (
            "Met, but nobody's client",
            ("one[.]example (1 meeting) and two[.]example (2 meetings): `rapport clients suggest` lists them.",),
        ),
        ("Without a digest", (f"No digest went to {JO} and {SAM}: their calendars are no longer there.",)),
    ]


def test_of_the_largest_changes_three_each_way_and_of_few_clients_none() -> None:
    grown = [client(f"C{number}", 1, 1 + number / 10) for number in range(1, 6)]
    assert sections(*grown)["Largest changes"] == ("More: C5 +0.5 h, C4 +0.4 h, C3 +0.3 h.",)
    assert "Largest changes" in sections(*grown[:4])
    assert "Largest changes" not in sections(*grown[:3])


@pytest.mark.parametrize(("count", "last"), [(10, "It was."), (11, "And 2 more."), (20, "And 11 more.")])
def test_of_many_sentences_the_first_and_how_many_more(count: int, last: str) -> None:
    found = sections(client("Acme", 1, 1), restated=[*SECTIONS.restated] * count)["Changed since it was last told"]
    assert found == (*["It was."] * 9, last)


def ahead(*starts: str, all_day: bool = False) -> list[Credited]:
    """Hours of Jo with Ana in November, not over yet."""
    found = [meeting(start=start, title="Plan", all_day=all_day) for start in starts]
    return credit([judged(one, now=at("2026-11-01")) for one in found], RULES)


def test_what_is_booked_by_client_three_meetings_each_on_the_companys_days() -> None:
    booked = {"Acme": ahead(*(f"2026-11-0{day} 23:30" for day in range(2, 7)))}
    assert sections(client("Acme", 1, 1), client("Beta", 1, 1), booked=booked)["Booked in November"] == (
        "Acme: 2 Nov Plan, 1 person, 1 h; 3 Nov Plan, 1 person, 1 h; 4 Nov Plan, 1 person, 1 h; and 2 more.",
    )
    one = {"Acme": [*ahead("2026-11-02 10:00"), *ahead("2026-11-03 00:00", all_day=True), *credited(meeting())]}
    assert sections(client("Acme", 1, 1), booked=one)["Booked in November"] == ("Acme: 2 Nov Plan, 1 person, 1 h.",)
    steps = sections(client("Acme", 1, 1), booked=booked, next_steps={"Acme": ["Thursday: 3."]})
    assert "Booked in November" not in steps
    assert steps["Next steps in November"] == ("Thursday: 3.",)
