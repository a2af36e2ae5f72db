"""Batches: calendars of one connector that one job of a worker reads together, and when they are due.

That a batch is due is the truth; the queue is only a courier. What is not read stays due, so a job that is lost, or
whose worker ends, is handed out again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from daemon.store.calendars import UNLISTED, Calendar, read_calendars
from daemon.store.db.bulk import in_chunks, table_of
from daemon.store.db.tables import BatchRow, CalendarRow, CalendarState

_BATCHES, _CALENDARS, _STATES = table_of(BatchRow), table_of(CalendarRow), table_of(CalendarState)

MOST_CALENDARS = 40
"""In one batch: enough that a job's own cost is little, few enough that a killed one loses little."""
SPLIT_AFTER = 2
"""Workers killed over the same calendars, after which these are read apart from the others, in two halves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """`due_at` is when it is to be read next (UTC), `worker` the name of who read it last: None where nobody has."""

    id: int
    connector: str
    due_at: datetime
    worker: str | None


def fill_batches(connection: Connection, connector: str, now: datetime) -> int:
    """Puts every calendar that is read and in no batch into one with room, due at once; answers how many there were."""
    own = _CALENDARS.c.connector == connector
    gone = update(_CALENDARS).where(own, _CALENDARS.c.left_at.is_not(None), _CALENDARS.c.batch_id.is_not(None))
    if connection.execute(gone.values(batch_id=None)).rowcount:
        drop_empty_batches(connection, connector)
    apart = select(_CALENDARS.c.id).where(own, _CALENDARS.c.left_at.is_(None), _CALENDARS.c.batch_id.is_(None))
    waiting = connection.execute(apart.order_by(_CALENDARS.c.id)).scalars().all()
    if waiting:
        _spread(connection, connector, waiting, now)
    return len(waiting)


def _spread(connection: Connection, connector: str, calendars: Sequence[int], now: datetime) -> None:
    sizes = connection.execute(
        select(_BATCHES.c.id, func.count(_CALENDARS.c.id))
        .join_from(_BATCHES, _CALENDARS, _CALENDARS.c.batch_id == _BATCHES.c.id, isouter=True)
        .where(_BATCHES.c.connector == connector)
        .group_by(_BATCHES.c.id)
        .order_by(_BATCHES.c.id)
    )
    rooms = [(number, MOST_CALENDARS - size) for number, size in sizes if size < MOST_CALENDARS]
    begin = 0
    while begin < len(calendars):
        number, room = rooms.pop() if rooms else (_add_batch(connection, connector, now), MOST_CALENDARS)
        taken = calendars[begin : begin + room]
        begin += room
        connection.execute(update(_CALENDARS).where(_CALENDARS.c.id.in_(taken)).values(batch_id=number))
        connection.execute(update(_BATCHES).where(_BATCHES.c.id == number).values(due_at=now))


def _add_batch(connection: Connection, connector: str, now: datetime) -> int:
    number: int = connection.execute(
        insert(_BATCHES).values(connector=connector, due_at=now).returning(_BATCHES.c.id)
    ).scalar_one()
    return number


def read_batch(connection: Connection, number: int) -> Batch | None:
    """A batch, if it is still there."""
    row = connection.execute(select(_BATCHES).where(_BATCHES.c.id == number)).mappings().first()
    return None if row is None else Batch(**row)


def due_batches(
    connection: Connection, now: datetime, without: Collection[int], most: int, connector: str | None = None
) -> list[Batch]:
    """The batches that are due, longest first, but those of which jobs are open; all, or those of one connector."""
    statement = select(_BATCHES).where(_BATCHES.c.due_at <= now).order_by(_BATCHES.c.due_at, _BATCHES.c.id)
    if connector is not None:
        statement = statement.where(_BATCHES.c.connector == connector)
    found: list[Batch] = []
    for row in connection.execute(statement.limit(most + len(without))).mappings():
        if row["id"] not in without and len(found) < most:
            found.append(Batch(**row))
    return found


def next_due(connection: Connection) -> datetime | None:
    """When the first batch is due."""
    found: datetime | None = connection.execute(select(_BATCHES.c.due_at).order_by(_BATCHES.c.due_at).limit(1)).scalar()
    return found


def batches_asked_back(connection: Connection, now: datetime) -> list[int]:
    """The batches with calendars that a provider wanted to be asked for again by now."""
    statement = (
        select(_CALENDARS.c.batch_id)
        .join_from(_CALENDARS, _STATES, _STATES.c.calendar_id == _CALENDARS.c.id)
        .where(_STATES.c.again_at <= now, _CALENDARS.c.batch_id.is_not(None), _CALENDARS.c.left_at.is_(None))
        .distinct()
        .order_by(_CALENDARS.c.batch_id)
    )
    return list(connection.execute(statement).scalars())


def unread(connection: Connection, batch: Batch, now: datetime, among: Collection[int] | None = None) -> list[Calendar]:
    """What is to be read of a batch now: not tried since it was due, or asked by the provider to come again by now."""
    asked_back = _STATES.c.again_at <= now
    due = and_(_STATES.c.again_at.is_(None), or_(_STATES.c.last_try.is_(None), _STATES.c.last_try < batch.due_at))
    statement = (
        select(_CALENDARS.c.id)
        .join_from(_CALENDARS, _STATES, _STATES.c.calendar_id == _CALENDARS.c.id, isouter=True)
        .where(_CALENDARS.c.batch_id == batch.id, _CALENDARS.c.left_at.is_(None))
        .where(or_(_STATES.c.error_code.is_(None), _STATES.c.error_code != UNLISTED, _STATES.c.standing.is_(False)))
        .where(or_(asked_back, due) if batch.due_at <= now else asked_back)
    )
    numbers = set(connection.execute(statement).scalars())
    if among is not None:
        numbers &= set(among)
    return read_calendars(connection, numbers=numbers) if numbers else []


def put_off(connection: Connection, batch: Batch, due_at: datetime, worker: str | None) -> None:
    """When a batch is due next, and who has read it; not if somebody has made it due anew meanwhile."""
    same = update(_BATCHES).where(_BATCHES.c.id == batch.id, _BATCHES.c.due_at == batch.due_at)
    connection.execute(same.values(due_at=due_at, worker=worker))


def make_due(connection: Connection, calendars: Iterable[Calendar], now: datetime) -> int:
    """These calendars' batches are due at once, those that are not due already; answers how many."""
    count = 0
    for chunk in in_chunks(sorted({calendar.batch_id for calendar in calendars if calendar.batch_id is not None})):
        later = update(_BATCHES).where(_BATCHES.c.id.in_(chunk), _BATCHES.c.due_at > now)
        count += connection.execute(later.values(due_at=now)).rowcount
    return count


def suspects(connection: Connection, batches: Collection[int]) -> dict[int, dict[int, int]]:
    """By batch, the calendars during whose reading a worker has been killed twice or more, and how often."""
    found: dict[int, dict[int, int]] = {}
    for chunk in in_chunks(batches):
        rows = connection.execute(
            select(_CALENDARS.c.batch_id, _CALENDARS.c.id, _STATES.c.kills)
            .join_from(_CALENDARS, _STATES, _STATES.c.calendar_id == _CALENDARS.c.id)
            .where(_CALENDARS.c.batch_id.in_(chunk), _STATES.c.kills >= SPLIT_AFTER)
            .order_by(_CALENDARS.c.id)
        )
        for batch, number, kills in rows:
            found.setdefault(batch, {})[number] = kills
    return found


def drop_empty_batches(connection: Connection, connector: str | None = None) -> None:
    """Batches from which every calendar has left."""
    used = select(_CALENDARS.c.batch_id).where(_CALENDARS.c.batch_id.is_not(None))
    statement = delete(_BATCHES).where(_BATCHES.c.id.not_in(used))
    if connector is not None:
        statement = statement.where(_BATCHES.c.connector == connector)
    connection.execute(statement)
