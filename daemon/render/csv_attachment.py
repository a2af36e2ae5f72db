"""The digest as CSV, for spreadsheets: one row a client, no cell a formula."""

from __future__ import annotations

import csv
import io

from daemon.output.csv_cells import text_cell
from daemon.output.safe_text import NAME_LIMIT
from daemon.render.words import VERDICTS
from scoring.digest.value import ClientLine, Digest
from scoring.months.hours import hours_text

FILE_NAME = "digest.csv"
COLUMNS = (
    "month",
    "client",
    "manager",
    "tier",
    "verdict",
    "trend",
    "man_hours",
    "man_hours_before",
    "change",
    "score",
    "score_before",
    "score_confirmed",
    "meetings",
    "client_people",
    "phone_hours",
)


def csv_attachment(digest: Digest) -> bytes:
    """UTF-8 with its mark, without which Excel takes names for Latin-1; lines end as RFC 4180 says."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(digest.month, line) for line in digest.lines)
    return out.getvalue().encode("utf-8-sig")


def _row(month: str, line: ClientLine) -> list[str | int]:
    change = line.change_tenths
    return [
        *(text_cell(text or "", NAME_LIMIT) for text in (month, line.client, line.manager, line.tier)),
        VERDICTS[line.verdict].word,
        line.trend.value,
        hours_text(line.tenths),
        "" if line.before_tenths is None else hours_text(line.before_tenths),
        "" if change is None else hours_text(change),
        line.score,
        "" if line.score_before is None else line.score_before,
        line.score_confirmed,
        line.meetings,
        line.client_people,
        hours_text(line.phone_tenths),
    ]
