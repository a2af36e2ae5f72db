"""What follows the reading: what is too old is erased, and figures are derived."""

from __future__ import annotations

import time
from datetime import timedelta

from daemon.figures.rescore import rescore
from daemon.store.addresses import erase_unused_addresses
from daemon.store.copies import erase_copies_before
from daemon.store.meta import FROZEN_BEFORE, get_meta, set_meta
from daemon.sync.run_values import SyncRun
from scoring.months.month import begins, month_of, shift


def derive(run: SyncRun, ahead_seconds: float) -> None:
    """Derives the figures that changed, and erases what is too old; while the clock is wrong as if it were right."""
    began = time.monotonic()
    rescore(run.database, run.known(), run.now - timedelta(seconds=max(ahead_seconds, 0)))
    run.rescored(time.monotonic() - began)
    if not ahead_seconds:
        _retain(run)


def _retain(run: SyncRun) -> None:
    """Erases copies older than `retain`; their months are frozen from then on (R11)."""
    first_kept = shift(month_of(run.now, run.context.zone), -run.context.config.sync.retain)
    with run.database.writing() as connection:
        if erase_copies_before(connection, begins(first_kept, run.context.zone)):
            erase_unused_addresses(connection)
            frozen = get_meta(connection, FROZEN_BEFORE)
            set_meta(connection, FROZEN_BEFORE, max(frozen or first_kept, first_kept))
