"""R15 for the account managers' digest and for a client's page: what is booked and would earn more, what is to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from daemon.figures.profiles import Profiles
from daemon.figures.scoring_context import ScoringContext
from daemon.store.people import read_people
from scoring.insights.circle import Circle
from scoring.insights.next_step import ToBeat, booked, booked_seconds, most_to_gain, next_step_text, to_beat_text
from scoring.meetings.address_book import Client
from scoring.months.counting import Judged
from scoring.months.figures import Credited
from scoring.months.history import History, Verdict
from scoring.months.month import Month, shift

_MOST_MEETINGS = 2
_NO_NEED = (Verdict.DEVELOPING, Verdict.SO_FAR)


def next_steps(
    connection: Connection,
    context: ScoringContext,
    clients: Sequence[Client],
    histories: Mapping[str, History],
    month: Month,
    coming: Mapping[str, Sequence[Credited]],
) -> dict[str, list[str]]:
    """By client, the sentences for the month after `month`, which is the running one; `coming` are its meetings."""
    faces, found = Profiles(context), {}
    for client in clients:
        judged = [one.judged for one in coming.get(client.name, ())]
        circle = Circle(months={}, begins=month, profile=faces.profile_of(client.name))
        told = [to_beat(connection, context, circle, histories[client.name], month, judged)]
        told += [
            f"{client.name}: {next_step_text(step, context.zone, circle.name)}"
            for step in most_to_gain(judged, context.rules, _MOST_MEETINGS)
        ]
        found[client.name] = [one for one in told if one is not None]
    return {client: told for client, told in found.items() if told}


def to_beat(
    connection: Connection,
    context: ScoringContext,
    circle: Circle,
    history: History,
    month: Month,
    judged: Sequence[Judged],
) -> str | None:
    """The line of a client that is not developing; None for one that is."""
    row, running = history.row(month), shift(month, 1)
    if row.verdict in _NO_NEED:
        return None
    ahead = booked(judged)
    last_met = None
    if not ahead:
        months = read_people(connection, [history.client]).get(history.client, {})
        last_met = Circle(months=months, begins=history.begins).last_meeting(running)
    return to_beat_text(
        ToBeat(
            client=history.client,
            running=running,
            seconds=row.compared.man_seconds,
            so_far_seconds=history.figures(running).man_seconds,
            booked_seconds=booked_seconds(judged, context.rules),
            booked=len(ahead),
            last_met=last_met,
        ),
        circle.name,
    )
