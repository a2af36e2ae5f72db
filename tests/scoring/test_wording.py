"""The words for people (R9, R10 of `docs/rules.md`): one sentence each, of the client's time, never of a manager."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scoring.months.counting import Reason
from scoring.months.history import History, Trend, Verdict
from scoring.months.hours import tenths
from scoring.months.month import Month
from scoring.months.steps import Step
from scoring.wording import (
    REASON_WORDS,
    STEP_WORDS,
    TREND_WORDS,
    VERDICT_WORDS,
    count_text,
    length_text,
    meetings_text,
    month_name,
    month_text,
    names_text,
    signed,
    span_text,
    unlinked,
    verdict_sentence,
)
from tests.scoring.builders import figures, history


def test_every_verdict_trend_step_and_reason_has_its_words() -> None:
    assert set(VERDICT_WORDS) == set(Verdict)
    assert set(TREND_WORDS) == set(Trend)
    assert set(STEP_WORDS) == set(Step)
    assert set(REASON_WORDS) == set(Reason)
    assert all(meetings_text(step, 2) != meetings_text(step, 1) for step in Step)


@pytest.mark.parametrize("reason", [Reason.ALL_DAY, Reason.TOO_LONG])
def test_r4_all_day_and_too_long_ones_say_what_to_do(reason: Reason) -> None:
    assert "not counted; enter each day with its hours" in REASON_WORDS[reason]


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (0.5, "0 min"),
        (45, "45 min"),
        (59, "59 min"),
        (60, "1 h"),
        (61, "1 h 01"),
        (90, "1 h 30"),
        (120, "2 h"),
        (605, "10 h 05"),
        (1440, "24 h"),
    ],
)
def test_a_length_is_told_in_minutes_and_hours(minutes: float, text: str) -> None:
    assert length_text(timedelta(minutes=minutes)) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["A"], "A"),
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and C"),
        (["A", "B", "C", "D"], "A, B, C and 1 more"),
        (["A", "B", "C", "D", "E"], "A, B, C and 2 more"),
    ],
)
def test_at_most_three_names_are_told(names: list[str], text: str) -> None:
    assert names_text(names) == text


@pytest.mark.parametrize(("number", "text"), [(80, "+8.0"), (-20, "−2.0"), (0, "0.0"), (-5, "−0.5"), (3, "+0.3")])
def test_a_change_has_its_sign(number: int, text: str) -> None:
    assert signed(number) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls")])
def test_one_is_told_in_the_singular(count: int, text: str) -> None:
    assert count_text(count, "call", "calls") == text


def test_months_are_named() -> None:
    assert month_text(Month("2026-01")) == "January 2026"
    assert month_name(Month("2026-12")) == "December"
    assert span_text([Month("2026-10")]) == "October"
    assert span_text([Month("2026-12"), Month("2027-01"), Month("2027-02")]) == "December to February"


def sentence(found: History, month: str = "2026-10") -> str:
    row = found.row(Month(month))
    return verdict_sentence(row, tenths(row.compared.man_seconds), tenths(row.compared.man_seconds_before))


EARLIER = figures("2025-01", 1)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        pytest.param(
            history(EARLIER, figures("2026-09", 5), figures("2026-10", 3)),
            "Acme gave 3.0 h, 2.0 less than in September: not developing this month",
            id="not developing",
        ),
        pytest.param(
            history(EARLIER, figures("2026-09", 3), figures("2026-10", 5.5)),
            "Acme gave 5.5 h, 2.5 more than in September: developing this month",
            id="developing",
        ),
        pytest.param(
            history(EARLIER, figures("2026-09", 3), figures("2026-10", 3)),
            "Acme gave 3.0 h, as much as in September: not developing (unchanged)",
            id="steady",
        ),
        pytest.param(
            history(EARLIER, figures("2026-10", phone=1)),
            "Acme gave 0.0 h, as much as in September: not developing (unchanged)",
            id="steady at zero, with calls",
        ),
        pytest.param(
            history(EARLIER), "Acme was not met in October, nor in September: no contact", id="no contact at all"
        ),
        pytest.param(
            history(figures("2026-10", 3)), "Acme gave 3.0 h in October: new, the first month with a meeting", id="new"
        ),
        pytest.param(
            history(
                EARLIER,
                *(figures(f"2026-{month:02d}", 1) for month in (5, 6, 7)),
                figures("2026-09", 5),
                quarterly=True,
            ),
            "Acme gave 5.0 h, 2.0 more than in May to July: developing in these three months",
            id="quarterly, developing",
        ),
        pytest.param(
            history(EARLIER, figures("2026-06", 5), figures("2026-09", 1), quarterly=True),
            "Acme gave 1.0 h, 4.0 less than in May to July: not developing in these three months",
            id="quarterly, not developing",
        ),
        pytest.param(
            history(EARLIER, quarterly=True),
            "Acme was not met in August to October, nor in May to July: no contact",
            id="quarterly, no contact",
        ),
    ],
)
def test_r9_the_verdict_speaks_of_the_clients_time(found: History, text: str) -> None:
    assert sentence(found) == text


def test_r9_the_running_month_tells_what_it_has_so_far() -> None:
    found = history(EARLIER, figures("2026-10", 3), figures("2026-11", 1))
    assert sentence(found, "2026-11") == "Acme has given 1.0 h in November so far"


def test_r9_a_call_in_the_month_before_is_not_told_as_no_meeting() -> None:
    """They were not met now, but they were spoken to in September."""
    assert "nor in September" not in sentence(history(EARLIER, figures("2026-09", phone=2)))


def test_r9_no_sentence_tells_of_a_month_before_history() -> None:
    """R11: it is unknown, never zero."""
    assert "September" not in sentence(history(begins="2026-10"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("your-password-expired.example", "your-password-expired[.]example"),
        ("lee@emea.acme.co.uk", "lee@emea[.]acme[.]co[.]uk"),
        ("see https://a.b.example/x", "see https[:]//a.b[.]example/x"),  # no top-level domain has one letter
        ("a\N{ZERO WIDTH SPACE}.c\N{ZERO WIDTH JOINER}om", "a[.]c\N{ZERO WIDTH JOINER}om"),
        ("S.p.A., e.g. at 9 a.m., v2.0 of 12.11.2026", "S.p.A., e.g. at 9 a.m., v2.0 of 12.11.2026"),
    ],
)
def test_outsiders_text_makes_no_link_and_stays_readable(text: str, shown: str) -> None:
    assert unlinked(text) == shown
