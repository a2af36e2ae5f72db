"""Figures as scripts parse them: the JSON and CSV of `rapport report` and `rapport explain` (docs/interface.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from daemon.figures.insights import Insight
from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.months import MonthRows
from daemon.reporting.working_days import working_days
from scoring.digest.restatement import Restated
from scoring.meetings.address_book import Client
from scoring.months.figures import Credited
from scoring.months.history import Row, Trend, Verdict
from scoring.months.hours import thousandths
from scoring.months.month import Month
from scoring.months.steps import Step

_STEPS = tuple((step, step.value) for step in Step)
_VERDICTS = {verdict: verdict.value for verdict in Verdict}
_TRENDS = {trend: trend.value for trend in Trend}


def report_json(context: ScoringContext, found: Iterable[MonthRows], now: datetime) -> dict[str, Any]:
    """`rapport report --format json` (docs/interface.md). Without `privacy.show_ours` calendars are counted only."""
    named = context.config.privacy.show_ours
    return {
        "timezone": context.zone.key,
        "generated_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "months": [
            {
                "month": month.month,
                "complete": month.complete,
                "missing_calendars": list(month.missing) if named else len(month.missing),
                "clients": [
                    written | judged_json(month.insights.get(row.client)) for row, written in _rows_json(month, context)
                ],
            }
            for month in found
        ],
    }


def _rows_json(month: MonthRows, context: ScoringContext) -> Iterator[tuple[Row, dict[str, Any]]]:
    """The rows of a month, each with what JSON and CSV say of its figures."""
    clients = {client.name: client for client in context.clients}
    company = context.config.company
    days = working_days(month.month, company.country, company.region)
    for row in month.rows:
        yield row, _row_json(row, clients[row.client], days, month.restated.get(row.client))


def _row_json(row: Row, client: Client, days: int, restated: Restated | None) -> dict[str, Any]:
    figures = row.figures
    steps = figures.steps
    written: dict[str, Any] = {
        "client": row.client,
        "manager": client.manager,
        "tier": client.tier,
        "meetings": figures.meetings,
        "score": row.score,
        "score_confirmed": row.score_confirmed,
        "man_hours": thousandths(figures.man_seconds),
        "man_hours_confirmed": thousandths(figures.confirmed_seconds),
        "phone_hours": thousandths(figures.phone_seconds),
        "our_hours": thousandths(figures.our_seconds),
        "client_people": figures.client_people,
        "steps": {name: steps.get(step, 0) for step, name in _STEPS},
        "previous": None
        if row.previous is None
        else {"score": row.previous_score, "man_hours": thousandths(row.previous.man_seconds)},
        "verdict": _VERDICTS[row.verdict],
        "trend": _TRENDS[row.trend],
        "trend_scores": list(row.trend_scores),
        "set_aside": {reason.value: count for reason, count in figures.set_aside.items()},
        "rhythm": "quarterly" if row.quarterly else "monthly",
        "working_days": days,
        "restated": None
        if restated is None
        else {"score": restated.score, "man_hours": thousandths(restated.man_seconds), "why": restated.why},
    }
    if row.quarterly:
        compared = row.compared
        written["compared"] = {
            "months": [compared.now[0], compared.now[-1]],
            "score": compared.score,
            "man_hours": thousandths(compared.man_seconds),
            "previous": {
                "months": [compared.before[0], compared.before[-1]],
                "score": compared.score_before,
                "man_hours": thousandths(compared.man_seconds_before),
            },
        }
    return written


NOT_JUDGED: Mapping[str, Any] = {"stage": None, "stage_evidence": None, "signals": []}
"""Of a month that has not ended."""


def insight_json(insight: Insight | None) -> Mapping[str, Any]:
    """`stage`, what it rests on, and `signals`, of one account."""
    return NOT_JUDGED if insight is None else insight.written


def judged_json(insight: Insight | None) -> dict[str, Any]:
    """`stage` and `signals` of a row; what they rest on is on the account's own page."""
    if insight is None:
        return {"stage": None, "signals": []}
    return {"stage": insight.stage, "signals": insight.parts.signals}


def report_cells(found: Iterable[MonthRows], context: ScoringContext) -> list[dict[str, Any]]:
    """`rapport report --format csv`: a row a client and month, with JSON's fields beside those that CSV has flat."""
    cells = []
    for month in found:
        for row, written in _rows_json(month, context):
            previous, insight = written["previous"], month.insights.get(row.client)
            cells.append(
                written
                | written["steps"]
                | {
                    "month": month.month,
                    "complete": month.complete,
                    "previous_score": previous and previous["score"],
                    "previous_man_hours": previous and previous["man_hours"],
                    "set_aside": "; ".join(f"{reason} {count}" for reason, count in written["set_aside"].items()),
                    "stage": insight and insight.stage,
                    "signals": insight and "; ".join(signal.name for signal in insight.signals),
                }
            )
    return cells


def explain_json(context: ScoringContext, client: str, month: Month, lines: Iterable[Credited]) -> dict[str, Any]:
    """`rapport explain --format json` (docs/interface.md). With `privacy.show_ours = false` ours are counted only."""
    return {"client": client, "month": month, "meetings": [_line_json(line, context) for line in lines]}


def _line_json(line: Credited, context: ScoringContext) -> dict[str, Any]:
    judged, meeting = line.judged, line.judged.meeting
    named = context.config.privacy.show_ours
    points = context.rules.points.get(judged.step, 0) if judged.step is not None else 0
    return {
        "start": meeting.start.astimezone(context.zone).isoformat(),
        "end": meeting.end.astimezone(context.zone).isoformat(),
        "title": meeting.title,
        "channel": judged.channel.value,
        "ours": list(judged.ours) if named else len(judged.ours),
        "client_people": list(judged.people),
        "declined": list(judged.declined),
        "step": judged.step.value if judged.step is not None else None,
        "points": points,
        "man_hours": thousandths(line.man_seconds),
        "phone_hours": thousandths(line.phone_seconds),
        "set_aside": judged.reason.value if judged.reason is not None else None,
        "calendars": list(meeting.calendars) if named else len(meeting.calendars),
        "flaws": list(meeting.flaws),
    }
