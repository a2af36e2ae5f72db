"""`rapport db move`: SQLite to PostgreSQL by one command, counted, compared, all or nothing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.admin.backup import move
from daemon.commands import db
from daemon.commands.usage import UsageError
from daemon.config.model import Config
from daemon.service.instance_lock import InstanceLock
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.deliveries import open_deliveries, read_deliveries
from daemon.store.files.transfer import copy_rows, count_rows, tables
from daemon.store.forgotten import read_forgotten
from daemon.store.meta import get_meta, set_meta
from scoring.months.month import Month
from tests.daemon.admin.forgetting import NOVEMBER, addresses, forget, synced
from tests.daemon.worlds import ANA, BO, JO, NOW, make_copy, rows_of, stored, sync

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.xdist_group("postgresql")


def test_everything_arrives_and_goes_on_there(sqlite_store: Database, postgres_store: Database, config: Config) -> None:
    calendars = synced(sqlite_store, config)
    forget(sqlite_store, config, ANA)
    with sqlite_store.writing() as connection:
        open_deliveries(connection, "leadership", Month("2026-10"), [f"email:{JO}"], NOW, again=False)
        counts = count_rows(connection)
    moved = move(sqlite_store, postgres_store)
    assert moved == {**counts, "meta": counts["meta"] + 1}  # who holds the store, meanwhile
    assert moved["copies"] == 6
    assert stored(postgres_store, "entry, title, starts_at") == stored(sqlite_store, "entry, title, starts_at")
    assert rows_of(postgres_store, config) == rows_of(sqlite_store, config)
    with postgres_store.reading() as there, sqlite_store.reading() as here:
        assert read_forgotten(there) == read_forgotten(here)
        assert read_deliveries(there) == read_deliveries(here)
    calendars.account(JO).put(make_copy("new", people=(JO, ANA, BO, "new@acme.example"), start=NOVEMBER))
    sync(postgres_store, config, calendars)  # new rows get numbers of their own
    assert "new@acme.example" in addresses(postgres_store)
    assert ANA not in addresses(postgres_store)
    with postgres_store.writing() as connection:
        open_deliveries(connection, "leadership", Month("2026-11"), [f"email:{JO}"], NOW, again=False)
        assert len(read_deliveries(connection)) == 2


def test_a_target_that_holds_anything_is_refused(
    sqlite_store: Database, postgres_store: Database, config: Config
) -> None:
    synced(sqlite_store, config)
    with postgres_store.writing() as connection:
        set_meta(connection, "mine", "yes")
    with pytest.raises(StoreError, match="holds something already"):
        move(sqlite_store, postgres_store)
    with postgres_store.reading() as connection:
        assert sum(count_rows(connection).values()) == 1
        assert get_meta(connection, "mine") == "yes"


def test_what_fails_half_way_leaves_nothing(sqlite_store: Database, postgres_store: Database, config: Config) -> None:
    synced(sqlite_store, config)
    with postgres_store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE figures ADD CONSTRAINT never CHECK (month < '2026-11')")
    with pytest.raises(StoreError):
        move(sqlite_store, postgres_store)
    with postgres_store.writing() as connection:
        assert set(count_rows(connection).values()) == {0}
        connection.exec_driver_sql("ALTER TABLE figures DROP CONSTRAINT never")
    assert move(sqlite_store, postgres_store)["copies"] == 7


def test_what_does_not_arrive_as_it_was_sent_is_no_move(
    sqlite_store: Database, postgres_store: Database, config: Config
) -> None:
    synced(sqlite_store, config)
    with postgres_store.writing() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.title := 'other'; RETURN NEW; END $$"
        )
        connection.exec_driver_sql("CREATE TRIGGER spoil BEFORE INSERT ON copies FOR EACH ROW EXECUTE FUNCTION spoil()")
    with pytest.raises(StoreError, match="copies did not arrive"):
        move(sqlite_store, postgres_store)
    with postgres_store.reading() as connection:
        assert set(count_rows(connection).values()) == {0}


def test_a_text_that_postgresql_does_not_take(sqlite_store: Database, postgres_store: Database) -> None:
    with sqlite_store.writing() as connection:
        set_meta(connection, "title", "a\0b")
    with sqlite_store.reading() as source, postgres_store.writing() as target:
        copy_rows(source, target)
        assert get_meta(target, "title") == "ab"


def test_while_somebody_else_has_the_store_it_is_not_moved(sqlite_store: Database, postgres_store: Database) -> None:
    other = Database(sqlite_store.url.render_as_string(hide_password=False))
    with InstanceLock(other), pytest.raises(StoreError, match="service runs"):
        move(sqlite_store, postgres_store)
    other.close()
    assert sqlite_store.file is not None
    open_elsewhere = sqlite3.connect(sqlite_store.file)
    open_elsewhere.execute("SELECT count(*) FROM meta").fetchall()
    with pytest.raises(StoreError, match="locked"):
        move(sqlite_store, postgres_store)
    open_elsewhere.close()


def test_the_other_way_round_is_refused(sqlite_store: Database, postgres_store: Database) -> None:
    with pytest.raises(StoreError, match="from SQLite to PostgreSQL"):
        move(postgres_store, sqlite_store)


def test_every_table_is_moved(sqlite_store: Database) -> None:
    with sqlite_store.reading() as connection:
        there = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    assert {one.name for one in tables()} == set(there) - {"alembic_version"}


def test_the_command_says_what_moved_and_no_password(
    sqlite_store: Database,
    postgres_store: Database,
    config: Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    synced(sqlite_store, config)
    sqlite_store.close()
    assert db.move(config.path, url=postgres_store.url.render_as_string(hide_password=False)) == 0
    out = capsys.readouterr().out
    assert "copies" in out
    assert "set store.url" in out
    for url in ("sqlite:///other.db", "postgresql://host/name", "postgres:secret@host/name"):
        with pytest.raises(UsageError) as caught:
            db.move(config.path, url=url)
        assert "secret" not in str(caught.value)


def test_killed_half_way_the_target_is_empty(sqlite_store: Database, postgres_store: Database, config: Config) -> None:
    synced(sqlite_store, config)
    sqlite_store.close()
    script = (
        "import os, signal, sys\n"
        "from daemon.store.db.engine import Database\n"
        "from daemon.store.files.transfer import copy_rows\n"
        "with Database(sys.argv[1]).reading() as source, Database(sys.argv[2]).writing() as target:\n"
        "    assert copy_rows(source, target)['copies'] == 7\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    urls = [one.url.render_as_string(hide_password=False) for one in (sqlite_store, postgres_store)]
    ran = subprocess.run([sys.executable, "-c", script, *urls], cwd=ROOT, check=False)
    assert ran.returncode == -signal.SIGKILL
    with postgres_store.reading() as connection:
        assert set(count_rows(connection).values()) == {0}
