"""`rapport explain`: every meeting behind a client's month, counted as what, or set aside why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daemon.commands.common import client_option, month_option, opened
from daemon.figures.history import known_months
from daemon.figures.scoring_context import ScoringContext
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, Table, print_json, print_line
from daemon.reporting.meetings import read_meetings
from daemon.reporting.report_json import explain_json
from scoring.months.counting import Reason
from scoring.months.figures import Credited
from scoring.months.hours import hours_text, share_out
from scoring.months.month import Month
from scoring.wording import REASON_WORDS, STEP_WORDS, length_text, month_text, names_text

_CSV = (
    "start", "end", "title", "channel", "ours", "client_people", "declined", "step", "points", "man_hours",
    "phone_hours", "set_aside", "calendars", "flaws",
)  # fmt: skip
_MOST_NAMED = 6  # in the table; JSON and CSV name everybody


def explain(path: Path | None, *, client: str, month: str | None, form: Format) -> int:
    """Shows a client's meetings of a month; the last complete one unless told otherwise."""
    asked = month_option(month)
    with opened(path) as session:
        context = session.fresh_context()
        (chosen,) = client_option(client, context)
        with session.database.reading() as connection:
            known = known_months(connection, context, session.now)
            wanted = known.check(asked or known.last)
            lines = read_meetings(connection, context, wanted, session.now, {chosen.name}).get(chosen.name, [])
        written = explain_json(context, chosen.name, wanted, lines)
        if form is Format.JSON:
            print_json(written)
        elif form is Format.CSV:
            print_csv(written["meetings"], _CSV)
        else:
            _show(chosen.name, wanted, lines, written["meetings"], context)
    return 0


def _show(
    client: str, month: Month, lines: Sequence[Credited], written: Sequence[dict[str, Any]], context: ScoringContext
) -> None:
    columns = ("Start", "Length", "Title", "How", "Theirs", "Ours", "Points", "Man-hours", "Counted as")
    table = Table(
        *columns,
        right=("Length", "Points", "Man-hours"),
        whole=("Start", "How"),
        title=f"{client}, {month_text(month)}",
    )
    shares = share_out([line.man_seconds for line in lines])
    for line, row, share in zip(lines, written, shares, strict=True):
        meeting = line.judged.meeting
        start = meeting.start.astimezone(context.zone)
        counted = line.judged.step is not None
        table.add(
            start.strftime("%a %d %b") if meeting.all_day else start.strftime("%a %d %b %H:%M"),
            "all day" if meeting.all_day else length_text(meeting.length),
            row["title"] or "–",
            row["channel"].replace("_", " "),
            _people(row["client_people"]),
            _people(row["ours"]),
            str(row["points"]) if counted else "",
            hours_text(share) if counted else "",
            _counted_as(row),
            style=None if counted else "dim",
        )
    table.print()
    points = sum(row["points"] for row in written)
    print_line(f"{points} points, {hours_text(sum(shares))} man-hours. Time booked twice is the first meeting's.")


def _people(people: list[str] | int) -> str:
    """Names before the @: the table is about one client, so its domain says nothing."""
    if isinstance(people, int):
        return str(people)
    return names_text([address.partition("@")[0] for address in people], most=_MOST_NAMED)


def _counted_as(row: dict[str, Any]) -> str:
    if row["set_aside"] is None:
        return next(words for step, words in STEP_WORDS.items() if step.value == row["step"])
    return f"set aside: {REASON_WORDS[Reason(row['set_aside'])]}"
