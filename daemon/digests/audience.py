"""Whom a digest is for, and which clients it tells them of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendars import Calendar
from scoring.meetings.address_book import Client

MANAGER = "manager"


def has_left(address: str, calendars: Iterable[Calendar]) -> bool:
    """Whether a colleague's calendar was read and is gone: suspended, deleted, or no longer among those to be read."""
    own = [calendar for calendar in calendars if address in (calendar.address, *calendar.aliases)]
    return bool(own) and all(calendar.left_at is not None for calendar in own)


def portfolio(context: ScoringContext, selections: Sequence[str]) -> list[Client]:
    """The clients that a digest's `clients` select: `*`, names, `tier:…`, `manager:…`, in the config's order."""
    wanted = set(selections)
    return [
        client
        for client in context.clients
        if not wanted.isdisjoint(("*", client.name, f"tier:{client.tier}", f"manager:{client.manager}"))
    ]
