"""R13: each signal with both sides of its boundary, its numbers and its sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scoring.insights.circle import Profile
from scoring.insights.findings import IMPORTANCE, Finding, most_important
from scoring.insights.people import PeopleMonth, Presence
from scoring.insights.signals import SignalThresholds, View, signals_of
from scoring.months.month import Month
from tests.scoring.builders import ANA, BEN, CAT, JO, SAM, figures, history
from tests.scoring.circles import BOOKED, circle, history_of, month, presence, signals

EARLIER = month("2025-01")
PAST = month("2025-01", [ANA, BEN, CAT])
MONTHS = ("2026-08", "2026-09", "2026-10")


def three(*months: dict[str, float | Presence], **fields: object) -> list[PeopleMonth]:
    """August to October."""
    return [month(text, theirs, **fields) for text, theirs in zip(MONTHS, months, strict=True)]  # type: ignore[arg-type]


class TestSingleThreaded:
    @pytest.mark.parametrize(
        ("theirs", "holds"),
        [
            pytest.param({ANA: 6, BEN: 4}, True, id="60 % exactly"),
            pytest.param({ANA: 5.99, BEN: 4.01}, False, id="less"),
            pytest.param({ANA: 6.0003, BEN: 4}, True, id="a second more"),
            pytest.param({ANA: 3, BEN: 3, CAT: 3}, False, id="three alike"),
            pytest.param({ANA: 1}, True, id="one person"),
            pytest.param({ANA: presence(0)}, False, id="only calls: no man-hours"),
        ],
    )
    def test_r13_one_person_has_most_of_the_hours(self, theirs: dict[str, float | Presence], holds: bool) -> None:
        assert ("single_threaded" in signals(circle(month("2026-09", theirs)))) is holds

    def test_r13_the_last_three_months_are_added_up(self) -> None:
        found = signals(circle(PAST, *three({ANA: 4}, {ANA: 3, BEN: 1}, {ANA: 0.5, CAT: 0.5})))
        assert found["single_threaded"] == (
            {"person": ANA, "hours": 7.5, "total_hours": 9.0, "share": 0.833},
            "If Ana leaves you keep 1.5 of 9.0 h (August to October).",
        )

    def test_r13_a_fourth_month_does_not_count(self) -> None:
        found = signals(circle(month("2026-07", {ANA: 50}), month("2026-10", {ANA: 1, BEN: 1})))
        assert "single_threaded" not in found

    def test_r13_the_share_is_config(self) -> None:
        found = circle(month("2026-10", {ANA: 5, BEN: 5}))
        assert "single_threaded" in signals(found, thresholds=SignalThresholds(single_threaded=0.5))

    def test_r13_nothing_is_said_of_months_before_history(self) -> None:
        found = circle(month("2026-10", {ANA: 5}), begins="2026-09")
        assert "single_threaded" not in signals(found, of=history_of(found, begins="2026-09"))


class TestOneBuyingCentre:
    @pytest.mark.parametrize(
        ("centres", "known", "holds"),
        [
            pytest.param({ANA: "EMEA", BEN: "EMEA"}, ["EMEA", "APAC"], True, id="both in one, another is known"),
            pytest.param({ANA: "EMEA", BEN: "APAC"}, ["EMEA", "APAC"], False, id="two met"),
            pytest.param({ANA: "EMEA", BEN: "EMEA"}, ["EMEA"], False, id="no other is known"),
            pytest.param({ANA: "EMEA", BEN: None}, ["EMEA", "APAC"], False, id="of one the centre is unknown"),
            pytest.param({ANA: None, BEN: None}, ["EMEA", "APAC"], False, id="of both"),
        ],
    )
    def test_r13_all_hours_in_one_of_several(
        self, centres: dict[str, str | None], known: list[str], holds: bool
    ) -> None:
        profiles = {person: Profile(centre=centre) for person, centre in centres.items()}
        found = circle(month("2026-10", [ANA, BEN]), profiles=profiles, centres=known)
        assert ("one_buying_centre" in signals(found)) is holds

    def test_r13_its_sentence_names_the_others(self) -> None:
        found = circle(month("2026-10"), profiles={ANA: Profile(centre="EMEA")}, centres=["EMEA", "APAC", "Retail"])
        assert signals(found)["one_buying_centre"] == (
            {"centre": "EMEA", "hours": 1.0, "others": ["APAC", "Retail"]},
            "All 1.0 h (August to October) lie in EMEA; nobody of APAC and Retail gave any.",
        )

    def test_r13_a_call_with_another_centre_brings_no_hours(self) -> None:
        profiles = {ANA: Profile(centre="EMEA"), BEN: Profile(centre="APAC")}
        found = circle(month("2026-10", {ANA: 1, BEN: presence(0)}), profiles=profiles, centres=["EMEA", "APAC"])
        assert "one_buying_centre" in signals(found)


class TestOneOfOurs:
    def test_r13_only_one_of_ours_met_them(self) -> None:
        found = circle(*three({ANA: 1}, {ANA: 1}, {ANA: 1}, ours=[JO]))
        assert signals(found)["one_of_ours"] == (
            {"ours": [JO], "meetings": 3},
            "Only Jo met them in August to October.",
        )

    def test_r13_two_of_ours_in_three_months_are_enough(self) -> None:
        found = circle(month("2026-08", ours=[SAM]), month("2026-10", ours=[JO]))
        assert "one_of_ours" not in signals(found)

    def test_r13_the_other_one_four_months_ago_is_not(self) -> None:
        found = circle(month("2026-07", ours=[SAM]), month("2026-10", ours=[JO]))
        assert "one_of_ours" in signals(found)

    def test_r13_no_meeting_no_signal(self) -> None:
        assert "one_of_ours" not in signals(circle(EARLIER))

    def test_r13_our_people_are_not_named_where_they_may_not_be(self) -> None:
        numbers, sentence = signals(circle(month("2026-10", ours=[JO])), name_ours=False)["one_of_ours"]
        assert (numbers["ours"], sentence) == (1, "Only one of our people met them in August to October.")


class TestNoNewPeople:
    @pytest.mark.parametrize(
        ("first", "holds"),
        [
            pytest.param("2026-04", True, id="the newest met seven months ago"),
            pytest.param("2026-05", False, id="the newest met in the first of six months"),
            pytest.param("2026-09", False, id="met last month"),
        ],
    )
    def test_r13_nobody_new_in_two_quarters(self, first: str, holds: bool) -> None:
        found = circle(EARLIER, month(first, [BEN]), month("2026-10"))
        assert ("no_new_people" in signals(found)) is holds

    @pytest.mark.parametrize(("begins", "holds"), [("2026-02", True), ("2026-03", False)])
    def test_r13_only_where_the_store_reaches_a_quarter_further_back(self, begins: str, holds: bool) -> None:
        found = circle(month("2026-03"), month("2026-10"), begins=begins)
        assert ("no_new_people" in signals(found)) is holds

    def test_r13_nobody_at_all_is_no_comfort_zone(self) -> None:
        assert "no_new_people" not in signals(circle(EARLIER))

    def test_r13_its_sentence(self) -> None:
        assert signals(circle(PAST, month("2026-06", [BEN]), month("2026-10")))["no_new_people"] == (
            {"months": 6, "people": 2},
            "Nobody new in six months: you met the same two people.",
        )


class TestGoneQuiet:
    @pytest.mark.parametrize(
        ("day", "holds"),
        [
            pytest.param("2026-09-01", True, id="60 days before the month's end"),
            pytest.param("2026-09-02", False, id="59 days"),
            pytest.param("2026-05-01", True, id="in the first of six months"),
            pytest.param("2026-04-30", False, id="not in the last half year at all"),
        ],
    )
    def test_r13_sixty_days(self, day: str, holds: bool) -> None:
        found = circle(EARLIER, month(day[:7], {ANA: presence(day=int(day[8:]))}), month("2026-10", [BEN]))
        assert ("gone_quiet" in signals(found)) is holds

    @pytest.mark.parametrize(
        ("later", "holds"),
        [
            pytest.param({ANA: BOOKED}, False, id="booked"),
            pytest.param({ANA: 1}, False, id="has met us since"),
            pytest.param({BEN: BOOKED}, True, id="somebody else is booked"),
        ],
    )
    def test_r13_who_is_booked_is_not_quiet(self, later: dict[str, float | Presence], holds: bool) -> None:
        found = circle(month("2026-06"), month("2026-10", [BEN]), month("2026-12", later))
        assert ("gone_quiet" in signals(found)) is holds

    @pytest.mark.parametrize(("hours", "holds"), [(4, True), (0.5, False)])
    def test_r13_one_of_the_three_with_most_hours(self, hours: float, holds: bool) -> None:
        others = dict.fromkeys([BEN, CAT, "dan@acme.example"], 1.0)
        found = circle(month("2026-06", {ANA: hours}), month("2026-10", others))
        assert ("gone_quiet" in signals(found)) is holds

    def test_r13_who_has_left_is_not_waited_for(self) -> None:
        found = circle(month("2026-06"), month("2026-10", [BEN]), profiles={ANA: Profile(left=True)})
        assert "gone_quiet" not in signals(found)

    def test_r13_its_numbers_and_sentence(self) -> None:
        found = circle(month("2026-06", {ANA: presence(2, day=12)}), month("2026-10", [BEN]))
        assert signals(found)["gone_quiet"] == (
            {"people": [{"person": ANA, "last_met": "2026-06-12", "days": 141, "hours": 2.0}]},
            "Ana (last met 12 June 2026) has gone quiet and is not booked.",
        )

    def test_r13_the_days_are_config(self) -> None:
        found = circle(month("2026-09", {ANA: presence(day=20)}), month("2026-10", [BEN]))
        assert "gone_quiet" in signals(found, thresholds=SignalThresholds(gone_quiet=timedelta(days=30)))


class TestNotMet:
    def test_r13_no_counted_meeting_this_month(self) -> None:
        found = circle(month("2026-08", {ANA: presence(day=12)}))
        assert signals(found)["not_met"] == (
            {"booked": False, "last_met": "2026-08-12"},
            "Not met in October, last met 12 August 2026; nothing is booked.",
        )

    def test_r13_a_call_is_a_counted_meeting(self) -> None:
        assert "not_met" not in signals(circle(month("2026-10", {ANA: presence(0)})))

    def test_r13_better_with_a_meeting_booked(self) -> None:
        numbers, sentence = signals(circle(EARLIER, month("2026-11", {ANA: BOOKED})))["not_met"]
        assert numbers["booked"] is True
        assert sentence.endswith("a meeting is booked.")

    def test_r13_never_met(self) -> None:
        numbers, sentence = signals(circle())["not_met"]
        assert numbers == {"booked": False, "last_met": None}
        assert "never met since November 2024" in sentence

    @pytest.mark.parametrize(("last", "holds"), [("2026-08", False), ("2026-07", True)])
    def test_r13_a_quarterly_rhythm_has_three_months(self, last: str, holds: bool) -> None:
        found = circle(EARLIER, month(last))
        assert ("not_met" in signals(found, of=history_of(found, quarterly=True))) is holds


class TestFalling:
    @pytest.mark.parametrize(
        ("hours", "holds"),
        [
            pytest.param((3, 2, 1), True, id="two months running"),
            pytest.param((2, 2, 1), False, id="only this month"),
            pytest.param((3, 2, 2), False, id="only the month before"),
            pytest.param((2, 1, 0), True, id="down to nothing"),
            pytest.param((1, 0, 0), False, id="nothing cannot fall"),
        ],
    )
    def test_r13_not_developing_two_months_running(self, hours: tuple[float, ...], holds: bool) -> None:
        months = [figures(text, one) for text, one in zip(MONTHS, hours, strict=True)]
        assert ("falling" in signals(circle(), of=history(figures("2025-01", 1), *months))) is holds

    @pytest.mark.parametrize(
        ("a_year_ago", "holds"),
        [
            pytest.param((3, 2, 1), False, id="the same months fell"),
            pytest.param((3, 2, 2), True, id="only one of them fell"),
            pytest.param((1, 2, 3), True, id="they grew"),
        ],
    )
    def test_r13_not_where_the_same_months_fell_a_year_ago(self, a_year_ago: tuple[float, ...], holds: bool) -> None:
        months = [figures(text, 3 - index) for index, text in enumerate(MONTHS)]
        months += [figures(f"2025{text[4:]}", one) for text, one in zip(MONTHS, a_year_ago, strict=True)]
        assert ("falling" in signals(circle(), of=history(figures("2025-01", 1), *months))) is holds

    def test_r13_its_sentence(self) -> None:
        months = [figures(text, 3 - index) for index, text in enumerate(MONTHS)]
        assert signals(circle(), of=history(figures("2025-01", 1), *months))["falling"] == (
            {"hours": [3.0, 2.0, 1.0], "months": ["2026-09", "2026-10"]},
            "The hours have fallen two months running: 3.0 → 2.0 → 1.0 h.",
        )

    @pytest.mark.parametrize(("hours", "holds"), [((9, 6, 3), True), ((6, 6, 3), False)])
    def test_r13_a_quarterly_rhythm_falls_by_quarters(self, hours: tuple[float, ...], holds: bool) -> None:
        months = [figures(text, one) for text, one in zip(("2026-04", "2026-07", "2026-10"), hours, strict=True)]
        found = history(figures("2025-01", 1), *months, quarterly=True)
        assert ("falling" in signals(circle(), of=found)) is holds


class TestUnconfirmed:
    @pytest.mark.parametrize(
        ("silent", "holds"),
        [
            pytest.param(1, False, id="half"),
            pytest.param(1.001, True, id="over half"),
            pytest.param(0, False, id="everybody answered, or nobody could know"),
        ],
    )
    def test_r13_over_half_of_the_hours(self, silent: float, holds: bool) -> None:
        found = circle(month("2026-10", {ANA: presence(2, silent=silent)}))
        assert ("unconfirmed" in signals(found)) is holds

    def test_r13_its_sentence(self) -> None:
        found = circle(month("2026-10", {ANA: presence(3, silent=3), BEN: 1}))
        assert signals(found)["unconfirmed"] == (
            {"hours": 3.0, "total_hours": 4.0, "share": 0.75},
            "3.0 of 4.0 h (August to October) come from people who never answered the invitation.",
        )


class TestWePush:
    @pytest.mark.parametrize(
        ("ours", "theirs", "holds"),
        [
            pytest.param((1, 2), (3, 2), True, id="ours grow, theirs shrink"),
            pytest.param((2, 2), (3, 2), False, id="ours stay"),
            pytest.param((1, 2), (3, 3), False, id="theirs stay"),
            pytest.param((2, 1), (3, 2), False, id="both shrink"),
            pytest.param((1, 1.04), (3, 2), False, id="1.0 is shown for both of ours"),
            pytest.param((1, 1.05), (3, 2), True, id="1.1 is shown"),
        ],
    )
    def test_r13_our_hours_grow_while_theirs_shrink(
        self, ours: tuple[float, float], theirs: tuple[float, float], holds: bool
    ) -> None:
        months = [
            figures(text, hours, our_seconds=round(mine * 3600))
            for text, hours, mine in zip(("2026-08", "2026-10"), theirs, ours, strict=True)
        ]
        assert ("we_push" in signals(circle(), of=history(figures("2025-01", 1), *months))) is holds

    @pytest.mark.parametrize(
        ("our_people", "says"), [(2, "Our hours grew from August"), (3, "grew from 1.0 to 2.0 h from")]
    )
    def test_r13_our_hours_are_not_told_of_so_few_that_it_would_name_them(self, our_people: int, says: str) -> None:
        first, last = (
            figures(text, hours, our_seconds=mine * 3600, our_people=our_people)
            for text, hours, mine in (("2026-08", 3, 1), ("2026-10", 2, 2))
        )
        _, sentence = signals(circle(), of=history(figures("2025-01", 1), first, last))["we_push"]
        assert says in sentence

    def test_r13_both_are_told(self) -> None:
        first, last = (
            figures(text, hours, our_seconds=mine * 3600, our_people=3)
            for text, hours, mine in (("2026-08", 3, 1), ("2026-10", 2, 2))
        )
        assert signals(circle(), of=history(figures("2025-01", 1), first, last))["we_push"] == (
            {"our_hours": [1.0, 2.0], "hours": [3.0, 2.0]},
            "Our hours grew from 1.0 to 2.0 h from August to October, theirs shrank from 3.0 to 2.0 h.",
        )

    def test_r13_a_client_first_met_since_has_no_trend(self) -> None:
        found = history(figures("2026-09", 3), figures("2026-10", 2, our_seconds=9000))
        assert "we_push" not in signals(circle(), of=found)


class TestGoodNews:
    @pytest.mark.parametrize(("first", "holds"), [("2026-08", True), ("2026-07", False)])
    def test_r13_new_people_this_quarter(self, first: str, holds: bool) -> None:
        found = circle(EARLIER, month(first, [BEN]), month("2026-10", [BEN]))
        assert ("new_people" in signals(found)) is holds

    def test_r13_new_people_are_named(self) -> None:
        found = signals(circle(EARLIER, month("2026-09", [BEN, CAT])))
        assert found["new_people"] == (
            {"people": [BEN, CAT]},
            "Met for the first time in August to October: Ben and Cat.",
        )

    @pytest.mark.parametrize(
        ("executive", "holds"),
        [
            pytest.param(True, True, id="an executive"),
            pytest.param(False, False, id="none"),
            pytest.param(None, False, id="unknown is no yes"),
        ],
    )
    def test_r13_a_new_executive(self, executive: bool | None, holds: bool) -> None:
        profiles = {BEN: Profile(name="Ben Ox", title="CFO", executive=executive)}
        found = signals(circle(EARLIER, month("2026-09", [BEN]), profiles=profiles))
        assert ("new_executive" in found) is holds
        if holds:
            assert found["new_executive"][1].endswith("for the first time in August to October: Ben Ox (CFO).")

    def test_r13_a_new_buying_centre(self) -> None:
        profiles = {ANA: Profile(centre="EMEA"), BEN: Profile(centre="APAC")}
        found = circle(EARLIER, month("2026-09", [BEN]), profiles=profiles, centres=["EMEA", "APAC"])
        assert signals(found)["new_buying_centre"] == (
            {"centres": ["APAC"]},
            "A buying centre met for the first time in August to October: APAC.",
        )

    @pytest.mark.parametrize(
        ("called", "holds"),
        [
            pytest.param(0, False, id="none"),
            pytest.param(1, True, id="a quarter of them"),
            pytest.param(4, True, id="all"),
        ],
    )
    def test_r13_the_client_invites(self, called: int, holds: bool) -> None:
        found = signals(circle(month("2026-10", meetings=4, called=called)))
        assert ("client_invites" in found) is holds

    def test_r13_the_client_invites_less_than_the_share(self) -> None:
        assert "client_invites" not in signals(circle(month("2026-10", meetings=5, called=1)))

    def test_r13_how_many_they_called(self) -> None:
        assert signals(circle(month("2026-10", meetings=8, called=3)))["client_invites"] == (
            {"called": 3, "meetings": 8, "share": 0.375},
            "They called 3 of 8 meetings in August to October.",
        )


def finding(name: str, *, good: bool = False) -> Finding:
    return Finding(name=name, numbers={}, sentence=name, good=good)


class TestMostImportant:
    def test_at_most_three_the_most_important_first(self) -> None:
        found = most_important([finding(name) for name in ("unconfirmed", "falling", "one_of_ours", "gone_quiet")])
        assert [one.name for one in found] == ["falling", "gone_quiet", "one_of_ours"]

    def test_good_news_has_a_place(self) -> None:
        given = [finding(name) for name in ("falling", "gone_quiet", "single_threaded")]
        found = most_important([*given, finding("client_invites", good=True), finding("new_executive", good=True)])
        assert [one.name for one in found] == ["falling", "gone_quiet", "new_executive"]

    def test_what_a_digest_tells_elsewhere_is_left_out(self) -> None:
        assert most_important([finding("not_met")]) == []

    def test_every_signal_has_its_place(self) -> None:
        profiles = {ANA: Profile(centre="EMEA"), BEN: Profile(centre="APAC", executive=True)}
        found = circle(EARLIER, month("2026-09", [BEN], called=1), profiles=profiles, centres=["EMEA", "APAC"])
        assert set(signals(found)) - {"not_met"} <= set(IMPORTANCE)


def test_r13_the_month_judged_is_the_one_asked_for() -> None:
    found = circle(EARLIER, month("2026-04", [BEN]), month("2026-10", [CAT]))
    assert signals(found, at=Month("2026-04"))["new_people"][0] == {"people": [BEN]}


def test_r13_only_good_news_is_good() -> None:
    found = circle(EARLIER, month("2026-09", [BEN, CAT]), month("2026-10", {BEN: 9}, called=1))
    view = View(history=history_of(found), circle=found, month=Month("2026-10"), thresholds=SignalThresholds())
    told = {one.name: one.good for one in signals_of(view)}
    assert {name for name, good in told.items() if good} == {"new_people", "client_invites"} & told.keys()
    assert {"new_people", "single_threaded"} <= told.keys()
