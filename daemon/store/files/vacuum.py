"""What a database server has to be asked for by itself."""

from __future__ import annotations

from daemon.store.db.bulk import table_of
from daemon.store.db.engine import Database
from daemon.store.db.errors import explaining
from daemon.store.db.tables import AddressRow, CalendarRow, CopyRow, DeliveryRow, InsightRow, Meta, PeopleRow


def vacuum_server(database: Database) -> None:
    """Has PostgreSQL write the tables that name people anew, without the rows that were deleted.

    A plain VACUUM would leave their bytes in the files. Each table is locked for as long as that takes.
    """
    tables = [table_of(model) for model in (CopyRow, AddressRow, CalendarRow, PeopleRow, InsightRow, DeliveryRow, Meta)]
    with (
        explaining(),
        database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        for table in tables:
            connection.exec_driver_sql(f"VACUUM (FULL) {table.name}")
