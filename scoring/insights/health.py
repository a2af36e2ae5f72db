"""The health assessment: what managers think of an account, beside what its calendar shows (R18 of `docs/rules.md`).

Ten elements are answered with 1 (poor) to 5 (good); further questions with a few words. Nobody has to answer any. What
calendars know of relationships is filled in; so hygiene without health shows: good marks, and one division and person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scoring.insights.stage import ORDER, Standing, evidence_text
from scoring.months.month import Month

ELEMENTS: Mapping[str, str] = {
    "client_understanding": "client understanding",
    "account_strategy": "account strategy",
    "value_of_work": "value of current and future work",
    "robustness_of_relationships": "robustness of relationships",
    "delivery_quality": "managing delivery quality",
    "our_firm_as_a_partner": "our firm as a partner",
    "account_governance": "account governance",
    "leading_our_people": "leading our people",
    "brand_and_communications": "our brand and communications",
    "pipeline_health": "pipeline health",
}
"""Their keys, and the words that people read and may write."""

FURTHER: Mapping[str, str] = {
    "proposals": "proposals",
    "new_offerings": "new offerings",
    "sole_sourced": "sole-sourced work",
    "advocacy": "advocacy",
    "client_view_of_stage": "the client's own view of the stage",
}
"""What no calendar knows."""

RELATIONSHIPS = "robustness_of_relationships"
NOT_KNOWN = "not known from calendars"
BEST = 5
_GOOD = 4
_NARROW = frozenset({"single_threaded", "one_buying_centre", "one_of_ours"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementAnswer:
    """An answer as given. `quarter` is its last month; `mark` is 1 to 5 for an element, None for a further question.

    `text` is the answer as it was written, `note` what was added to it; None: nothing.
    """

    element: str
    quarter: Month
    text: str
    mark: int | None
    note: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthAssessment:
    """An account's assessment: the last answer to each element, and what the calendar says of relationships.

    `relationships` is a sentence, `relationships_mark` 1 (poor) to 5 (good). `warning` is empty unless the
    marks look better than the relationships are.
    """

    answers: Mapping[str, ElementAnswer]
    relationships: str
    relationships_mark: int
    warning: str = ""


def health_of(
    answers: Iterable[ElementAnswer], standing: Standing, signals: Iterable[str], month: Month
) -> HealthAssessment:
    """The assessment as of the end of a month; `signals` are the names of those that hold then (R13)."""
    last: dict[str, ElementAnswer] = {}
    for answer in sorted(answers, key=lambda answer: answer.quarter):
        if answer.quarter <= _quarter_end(month):
            last[answer.element] = answer
    narrow = sorted(_NARROW.intersection(signals))
    mark = max(1, 2 + ORDER.index(standing.stage) - len(narrow))
    return HealthAssessment(
        answers=last,
        relationships=f"{standing.stage}: {evidence_text(standing.evidence)}",
        relationships_mark=min(mark, BEST),
        warning=_warning(last, narrow),
    )


def _quarter_end(month: Month) -> Month:
    quarter = (int(month[5:]) - 1) // 3 + 1
    return Month(f"{month[:4]}-{3 * quarter:02d}")


def _warning(answers: Mapping[str, ElementAnswer], narrow: list[str]) -> str:
    """Good marks on average, yet everything hangs on few: hygiene without health."""
    marks = [answer.mark for key, answer in answers.items() if answer.mark is not None and key != RELATIONSHIPS]
    if len(narrow) < 2 or not marks or sum(marks) < _GOOD * len(marks):
        return ""
    return "Hygiene without health: the marks are good, but the relationship hangs on few people."
