"""All rows from one store to another, of whatever database, counted and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select
from sqlmodel import SQLModel

import daemon.store.db.tables  # noqa: F401  # fills the metadata
from daemon.store.db.errors import StoreError

_CHUNK = 2_000


def tables() -> list[Table]:
    """Every table, parents before their children."""
    return list(SQLModel.metadata.sorted_tables)


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table holds."""
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables()}


def erase_rows(connection: Connection) -> None:
    """Empties every table, in the caller's transaction."""
    for table in reversed(tables()):
        connection.execute(delete(table))


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copies every table into the target's empty ones, in its caller's transaction; answers how many rows of each.

    What arrived is read back and compared. Raises `StoreError` if it is not the same.
    """
    moved = {}
    for table in tables():
        sent = 0
        for rows in _chunks(source, table):
            target.execute(insert(table), rows)
            sent += len(rows)
        if _sum_of(source, table) != _sum_of(target, table):
            raise StoreError(
                f"table {table.name} did not arrive as it was sent", "Nothing was changed. Try again, and report it."
            )
        moved[table.name] = sent
    _set_sequences(target)
    return moved


def _chunks(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    result = connection.execute(select(table).execution_options(yield_per=_CHUNK)).mappings()
    for part in result.partitions(_CHUNK):
        yield [{name: _portable(value) for name, value in row.items()} for row in part]


def _portable(value: Any) -> Any:
    """PostgreSQL takes no NUL in a text, and drivers differ in how they hand out bytes."""
    if isinstance(value, str):
        return value.replace("\0", "")
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


def _sum_of(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows, and a sum over them that does not depend on their order."""
    count = total = 0
    for rows in _chunks(connection, table):
        count += len(rows)
        for row in rows:
            content = repr([row[name] for name in sorted(row)]).encode("utf-8", "surrogatepass")
            total += int.from_bytes(blake2b(content, digest_size=8).digest(), "big")
    return count, total % 2**64


def _set_sequences(target: Connection) -> None:
    """The next row that is made there must not get a number that has been brought along."""
    if target.dialect.name != "postgresql":
        return
    for table in tables():
        if "id" in table.columns:
            highest = target.execute(select(func.max(table.c.id))).scalar()
            sequence = func.pg_get_serial_sequence(table.name, "id")
            target.execute(select(func.setval(sequence, highest or 1, highest is not None)))


def holds_anything(counts: Mapping[str, int]) -> list[str]:
    """The tables that are not empty."""
    return [name for name, count in counts.items() if count]
