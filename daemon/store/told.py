"""The figures as digests told them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from daemon.store.db.bulk import table_of, upsert
from daemon.store.db.tables import ToldRow
from daemon.store.meta import get_meta, set_meta
from scoring.digest.restatement import Told
from scoring.months.history import Verdict
from scoring.months.month import Month

_TOLD = table_of(ToldRow)
_TELLING = "telling "
_FIGURES = tuple(_TOLD.c[name] for name in ("digest", "client", "month", "told_in", "score", "man_seconds"))


class ToldFigures(NamedTuple):
    """What the digest of `told_in` told of a client's month: enough to see whether it still stands."""

    digest: str
    client: str
    month: Month
    told_in: Month
    score: int
    man_seconds: int


def save_told(connection: Connection, digest: str, told_in: Month, told: Iterable[Told], now: datetime) -> None:
    """Keeps what the digest of `told_in` told, in place of what an earlier attempt of it did."""
    rows = [
        {
            "digest": digest,
            "client": row.client,
            "month": row.month,
            "told_in": told_in,
            "told_at": now,
            "score": row.score,
            "man_seconds": row.man_seconds,
            "verdict": row.verdict.value,
            "meetings": json.dumps(dict(row.meetings), separators=(",", ":")),
            "rules": row.rules,
        }
        for row in told
    ]
    upsert(connection, ToldRow, rows, key=("digest", "client", "month", "told_in"))


def keep_telling(connection: Connection, delivery: int, digest: str, told_in: Month, told: Iterable[Told]) -> None:
    """Keeps what a delivery is about to tell, in case nobody is left to say what became of it."""
    listed = [{**asdict(row), "meetings": dict(row.meetings)} for row in told]
    kept = {"digest": digest, "told_in": told_in, "told": listed}
    set_meta(connection, _TELLING + str(delivery), json.dumps(kept, separators=(",", ":")))


def settle_telling(connection: Connection, delivery: int, now: datetime, *, was_told: bool) -> None:
    """The end of it: what a delivery was about to tell is told, or is not."""
    kept = get_meta(connection, _TELLING + str(delivery))
    if kept is None:
        return
    set_meta(connection, _TELLING + str(delivery), None)
    if was_told:
        found = json.loads(kept)
        told = [
            Told(**{**row, "month": Month(row["month"]), "verdict": Verdict(row["verdict"])}) for row in found["told"]
        ]
        save_told(connection, found["digest"], Month(found["told_in"]), told, now)


def read_told(
    connection: Connection, *, digest: str | None = None, before: Month | None = None, months: Iterable[Month] = ()
) -> dict[tuple[str, Month], ToldFigures]:
    """The last that was told of each client's month, by one digest or by any, in digests of months before `before`."""
    statement = select(*_FIGURES).order_by(_TOLD.c.told_at, _TOLD.c.told_in)
    if digest is not None:
        statement = statement.where(_TOLD.c.digest == digest)
    if before is not None:
        statement = statement.where(_TOLD.c.told_in < before)
    if wanted := list(months):
        statement = statement.where(_TOLD.c.month.in_(wanted))
    found = (ToldFigures(*row) for row in connection.execute(statement).all())
    return {(row.client, row.month): row for row in found}


def in_full(connection: Connection, told: ToldFigures) -> Told:
    """The same with the meetings behind it, which take a hundred times the room."""
    chosen = (
        (_TOLD.c.digest == told.digest)
        & (_TOLD.c.client == told.client)
        & (_TOLD.c.month == told.month)
        & (_TOLD.c.told_in == told.told_in)
    )
    verdict, meetings, rules = connection.execute(
        select(_TOLD.c.verdict, _TOLD.c.meetings, _TOLD.c.rules).where(chosen)
    ).one()
    return Told(
        client=told.client,
        month=told.month,
        score=told.score,
        man_seconds=told.man_seconds,
        verdict=Verdict(verdict),
        meetings=json.loads(meetings),
        rules=rules,
    )
