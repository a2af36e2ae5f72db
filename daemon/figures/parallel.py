"""Much to re-score is shared among processes: they derive months ahead, the one that asked writes them.

A month that changed while it was derived is derived again by the writer, so that sharing changes nothing but the time.
"""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import structlog

from daemon.figures.derive import AddressCache, Derived, derive
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.store.copies import count_copies
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from scoring.months.month import Month

Prepared = Callable[[Month], Derived | None]
_WORTH_IT_MONTHS = 4
_MOST_PROCESSES = 4
log = structlog.get_logger()


@dataclass(slots=True)
class _Helper:
    """What a helping process keeps from one month to the next."""

    database: Database
    context: ScoringContext
    cache: AddressCache = field(default_factory=AddressCache)


_worker: list[_Helper] = []


@contextmanager
def ahead_of_time(
    database: Database, context: ScoringContext, months: Sequence[Month], now: datetime, share_from: int
) -> Iterator[Prepared]:
    """Gives each month's figures as another process derived them; None where nobody did."""
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if processes < 2 or len(months) < _WORTH_IT_MONTHS or not _is_large(database, share_from):
        yield lambda _: None
        return
    arguments = (database.url.render_as_string(hide_password=False), str(context.config.path), context.scored_with())
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start, arguments)
    futures: dict[Month, Future[Derived | None]] = {}
    waiting = iter(months)

    def prepared(month: Month) -> Derived | None:
        try:
            for _, ahead in zip(range(2 * processes - len(futures)), waiting, strict=False):
                futures[ahead] = pool.submit(_work, ahead, now)
            return futures.pop(month).result()
        except Exception as error:  # noqa: BLE001  # whatever befell a helper, the writer can do its work itself
            log.warning("rescore_helper_failed", error=type(error).__name__)
            return None

    try:
        yield prepared
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _is_large(database: Database, share_from: int) -> bool:
    with database.reading() as connection:
        return count_copies(connection) >= share_from


def _start(url: str, config: str, scored_with: str) -> None:
    """In the process: the same config and the same store, or else it stays idle."""
    from daemon.config.load import load
    from daemon.config.problems import ConfigError

    zoneinfo.reset_tzpath(to=())
    database = Database(url)
    try:
        with database.reading() as connection:
            context = read_scoring_context(connection, load(Path(config)))
    except (ConfigError, StoreError):
        return  # an exception here would end as a traceback on standard error
    if context.scored_with() == scored_with:
        _worker.append(_Helper(database, context))


def _work(month: Month, now: datetime) -> Derived | None:
    if not _worker:
        return None
    helper = _worker[0]
    with helper.database.reading() as connection:
        helper.cache.check(connection)
        return derive(connection, helper.context, month, now, helper.cache.addresses)
