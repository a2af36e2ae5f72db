"""Who met in a client's month, and what the pattern of meetings says. Both are derived and can be derived again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("client", sa.String(), primary_key=True),
        sa.Column("month", sa.String(), primary_key=True),
        sa.Column("theirs", sa.LargeBinary(), nullable=False),
        sa.Column("ours", sa.LargeBinary(), nullable=False),
        sa.Column("meetings", sa.Integer(), nullable=False),
        sa.Column("called", sa.Integer(), nullable=False),
    )
    op.create_index("ix_people_month", "people", ["month"])
    op.create_table(
        "insights",
        sa.Column("client", sa.String(), primary_key=True),
        sa.Column("month", sa.String(), primary_key=True),
        sa.Column("content", sa.Text(), nullable=False),
    )
