"""The figures as digests told them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from daemon.store.tables import ToldRow
from daemon.store.upsert import table_of, upsert
from scoring.months import Month, Verdict
from scoring.told import Told

_TOLD = table_of(ToldRow)


def save_told(connection: Connection, digest: str, told_in: Month, told: Iterable[Told], now: datetime) -> None:
    """Keeps what the digest of `told_in` told, in place of what an earlier attempt of it did."""
    rows = [
        {
            "digest": digest,
            "client": one.client,
            "month": one.month,
            "told_in": told_in,
            "told_at": now,
            "score": one.score,
            "man_seconds": one.man_seconds,
            "verdict": one.verdict.value,
            "meetings": json.dumps(dict(one.meetings), separators=(",", ":")),
            "rules": one.rules,
        }
        for one in told
    ]
    upsert(connection, ToldRow, rows, key=("digest", "client", "month", "told_in"))


def read_told(
    connection: Connection, *, digest: str | None = None, before: Month | None = None, months: Iterable[Month] = ()
) -> dict[tuple[str, Month], Told]:
    """The last that was told of each client's month, by one digest or by any, in digests of months before `before`."""
    statement = select(_TOLD).order_by(_TOLD.c.told_at, _TOLD.c.told_in)
    if digest is not None:
        statement = statement.where(_TOLD.c.digest == digest)
    if before is not None:
        statement = statement.where(_TOLD.c.told_in < before)
    if wanted := list(months):
        statement = statement.where(_TOLD.c.month.in_(wanted))
    found = {}
    for row in connection.execute(statement).mappings():
        month = Month(row["month"])
        found[row["client"], month] = Told(
            client=row["client"],
            month=month,
            score=row["score"],
            man_seconds=row["man_seconds"],
            verdict=Verdict(row["verdict"]),
            meetings=json.loads(row["meetings"]),
            rules=row["rules"],
        )
    return found
