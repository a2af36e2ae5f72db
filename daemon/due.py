"""What is due next, and how each calendar is doing: read from the store, for `rapport status`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from daemon.cron import expand_cron
from daemon.scope import Scope
from daemon.store.calendars import Calendar
from daemon.store.deliveries import Delivery, State
from scoring.months import Month, begins, month_of, shift

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


def stale_for(scope: Scope, now: datetime, month: Month | None) -> list[Calendar]:
    """The calendars to read before a digest is made: not read lately, or not since its month ended."""
    end = begins(shift(month, 1), scope.zone) if month is not None else begins(month_of(now, scope.zone), scope.zone)
    due = [one for one in scope.calendars if one.left_at is None and not one.standing]
    return [
        one
        for one in due
        if state_of(one, now, scope.config.sync.every) != FRESH
        or (end <= now and (one.read_through is None or one.read_through < end))
    ]


def status_json(scope: Scope, now: datetime, deliveries: Iterable[Delivery] = ()) -> dict[str, Any]:
    """`rapport status --format json` (interface.md). Calendars that have left are not in it."""
    every = scope.config.sync.every
    read = [one for one in scope.calendars if one.left_at is None]
    return {
        "calendars": [
            {
                "connector": one.connector,
                "calendar": one.address,
                "state": state_of(one, now, every),
                "last_success": None if one.last_success is None else stamp(one.last_success),
                "reason": one.error,
            }
            for one in read
        ],
        "due": [
            {"what": "sync", "at": stamp(_next_sync(read, now, every))},
            *(
                {"what": f"digest {one.name}", "at": stamp(next_after(one.schedule, now, scope))}
                for one in scope.config.digests
            ),
        ],
        "deliveries": [_delivery_json(one) for one in deliveries],
    }


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
    return any(one["state"] in _NEEDS_ATTENTION for one in status["calendars"])


def next_after(schedule: str, moment: datetime, scope: Scope) -> datetime:
    """When a digest's schedule, in the company's time, comes up next."""
    from apscheduler.triggers.cron import CronTrigger

    trigger = CronTrigger(timezone=scope.zone, **expand_cron(schedule))
    found: datetime | None = trigger.get_next_fire_time(None, moment)
    if found is None:  # the config refuses a schedule that never comes
        raise ValueError("the schedule never comes")
    return found


def stamp(moment: datetime) -> str:
    """UTC to the second, as in all JSON."""
    from datetime import UTC

    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next_sync(calendars: Sequence[Calendar], now: datetime, every: timedelta) -> datetime:
    tries = [one.last_try for one in calendars if one.last_try is not None]
    return max(max(tries) + every, now) if tries else now
