"""The first store: calendars, addresses, copies, figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_DATE_ONLY = sa.text("occurrence_at IS NULL AND occurrence_on IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False),
    )
    _calendars()
    op.create_table(
        "addresses",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("address", sa.String(), nullable=False, unique=True),
    )
    _copies()
    _figures()
    op.create_table(
        "stale_months",
        sa.Column("month", sa.String(), primary_key=True),
        sa.Column("mark", sa.BigInteger(), nullable=False),
    )


def _calendars() -> None:
    op.create_table(
        "calendars",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("aliases", sa.String(), nullable=False),
        sa.Column("joined", sa.String(), nullable=False),
        sa.Column("left_at", sa.BigInteger()),
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
        sa.UniqueConstraint("connector", "key"),
    )


def _copies() -> None:
    op.create_table(
        "copies",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("calendar_id", _ID, sa.ForeignKey("calendars.id", ondelete="CASCADE"), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("series", sa.LargeBinary(), nullable=False),
        sa.Column("meeting", sa.LargeBinary(), nullable=False),
        sa.Column("occurrence_at", sa.BigInteger()),
        sa.Column("occurrence_on", sa.Date()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("organiser_id", _ID),
        sa.Column("participants", sa.Text(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("setting", sa.String(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("flaws", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("calendar_id", "entry"),
    )
    op.create_index("copies_by_meeting", "copies", ["meeting"])
    op.create_index("copies_by_start", "copies", ["starts_at"])
    op.create_index(
        "copies_by_date_only",
        "copies",
        ["series", "occurrence_on"],
        sqlite_where=_DATE_ONLY,
        postgresql_where=_DATE_ONLY,
    )


def _figures() -> None:
    counts = ("phone", "short_one", "long_one", "short_many", "long_many")
    op.create_table(
        "figures",
        sa.Column("client", sa.String(), primary_key=True),
        sa.Column("month", sa.String(), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        *(sa.Column(f"confirmed_{name}", sa.Integer(), nullable=False) for name in counts),
        *(
            sa.Column(f"{name}_seconds", sa.BigInteger(), nullable=False)
            for name in ("man", "confirmed", "phone", "our", "largest")
        ),
        sa.Column("client_people", sa.Integer(), nullable=False),
        sa.Column("our_people", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.String(), nullable=False),
        sa.Column("next_end", sa.BigInteger()),
    )
    op.create_index("ix_figures_month", "figures", ["month"])
    op.create_index("ix_figures_next_end", "figures", ["next_end"])
