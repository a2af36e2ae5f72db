"""How far the machine's clock is ahead of the providers', noted in the store."""

from __future__ import annotations

import structlog

from connectors.net.clock_skew import observed
from daemon.store.db.engine import Database
from daemon.store.meta import CLOCK_AHEAD, get_meta, set_meta

log = structlog.get_logger()


def observed_ahead() -> float | None:
    """How far our clock is ahead by what this process was told lately, zero when it is right; None if nobody told."""
    return observed.seconds() if observed.knows() else None


def note_clock(database: Database, ahead_seconds: float | None) -> float:
    """Keeps how far our clock is from the providers', zero when it is right, and answers with it.

    None, from whoever has asked nobody, changes nothing: what others found stands. While it is wrong nothing is erased
    for its age and no booked meeting ends before its time.
    """
    with database.reading() as connection:
        known = get_meta(connection, CLOCK_AHEAD)
    if ahead_seconds is None:
        return float(known or 0)
    text = f"{ahead_seconds:.0f}" if ahead_seconds else None
    if known != text:
        with database.writing() as connection:
            set_meta(connection, CLOCK_AHEAD, text)
        if text is not None:
            log.warning("clock_wrong", ahead_seconds=int(text))
    return ahead_seconds
