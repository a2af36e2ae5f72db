"""What follows the reading: what is too old is erased, and figures are derived."""

from __future__ import annotations

import time
from datetime import timedelta

from daemon.figures.rescore import rescore
from daemon.store.addresses import erase_unused_addresses
from daemon.store.copies import erase_copies_before
from daemon.store.meta import FROZEN_BEFORE, get_meta, set_meta
from daemon.sync.run_values import Pass
from scoring.months.month import begins, month_of, shift


def derive(work: Pass, ahead_seconds: float) -> None:
    """Derives the figures that changed, and erases what is too old; while the clock is wrong as if it were right."""
    began = time.monotonic()
    rescore(work.database, work.known(), work.now - timedelta(seconds=max(ahead_seconds, 0)))
    work.rescored(time.monotonic() - began)
    if not ahead_seconds:
        _retain(work)


def _retain(work: Pass) -> None:
    """Erases copies older than `retain`; their months are frozen from then on (R11)."""
    first_kept = shift(month_of(work.now, work.scope.zone), -work.scope.config.sync.retain)
    with work.database.writing() as connection:
        if erase_copies_before(connection, begins(first_kept, work.scope.zone)):
            erase_unused_addresses(connection)
            frozen = get_meta(connection, FROZEN_BEFORE)
            set_meta(connection, FROZEN_BEFORE, max(frozen or first_kept, first_kept))
