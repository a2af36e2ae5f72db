"""The meetings behind a client's month, counted or set aside."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection

from daemon.figures.derive import judged_from, meetings_in
from daemon.figures.scoring_context import ScoringContext
from scoring.meetings.values import Meeting
from scoring.months.figures import Credited, credit
from scoring.months.month import Month


def read_meetings(
    connection: Connection, context: ScoringContext, month: Month, now: datetime, clients: Collection[str] | None = None
) -> dict[str, list[Credited]]:
    """These clients' meetings of a month, or everybody's: counted and set aside, in order, with the time credited."""
    return credited_meetings(meetings_in(connection, context, month, clients=clients), context, now, clients)


def credited_meetings(
    meetings: Iterable[Meeting], context: ScoringContext, now: datetime, clients: Collection[str] | None = None
) -> dict[str, list[Credited]]:
    """The same from the month's meetings."""
    return {
        client: credit(found, context.rules)
        for client, found in judged_from(meetings, context, now).items()
        if clients is None or client in clients
    }
