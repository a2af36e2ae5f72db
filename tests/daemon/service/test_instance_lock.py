"""One service for each store, also after a database server has let go of its lock (`docs/design.md` 11)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.service.instance_lock import HeldElsewhere, InstanceLock
from daemon.store.db.engine import Database
from daemon.store.schema import bring_up_to_date
from tests.e2e.company import CONFIG, Company

postgresql = pytest.mark.xdist_group("postgresql")
_HOLDERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"


def end_sessions(store: Database) -> None:
    """As a restart of the server does it: the session that holds the lock is gone, and the lock with it."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for pid in list(connection.exec_driver_sql(_HOLDERS).scalars()):
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")


@contextmanager
def another(store: Database) -> Iterator[Database]:
    """The store as another process would open it."""
    made = Database(store.url.render_as_string(hide_password=False))
    yield made
    made.close()


@postgresql
def test_a_lock_that_the_server_lost_is_taken_again(postgres_store: Database) -> None:
    with InstanceLock(postgres_store) as lock, another(postgres_store) as other:
        end_sessions(other)
        lock.confirm()
        with pytest.raises(HeldElsewhere, match=f"process {os.getpid()} on "), InstanceLock(other):
            pass


@postgresql
def test_who_comes_second_gives_way(postgres_store: Database) -> None:
    with InstanceLock(postgres_store) as lock, another(postgres_store) as other:
        end_sessions(other)
        with InstanceLock(other), pytest.raises(HeldElsewhere, match=f"process {os.getpid()} on "):
            lock.confirm()


@postgresql
def test_a_lock_ends_with_its_holder_and_not_with_the_pool(postgres_store: Database) -> None:
    with InstanceLock(postgres_store):
        pass
    with another(postgres_store) as other, InstanceLock(other):
        pass


def test_a_file_is_held_by_the_system(sqlite_store: Database) -> None:
    with InstanceLock(sqlite_store) as lock, another(sqlite_store) as other:
        lock.confirm()
        with pytest.raises(HeldElsewhere), InstanceLock(other):
            pass


@postgresql
def test_a_service_whose_store_became_anothers_stops_with_a_sentence(postgres_url: str, tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.write_config(f'{CONFIG}\n[store]\nurl = "{postgres_url}"\n[web]\nlisten = ""\n')
    company.put("jo@northwind.example", [])
    store = Database(postgres_url)
    bring_up_to_date(store)
    process = subprocess.Popen(
        company.command("run"), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        while '"started"' not in process.stderr.readline():
            assert process.poll() is None
        taken: InstanceLock | None = None
        until = time.monotonic() + 20
        while taken is None and time.monotonic() < until:
            end_sessions(store)  # it takes the lock again within a second, so whoever tries must be quick
            try:
                taken = InstanceLock(store).__enter__()
            except HeldElsewhere:
                continue
        assert taken is not None
        assert process.wait(20) == 1
        told = process.stderr.read()
        taken.__exit__(None, None, None)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store.close()
    assert f"Another service runs on this store: process {os.getpid()} on " in told
    assert "so this one stops" in told
