"""`rapport report`: the figures of one month or several."""

from __future__ import annotations

from pathlib import Path

from daemon.commands.common import client_option, month_option, opened
from daemon.figures.history import known_months
from daemon.figures.scoring_context import ScoringContext
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, Table, print_json, print_line, say
from daemon.reporting.months import MonthRows, months_to, read_months
from daemon.reporting.report_json import report_cells, report_json
from scoring.insights.findings import most_important
from scoring.months.history import Row
from scoring.months.hours import hours_text, tenths
from scoring.wording import TREND_WORDS, VERDICT_WORDS, month_text, signed

_CSV = (
    "month", "complete", "client", "manager", "tier", "meetings", "score", "score_confirmed", "man_hours",
    "man_hours_confirmed", "phone_hours", "our_hours", "client_people", "phone", "short_one", "long_one", "short_many",
    "long_many", "previous_score", "previous_man_hours", "verdict", "trend", "set_aside", "rhythm", "working_days",
    "stage", "signals",
)  # fmt: skip
_NUMBERS = ("Man-hours", "Before", "Change", "Score", "Meetings", "People", "Phone h")


def report(path: Path | None, *, month: str | None, months: int, client: str | None, form: Format) -> int:
    """Shows the figures; the last complete month unless told otherwise."""
    asked = month_option(month)
    with opened(path) as session:
        context = session.fresh_context()
        clients = client_option(client, context)
        with session.database.reading() as connection:
            known = known_months(connection, context, session.now)
            last = known.check(asked or known.last)
            wanted = months_to(last, months, known)
            found = read_months(connection, context, known, wanted, clients, session.now)
        if len(wanted) < months:
            say(f"History begins with {known.begins}; earlier months are unknown.")
        if form is Format.JSON:
            print_json(report_json(context, found, session.now))
        elif form is Format.CSV:
            print_csv(report_cells(found, context), _CSV)
        else:
            _show(found, context)
    return 0


def _show(found: list[MonthRows], context: ScoringContext) -> None:
    for month_rows in found:
        table = Table(
            "Client",
            *_NUMBERS,
            "Trend",
            "Verdict",
            right=_NUMBERS,
            whole=("Trend", "Verdict"),
            title=month_text(month_rows.month),
        )
        for row in month_rows.rows:
            table.add(*_cells(row))
        table.print()
        _show_seen(month_rows)
        if any(row.quarterly for row in month_rows.rows):
            print_line("* quarterly: three months against the three before")
        if month_rows.missing:
            named = ", ".join(month_rows.missing) if context.config.privacy.show_ours else str(len(month_rows.missing))
            print_line(f"Incomplete: not read to the end of the month: {named}")


def _show_seen(month_rows: MonthRows) -> None:
    """Each client's stage, and its findings in a word or two, good news marked; `rapport client` tells them in full."""
    if not month_rows.insights:
        return
    table = Table("Client", "Stage", "What the pattern says", whole=("Client", "Stage"))
    for row in month_rows.rows:
        insight = month_rows.insights.get(row.client)
        if insight is not None:
            told = most_important((*insight.signals, *insight.findings))
            table.add(row.client, insight.stage, ", ".join("+ " * found.good + words_of(found.name) for found in told))
    table.print()


def words_of(name: str) -> str:
    """`single_threaded` as `single threaded`."""
    return name.replace("_", " ")


def _cells(row: Row) -> tuple[str, ...]:
    now = tenths(row.figures.man_seconds)
    before = None if row.previous is None else tenths(row.previous.man_seconds)
    change = "?" if before is None else signed(now - before)
    if row.quarterly:
        change = signed(tenths(row.compared.man_seconds) - tenths(row.compared.man_seconds_before)) + "*"
    scores = "→".join("?" if score is None else str(score) for score in row.trend_scores)
    return (
        row.client,
        hours_text(now),
        "?" if before is None else hours_text(before),
        change,
        str(row.score),
        str(row.figures.meetings),
        str(row.figures.client_people),
        hours_text(tenths(row.figures.phone_seconds)),
        f"{TREND_WORDS[row.trend]} {scores}",
        VERDICT_WORDS[row.verdict],
    )
