"""What a month that was told has become: the figures as told, and why they are others now (issue 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.digest.restatement import Told, restated, told_of
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Copy
from scoring.months.figures import credit
from scoring.months.history import Verdict
from scoring.months.month import Month
from scoring.months.steps import Step
from tests.scoring.builders import (
    ANA,
    BEN,
    BOOK,
    CAT,
    JO,
    KIM,
    LONDON,
    RULES,
    SAM,
    copy,
    figures,
    history,
    judged,
    meeting,
)

THEN = Told(
    client="Acme",
    month=Month("2026-10"),
    score=11,
    man_seconds=52_200,
    verdict=Verdict.DEVELOPING,
    meetings={"a": "short_many 14400", "b": "short_one 3600", "c": "-client_declined"},
    rules="r1",
)


def test_what_still_stands_is_not_restated() -> None:
    assert restated(THEN, replace(THEN, verdict=Verdict.STEADY, meetings={})) is None


@pytest.mark.parametrize(
    ("meetings", "why"),
    [
        ({**THEN.meetings, "d": "short_one 3600"}, "one meeting added"),
        ({**THEN.meetings, "d": "short_one 3600", "e": "long_one 5400"}, "two meetings added"),
        ({**THEN.meetings, "d": "short_one 1", "b": "-client_declined"}, "one meeting added, one declined"),
        ({**THEN.meetings, "b": "-cancelled"}, "one meeting cancelled"),
        ({"a": "short_many 14400", "c": "-client_declined"}, "one meeting removed"),
        ({**THEN.meetings, "b": "short_one 1800"}, "one meeting changed"),
        ({**THEN.meetings, "c": "short_one 1800"}, "one meeting counted now"),
        ({**THEN.meetings, "b": "-too_long"}, "one meeting set aside (too long for one meeting)"),
        ({**THEN.meetings, "d": "-cancelled"}, "the lists of people have changed"),
        ({f"n{number}": "phone 0" for number in range(12)}, "12 meetings added, two removed"),
    ],
)
def test_why_in_a_few_words(meetings: dict[str, str], why: str) -> None:
    found = restated(THEN, replace(THEN, score=1, man_seconds=57_600, meetings=meetings))
    assert found is not None
    assert (found.why, found.score, found.man_seconds) == (why, 11, 52_200)


class TestOfMeetings:
    """What is told of a month's meetings, which are known by their identity."""

    SAMS = copy(SAM, (SAM, BEN), organiser=SAM, start="2026-10-06 09:00", minutes=90)
    KIMS = copy(KIM, (KIM, CAT), organiser=KIM, start="2026-10-07 09:00", minutes=30)

    def told(self, *copies: Copy) -> Told:
        found = meetings_of([copy(), *copies], canonical=BOOK.canonical, zone=LONDON)
        credited = credit([judged(one) for one in found], RULES)
        month = figures("2026-10", seconds=sum(one.man_seconds for one in credited))
        return told_of(history(month).row(Month("2026-10")), credited, "r1")

    def test_r1_meetings_of_one_reused_uid_are_all_told(self) -> None:
        found = self.told(self.SAMS, self.KIMS)
        assert sorted(found.meetings.values()) == ["long_one 5400", "short_one 1800", "short_one 3600"]
        assert len({key.rstrip("+") for key in found.meetings}) == 1

    def test_one_of_them_that_is_added_or_gone_is_why_a_month_changed(self) -> None:
        for fewer, more in [((), (self.SAMS,)), ((self.SAMS,), (self.SAMS, self.KIMS))]:
            added, gone = (
                restated(self.told(*one), self.told(*other)) for one, other in [(fewer, more), (more, fewer)]
            )
            assert added is not None
            assert gone is not None
            assert (added.why, gone.why) == ("one meeting added", "one meeting removed")

    def test_what_is_set_aside_is_told_with_its_reason(self) -> None:
        longer = copy(SAM, (SAM, BEN), organiser=SAM, start="2026-10-06 09:00", minutes=601)
        assert sorted(self.told(longer).meetings.values()) == ["-too_long", "short_one 3600"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"man_seconds": 57_600}, "Acme: October was 14.5 h, now 16.0: one meeting added."),
        ({"score": 14}, "Acme: October's score was 11, now 14: one meeting added."),
        ({"man_seconds": 52_201}, "Acme: October changed by less than six minutes: one meeting added."),
        (
            {"man_seconds": 57_600, "verdict": Verdict.NOT_DEVELOPING},
            "Acme: October was 14.5 h, now 16.0: one meeting added. It was developing, and is now not developing.",
        ),
        ({"man_seconds": 57_600, "verdict": Verdict.SO_FAR}, "Acme: October was 14.5 h, now 16.0: one meeting added."),
        (
            {"score": 14, "rules": "r2"},
            "Acme: October's score was 11, now 14: one meeting added, the scoring rules changed.",
        ),
    ],
)
def test_the_sentence_of_the_next_digest(changes: dict[str, object], sentence: str) -> None:
    now = replace(THEN, meetings={**THEN.meetings, "d": "short_one 3600"}, **changes)  # type: ignore[arg-type]  # a table's values
    found = restated(THEN, now)
    assert found is not None
    assert found.sentence == sentence


def test_what_is_told_of_a_month_names_no_meeting() -> None:
    """Each by a key and what became of it; two that share a UID (R1) stay two."""
    listed = [
        meeting([JO, ANA, BEN], minutes=90, title="Plan", key=b"a"),
        meeting(start="2026-10-06 09:00", cancelled=True, key=b"b"),
        meeting(start="2026-10-07 09:00", key=b"a"),
    ]
    row = history(figures("2026-10", 4, steps={Step.LONG_MANY: 1, Step.SHORT_ONE: 1})).row(Month("2026-10"))
    found = told_of(row, credit([judged(one) for one in listed], RULES), "r1")
    assert (found.client, found.month, found.score, found.man_seconds) == ("Acme", "2026-10", 16, 4 * 3600)
    assert (found.verdict, found.rules) == (Verdict.NEW, "r1")
    assert sorted(found.meetings.values()) == ["-cancelled", "long_many 10800", "short_one 3600"]
    one, other = sorted(key for key, outcome in found.meetings.items() if outcome != "-cancelled")
    assert other == f"{one}+"
    assert "Plan" not in repr(found)
