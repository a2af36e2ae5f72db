"""One account on a page, as JSON."""

from __future__ import annotations

from typing import Any

from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.account import AccountPage
from daemon.reporting.report_json import explain_json, insight_json
from scoring.digest.value import Bar
from scoring.insights.circle import ClientPerson
from scoring.insights.health import ELEMENTS, FURTHER, NOT_KNOWN, RELATIONSHIPS, HealthAssessment
from scoring.insights.next_step import NextStep
from scoring.months.hours import thousandths
from scoring.months.month import Month, first_day


def page_json(page: AccountPage, context: ScoringContext) -> dict[str, Any]:
    """`rapport client NAME --format json`."""
    figures = page.row.figures
    return {
        "client": page.client.name,
        "manager": page.client.manager,
        "tier": page.client.tier,
        "month": page.month,
        "missing_calendars": list(page.missing) if context.config.privacy.show_ours else len(page.missing),
        "verdict": page.row.verdict.value,
        "trend": page.row.trend.value,
        "man_hours": thousandths(figures.man_seconds),
        "score": page.row.score,
        "sentences": [page.line.verdict_text, *page.line.sentences],
        "results_expected": None if page.results is None else list(page.results),
        "months": [_bar_json(bar) for bar in page.line.strip],
        **insight_json(page.insight),
        "people": [person_json(page, person) for person in page.people],
        "buying_centres": sorted(page.circle.centres) or None,
        "booked": [_step_json(step, text, context) for step, text in page.steps],
        "to_beat": page.to_beat,
        "meetings": [
            line
            for month, lines in page.meetings.items()
            for line in explain_json(context, "", month, lines)["meetings"]
        ],
        "health": _health_json(page.health),
    }


def _bar_json(bar: Bar) -> dict[str, Any]:
    return {"month": bar.month, "man_hours": None if bar.tenths is None else bar.tenths / 10, "score": bar.score}


def person_json(page: AccountPage, person: ClientPerson) -> dict[str, Any]:
    """A person's row; what nobody has told is null."""
    return {
        "address": person.address,
        "name": person.profile.name,
        "title": person.profile.title,
        "buying_centre": person.profile.centre,
        "executive": person.profile.executive,
        "left": person.profile.left,
        "first_met": person.first.isoformat(),
        "last_met": person.last.isoformat(),
        "man_hours": thousandths(sum(person.seconds.values())),
        "share_of_six_months": round(page.share(person), 3),
        "months": {month: thousandths(seconds) for month, seconds in person.seconds.items()},
    }


def _step_json(step: NextStep, text: str, context: ScoringContext) -> dict[str, Any]:
    return {
        "start": step.meeting.start.astimezone(context.zone).isoformat(),
        "title": step.meeting.title,
        "client_people": list(step.people),
        "points": step.points,
        "one_more": step.one_more,
        "longer": step.longer,
        "both": step.both,
        "met": step.met,
        "sentence": text,
    }


def health_rows(health: HealthAssessment) -> list[tuple[str, str, str]]:
    """Each element with its answer and its quarter or note; relationships are filled in from the calendar."""
    rows = []
    for key, words in (*ELEMENTS.items(), *FURTHER.items()):
        answer = health.answers.get(key)
        told = "" if answer is None else " · ".join(filter(None, (_quarter(answer.quarter), answer.note)))
        if key == RELATIONSHIPS:
            said = f"{answer.text}; " if answer else ""
            rows.append((words, f"{said}{health.relationships_mark} by the calendar", health.relationships))
        elif answer is not None:
            rows.append((words, answer.text, told))
        else:
            rows.append((words, NOT_KNOWN, ""))
    return rows


def _quarter(month: Month) -> str:
    return f"{month[:4]}-Q{(first_day(month).month + 2) // 3}"


def _health_json(health: HealthAssessment) -> dict[str, Any]:
    return {
        "answers": {
            key: None
            if (answer := health.answers.get(key)) is None
            else {"answer": answer.text, "quarter": _quarter(answer.quarter), "note": answer.note}
            for key in (*ELEMENTS, *FURTHER)
        },
        "relationships": {"mark": health.relationships_mark, "evidence": health.relationships},
        "warning": health.warning or None,
    }
