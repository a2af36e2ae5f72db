"""Bulk upserts in one form for both databases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NullType
from sqlmodel import SQLModel


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]  # SQLModel sets it, its stubs do not say so


def upsert(
    connection: Connection, model: type[SQLModel], rows: Sequence[dict[str, Any]], *, key: Sequence[str]
) -> None:
    """Inserts the rows, or overwrites all their columns where `key` is there already."""
    if not rows:
        return
    table = table_of(model)
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    if changed:
        connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), rows)
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=list(key)), rows)


def upsert_stored(
    connection: Connection, model: type[SQLModel], rows: Sequence[tuple[Any, ...]], *, key: tuple[str, ...]
) -> None:
    """The same for many rows that are as the database keeps them: all columns but `id`, in the table's order.

    The driver gets them as they are, for SQLAlchemy's work on each value costs more than the database's.
    """
    if rows:
        connection.exec_driver_sql(_statement(connection.dialect.name, model, key), list(rows))


@cache
def _statement(name: str, model: type[SQLModel], key: tuple[str, ...]) -> str:
    table = table_of(model)
    names = [column.name for column in table.columns if column.name != "id"]
    made: Any = sqlite.dialect if name == "sqlite" else postgresql.dialect
    dialect: Dialect = made(paramstyle="qmark" if name == "sqlite" else "format")
    insert = sqlite.insert if name == "sqlite" else postgresql.insert
    statement = insert(table).values({one: bindparam(one, type_=NullType()) for one in names})
    changed = {one: statement.excluded[one] for one in names if one not in key}
    return str(statement.on_conflict_do_update(index_elements=list(key), set_=changed).compile(dialect=dialect))


def in_chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """The values in lists short enough for one statement."""
    chunk: list[Any] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
