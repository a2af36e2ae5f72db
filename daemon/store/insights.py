"""Stage, signals and their evidence of ended months, kept as JSON, and when they must be worked out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, select

from daemon.store.db.bulk import in_chunks, table_of, upsert
from daemon.store.db.tables import InsightRow, Meta
from scoring.months.month import Month, shift

_META = table_of(Meta)
_INSIGHTS = table_of(InsightRow)

INSIGHTS_OF = "insights_of"
"""In `meta`: of what all insights were worked out; missing while some are not."""

_REACH = 3  # months: a month's people decide what is said of so many before it (who is booked), and of all after it


def read_insights(connection: Connection, months: Iterable[Month]) -> dict[tuple[str, Month], str]:
    """What is kept for these months, by client and month."""
    wanted = list(months)
    rows = connection.execute(select(_INSIGHTS).where(_INSIGHTS.c.month.in_(wanted))).all()
    return {(client, Month(month)): content for client, month, content in rows}


def insights_kept(connection: Connection) -> set[tuple[str, Month]]:
    """For which clients' months there is one."""
    rows = connection.execute(select(_INSIGHTS.c.client, _INSIGHTS.c.month))
    return {(client, Month(month)) for client, month in rows}


def save_insights(connection: Connection, contents: Mapping[tuple[str, Month], str]) -> None:
    """Keeps them in place of what was kept."""
    rows = [{"client": client, "month": month, "content": text} for (client, month), text in contents.items()]
    upsert(connection, InsightRow, rows, key=("client", "month"))


def drop_insights(
    connection: Connection, *, clients: Iterable[str] | None = None, changed: Month | None = None
) -> None:
    """Throws away all of them, or those of some clients that a change in one month may alter."""
    connection.execute(delete(_META).where(_META.c.key == INSIGHTS_OF))
    if clients is None or changed is None:
        connection.execute(delete(_INSIGHTS))
        return
    for chunk in in_chunks(clients):
        touched = _INSIGHTS.c.month >= shift(changed, -_REACH)
        connection.execute(delete(_INSIGHTS).where(_INSIGHTS.c.client.in_(chunk), touched))
