"""What is kept, as people and scripts read it: months of figures, and the meetings behind a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection

from daemon.insights import Insight, insights_of
from daemon.rescore import FROZEN_BEFORE, judged_from, meetings_in, months_between
from daemon.scope import Scope
from daemon.store.calendars import Calendar, get_meta
from daemon.store.figures import first_met, read_figures
from daemon.store.told import read_told
from daemon.sync import HISTORY_BEGINS
from scoring.clients import Client
from scoring.hours import thousandths
from scoring.meeting import Meeting
from scoring.months import (
    Credited,
    Figures,
    History,
    Month,
    Reach,
    Row,
    credit,
    first_day,
    missing,
    month_of,
    shift,
)
from scoring.steps import Step
from scoring.told import Restated, Told, restated, told_of

_FEW = 50  # clients, of which the store is asked by name
_LOOK_BACK = 6  # months before the first one asked for that its verdict and trend may need (R9, quarterly)


class NothingRead(Exception):
    """No calendar has been read yet, so there is nothing to report."""


class UnknownMonth(Exception):
    """A month in the future, or before history begins. Says which are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRows:
    """One month of all clients asked for. `missing` are the calendars that its figures lack (R11).

    `restated` says of which clients the month was last told otherwise. `insights` are there once it has ended.
    """

    month: Month
    complete: bool
    missing: tuple[str, ...]
    rows: tuple[Row, ...]
    restated: Mapping[str, Restated]
    insights: Mapping[str, Insight]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The months that can be asked for: from `begins` (R11) to `running`, the one not yet ended."""

    begins: Month
    running: Month

    @property
    def last(self) -> Month:
        """The last complete month."""
        return shift(self.running, -1)

    def check(self, month: Month) -> Month:
        """The month, if it is known. Raises `UnknownMonth`."""
        if month > self.running:
            raise UnknownMonth(f"{month} lies in the future; the running month is {self.running}")
        if month < self.begins:
            raise UnknownMonth(f"{month} lies before history, which begins with {self.begins}; it is unknown, not zero")
        return month


def known_months(connection: Connection, scope: Scope, now: datetime) -> Known:
    """Raises `NothingRead` before the first calendar was read."""
    begun = get_meta(connection, HISTORY_BEGINS)
    if begun is None:
        raise NothingRead
    return Known(begins=Month(begun), running=month_of(now, scope.zone))


def read_months(
    connection: Connection,
    scope: Scope,
    known: Known,
    months: Iterable[Month],
    clients: Iterable[Client],
    now: datetime,
) -> list[MonthRows]:
    """The rows of these months: every client of the config in every month, zeros included."""
    wanted = sorted(set(months))
    histories = read_histories(connection, scope, known, shift(wanted[0], -_LOOK_BACK), clients)
    reach = [reach_of(one, scope) for one in scope.calendars]
    told = read_told(connection, months=wanted)
    by_name = {one.client: one for one in histories}
    otherwise = [one for one, _ in restated_months(connection, scope, by_name, told, now)]
    insights = insights_of(connection, wanted)
    found = []
    for month in wanted:
        lacking = missing(month, reach, scope.zone) if month < known.running else ()
        found.append(
            MonthRows(
                month=month,
                complete=month < known.running and not lacking,
                missing=lacking,
                rows=tuple(history.row(month) for history in histories),
                restated={one.client: one for one in otherwise if one.month == month},
                insights={client: one for (client, of), one in insights.items() if of == month},
            )
        )
    return found


def read_histories(
    connection: Connection, scope: Scope, known: Known, first: Month, clients: Iterable[Client]
) -> list[History]:
    """The kept months of each client from `first` on."""
    kept: dict[str, dict[Month, Figures]] = {}
    clients = list(clients)
    few = [one.name for one in clients] if len(clients) <= _FEW else None
    for figures in read_figures(connection, first=first, clients=few):
        kept.setdefault(figures.client, {})[figures.month] = figures
    met = first_met(connection)
    return [
        History(
            client=one.name,
            quarterly=one.quarterly,
            begins=known.begins,
            running=known.running,
            months=kept.get(one.name, {}),
            first_met=met.get(one.name),
            rules=scope.rules,
        )
        for one in clients
    ]


def reach_of(calendar: Calendar, scope: Scope) -> Reach:
    """How far a calendar is known, as R11 asks."""
    return Reach(
        calendar=calendar.address,
        joined=Month(calendar.joined),
        left=None if calendar.left_at is None else month_of(calendar.left_at, scope.zone),
        read_through=calendar.read_through,
        never_read=(calendar.error or "unreadable") if calendar.standing else None,
    )


def read_meetings(connection: Connection, scope: Scope, month: Month, now: datetime) -> dict[str, list[Credited]]:
    """Every client's meetings of a month, counted and set aside, in order, with the time that each is credited."""
    return credited_meetings(meetings_in(connection, scope, month), scope, now)


def credited_meetings(meetings: Iterable[Meeting], scope: Scope, now: datetime) -> dict[str, list[Credited]]:
    """The same from the month's meetings."""
    return {client: credit(found, scope.rules) for client, found in judged_from(meetings, scope, now).items()}


def restated_months(
    connection: Connection,
    scope: Scope,
    histories: Mapping[str, History],
    told: Mapping[tuple[str, Month], Told],
    now: datetime,
    *,
    apart_from: Month | None = None,
) -> list[tuple[Restated, Told]]:
    """The clients' months that were told otherwise than they are now, with what is to be told instead.

    The meetings of such a month are read only where a figure differs. Of a frozen month they are no longer kept.
    """
    found: list[tuple[Restated, Told]] = []
    meetings: dict[Month, dict[str, list[Credited]]] = {}
    frozen = get_meta(connection, FROZEN_BEFORE) or ""
    for (client, month), then in sorted(told.items(), key=lambda one: (one[0][1], one[0][0])):
        history = histories.get(client)
        if history is None or month == apart_from or month < history.begins:
            continue
        row = history.row(month)
        if (row.score, row.figures.man_seconds) == (then.score, then.man_seconds):
            continue
        if month not in meetings and month >= frozen:
            meetings[month] = read_meetings(connection, scope, month, now)
        now_told = told_of(row, meetings.get(month, {}).get(client, ()), scope.told_with())
        if month < frozen:
            now_told = replace(now_told, meetings=then.meetings)
        if (changed := restated(then, now_told)) is not None:
            found.append((changed, now_told))
    return found


def report_json(scope: Scope, found: Iterable[MonthRows], now: datetime) -> dict[str, Any]:
    """`rapport report --format json` (interface.md). Without `privacy.show_ours` calendars are counted, not named."""
    named = scope.config.privacy.show_ours
    clients = {one.name: one for one in scope.clients}
    return {
        "timezone": scope.zone.key,
        "generated_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "months": [
            {
                "month": one.month,
                "complete": one.complete,
                "missing_calendars": list(one.missing) if named else len(one.missing),
                "clients": [
                    _row_json(row, clients[row.client], scope, one.restated.get(row.client))
                    | dict(insight_json(one.insights.get(row.client)))
                    for row in one.rows
                ],
            }
            for one in found
        ],
    }


def _row_json(row: Row, client: Client, scope: Scope, restated: Restated | None) -> dict[str, Any]:
    figures = row.figures
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
        "steps": {step.value: figures.steps.get(step, 0) for step in Step},
        "previous": None
        if row.previous is None
        else {"score": row.previous_score, "man_hours": thousandths(row.previous.man_seconds)},
        "verdict": row.verdict.value,
        "trend": row.trend.value,
        "trend_scores": list(row.trend_scores),
        "set_aside": {reason.value: count for reason, count in figures.set_aside.items()},
        "rhythm": "quarterly" if row.quarterly else "monthly",
        "working_days": working_days(row.month, scope.config.company.country, scope.config.company.region),
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
    """`stage` and `signals` of a row."""
    return NOT_JUDGED if insight is None else insight.written


@cache
def working_days(month: Month, country: str, region: str) -> int:
    """Monday to Friday without the public holidays of the company's country and region, where one is named (R10)."""
    days = [
        date.fromordinal(day) for day in range(first_day(month).toordinal(), first_day(shift(month, 1)).toordinal())
    ]
    closed: Mapping[date, str] = {}
    if country:
        import holidays

        closed = holidays.country_holidays(country, subdiv=region or None, years=days[0].year)
    return sum(1 for day in days if day.weekday() < 5 and day not in closed)


def report_cells(found: Iterable[MonthRows], scope: Scope) -> list[dict[str, Any]]:
    """`rapport report --format csv`: one flat row a client and month."""
    clients = {one.name: one for one in scope.clients}
    cells = []
    for one in found:
        for row in one.rows:
            written = _row_json(row, clients[row.client], scope, one.restated.get(row.client))
            steps, previous, aside = written.pop("steps"), written.pop("previous"), written.pop("set_aside")
            written.pop("compared", None)
            written.pop("trend_scores")
            changed = written.pop("restated")
            insight = one.insights.get(row.client)
            cells.append(
                {"month": one.month, "complete": one.complete, **written, **steps}
                | {
                    "previous_score": previous and previous["score"],
                    "previous_man_hours": previous and previous["man_hours"],
                    "told_score": changed and changed["score"],
                    "told_man_hours": changed and changed["man_hours"],
                    "restated": changed and changed["why"],
                }
                | {"set_aside": "; ".join(f"{reason} {count}" for reason, count in aside.items())}
                | {
                    "stage": insight and insight.stage,
                    "signals": insight and "; ".join(found["signal"] for found in insight.written["signals"]),
                }
            )
    return cells


def explain_json(scope: Scope, client: str, month: Month, lines: Iterable[Credited]) -> dict[str, Any]:
    """`rapport explain --format json` (interface.md). With `privacy.show_ours = false` ours are counted, not named."""
    return {"client": client, "month": month, "meetings": [_line_json(one, scope) for one in lines]}


def _line_json(line: Credited, scope: Scope) -> dict[str, Any]:
    judged, meeting = line.judged, line.judged.meeting
    named = scope.config.privacy.show_ours
    points = scope.rules.points.get(judged.step, 0) if judged.step is not None else 0
    return {
        "start": meeting.start.astimezone(scope.zone).isoformat(),
        "end": meeting.end.astimezone(scope.zone).isoformat(),
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


def months_to(last: Month, count: int, known: Known) -> list[Month]:
    """So many months up to `last`, without those before history."""
    return months_between(max(shift(last, 1 - count), known.begins), last)
