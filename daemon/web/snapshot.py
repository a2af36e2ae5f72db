"""The store in numbers, as `/metrics` shows it: calendars and deliveries by state, and how old the readings are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from daemon.config.model import Config
from daemon.service.status import FAILING, FRESH, NEVER_READ, STALE, UNREADABLE, state_of
from daemon.store.calendars import Calendar, read_calendars
from daemon.store.db.engine import Database
from daemon.store.deliveries import Delivery, State, recent_deliveries
from daemon.store.scale.workers import GONE, IDLE, WORKING, read_workers

CALENDAR_STATES = (FRESH, STALE, FAILING, UNREADABLE, NEVER_READ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Numbers without names: `calendars` by connector and state, `digests` (deliveries of the last three months) by
    state, for each connector the seconds since any of its calendars was last read, and workers by state where there are
    to be any."""

    calendars: Mapping[tuple[str, str], int] = field(default_factory=dict)
    digests: Mapping[str, int] = field(default_factory=dict)
    reading_age_seconds: Mapping[str, float] = field(default_factory=dict)
    workers: Mapping[str, int] = field(default_factory=dict)


def take_snapshot(database: Database, config: Config, now: datetime) -> Snapshot:
    """What the store says at this moment. Raises `StoreError`."""
    with database.reading() as connection:
        calendars = read_calendars(connection, cursors=False)
        found = snapshot_of(calendars, recent_deliveries(connection, now), now, config.sync.every)
        if not config.scale.workers:
            return found
        states = Counter(worker.state for worker in read_workers(connection))
    return replace(found, workers={state: states[state] for state in (WORKING, IDLE, GONE)})


def snapshot_of(
    calendars: Iterable[Calendar], deliveries: Iterable[Delivery], now: datetime, every: timedelta
) -> Snapshot:
    """The same of values that are at hand. States that nothing is in are there with a zero, so that none vanishes."""
    read = [calendar for calendar in calendars if calendar.left_at is None]
    connectors = sorted({calendar.connector for calendar in read})
    states = Counter((calendar.connector, state_of(calendar, now, every)) for calendar in read)
    sent = Counter(delivery.state.value for delivery in deliveries)
    latest: dict[str, datetime] = {}
    for calendar in read:
        if calendar.last_success is not None:
            latest[calendar.connector] = max(
                calendar.last_success, latest.get(calendar.connector, calendar.last_success)
            )
    return Snapshot(
        calendars={(name, state): states[name, state] for name in connectors for state in CALENDAR_STATES},
        digests={state.value: sent[state.value] for state in State},
        reading_age_seconds={name: max(0.0, (now - last).total_seconds()) for name, last in latest.items()},
    )
