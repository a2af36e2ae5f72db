"""A digest put together from the store: whose clients, which month, and what is known of the calendars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from daemon.reports import Known, reach_of, read_histories, read_meetings, working_days
from daemon.scope import Scope
from daemon.settings import Digest as DigestSettings
from scoring.clients import Client
from scoring.digest import Digest
from scoring.digest_build import Material, build_digest
from scoring.months import Month, missing, shift

_YEARS_BACK = 37  # months: a strip of 24, and a year earlier than its first three


def digest_of(
    connection: Connection, scope: Scope, settings: DigestSettings, month: Month, known: Known, now: datetime
) -> Digest:
    """The value of one digest for a month."""
    clients = portfolio(scope, settings.clients)
    histories = read_histories(connection, scope, known, shift(month, -_YEARS_BACK), clients)
    reach = [reach_of(one, scope) for one in scope.calendars]
    strip = [shift(month, -back) for back in range(24)]
    company = scope.config.company
    return build_digest(
        Material(
            name=settings.name,
            company=company.name,
            timezone=scope.zone.key,
            month=month,
            running=known.running,
            now=now,
            clients=clients,
            histories={one.client: one for one in histories},
            meetings=read_meetings(connection, scope, month, now),
            reach=reach,
            missing=missing(month, reach, scope.zone) if month < known.running else (),
            incomplete=frozenset(one for one in strip if missing(one, reach, scope.zone)),
            working_days=lambda one: working_days(one, company.country, company.region),
            show_ours=scope.config.privacy.show_ours,
        )
    )


def portfolio(scope: Scope, selections: Sequence[str]) -> list[Client]:
    """The clients that a digest's `clients` select: `*`, names, `tier:…`, `manager:…`, in the config's order."""
    wanted = set(selections)
    return [
        one
        for one in scope.clients
        if "*" in wanted or one.name in wanted or f"tier:{one.tier}" in wanted or f"manager:{one.manager}" in wanted
    ]
