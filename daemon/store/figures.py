"""Figures: kept per client and month, and which months are to be derived again."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from daemon.store.db.bulk import table_of, upsert
from daemon.store.db.tables import FiguresRow, FrozenFigures, StaleMonth
from scoring.months.counting import Reason
from scoring.months.figures import Figures
from scoring.months.month import Month
from scoring.months.steps import Step

_FIGURES = table_of(FiguresRow)
_STALE = table_of(StaleMonth)
_FROZEN = table_of(FrozenFigures)
_STEPS = tuple(Step)
_PLAIN = (
    "man_seconds",
    "confirmed_seconds",
    "phone_seconds",
    "our_seconds",
    "client_people",
    "our_people",
    "largest_seconds",
    "next_end",
)
_READ = tuple(
    _FIGURES.c[name]
    for name in (
        "client",
        "month",
        "set_aside",
        *_PLAIN,
        *(step.value for step in _STEPS),
        *(f"confirmed_{step.value}" for step in _STEPS),
    )
)
"""The columns in the order in which `_figures` takes them."""
_COUNTS_AT = 3 + len(_PLAIN)
_CONFIRMED_AT = _COUNTS_AT + len(_STEPS)


def read_figures(
    connection: Connection,
    *,
    first: Month | None = None,
    last: Month | None = None,
    client: str | None = None,
    clients: Collection[str] | None = None,
) -> list[Figures]:
    """The kept months of all clients, one or a few, between two months, both included."""
    statement = select(*_READ).order_by(_FIGURES.c.client, _FIGURES.c.month)
    if first is not None:
        statement = statement.where(_FIGURES.c.month >= first)
    if last is not None:
        statement = statement.where(_FIGURES.c.month <= last)
    if client is not None:
        statement = statement.where(_FIGURES.c.client == client)
    if clients is not None:
        statement = statement.where(_FIGURES.c.client.in_(clients))
    return [_figures(row) for row in connection.execute(statement).all()]


def first_met(connection: Connection) -> dict[str, Month]:
    """For each client the month of the first counted meeting."""
    counted = or_(*(_FIGURES.c[step.value] > 0 for step in _STEPS))
    rows = connection.execute(
        select(_FIGURES.c.client, func.min(_FIGURES.c.month)).where(counted).group_by(_FIGURES.c.client)
    )
    return {client: Month(month) for client, month in rows}


def replace_month(connection: Connection, month: Month, derived: Mapping[str, Figures]) -> int:
    """Writes what differs from the kept figures of a month; answers how many rows changed. Frozen ones stay."""
    kept = {figures.client: figures for figures in read_figures(connection, first=month, last=month)}
    frozen = frozen_clients(connection, month)
    gone = kept.keys() - derived.keys() - frozen
    changed = [figures for client, figures in derived.items() if kept.get(client) != figures and client not in frozen]
    if gone:
        connection.execute(delete(_FIGURES).where(_FIGURES.c.month == month, _FIGURES.c.client.in_(gone)))
    upsert(connection, FiguresRow, [_row(figures) for figures in changed], key=("client", "month"))
    settle_month(connection, month)
    return len(gone) + len(changed)


def frozen_clients(connection: Connection, month: Month) -> frozenset[str]:
    """The clients whose figures of this month stay as they are, because somebody in them has been forgotten."""
    return frozenset(connection.execute(select(_FROZEN.c.client).where(_FROZEN.c.month == month)).scalars())


def freeze_figures(connection: Connection, month: Month, clients: Iterable[str]) -> None:
    """From now on these clients' figures of a month are never derived again."""
    rows = [{"client": client, "month": month} for client in sorted(set(clients))]
    upsert(connection, FrozenFigures, rows, key=("client", "month"))
    names = [row["client"] for row in rows]
    connection.execute(
        update(_FIGURES).where(_FIGURES.c.month == month, _FIGURES.c.client.in_(names)).values(next_end=None)
    )


def frozen_figures(connection: Connection) -> dict[Month, dict[str, Figures | None]]:
    """Every client's month that is frozen with its figures, None where there are none."""
    found: dict[Month, dict[str, Figures | None]] = {}
    for month, client in connection.execute(select(_FROZEN.c.month, _FROZEN.c.client)):
        found.setdefault(Month(month), {})[client] = None
    for month, clients in found.items():
        kept = {figures.client: figures for figures in read_figures(connection, first=month, last=month)}
        clients.update({client: kept[client] for client in clients.keys() & kept.keys()})
    return found


def bring_frozen(connection: Connection, frozen: Mapping[Month, Mapping[str, Figures | None]]) -> None:
    """Puts frozen figures of another store in place of what is kept of those months."""
    for month, clients in frozen.items():
        connection.execute(delete(_FIGURES).where(_FIGURES.c.month == month, _FIGURES.c.client.in_(list(clients))))
        rows = [_row(figures) for figures in clients.values() if figures is not None]
        upsert(connection, FiguresRow, rows, key=("client", "month"))
        freeze_figures(connection, month, clients)


def settle_month(connection: Connection, month: Month) -> None:
    """A month is no longer due."""
    connection.execute(delete(_STALE).where(_STALE.c.month == month))


def rename_client(connection: Connection, *, former: str, name: str) -> None:
    """Moves a client's history to its new name where that has none of its own yet (`formerly`)."""
    for table in (_FROZEN, _FIGURES):
        held = select(table.c.month).where(table.c.client == name)
        connection.execute(
            update(table)
            .where(table.c.client == former, table.c.month.not_in(held.scalar_subquery()))
            .values(client=name)
        )


def mark_stale(connection: Connection, months: Iterable[Month]) -> None:
    """These months are to be derived again; what is being derived of them at this moment is out of date."""
    rows = [{"month": month, "mark": secrets.randbits(62)} for month in sorted(set(months))]
    upsert(connection, StaleMonth, rows, key=("month",))


def mark_of(connection: Connection, month: Month) -> int | None:
    """What changes whenever a month becomes due again; None while it is not due."""
    mark: int | None = connection.execute(select(_STALE.c.mark).where(_STALE.c.month == month)).scalar()
    return mark


def due_months(connection: Connection, now: datetime) -> list[Month]:
    """Months whose copies changed, or in which a booked meeting has ended since, in order."""
    stale = connection.execute(select(_STALE.c.month)).scalars().all()
    ended = connection.execute(select(_FIGURES.c.month).where(_FIGURES.c.next_end <= now)).scalars().all()
    return [Month(month) for month in sorted({*stale, *ended})]


def months_with_figures(connection: Connection) -> set[Month]:
    """Every month for which anything is kept."""
    return {Month(month) for month in connection.execute(select(_FIGURES.c.month).distinct()).scalars()}


def _figures(row: Sequence[Any]) -> Figures:
    """A row of `_READ`, taken apart by position: a report over years reads ten thousand of them."""
    client, month, aside, *plain = row[:_COUNTS_AT]
    steps, confirmed = row[_COUNTS_AT:_CONFIRMED_AT], row[_CONFIRMED_AT:]
    return Figures(
        client=client,
        month=Month(month),
        steps={step: count for step, count in zip(_STEPS, steps, strict=True) if count},
        confirmed_steps={step: count for step, count in zip(_STEPS, confirmed, strict=True) if count},
        set_aside={} if aside == "{}" else {Reason(reason): count for reason, count in json.loads(aside).items()},
        **dict(zip(_PLAIN, plain, strict=True)),
    )


def _row(figures: Figures) -> dict[str, Any]:
    return {
        "client": figures.client,
        "month": figures.month,
        **{step.value: figures.steps.get(step, 0) for step in _STEPS},
        **{f"confirmed_{step.value}": figures.confirmed_steps.get(step, 0) for step in _STEPS},
        **{name: getattr(figures, name) for name in _PLAIN},
        "set_aside": json.dumps({reason.value: count for reason, count in sorted(figures.set_aside.items())}),
    }
