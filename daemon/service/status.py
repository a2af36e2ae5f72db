"""What is due next, and how each calendar is doing: read from the store, for `rapport status`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from daemon.figures.scoring_context import ScoringContext
from daemon.output.timestamps import stamp
from daemon.service.schedule import digest_due, digest_held, is_served, sync_due
from daemon.store.calendars import Calendar
from daemon.store.deliveries import Delivery, State, recent_deliveries
from daemon.store.meta import CLOCK_AHEAD, CONFIG_REFUSED, get_meta
from daemon.store.scale.workers import Worker, read_workers
from scoring.months.month import Month, begins, month_of, shift

FRESH, STALE, FAILING, UNREADABLE, NEVER_READ = "fresh", "stale", "failing", "unreadable", "never_read"
_STALE_AFTER = 2  # rounds of `sync.every` without a reading
_NEEDS_ATTENTION = (STALE, FAILING, NEVER_READ)


def state_of(calendar: Calendar, now: datetime, every: timedelta) -> str:
    """A calendar's state. `unreadable` is a standing reason; a held listing is not a failure."""
    if calendar.standing:
        return UNREADABLE
    if calendar.last_success is None:
        return NEVER_READ
    if calendar.error_code not in (None, "held"):
        return FAILING
    return STALE if now - calendar.last_success > every * _STALE_AFTER else FRESH


def stale_for(context: ScoringContext, now: datetime, month: Month | None) -> list[Calendar]:
    """The calendars to read before a digest is made: not read lately, or not since its month ended."""
    end = (
        begins(shift(month, 1), context.zone)
        if month is not None
        else begins(month_of(now, context.zone), context.zone)
    )
    due = [calendar for calendar in context.calendars if calendar.left_at is None and not calendar.standing]
    return [
        calendar
        for calendar in due
        if state_of(calendar, now, context.config.sync.every) != FRESH
        or (end <= now and (calendar.read_through is None or calendar.read_through < end))
    ]


def status_json(connection: Connection, context: ScoringContext, now: datetime) -> dict[str, Any]:
    """`rapport status --format json` (docs/interface.md). Calendars that have left are not in it.

    `clock` is None, or how many seconds our clock is ahead of the providers' and what waits because of it. `config` is
    None, or says that the service goes on by an older one than the file's. `workers` are those that do the work where
    `scale.workers` says that others do it.
    """
    every = context.config.sync.every
    read = [calendar for calendar in context.calendars if calendar.left_at is None]
    return {
        "calendars": [
            {
                "connector": calendar.connector,
                "calendar": calendar.address,
                "state": state_of(calendar, now, every),
                "last_success": None if calendar.last_success is None else stamp(calendar.last_success),
                "reason": calendar.error,
            }
            for calendar in read
        ],
        "due": [
            {"what": "sync", "at": stamp(max(_next_sync(connection, read, now, every), now)), "reason": None},
            *(
                {
                    "what": f"digest {digest.name}",
                    "at": stamp(digest_due(connection, digest, context, now)),
                    "reason": digest_held(connection, digest),
                }
                for digest in context.config.digests
            ),
        ],
        "deliveries": [_delivery_json(delivery) for delivery in recent_deliveries(connection, now)],
        "clock": _clock_json(get_meta(connection, CLOCK_AHEAD)),
        "config": get_meta(connection, CONFIG_REFUSED),
        "workers": [_worker_json(worker) for worker in read_workers(connection)]
        if context.config.scale.workers
        else [],
    }


def _worker_json(worker: Worker) -> dict[str, Any]:
    return {
        "worker": worker.name,
        "host": worker.host,
        "process": worker.process,
        "state": worker.state,
        "reason": worker.idle_because,
        "last_seen": stamp(worker.seen_at),
    }


def _clock_json(ahead: str | None) -> dict[str, Any] | None:
    if ahead is None:
        return None
    seconds = int(ahead)
    word = "ahead of" if seconds > 0 else "behind"
    reason = (
        f"this machine's clock is {abs(seconds) // 60} minutes {word} the providers'; "
        "digests, retention and the end of booked meetings wait until it is right"
    )
    return {"ahead_seconds": seconds, "reason": reason}


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    """What is being sent at this moment is still waiting, to everybody else."""
    state = State.WAITING if delivery.state is State.CLAIMED else delivery.state
    return {
        "digest": delivery.digest,
        "month": delivery.month,
        "recipient": delivery.recipient,
        "state": state.value,
        "reason": delivery.reason,
        "at": stamp(delivery.settled_at or delivery.next_try),
    }


def needs_attention(status: dict[str, Any]) -> bool:
    """Whether any calendar is not read as it should be: what `rapport status` exits 1 for."""
    return any(calendar["state"] in _NEEDS_ATTENTION for calendar in status["calendars"])


def _next_sync(connection: Connection, calendars: Sequence[Calendar], now: datetime, every: timedelta) -> datetime:
    """As the service has it; without one, `sync.every` after the last reading."""
    tries = [calendar.last_try for calendar in calendars if calendar.last_try is not None]
    return sync_due(connection, now, every) if is_served(connection) else max(tries) + every if tries else now
