"""`rapport db backup`, `restore`, `upgrade`: whole or not at all, nothing sent twice, nobody back."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.admin.backup import back_up
from daemon.admin.forget import forget_people
from daemon.admin.restore import restore
from daemon.commands import db
from daemon.config.model import Config
from daemon.service.instance_lock import InstanceLock
from daemon.service.schedule import digest_due, next_after, set_digest_due
from daemon.store import schema
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError, StoreNewer
from daemon.store.deliveries import State, claim, open_deliveries, read_deliveries, settle_delivery
from daemon.store.files.known_backups import backups_written
from daemon.store.files.sqlite_file import store_in
from daemon.store.meta import get_meta, set_meta
from scoring.months.month import Month
from tests.daemon.admin.forgetting import NOVEMBER, addresses, everything, forget, forgotten, full_disk, naming, synced
from tests.daemon.worlds import ANA, BO, JO, KIM, NOW, config_of, make_copy, rows_of, scoring_context_of, sync

ROOT = Path(__file__).parents[3]
CEO = "email:ceo@northwind.example"
DIGESTS = f"""
[[digests]]
name = "leadership"
to = ["{CEO}"]
[[digests]]
name = "managers"
to = ["manager"]
"""
LATER = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)


class TestBackingUp:
    def test_it_is_a_whole_store_of_its_owners_alone(self, store: Database, config: Config, tmp_path: Path) -> None:
        synced(store, config)
        back_up(store, tmp_path / "safe.db")
        assert stat.S_IMODE((tmp_path / "safe.db").stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.iterdir() if "safe" in path.name) == ["safe.db"]
        copy = store_in(tmp_path / "safe.db")
        assert addresses(copy) == addresses(store)
        assert rows_of(copy, config) == rows_of(store, config)
        copy.close()

    def test_while_others_write(self, sqlite_store: Database, tmp_path: Path) -> None:
        ended = threading.Event()

        def write() -> None:
            while not ended.is_set():
                with sqlite_store.writing() as connection:
                    count = int(get_meta(connection, "one") or 0) + 1
                    set_meta(connection, "one", str(count))
                    set_meta(connection, "two", str(count))

        writer = threading.Thread(target=write)
        writer.start()
        for number in range(5):
            back_up(sqlite_store, tmp_path / f"{number}.db")
        ended.set()
        writer.join()
        for number in range(5):
            copy = store_in(tmp_path / f"{number}.db")
            with copy.reading() as connection:
                assert get_meta(connection, "one") == get_meta(connection, "two")
            copy.close()

    def test_nothing_is_overwritten(self, store: Database, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("mine")
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        for name in ("mine", "link"):
            with pytest.raises(StoreError, match="there already"):
                back_up(store, tmp_path / name)
        assert (tmp_path / "mine").read_text() == "mine"
        assert not (tmp_path / "nowhere").exists()

    def test_a_folder_that_is_not_there(self, store: Database, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="no folder"):
            back_up(store, tmp_path / "nowhere" / "safe.db")

    def test_on_a_full_disk_nothing_is_left(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        before = sorted(tmp_path.iterdir())
        with full_disk(10_000), pytest.raises(StoreError):
            back_up(sqlite_store, tmp_path / "safe.db")
        assert sorted(tmp_path.iterdir()) == before

    def test_where_it_was_written_is_remembered(self, sqlite_store: Database, tmp_path: Path) -> None:
        back_up(sqlite_store, tmp_path / "one.db")
        back_up(sqlite_store, tmp_path / "two.db")
        with sqlite_store.reading() as connection:
            assert backups_written(connection) == [tmp_path / "one.db", tmp_path / "two.db"]

    def test_the_command(self, config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert db.upgrade(config.path) == 0
        assert "it was empty" in capsys.readouterr().out
        assert db.upgrade(config.path) == 0
        assert "already" in capsys.readouterr().out
        assert db.backup(config.path, path=tmp_path / "safe.db") == 0
        assert (tmp_path / "safe.db").is_file()
        assert db.restore(config.path, path=tmp_path / "safe.db") == 0
        assert "What it replaced is kept" in capsys.readouterr().out


class TestGoingBack:
    def test_the_store_is_as_it_was_and_the_other_is_kept(
        self, store: Database, config: Config, tmp_path: Path
    ) -> None:
        calendars = synced(store, config)
        then = everything(store)
        back_up(store, tmp_path / "safe.db")
        calendars.account(JO).put(make_copy("later", people=(JO, "late@acme.example"), start=NOVEMBER))
        sync(store, config, calendars)
        done = restore(store, config, tmp_path / "safe.db", NOW)
        assert everything(store) == then
        assert done.replaced is not None
        assert stat.S_IMODE(done.replaced.stat().st_mode) == 0o600
        with store.reading() as connection:
            assert tmp_path / "safe.db" in backups_written(connection)
        kept = store_in(done.replaced)
        assert "late@acme.example" in addresses(kept)
        kept.close()
        sync(store, config, calendars)
        assert "late@acme.example" in addresses(store)

    def test_nobody_forgotten_since_comes_back(self, store: Database, config: Config, tmp_path: Path) -> None:
        calendars = synced(store, config)
        back_up(store, tmp_path / "safe.db")
        before = rows_of(store, config)
        forget(store, config, ANA)
        after = rows_of(store, config, "2026-11")
        done = restore(store, config, tmp_path / "safe.db", NOW)
        assert done.forgotten_again > 0
        assert ANA not in addresses(store)
        for full in (False, True):
            sync(store, config, calendars, full=full)
            assert ANA not in addresses(store)
            assert rows_of(store, config) == before
            assert rows_of(store, config, "2026-11") == after

    def test_nor_as_a_byte(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        (tmp_path / "away").mkdir()
        synced(sqlite_store, config)
        back_up(sqlite_store, tmp_path / "away" / "safe.db")
        forget(sqlite_store, config, ANA)
        restore(sqlite_store, config, tmp_path / "away" / "safe.db", NOW)
        assert naming(tmp_path, ANA) == []
        assert naming(tmp_path / "away", ANA)

    def test_frozen_totals_survive_even_where_the_backup_lacks_the_month(
        self, sqlite_store: Database, config: Config, tmp_path: Path
    ) -> None:
        back_up(sqlite_store, tmp_path / "empty.db")
        calendars = synced(sqlite_store, config)
        before = rows_of(sqlite_store, config)
        forget(sqlite_store, config, ANA)
        restore(sqlite_store, config, tmp_path / "empty.db", NOW)
        sync(sqlite_store, config, calendars)
        assert rows_of(sqlite_store, config) == before

    def test_an_older_version_is_migrated(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        old = _of_revision(sqlite_store, tmp_path / "old.db", "0002")
        forget(sqlite_store, config, ANA)
        restore(sqlite_store, config, old, NOW)
        assert ANA not in addresses(sqlite_store)
        assert BO in addresses(sqlite_store)
        with sqlite_store.reading() as connection:
            assert schema.revision_of(connection) == schema.REVISIONS[-1]

    def test_how_far_calendars_were_read_is_taken_over(
        self, sqlite_store: Database, config: Config, tmp_path: Path
    ) -> None:
        synced(sqlite_store, config)
        with sqlite_store.reading() as connection:
            before = read_calendars(connection)
        restore(sqlite_store, config, _of_revision(sqlite_store, tmp_path / "old.db", "0004"), NOW)
        with sqlite_store.reading() as connection:
            after = read_calendars(connection)
        assert any(calendar.cursor and calendar.window for calendar in before)
        assert [replace(calendar, turn=0) for calendar in after] == [replace(calendar, turn=0) for calendar in before]

    def test_a_newer_version_is_refused(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        before = everything(sqlite_store)
        back_up(sqlite_store, tmp_path / "safe.db")
        with sqlite3.connect(tmp_path / "safe.db") as copy:
            copy.execute("UPDATE alembic_version SET version_num = '9999'")
        copy.close()
        with pytest.raises(StoreNewer):
            restore(sqlite_store, config, tmp_path / "safe.db", NOW)
        assert everything(sqlite_store) == before

    def test_after_a_failed_upgrade_a_newer_store_is_replaced(
        self, sqlite_store: Database, config: Config, tmp_path: Path
    ) -> None:
        back_up(sqlite_store, tmp_path / "safe.db")
        with sqlite_store.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        restore(sqlite_store, config, tmp_path / "safe.db", NOW)
        with sqlite_store.reading() as connection:
            assert schema.revision_of(connection) == schema.REVISIONS[-1]

    @pytest.mark.parametrize("content", [b"", b"no database" * 1000, b"SQLite format 3\0" + b"\7" * 9000])
    def test_what_is_no_backup_is_refused(
        self, sqlite_store: Database, config: Config, tmp_path: Path, content: bytes
    ) -> None:
        synced(sqlite_store, config)
        before = everything(sqlite_store)
        (tmp_path / "what").write_bytes(content)
        with pytest.raises(StoreError):
            restore(sqlite_store, config, tmp_path / "what", NOW)
        with pytest.raises(StoreError, match="no file"):
            restore(sqlite_store, config, tmp_path / "nowhere", NOW)
        with pytest.raises(StoreError, match="the store itself"):
            restore(sqlite_store, config, tmp_path / "rapport.db", NOW)
        assert everything(sqlite_store) == before
        assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []

    def test_a_damaged_store_is_replaced_and_kept(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        then = everything(sqlite_store)
        back_up(sqlite_store, tmp_path / "safe.db")
        sqlite_store.close()
        (tmp_path / "rapport.db").write_bytes(b"gone" * 5000)
        done = restore(sqlite_store, config, tmp_path / "safe.db", NOW)
        assert not done.knows_forgotten
        assert everything(sqlite_store) == then
        assert done.replaced is not None
        assert done.replaced.read_bytes() == b"gone" * 5000

    def test_where_there_is_no_store(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        back_up(sqlite_store, tmp_path / "safe.db")
        then = everything(sqlite_store)
        sqlite_store.close()
        (tmp_path / "rapport.db").unlink()
        restore(sqlite_store, config, tmp_path / "safe.db", NOW)
        assert everything(sqlite_store) == then
        assert stat.S_IMODE((tmp_path / "rapport.db").stat().st_mode) == 0o600

    def test_on_a_full_disk_the_store_stays(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        back_up(sqlite_store, tmp_path / "safe.db")
        before, files = everything(sqlite_store), {path.name for path in tmp_path.iterdir()}
        with full_disk(50_000), pytest.raises(StoreError):
            restore(sqlite_store, config, tmp_path / "safe.db", NOW)
        assert everything(sqlite_store) == before
        assert {path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")} <= files


_ONCE_BESIDE_THE_ADDRESS = {
    "last_try": "BIGINT",
    "last_success": "BIGINT",
    "read_through": "BIGINT",
    "last_full": "BIGINT",
    "held_at": "BIGINT",
    "error_code": "VARCHAR",
    "error": "TEXT",
    "standing": "BOOLEAN NOT NULL DEFAULT 0",
    "cursor": "TEXT",
    "query": "VARCHAR",
    "window_start": "BIGINT",
    "window_end": "BIGINT",
}


def _of_revision(database: Database, path: Path, revision: str) -> Path:
    """A backup as an older version would have made it."""
    back_up(database, path)
    with sqlite3.connect(path) as copy:
        for name, kind in _ONCE_BESIDE_THE_ADDRESS.items():
            copy.execute(f"ALTER TABLE calendars ADD COLUMN {name} {kind}")
            copy.execute(
                f"UPDATE calendars SET {name} = (SELECT {name} FROM calendar_state WHERE calendar_id = calendars.id)"  # noqa: S608  # ours
            )
        copy.execute("DROP INDEX ix_calendars_batch_id")
        copy.execute("ALTER TABLE calendars DROP COLUMN batch_id")
        later = ("calendar_state", "batches", "workers", "paces")
        for table in (*later, *(("forgotten", "frozen_figures", "people", "insights") if revision < "0004" else ())):
            copy.execute(f"DROP TABLE {table}")
        copy.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    copy.close()
    return path


class TestAlone:
    """While another process has the store, it is not replaced."""

    def test_a_service_runs(self, store: Database, config: Config, tmp_path: Path) -> None:
        back_up(store, tmp_path / "safe.db")
        other = Database(store.url.render_as_string(hide_password=False))
        with InstanceLock(other), pytest.raises(StoreError, match="service runs"):
            restore(store, config, tmp_path / "safe.db", NOW)
        other.close()

    def test_any_other_process_has_it_open(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        back_up(sqlite_store, tmp_path / "safe.db")
        script = (
            "import sqlite3, sys\n"
            "held = sqlite3.connect(sys.argv[1])\n"
            "held.execute('SELECT count(*) FROM meta').fetchall()\n"
            "print('open', flush=True)\n"
            "sys.stdin.readline()\n"
        )
        other = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "rapport.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreError, match="locked by another process"):
            restore(sqlite_store, config, tmp_path / "safe.db", NOW)
        other.communicate(b"\n")
        restore(sqlite_store, config, tmp_path / "safe.db", NOW)

    def test_killed_before_the_last_step_the_store_stays(
        self, sqlite_store: Database, config: Config, tmp_path: Path
    ) -> None:
        calendars = synced(sqlite_store, config)
        back_up(sqlite_store, tmp_path / "safe.db")
        calendars.account(JO).put(make_copy("later", people=(JO, "late@acme.example"), start=NOVEMBER))
        sync(sqlite_store, config, calendars)
        before = everything(sqlite_store)
        sqlite_store.close()
        script = (
            "import os, signal, sqlite3, sys\n"
            "from pathlib import Path\n"
            "from daemon.store.files.sqlite_file import held_alone\n"
            "with held_alone(Path(sys.argv[1], 'rapport.db')) as held:\n"
            "    source = sqlite3.connect(Path(sys.argv[1], 'safe.db'))\n"
            "    kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    source.backup(held, pages=20, progress=kill)\n"
        )
        ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=False)
        assert ran.returncode == -signal.SIGKILL
        assert everything(sqlite_store) == before


class TestNothingIsSentTwice:
    @pytest.fixture
    def sending(self, tmp_path: Path) -> Config:
        """Northwind with two digests on the first of each month."""
        return config_of(tmp_path, more=DIGESTS)

    def test_what_was_open_or_became_due_since_is_unknown(
        self, store: Database, sending: Config, tmp_path: Path
    ) -> None:
        synced(store, sending)
        with store.writing() as connection:
            to = [CEO, "email:board@partner.example", "email:cfo@northwind.example"]
            opened = open_deliveries(connection, "leadership", Month("2026-10"), to, NOW, again=False)
            second, first, _ = opened  # by recipient
            claim(connection, first, "me", NOW)
            settle_delivery(connection, first, "me", State.SENT, NOW, place="sent")
            claim(connection, second, "me", NOW)
            for digest in sending.digests:
                set_digest_due(connection, digest, next_after(digest.schedule, NOW, scoring_context_of(store, sending)))
        back_up(store, tmp_path / "safe.db")
        done = restore(store, sending, tmp_path / "safe.db", LATER)
        with store.reading() as connection:
            found = {
                (delivery.digest, delivery.month, delivery.recipient): delivery.state
                for delivery in read_deliveries(connection)
            }
            due = {
                digest_due(connection, digest, scoring_context_of(store, sending), LATER) for digest in sending.digests
            }
        assert found == {
            ("leadership", "2026-10", CEO): State.SENT,
            ("leadership", "2026-10", "email:board@partner.example"): State.UNKNOWN,  # it was being sent
            ("leadership", "2026-10", "email:cfo@northwind.example"): State.UNKNOWN,  # it was waiting
            ("leadership", "2026-11", CEO): State.UNKNOWN,  # 1 December
            ("leadership", "2026-12", CEO): State.UNKNOWN,  # 1 January
            ("managers", "2026-11", f"email:{JO}"): State.UNKNOWN,
            ("managers", "2026-12", f"email:{JO}"): State.UNKNOWN,
        }
        assert done.doubted == 6
        assert due == {datetime(2027, 2, 1, 8, 0, tzinfo=UTC)}

    def test_what_was_due_already_and_not_sent_may_have_gone_out_too(
        self, store: Database, sending: Config, tmp_path: Path
    ) -> None:
        synced(store, sending)
        with store.writing() as connection:  # it waits for a late calendar
            set_digest_due(connection, sending.digests[0], NOW - timedelta(hours=1))
        back_up(store, tmp_path / "safe.db")
        restore(store, sending, tmp_path / "safe.db", NOW + timedelta(hours=1))
        with store.reading() as connection:
            assert [(delivery.month, delivery.state) for delivery in read_deliveries(connection)] == [
                ("2026-10", State.UNKNOWN)
            ]

    def test_a_backup_of_this_minute_makes_nothing_unknown(
        self, store: Database, sending: Config, tmp_path: Path
    ) -> None:
        synced(store, sending)
        back_up(store, tmp_path / "safe.db")
        assert restore(store, sending, tmp_path / "safe.db", NOW).doubted == 0


def test_a_backup_made_on_one_database_is_restored_on_the_other(
    sqlite_store: Database, postgres_store: Database, config: Config, tmp_path: Path
) -> None:
    calendars = synced(postgres_store, config)
    back_up(postgres_store, tmp_path / "safe.db")
    restore(sqlite_store, config, tmp_path / "safe.db", NOW)
    assert rows_of(sqlite_store, config) == rows_of(postgres_store, config)
    forget_people(sqlite_store, config, forgotten(sqlite_store, config, KIM), NOW)
    sync(sqlite_store, config, calendars)
    assert KIM in addresses(postgres_store)
