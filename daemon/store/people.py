"""Who met whom, kept per client and month like the figures.

People are numbers of addresses, so that an address stands in the store once and is forgotten in one place.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Set
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, delete, func, inspect, select, update

from daemon.store.db.bulk import in_chunks, table_of, upsert
from daemon.store.db.tables import AddressRow, InsightRow, Meta, PeopleRow
from daemon.store.figures import frozen_clients
from daemon.store.insights import INSIGHTS_OF
from scoring.insights.people import PeopleMonth, Presence
from scoring.months.month import Month

_INSIGHTS = table_of(InsightRow)

_PEOPLE = table_of(PeopleRow)
_ADDRESSES = table_of(AddressRow)
_META = table_of(Meta)

T = TypeVar("T")
_THEIRS, _OURS = 1 + len(Presence._fields), 2  # columns


class Numbers:
    """The numbers of addresses, looked up or given once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, connection: Connection, addresses: Iterable[str]) -> Mapping[str, int]:
        """Numbers of these addresses and of those asked for before; in a writing transaction."""
        unknown = sorted(set(addresses) - self._known.keys())
        self._find(connection, unknown)
        new = [address for address in unknown if address not in self._known]
        upsert(connection, AddressRow, [{"address": address} for address in new], key=("address",))
        self._find(connection, new)
        return self._known

    def _find(self, connection: Connection, addresses: Iterable[str]) -> None:
        for chunk in in_chunks(addresses):
            rows = connection.execute(
                select(_ADDRESSES.c.address, _ADDRESSES.c.id).where(_ADDRESSES.c.address.in_(chunk))
            )
            self._known.update((address, number) for address, number in rows)


def replace_people(
    connection: Connection, month: Month, derived: Mapping[str, PeopleMonth], numbers: Numbers
) -> set[str]:
    """Writes what differs from the kept people of a month; answers whose did. Those of frozen figures stay."""
    met = (person for people in derived.values() for person in (*people.theirs, *people.ours))
    known = numbers.of(connection, met)
    rows = {client: _row(people, known) for client, people in derived.items() if people.theirs or people.ours}
    kept = {row["client"]: dict(row) for row in connection.execute(_of_month(month)).mappings()}
    frozen = frozen_clients(connection, month) & kept.keys()
    gone = kept.keys() - rows.keys() - frozen
    changed = [row for client, row in rows.items() if kept.get(client) != row and client not in frozen]
    if gone:
        connection.execute(delete(_PEOPLE).where(_PEOPLE.c.month == month, _PEOPLE.c.client.in_(gone)))
    upsert(connection, PeopleRow, changed, key=("client", "month"))
    return gone | {row["client"] for row in changed}


def _of_month(month: Month) -> Any:
    return select(_PEOPLE).where(_PEOPLE.c.month == month)


def _row(people: PeopleMonth, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "client": people.client,
        "month": people.month,
        "theirs": _packed((numbers[person], *presence) for person, presence in people.theirs.items()),
        "ours": _packed((numbers[person], meetings) for person, meetings in people.ours.items()),
        "meetings": people.meetings,
        "called": people.called,
    }


def _packed(rows: Iterable[tuple[int, ...]]) -> bytes:
    """Rows of integers column by column, in the order of the first one; little-endian, four bytes each.

    Hundreds of thousands of these are read at once, which takes JSON twenty times as long.
    """
    packed = array("I", (value for column in zip(*sorted(rows), strict=True) for value in column))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _columns(packed: bytes, width: int) -> list[array[int]]:
    """The opposite: so many columns."""
    values = array("I")
    values.frombytes(packed)
    if sys.byteorder == "big":
        values.byteswap()
    rows = len(values) // width
    return [values[rows * column : rows * (column + 1)] for column in range(width)]


def read_people(connection: Connection, clients: Iterable[str]) -> dict[str, dict[Month, PeopleMonth]]:
    """All kept months of these clients. Who has been forgotten since is left out."""
    found: dict[str, dict[Month, PeopleMonth]] = {}
    for chunk in in_chunks(clients):
        rows = connection.execute(select(_PEOPLE).where(_PEOPLE.c.client.in_(chunk))).all()
        months = [(row, _columns(row.theirs, _THEIRS), _columns(row.ours, _OURS)) for row in rows]
        names = _names(connection, set().union(*(side[0] for _, *sides in months for side in sides)))
        for row, theirs, ours in months:
            month = Month(row.month)
            met = dict(zip(map(names.get, theirs[0]), map(Presence, *theirs[1:]), strict=True))
            present = dict(zip(map(names.get, ours[0]), ours[1], strict=True))
            found.setdefault(row.client, {})[month] = PeopleMonth(
                client=row.client,
                month=month,
                theirs=_named(met),
                ours=_named(present),
                meetings=row.meetings,
                called=row.called,
            )
    return found


def _named(found: dict[str | None, T]) -> dict[str, T]:
    """Without whom the store has forgotten."""
    found.pop(None, None)
    return cast(dict[str, T], found)


def _names(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    names: dict[int, str] = {}
    for chunk in in_chunks(numbers):
        rows = connection.execute(select(_ADDRESSES.c.id, _ADDRESSES.c.address).where(_ADDRESSES.c.id.in_(chunk)))
        names.update((number, address) for number, address in rows)
    return names


def first_month_of_people(connection: Connection) -> Month | None:
    """The first month of which anybody's people are kept."""
    found = connection.execute(select(func.min(_PEOPLE.c.month))).scalar()
    return None if found is None else Month(found)


def rename_people(connection: Connection, *, former: str, name: str) -> None:
    """Moves a client's people to its new name where that has none of its own yet (`formerly`)."""
    held = select(_PEOPLE.c.month).where(_PEOPLE.c.client == name)
    connection.execute(
        update(_PEOPLE)
        .where(_PEOPLE.c.client == former, _PEOPLE.c.month.not_in(held.scalar_subquery()))
        .values(client=name)
    )


def numbers_in_people(connection: Connection) -> set[int]:
    """The numbers of addresses that are in use here; of a store too old to have any, none."""
    if not inspect(connection).has_table(_PEOPLE.name):
        return set()
    rows = connection.execute(select(_PEOPLE.c.theirs, _PEOPLE.c.ours))
    return {number for theirs, ours in rows for number in (*_columns(theirs, _THEIRS)[0], *_columns(ours, _OURS)[0])}


def months_naming(connection: Connection, numbers: Set[int]) -> int:
    """In how many clients' months anybody with one of these numbers is; of a store too old to have any, none."""
    if not numbers or not inspect(connection).has_table(_PEOPLE.name):
        return 0
    rows = connection.execute(select(_PEOPLE.c.theirs, _PEOPLE.c.ours))
    sides = (_columns(theirs, _THEIRS)[0] + _columns(ours, _OURS)[0] for theirs, ours in rows)
    return sum(not numbers.isdisjoint(side) for side in sides)


def drop_people_without_address(connection: Connection) -> None:
    """Leaves out of every month whose address has been erased, and throws away what was said of those clients.

    A number may be given again, so none of somebody forgotten may stay.
    """
    if not inspect(connection).has_table(_PEOPLE.name):
        return
    known = set(connection.execute(select(_ADDRESSES.c.id)).scalars())
    for row in connection.execute(select(_PEOPLE)).all():
        left = {"theirs": _without(row.theirs, _THEIRS, known), "ours": _without(row.ours, _OURS, known)}
        if left == {"theirs": row.theirs, "ours": row.ours}:
            continue
        chosen = (_PEOPLE.c.client == row.client) & (_PEOPLE.c.month == row.month)
        connection.execute(update(_PEOPLE).where(chosen).values(**left))
        connection.execute(delete(_INSIGHTS).where(_INSIGHTS.c.client == row.client))
        connection.execute(delete(_META).where(_META.c.key == INSIGHTS_OF))


def _without(packed: bytes, width: int, known: set[int]) -> bytes:
    rows = zip(*_columns(packed, width), strict=True)
    return _packed(row for row in rows if row[0] in known)
