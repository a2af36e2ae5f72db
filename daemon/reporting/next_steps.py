"""R15 for the account managers' digest and for a client's page: what is booked and would earn more, what is to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daemon.figures.profiles import Profiles
from daemon.figures.scoring_context import ScoringContext
from scoring.insights.circle import Circle
from scoring.insights.next_step import ToBeat, booked, booked_seconds, most_to_gain, next_step_text, to_beat_text
from scoring.insights.people import PeopleMonth
from scoring.meetings.address_book import Client
from scoring.months.counting import Judged
from scoring.months.figures import Credited
from scoring.months.history import History, Verdict
from scoring.months.month import Month, shift

_MOST_MEETINGS = 2
_NO_NEED = (Verdict.DEVELOPING, Verdict.SO_FAR)


def next_steps(
    context: ScoringContext,
    clients: Sequence[Client],
    histories: Mapping[str, History],
    month: Month,
    coming: Mapping[str, Sequence[Credited]],
    people: Mapping[str, Mapping[Month, PeopleMonth]],
    profiles: Profiles,
) -> dict[str, list[str]]:
    """By client, the sentences for the month after `month`, which is the running one; `coming` are its meetings.

    `people` are those of the clients that `without_booking` names.
    """
    found = {}
    for client in clients:
        judged = [line.judged for line in coming.get(client.name, ())]
        circle = Circle(
            months=people.get(client.name, {}), begins=month, profile=profiles.profile_of(client.name)
        )  # asked for names and for the last meeting only, so that it may begin anywhere
        steps = most_to_gain(judged, context.rules, _MOST_MEETINGS)
        told = [
            to_beat(context, circle, histories[client.name], month, judged),
            *(f"{client.name}: {next_step_text(step, context.zone, circle.name)}" for step in steps),
        ]
        found[client.name] = [sentence for sentence in told if sentence is not None]
    return {client: told for client, told in found.items() if told}


def without_booking(
    histories: Mapping[str, History], month: Month, coming: Mapping[str, Sequence[Credited]]
) -> list[str]:
    """The clients that have something to beat and no meeting ahead: of them it is told whom we met last."""
    return [
        client
        for client, history in histories.items()
        if history.row(month).verdict not in _NO_NEED and not booked(line.judged for line in coming.get(client, ()))
    ]


def to_beat(
    context: ScoringContext, circle: Circle, history: History, month: Month, judged: Sequence[Judged]
) -> str | None:
    """The line of a client that is not developing; None for one that is. `circle` is asked where nothing is booked."""
    row, running = history.row(month), shift(month, 1)
    if row.verdict in _NO_NEED:
        return None
    ahead = booked(judged)
    return to_beat_text(
        ToBeat(
            client=history.client,
            running=running,
            seconds=row.compared.man_seconds,
            so_far_seconds=history.figures(running).man_seconds,
            booked_seconds=booked_seconds(judged, context.rules),
            booked=len(ahead),
            last_met=None if ahead else circle.last_meeting(running),
        ),
        circle.name,
    )
