"""Stored copies become monthly figures, only for the months that changed (`docs/design.md` 1)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from daemon.figures.affected_months import months_due, months_of_copies
from daemon.figures.derive import AddressCache, Derived, derive
from daemon.figures.scoring_context import ScoringContext
from daemon.store.copies import erase_copies, erase_titles
from daemon.store.db.engine import Database
from daemon.store.figures import (
    mark_of,
    mark_stale,
    months_with_figures,
    read_figures,
    rename_client,
    replace_month,
    settle_month,
)
from daemon.store.insights import drop_insights
from daemon.store.meta import SCORED_WITH, get_meta, set_meta
from daemon.store.packing import Addresses
from daemon.store.people import Numbers, rename_people, replace_people
from scoring.months.month import Month

SHARE_FROM = 50_000  # copies; with fewer, starting processes takes longer than the work


def rescore(database: Database, context: ScoringContext, now: datetime, *, share_from: int = SHARE_FROM) -> int:
    """Derives what is due and answers how many figures changed. Costs one small query when nothing is.

    Each month is one transaction: killed half-way, the rest is still due. With `share_from` stored copies or more the
    work is shared among processes.
    """
    with database.reading() as connection:
        fresh = get_meta(connection, SCORED_WITH) == context.scored_with()
        due = months_due(connection, context.config, now)
    if not fresh:
        with database.writing() as connection:
            _start_over(connection, context, now)
            due = months_due(connection, context.config, now)
    from daemon.figures.insights import refresh
    from daemon.figures.parallel import ahead_of_time

    changed = 0
    cache = AddressCache()
    with ahead_of_time(database, context, due, now, share_from) as prepared:
        for month in due:
            found = prepared(month) or _before_the_turn(database, context, month, now, cache)
            with database.writing() as connection:
                cache.check(connection)
                if found is None or not found.holds(mark_of(connection, month)):
                    found = derive(connection, context, month, now, cache.addresses)
                changed += _keep(connection, found, cache.numbers)
        refresh(database, context, now)
    return changed


def _before_the_turn(
    database: Database, context: ScoringContext, month: Month, now: datetime, cache: AddressCache
) -> Derived | None:
    """A month's figures, while others may write; None where it would not show that they did (`Derived.holds`)."""
    with database.reading() as connection:
        if mark_of(connection, month) is None:
            return None
        cache.check(connection)
        return derive(connection, context, month, now, cache.addresses)


def settle_due(connection: Connection, context: ScoringContext, now: datetime) -> None:
    """Derives what is due inside the caller's transaction, so that the figures are those of the copies as they are."""
    for month in months_due(connection, context.config, now):
        _keep(connection, derive(connection, context, month, now, Addresses()), Numbers())


def _start_over(connection: Connection, context: ScoringContext, now: datetime) -> None:
    """Marks every month that is not frozen as due under the present config."""
    for client in context.config.clients:
        for former in client.formerly:
            rename_client(connection, former=former, name=client.name)
            rename_people(connection, former=former, name=client.name)
    mark_stale(connection, months_with_figures(connection).union(months_of_copies(connection, context.config, now)))
    set_meta(connection, SCORED_WITH, context.scored_with())


def _keep(connection: Connection, derived: Derived, numbers: Numbers) -> int:
    if derived.frozen:
        settle_month(connection, derived.month)
        return 0
    erase_copies(connection, derived.unwanted)
    erase_titles(connection, derived.untitled)
    before = {figures.client: figures for figures in read_figures(connection, first=derived.month, last=derived.month)}
    changed = {
        client for client in before.keys() | derived.figures.keys() if before.get(client) != derived.figures.get(client)
    }
    changed |= replace_people(connection, derived.month, derived.people, numbers)
    if changed:
        drop_insights(connection, clients=changed, changed=derived.month)
    return replace_month(connection, derived.month, derived.figures)
