"""Months that digests told otherwise than they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.meetings import read_meetings
from daemon.store.meta import FROZEN_BEFORE, get_meta
from daemon.store.told import ToldFigures, in_full
from scoring.digest.restatement import Restated, Told, restated, told_of
from scoring.months.history import History, Row
from scoring.months.month import Month


def restated_months(
    connection: Connection,
    context: ScoringContext,
    histories: Mapping[str, History],
    told: Mapping[tuple[str, Month], ToldFigures],
    now: datetime,
    *,
    apart_from: Month | None = None,
) -> list[tuple[Restated, Told]]:
    """The clients' months that were told otherwise than they are now, with what is to be told instead.

    The meetings of such a month are read only where a figure differs. Of a frozen month they are no longer kept.
    """
    differing: dict[Month, dict[str, Row]] = {}
    for (client, month), figures in sorted(told.items(), key=lambda item: (item[0][1], item[0][0])):
        history = histories.get(client)
        if history is None or month == apart_from or month < history.begins:
            continue
        row = history.row(month)
        if (row.score, row.figures.man_seconds) != (figures.score, figures.man_seconds):
            differing.setdefault(month, {})[client] = row
    found: list[tuple[Restated, Told]] = []
    frozen = get_meta(connection, FROZEN_BEFORE) or ""
    for month, rows in differing.items():
        meetings = read_meetings(connection, context, month, now, rows.keys()) if month >= frozen else {}
        for client, row in rows.items():
            then = in_full(connection, told[client, month])
            now_told = told_of(row, meetings.get(client, ()), context.told_with())
            if month < frozen:
                now_told = replace(now_told, meetings=then.meetings)
            if (changed := restated(then, now_told)) is not None:
                found.append((changed, now_told))
    return found
