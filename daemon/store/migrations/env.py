"""Alembic's entry: runs on the connection and in the transaction that `schema.py` hands it."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import daemon.store.db.tables  # noqa: F401  # fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=False,  # ours is the transaction
)
context.run_migrations()
