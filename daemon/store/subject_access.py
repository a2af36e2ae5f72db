"""Everything that the store holds about one person, as it stands there (a subject access request)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from daemon.store.calendars import Calendar, owners_of, read_calendars
from daemon.store.copies import CopyReader
from daemon.store.db.bulk import table_of
from daemon.store.db.tables import DeliveryRow, PeopleRow
from daemon.store.people import read_people
from scoring.insights.people import PeopleMonth
from scoring.meetings.values import Copy

_DELIVERIES, _PEOPLE = table_of(DeliveryRow), table_of(PeopleRow)


def calendars_of(connection: Connection, addresses: Collection[str]) -> list[Calendar]:
    """The calendars that are theirs."""
    return [
        calendar
        for calendar in read_calendars(connection)
        if not {calendar.address, *calendar.aliases}.isdisjoint(addresses)
    ]


def copies_of(connection: Connection, addresses: Collection[str]) -> list[Copy]:
    """The copies that name them or stand in their calendars, by the time at which they start. Reads every copy."""
    wanted = frozenset(addresses)
    own = {(calendar.connector, calendar.key) for calendar in calendars_of(connection, wanted)}
    reader = CopyReader(connection, owners_of(read_calendars(connection)))
    found = (
        copy
        for copy in reader.every_copy()
        if not wanted.isdisjoint(copy.invited) or (copy.connector, copy.calendar) in own
    )
    return sorted(found, key=lambda copy: (copy.start, copy.owner, copy.entry))


def months_of(connection: Connection, addresses: Collection[str]) -> list[tuple[PeopleMonth, str]]:
    """The clients' months in which they are known to have met or been met (R12), each with their address there."""
    clients = connection.execute(select(_PEOPLE.c.client).distinct()).scalars().all()
    kept = [person_month for months in read_people(connection, clients).values() for person_month in months.values()]
    return [
        (person_month, address)
        for person_month in sorted(kept, key=lambda person_month: (person_month.month, person_month.client))
        for address in sorted({*person_month.theirs, *person_month.ours} & set(addresses))
    ]


def deliveries_to(connection: Connection, addresses: Collection[str]) -> list[dict[str, Any]]:
    """Digests that went or were to go to them: every attempt, as stored."""
    columns = [_DELIVERIES.c[name] for name in ("digest", "month", "recipient", "attempt", "state", "settled_at")]
    rows = connection.execute(select(*columns).order_by(_DELIVERIES.c.month, _DELIVERIES.c.id)).mappings()
    wanted = set(addresses)
    return [dict(row) for row in rows if row["recipient"].partition(":")[2].lstrip("@") in wanted]
