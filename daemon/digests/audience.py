"""Whom a digest is for, and which clients it tells them of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendars import Calendar
from scoring.meetings.address_book import Client

MANAGER = "manager"


def has_left(address: str, calendars: Iterable[Calendar]) -> bool:
    """Whether a colleague's calendar was read and is gone: suspended, deleted, or no longer among those to be read."""
    own = [one for one in calendars if address in (one.address, *one.aliases)]
    return bool(own) and all(one.left_at is not None for one in own)


def portfolio(context: ScoringContext, selections: Sequence[str]) -> list[Client]:
    """The clients that a digest's `clients` select: `*`, names, `tier:…`, `manager:…`, in the config's order."""
    wanted = set(selections)
    return [
        one
        for one in context.clients
        if "*" in wanted or one.name in wanted or f"tier:{one.tier}" in wanted or f"manager:{one.manager}" in wanted
    ]
