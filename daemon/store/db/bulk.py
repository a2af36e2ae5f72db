"""Many rows at once, in the form that each of the two databases is quickest with.

SQLite takes a row after the other from its driver. PostgreSQL is asked over a network: it gets all rows of a page as
one value a column, and what is certainly new by COPY; lists of what is looked for are one value too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from daemon.store.db.errors import explained

_MOST_MARKS = 500  # parameters of a statement
_MOST_VALUES = 10_000  # values of one parameter


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

    No key may stand there twice. The driver gets them as they are, for SQLAlchemy's work on each value costs more
    than the database's.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_one_by_one(model, key), list(rows))
    else:
        connection.exec_driver_sql(_as_columns(model, key), tuple(map(list, zip(*rows, strict=True))))


def insert_stored(connection: Connection, model: type[SQLModel], rows: Sequence[tuple[Any, ...]]) -> None:
    """The same for rows of which none is stored yet, on PostgreSQL."""
    if not rows:
        return
    import psycopg

    copy = f"COPY {table_of(model).name} ({', '.join(_stored_names(model))}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(copy) as target:
            for row in rows:
                target.write_row(row)
    except psycopg.Error as error:
        raise explained(error) from None


def among(connection: Connection, statement: str, values: Iterable[Any], *given: Any) -> Iterator[Any]:
    """Rows of a statement for all of these values: in it, `{among}` follows the column that holds one of them.

    The other parameters, `{given}`, come first.
    """
    sqlite_ = connection.dialect.name == "sqlite"
    for chunk in in_chunks(values, _MOST_MARKS if sqlite_ else _MOST_VALUES):
        marks = f"IN ({', '.join('?' * len(chunk))})" if sqlite_ else "= ANY(%b)"
        text = statement.format(among=marks, given="?" if sqlite_ else "%s")
        found: CursorResult[Any] = connection.exec_driver_sql(text, (*given, *chunk) if sqlite_ else (*given, chunk))
        yield from found.fetchall()


def _stored_names(model: type[SQLModel]) -> list[str]:
    return [column.name for column in table_of(model).columns if column.name != "id"]


@cache
def _one_by_one(model: type[SQLModel], key: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(_stored_names(model)))
    return _upsert(model, key, f"VALUES ({marks})")


@cache
def _as_columns(model: type[SQLModel], key: tuple[str, ...]) -> str:
    """`%b`: numbers and bytes go as they are, in half the time that writing them out takes."""
    table = table_of(model)
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    arrays = ", ".join(f"%b::{table.c[name].type.compile(dialect)}[]" for name in _stored_names(model))
    return _upsert(model, key, f"SELECT * FROM unnest({arrays})")  # noqa: S608  # names of our own


def _upsert(model: type[SQLModel], key: tuple[str, ...], rows: str) -> str:
    names = _stored_names(model)
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    return (
        f"INSERT INTO {table_of(model).name} ({', '.join(names)}) {rows} "  # names of our own
        f"ON CONFLICT ({', '.join(key)}) DO {f'UPDATE SET {changed}' if changed else 'NOTHING'}"
    )


def in_chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """The values in lists short enough for one statement."""
    wanted = list(values)
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]
