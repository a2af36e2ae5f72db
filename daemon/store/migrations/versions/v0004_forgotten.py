"""Whom the store has to forget, and the figures that stay as they were without them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "forgotten",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "frozen_figures",
        sa.Column("client", sa.String(), primary_key=True),
        sa.Column("month", sa.String(), primary_key=True),
    )
