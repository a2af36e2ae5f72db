"""`rapport client`: one account on a page, put together from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from daemon.figures.history import known_months
from daemon.figures.insights import Insight, Study, insights_of, study
from daemon.figures.profiles import Profiles
from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.meetings import read_meetings
from daemon.reporting.months import MonthRows, read_months
from daemon.reporting.next_steps import to_beat
from daemon.reporting.working_days import working_days
from scoring.digest.lines import line_of
from scoring.digest.value import ClientLine
from scoring.insights.circle import QUARTER, Circle, ClientPerson
from scoring.insights.health import ELEMENTS, ElementAnswer, HealthAssessment, health_of
from scoring.insights.next_step import NextStep, booked, next_step, next_step_text
from scoring.insights.stage import standings_of
from scoring.meetings.address_book import Client
from scoring.months.counting import Judged
from scoring.months.figures import Credited
from scoring.months.history import Row
from scoring.months.month import Month, month_of, shift

_AHEAD = 3  # months in which meetings are booked, the running one included
RESULTS_AFTER = (18, 24)
"""Months after `since` from which results may be expected."""


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """A client as of the end of `month`. `meetings` are those of its quarter, `steps` what is booked with its text.

    `results` are the first and last month in which results may be expected, None where `since` is not known. `to_beat`
    is the sentence of R15, None where the client is developing or `month` is not the last one. `missing` are the
    calendars that the month's figures lack, by address.
    """

    client: Client
    month: Month
    row: Row
    line: ClientLine
    insight: Insight
    circle: Circle
    people: Sequence[ClientPerson]
    knows_executives: bool
    results: tuple[Month, Month] | None
    steps: Sequence[tuple[NextStep, str]]
    to_beat: str | None
    meetings: Mapping[Month, Sequence[Credited]]
    health: HealthAssessment
    missing: Sequence[str]

    def share(self, person: ClientPerson) -> float:
        """A person's part of the client's man-hours of the last six months."""
        months = tuple(shift(self.month, -back) for back in range(6))
        total = self.circle.span(tuple(sorted(months))).total
        return sum(person.seconds.get(month, 0) for month in months) / total if total else 0.0


def page_of(
    connection: Connection, context: ScoringContext, client: Client, month: Month | None, now: datetime
) -> AccountPage:
    """Raises `NothingRead` and `UnknownMonth`; a month that has not ended cannot be judged, so the one before is."""
    known = known_months(connection, context, now)
    asked = min(known.check(month or known.last), known.last)
    (rows,) = read_months(connection, context, known, [asked], [client], now)
    found = study(connection, context, [client], now)
    if found is None:  # known_months would have said so
        raise LookupError(client.name)
    insight = (
        insights_of(connection, [asked]).get((client.name, asked))
        or found.insights(client.name, [asked], [asked])[asked]
    )
    quarter = [shift(asked, -back) for back in range(QUARTER) if shift(asked, -back) >= known.begins]
    ahead = [shift(known.running, later) for later in range(_AHEAD)]
    meetings = {
        wanted: read_meetings(connection, context, wanted, now, {client.name}).get(client.name, [])
        for wanted in (*quarter, *ahead)
    }
    return _page(found, insight, rows, meetings, now)


def _page(
    found: Study,
    insight: Insight,
    rows: MonthRows,
    meetings: Mapping[Month, Sequence[Credited]],
    now: datetime,
) -> AccountPage:
    context, month = found.context, rows.month
    (client,) = (client for client in context.clients if client.name == rows.rows[0].client)
    circle, history = found.circles[client.name], found.histories[client.name]
    company = context.config.company
    running = month_of(now, context.zone)
    judged = [line.judged for kept in meetings.values() for line in kept]
    return AccountPage(
        client=client,
        month=month,
        row=rows.rows[0],
        line=line_of(
            history,
            month,
            meetings.get(month, ()),
            manager=client.manager,
            tier=client.tier,
            incomplete=frozenset(),
            working_days=partial(working_days, country=company.country, region=company.region),
            findings=insight.told(),
        ),
        insight=insight,
        circle=circle,
        people=circle.everybody(),
        knows_executives=Profiles(context).knows_executives(client.name),
        results=_results(context, client),
        steps=_steps(context, circle, judged),
        to_beat=to_beat(context, circle, history, month, [line.judged for line in meetings.get(running, ())])
        if shift(month, 1) == running
        else None,
        meetings={past: kept for past, kept in meetings.items() if past <= month},
        health=_health(context, found, client, month, insight),
        missing=rows.missing,
    )


def _results(context: ScoringContext, client: Client) -> tuple[Month, Month] | None:
    """The months between which results may be expected."""
    since = next(settings.since for settings in context.config.clients if settings.name == client.name)
    if since is None:
        return None
    began = Month(f"{since.year:04d}-{since.month:02d}")
    return shift(began, RESULTS_AFTER[0]), shift(began, RESULTS_AFTER[1])


def _steps(context: ScoringContext, circle: Circle, judged: Sequence[Judged]) -> list[tuple[NextStep, str]]:
    steps = [next_step(meeting, context.rules) for meeting in booked(judged)]
    return [(step, next_step_text(step, context.zone, circle.name)) for step in steps]


def _health(context: ScoringContext, found: Study, client: Client, month: Month, insight: Insight) -> HealthAssessment:
    names = {
        name.casefold()
        for known in context.config.clients
        if known.name == client.name
        for name in (known.name, *known.formerly)
    }
    answers = [
        ElementAnswer(
            element=row.element,
            quarter=row.quarter,
            text=row.answer,
            mark=int(row.answer) if row.element in ELEMENTS else None,
            note=row.note,
        )
        for row in context.config.assessments
        if row.client.casefold() in names
    ]
    standing = standings_of(found.account(client.name), found.circles[client.name], [month])[month]
    return health_of(answers, standing, [signal.name for signal in insight.signals], month)
