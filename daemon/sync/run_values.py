"""A run over the calendars as values: what it needs, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.store.db.engine import Database
from daemon.store.forgotten import Forgotten, read_forgotten

Progress = Callable[[str, int, int], None]
"""Told after each calendar: the connector, how many calendars are done, and how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A calendar that could not be read in this run, and why; `again_after` is when the provider wants to be asked.

    `number` is the store's of the calendar; None where the whole connector failed before it knew any.
    """

    calendar: str
    code: str
    message: str
    number: int | None = None
    again_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """An entry that could not be read: in whose calendar, where, and why."""

    calendar: str
    where: str
    reason: str


@dataclass(kw_only=True, slots=True)
class ConnectorResult:
    """What one connector's part of a run came to. `held`: listings that removed too much to be believed at once."""

    name: str
    calendars: int = 0
    synced: int = 0
    failed: list[Failure] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    requests: int = 0
    entries: int = 0
    changed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRun:
    """What a run needs of its surroundings. `full` lists every calendar again, whatever its cursor.

    `only` are the numbers of the calendars to be read, None for all; of those, people who are new are read as well.
    When `stopping` says so, no further calendar is begun, and what ends because of it is no failure. `rescored` is told
    how many seconds deriving the figures took.
    """

    database: Database
    context: ScoringContext
    now: datetime
    full: bool = False
    only: frozenset[int] | None = None
    progress: Progress | None = None
    stopping: Callable[[], bool] = bool
    rescored: Callable[[float], None] = lambda _: None

    def known(self) -> ScoringContext:
        """The context with the calendars as they are known now."""
        with self.database.reading() as connection:
            return read_scoring_context(connection, self.context.config)

    def forgotten(self) -> Forgotten:
        """Whom the store has forgotten by now."""
        with self.database.reading() as connection:
            return read_forgotten(connection)


log = structlog.get_logger()


def log_results(results: Sequence[ConnectorResult]) -> None:
    """What each connector's reading came to."""
    for result in results:
        log.info(
            "read",
            connector=result.name,
            calendars=result.calendars,
            failed=len(result.failed),
            changed=result.changed,
            requests=result.requests,
        )
