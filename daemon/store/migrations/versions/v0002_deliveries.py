"""The outbox, and the figures as they were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_try", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("claimed_by", sa.String()),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.Column("place", sa.Text()),
        sa.UniqueConstraint("digest", "month", "recipient", "attempt"),
    )
    op.create_table(
        "told",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("client", sa.String(), primary_key=True),
        sa.Column("month", sa.String(), primary_key=True),
        sa.Column("told_in", sa.String(), primary_key=True),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("man_seconds", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("meetings", sa.Text(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
    )
