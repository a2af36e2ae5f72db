"""Single values about the store as a whole, by name: marks, moments and fingerprints."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from daemon.store.db.bulk import table_of, upsert
from daemon.store.db.tables import Meta

_META = table_of(Meta)

HISTORY_BEGINS = "history_begins"
"""The first month that is known, `YYYY-MM`; what lies before it is unknown (R11)."""

CLOCK_AHEAD = "clock_ahead_seconds"
"""How far the providers' clocks say that ours is ahead, while that is too much to be trusted."""

SCORED_WITH = "scored_with"
"""The fingerprint of the rules and the config that all kept figures were derived with."""

FROZEN_BEFORE = "frozen_before"
"""The first month, `YYYY-MM`, whose copies are all still there; older ones are never derived again (R11)."""

SCHEDULER = "scheduler_fingerprint"
"""The fingerprint of the config that workers have to work by."""

DERIVED_IN = "derived_in_seconds"
"""How long deriving the figures took last time."""

ROSTER_MARK = "roster_mark"
"""Another one whenever calendars, their addresses or groups have changed."""

CONFIG_REFUSED = "config_refused"
"""What is said of a config that the service refused at its last reload, while it goes on by the one before."""

_GROUPS = "groups "


def read_groups(connection: Connection) -> tuple[str, ...]:
    """The addresses of groups that the connectors' directories told of (R3)."""
    rows = connection.execute(select(_META.c.value).where(_META.c.key.startswith(_GROUPS))).scalars()
    return tuple(sorted({address for value in rows for address in value.split()}))


def save_groups(connection: Connection, connector: str, groups: Iterable[str]) -> None:
    """What one connector's directory told of groups, in place of what it told before."""
    set_meta(connection, _GROUPS + connector, " ".join(sorted(set(groups))))


def get_meta(connection: Connection, key: str) -> str | None:
    """A single value about the store."""
    value: str | None = connection.execute(select(_META.c.value).where(_META.c.key == key)).scalar()
    return value


def set_meta(connection: Connection, key: str, value: str | None) -> None:
    """Sets a single value about the store; None removes it."""
    if value is None:
        connection.execute(delete(_META).where(_META.c.key == key))
    else:
        upsert(connection, Meta, [{"key": key, "value": value}], key=("key",))


def mark_roster(connection: Connection) -> None:
    """Who is read, or under which addresses, has changed: what was made of it is out of date."""
    set_meta(connection, ROSTER_MARK, secrets.token_hex(8))
