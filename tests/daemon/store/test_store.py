"""The store: versions, migrations and their traps (docs/decisions.md), moments, packing, what is wrong in words."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import SQLModel

from daemon.store import schema
from daemon.store.calendars import add_calendar, note_listing, read_calendars
from daemon.store.copy_writer import CopyWriter
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError, StoreNewer
from daemon.store.db.types import Moment, from_millis, to_millis
from daemon.store.meta import get_meta, set_meta
from daemon.store.packing import Addresses, copy_digest, pack_participants, pack_setting, unpack_setting
from scoring.meetings.values import Conference, LocationKind, Participant, Response, Setting
from tests.daemon.worlds import make_copy, stored


class TestMoments:
    """No database and no driver may drop an offset."""

    def test_an_offset_survives(self, store: Database) -> None:
        moment = datetime(2026, 10, 25, 10, 0, tzinfo=timezone(timedelta(hours=2)))
        table = sa.Table("moments", sa.MetaData(), sa.Column("at", Moment))
        with store.writing() as connection:
            table.create(connection)
            connection.execute(table.insert().values(at=moment))
            assert connection.execute(sa.select(table.c.at)).scalar() == moment

    def test_a_naive_moment_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            to_millis(datetime(2026, 1, 1))  # noqa: DTZ001  # the point of the test

    @pytest.mark.parametrize("year", [1902, 1969, 1970, 2026, 2100])
    def test_moments_are_exact_to_the_millisecond(self, year: int) -> None:
        moment = datetime(year, 3, 4, 5, 6, 7, 891_000, tzinfo=UTC)
        assert from_millis(to_millis(moment)) == moment


def _is_retired(difference: Any) -> bool:
    """A column that is still there for the version before."""
    kind, _, table, column = (*difference, None, None, None)[:4]
    return kind == "remove_column" and (table, column.name) in schema.RETIRED


class TestVersions:
    def test_the_migrations_make_the_tables_that_the_models_say(self, store: Database) -> None:
        with store.reading() as connection:
            found = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
        assert [one for one in found if store.is_sqlite or not _is_retired(one)] == []

    def test_every_migration_is_known_without_alembic(self) -> None:
        scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
        assert tuple(one.revision for one in reversed(list(scripts.walk_revisions()))) == schema.REVISIONS

    def test_a_newer_store_is_refused_and_left_alone(self, store: Database) -> None:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreNewer, match="newer version"):
            schema.bring_up_to_date(store)
        with store.reading() as connection:
            assert schema.revision_of(connection) == "9999"

    def test_somebody_elses_database_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE invoices (id INTEGER)")
        with pytest.raises(StoreError, match="not Rapport's"):
            schema.bring_up_to_date(Database(f"sqlite:///{path}"))

    def test_an_older_store_is_migrated_after_a_backup_beside_it(
        self, sqlite_store: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with sqlite_store.writing() as connection:
            set_meta(connection, "kept", "yes")
        monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "later"))
        backup = schema.bring_up_to_date(sqlite_store)
        assert backup is not None
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        copy = Database(f"sqlite:///{backup}")
        with copy.reading() as connection:
            assert get_meta(connection, "kept") == "yes"
        copy.close()

    def test_the_file_is_its_owners_alone(self, sqlite_store: Database) -> None:
        assert sqlite_store.file is not None
        assert stat.S_IMODE(sqlite_store.file.stat().st_mode) == 0o600


class TestTraps:
    """What goes wrong with SQLite and Alembic unless it is prevented."""

    def test_ddl_is_rolled_back(self, sqlite_store: Database) -> None:
        with pytest.raises(StoreError), sqlite_store.writing() as connection:
            for _ in range(2):
                connection.exec_driver_sql("CREATE TABLE half_done (id INTEGER)")
        with sqlite_store.reading() as connection:
            assert not sa.inspect(connection).has_table("half_done")

    def test_a_batch_migration_does_not_cascade_into_children(self, sqlite_store: Database) -> None:
        _add_copies(sqlite_store, 3)

        def rebuild(connection: sa.Connection) -> None:
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table("calendars", recreate="always") as batch:
                batch.add_column(sa.Column("note", sa.String()))

        schema.migrate(sqlite_store, rebuild)
        with sqlite_store.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM copies").scalar() == 3
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1

    def test_a_migration_that_leaves_orphans_changes_nothing(self, sqlite_store: Database) -> None:
        _add_copies(sqlite_store, 3)
        with pytest.raises(StoreError, match="parents"):
            schema.migrate(sqlite_store, lambda connection: connection.exec_driver_sql("DELETE FROM calendars"))
        with sqlite_store.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM calendars").scalar() == 1

    def test_foreign_keys_hold(self, store: Database) -> None:
        with pytest.raises(StoreError), store.writing() as connection:
            CopyWriter(connection, 4711).upsert([(make_copy(), b"digest")], [])

    def test_what_must_outlast_a_power_cut_is_written_through(self, sqlite_store: Database) -> None:
        def synchronous(connection: Connection) -> int:
            return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

        with sqlite_store.writing(durable=True) as connection:
            assert synchronous(connection) == 2
        with sqlite_store.writing() as connection:
            assert synchronous(connection) == 1

    def test_sqlite_runs_with_wal_and_a_busy_timeout(self, sqlite_store: Database) -> None:
        with sqlite_store.reading() as connection:
            values = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
        assert values == ["wal", 1, 1, 5000]


class TestPacking:
    @pytest.mark.parametrize("room", [True, False])
    @pytest.mark.parametrize("conference", list(Conference))
    @pytest.mark.parametrize("place", list(LocationKind))
    def test_settings_come_back(self, room: bool, conference: Conference, place: LocationKind) -> None:
        for phone_title in (True, False):
            setting = Setting(room=room, conference=conference, place=place, phone_title=phone_title)
            assert unpack_setting(pack_setting(setting)) == setting

    def test_participants_come_back(self) -> None:
        people = tuple(Participant(f"{one.value}@x.example", one) for one in Response)
        ids = {one.address: number for number, one in enumerate(people, 7)}
        packed = pack_participants(people, ids)
        addresses = Addresses()
        assert addresses.unknown([packed]) == set(ids.values())
        addresses.learn((number, address) for address, number in ids.items())
        assert addresses.unpack(packed) == people
        assert addresses.unpack("") == ()

    def test_the_time_of_reading_is_no_change(self) -> None:
        from dataclasses import replace

        copy = make_copy()
        assert copy_digest(copy) == copy_digest(replace(copy, read_at=copy.read_at + timedelta(days=1)))
        assert copy_digest(copy) != copy_digest(replace(copy, title="Another"))


class TestTrouble:
    """Each gets a sentence and a remedy, and no statement or value."""

    def test_a_locked_store(self, sqlite_store: Database) -> None:
        other = sqlite3.connect(str(sqlite_store.file), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with sqlite_store.engine.connect() as warm:
            warm.connection.cursor().execute("PRAGMA busy_timeout = 10")
        with pytest.raises(StoreError, match="locked by another process"), sqlite_store.writing() as connection:
            set_meta(connection, "secret-title", "x")
        other.close()

    def test_a_full_disk(self, sqlite_store: Database) -> None:
        with sqlite_store.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError) as caught, sqlite_store.writing() as connection:
            set_meta(connection, "secret-title", "x" * 1_000_000)
        assert "full" in caught.value.what
        assert "secret-title" not in f"{caught.value} {caught.value.remedy} {caught.value.__cause__}"
        with sqlite_store.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA max_page_count = 100000")
        with sqlite_store.reading() as connection:
            assert get_meta(connection, "secret-title") is None

    def test_a_file_that_is_no_store(self, tmp_path: Path) -> None:
        path = tmp_path / "rapport.db"
        path.write_bytes(b"this is no database" * 1000)
        with pytest.raises(StoreError, match="no Rapport store"):
            schema.bring_up_to_date(Database(f"sqlite:///{path}"))

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="cannot be opened"):
            schema.bring_up_to_date(Database(f"sqlite:///{tmp_path / 'nowhere' / 'rapport.db'}"))

    def test_a_server_that_does_not_answer(self) -> None:
        with pytest.raises(StoreError, match="does not answer"):
            schema.bring_up_to_date(Database("postgresql+psycopg://rapport@127.0.0.1:1/rapport"))

    def test_a_cursor_never_shows_in_a_repr(self, sqlite_store: Database) -> None:
        _add_copies(sqlite_store, 1)
        with sqlite_store.writing() as connection:
            connection.exec_driver_sql("UPDATE calendar_state SET cursor = 'SECRET-TOKEN'")
        with sqlite_store.reading() as connection:
            (only,) = read_calendars(connection)
        assert only.cursor == "SECRET-TOKEN"
        assert "SECRET-TOKEN" not in repr(only)


def _add_copies(database: Database, count: int) -> None:
    with database.writing() as connection:
        number = add_calendar(connection, connector="c", key="k", address="jo@northwind.example", joined="2026-01")
        copies = [make_copy(f"e{index}") for index in range(count)]
        CopyWriter(connection, number).upsert([(copy, copy_digest(copy)) for copy in copies], [])


class TestReading:
    def test_it_sees_one_state_whatever_others_commit(self, store: Database) -> None:
        other = Database(store.url.render_as_string(hide_password=False))
        with store.writing() as connection:
            set_meta(connection, "a", "before")
        with store.reading() as connection:
            assert get_meta(connection, "a") == "before"
            with other.writing() as theirs:
                set_meta(theirs, "a", "after")
                set_meta(theirs, "b", "after")
            assert (get_meta(connection, "a"), get_meta(connection, "b")) == ("before", None)
        with store.reading() as connection:
            assert get_meta(connection, "a") == "after"
        other.close()

    @pytest.mark.xdist_group("postgresql")
    def test_a_server_refuses_to_write_in_it_and_the_connection_serves_again(self, postgres_store: Database) -> None:
        for _ in range(2):
            with pytest.raises(StoreError, match="ReadOnlySqlTransaction"), postgres_store.reading() as connection:
                set_meta(connection, "a", "written")
        for way in (postgres_store.writing, postgres_store.noting):
            with way() as connection:
                set_meta(connection, way.__name__, "written")


def test_of_an_entry_that_two_pages_write_the_later_form_is_kept(store: Database) -> None:
    one, other = make_copy(title="one"), make_copy(title="other")
    with store.writing() as connection:
        number = add_calendar(connection, connector="c", key="k", address="jo@northwind.example", joined="2026-01")
        writer = CopyWriter(connection, number)
        writer.upsert([(one, copy_digest(one))], [])
        writer.upsert([], [(other, copy_digest(other))])
    assert stored(store, "title, digest") == [("other", copy_digest(other))]


class TestOnAServer:
    """Other machines use the database too: nobody but `rapport db upgrade` changes its schema."""

    @pytest.mark.xdist_group("postgresql")
    def test_an_older_schema_waits_for_the_upgrade(self, postgres_store: Database) -> None:
        number = _back_to_0004(postgres_store)
        with pytest.raises(StoreError, match="older version") as caught:
            schema.bring_up_to_date(postgres_store)
        assert "rapport db upgrade" in caught.value.remedy
        schema.bring_up_to_date(postgres_store, upgrade=True)
        with postgres_store.reading() as connection:
            (only,) = read_calendars(connection)
        assert (only.id, only.cursor, only.standing) == (number, "cursor", True)

    @pytest.mark.xdist_group("postgresql")
    def test_two_that_begin_at_once_make_it_once(self, postgres_url: str) -> None:
        script = (
            "import sys; from daemon.store.db.engine import Database\n"
            "from daemon.store.schema import bring_up_to_date\n"
            "database = Database(sys.argv[1])\nsys.stdin.readline()\nbring_up_to_date(database)\n"
        )
        started = [
            subprocess.Popen([sys.executable, "-c", script, postgres_url], stdin=subprocess.PIPE) for _ in range(3)
        ]
        for one in started:
            one.communicate(b"\n")
        assert [one.returncode for one in started] == [0, 0, 0]

    @pytest.mark.xdist_group("postgresql")
    def test_the_version_before_finds_its_columns(self, postgres_store: Database) -> None:
        _back_to_0004(postgres_store)
        schema.bring_up_to_date(postgres_store, upgrade=True)
        with postgres_store.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO calendars (connector, key, address, aliases, joined, standing)"
                " VALUES ('c', 'late', 'sam@northwind.example', '', '2026-01', false)"
            )
            connection.exec_driver_sql("UPDATE calendars SET cursor = 'theirs', last_success = 1")
        with postgres_store.reading() as connection:
            late = next(one for one in read_calendars(connection) if one.key == "late")
        assert (late.cursor, late.last_success, late.turn) == (None, None, 0)
        with postgres_store.writing() as connection:
            assert note_listing(connection, late.id, late.turn, cursor="ours")
            assert not note_listing(connection, late.id, late.turn, cursor="too late")


def _back_to_0004(database: Database) -> int:
    """The schema as the version before made it, with one calendar."""
    with database.writing() as connection:
        number = add_calendar(connection, connector="c", key="k", address="jo@northwind.example", joined="2026-01")
        connection.exec_driver_sql("DROP TABLE calendar_state, batches, workers, paces")
        connection.exec_driver_sql("ALTER TABLE calendars DROP COLUMN batch_id")
        connection.exec_driver_sql("ALTER TABLE calendars ALTER COLUMN standing DROP DEFAULT")
        connection.exec_driver_sql("UPDATE calendars SET cursor = 'cursor', standing = true")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
    return number
