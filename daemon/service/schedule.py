"""What is due, kept in the store (`docs/design.md` 10): a restart needs no memory, a missed moment is caught up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.config.schema.cron import next_moment
from daemon.config.schema.tables import DigestTable
from daemon.figures.scoring_context import ScoringContext
from daemon.store.db.types import from_millis, to_millis
from daemon.store.meta import get_meta, set_meta
from scoring.months.month import Month, begins, month_of, shift

_SYNC = "due sync"
_ROSTER = "due roster "
_DIGEST = "due digest "
_HELD = "held digest "


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A digest's next moment (UTC), and the schedule, as the config has it, by which it was reckoned."""

    at: datetime
    schedule: str

    def dump(self) -> str:
        return json.dumps({"at": to_millis(self.at), "schedule": self.schedule})


def next_after(schedule: str, moment: datetime, context: ScoringContext) -> datetime:
    """When a digest's schedule, in the company's time, comes up next; in UTC."""
    return next_moment(schedule, moment.astimezone(context.zone))


def sync_due(connection: Connection, now: datetime, every: timedelta) -> datetime:
    """When calendars are to be read next; at once if they never were. A clock set back does not put it off."""
    kept = get_meta(connection, _SYNC)
    return now if kept is None else min(from_millis(int(kept)), now + every)


def is_sync_planned(connection: Connection, at: datetime) -> bool:
    """Whether this is the next reading as the store has it."""
    return get_meta(connection, _SYNC) == str(to_millis(at))


def is_served(connection: Connection) -> bool:
    """Whether the service has ever planned a reading."""
    return get_meta(connection, _SYNC) is not None


def set_sync_due(connection: Connection, at: datetime) -> None:
    set_meta(connection, _SYNC, str(to_millis(at)))


def roster_due(connection: Connection, connector: str, now: datetime, every: timedelta) -> datetime:
    """When a connector is to be asked next whose calendars there are, where that is apart from reading them."""
    kept = get_meta(connection, _ROSTER + connector)
    return now if kept is None else min(from_millis(int(kept)), now + every)


def is_roster_known(connection: Connection, connector: str) -> bool:
    """Whether a connector has ever been asked, by workers, whose calendars there are."""
    return get_meta(connection, _ROSTER + connector) is not None


def set_roster_due(connection: Connection, connector: str, at: datetime) -> None:
    set_meta(connection, _ROSTER + connector, str(to_millis(at)))


def digest_due(connection: Connection, digest: DigestTable, context: ScoringContext, now: datetime) -> datetime:
    """When a digest is due. At the very first look nothing is overdue; a changed schedule is reckoned from now."""
    coming = next_after(digest.schedule, now, context)
    kept = _load(get_meta(connection, _DIGEST + digest.name))
    return min(kept.at, coming) if kept is not None and kept.schedule == digest.schedule else coming


def set_digest_due(connection: Connection, digest: DigestTable, at: datetime) -> None:
    set_meta(connection, _DIGEST + digest.name, Due(at=at, schedule=digest.schedule).dump())


def digest_held(connection: Connection, digest: DigestTable) -> str | None:
    """Why a digest that is due has not been dealt with, as its last look found; None where nothing holds it up."""
    return get_meta(connection, _HELD + digest.name)


def set_digest_held(connection: Connection, digest: DigestTable, reason: str | None) -> None:
    set_meta(connection, _HELD + digest.name, reason)


def is_planned(connection: Connection, digest: DigestTable, at: datetime) -> bool:
    """Whether this is the digest's next moment as the store has it."""
    return get_meta(connection, _DIGEST + digest.name) == Due(at=at, schedule=digest.schedule).dump()


def month_due(digest: DigestTable, at: datetime, now: datetime, context: ScoringContext) -> Month:
    """Which month a digest that is due since `at` is about: of several moments missed, the last one's."""
    month = month_of(now, context.zone)
    first = month_of(at, context.zone)
    while month > first:
        came = next_after(digest.schedule, begins(month, context.zone) - timedelta(microseconds=2), context)
        if came <= now and came < begins(shift(month, 1), context.zone):
            break
        month = shift(month, -1)
    return shift(month, -1)


def _load(text: str | None) -> Due | None:
    try:
        found = json.loads(text or "")
        return Due(at=from_millis(int(found["at"])), schedule=str(found["schedule"]))
    except (ValueError, KeyError, TypeError):
        return None
