"""How far each calendar has been read stands in a narrow table of its own; tables for work that is shared.

On PostgreSQL the columns that moved stay for now, emptied, so that a process of the version before still finds them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOVED = (
    "last_try",
    "last_success",
    "read_through",
    "last_full",
    "held_at",
    "error_code",
    "error",
    "standing",
    "cursor",
    "query",
    "window_start",
    "window_end",
)
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _states()
    _shared_work()
    with op.batch_alter_table("calendars") as calendars:
        calendars.add_column(sa.Column("batch_id", _ID, nullable=True))
        if _is_sqlite():
            for name in _MOVED:
                calendars.drop_column(name)
        else:
            calendars.alter_column("standing", server_default=sa.false())
    op.create_index("ix_calendars_batch_id", "calendars", ["batch_id"])
    if not _is_sqlite():
        emptied = ", ".join(f"{name} = NULL" for name in _MOVED if name != "standing")
        op.execute(f"UPDATE calendars SET {emptied}")  # noqa: S608  # names of our own


def _states() -> None:
    op.create_table(
        "calendar_state",
        sa.Column(
            "calendar_id", _ID, sa.ForeignKey("calendars.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        ),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("last_try", sa.BigInteger()),
        sa.Column("last_success", sa.BigInteger()),
        sa.Column("read_through", sa.BigInteger()),
        sa.Column("last_full", sa.BigInteger()),
        sa.Column("held_at", sa.BigInteger()),
        sa.Column("error_code", sa.String()),
        sa.Column("error", sa.Text()),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("query", sa.String()),
        sa.Column("window_start", sa.BigInteger()),
        sa.Column("window_end", sa.BigInteger()),
        sa.Column("again_at", sa.BigInteger()),
        sa.Column("kills", sa.Integer(), nullable=False),
        postgresql_with={"fillfactor": "70"},  # room beside each row for its next version
    )
    op.create_index(
        "calendar_state_asked_back",
        "calendar_state",
        ["again_at"],
        sqlite_where=sa.text("again_at IS NOT NULL"),
        postgresql_where=sa.text("again_at IS NOT NULL"),
    )
    names = ", ".join(_MOVED)
    op.execute(
        f"INSERT INTO calendar_state (calendar_id, turn, kills, {names}) SELECT id, 0, 0, {names} FROM calendars"  # noqa: S608  # names of our own
    )


def _shared_work() -> None:
    op.create_table(
        "batches",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String()),
    )
    op.create_index("ix_batches_due_at", "batches", ["due_at"])
    op.create_table(
        "workers",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_seconds", sa.Float(), nullable=False),
        sa.Column("idle_because", sa.Text()),
    )
    op.create_table(
        "paces",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("filled_at", sa.Float(), nullable=False),
    )


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
