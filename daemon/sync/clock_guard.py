"""How far the machine's clock is ahead of the providers', noted in the store."""

from __future__ import annotations

import structlog

from daemon.store.db.engine import Database
from daemon.store.meta import CLOCK_AHEAD, get_meta, set_meta

log = structlog.get_logger()


def note_clock(database: Database, ahead_seconds: float) -> float:
    """Keeps how far our clock is from the providers', zero when it is right, and answers with it.

    While it is wrong nothing is erased for its age and no booked meeting ends before its time.
    """
    text = f"{ahead_seconds:.0f}" if ahead_seconds else None
    with database.reading() as connection:
        known = get_meta(connection, CLOCK_AHEAD)
    if known != text:
        with database.writing() as connection:
            set_meta(connection, CLOCK_AHEAD, text)
        if text is not None:
            log.warning("clock_wrong", ahead_seconds=int(text))
    return ahead_seconds
