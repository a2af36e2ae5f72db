"""Sharing work: when batches are due, who reads them, what kills, and which workers may work."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.net.rate_limit import RateLimiter
from daemon.config.load import load
from daemon.config.model import Config
from daemon.service.backend import Runtime
from daemon.store.calendars import add_calendar, change_calendar, read_calendars
from daemon.store.db.engine import Database
from daemon.store.meta import SCHEDULER, get_meta
from daemon.store.scale.batches import (
    MOST_CALENDARS,
    Batch,
    due_batches,
    fill_batches,
    make_due,
    put_off,
    read_batch,
    suspects,
    unread,
)
from daemon.store.scale.rate_limits import SharedTokenBucket
from daemon.store.scale.workers import drop_worker, read_workers, see_worker
from daemon.web.snapshot import take_snapshot
from daemon.workers import queue as queues
from daemon.workers.assignment import assign, capacity_of, comes_back_after, first_piece, in_turns, next_slot
from daemon.workers.backend import WorkersBackend
from daemon.workers.config_fingerprint import fingerprint
from daemon.workers.jobs import Jobs
from daemon.workers.membership import Membership
from daemon.workers.worker import Worker
from tests.daemon.config.test_config import EXAMPLE, load_example
from tests.daemon.worlds import JO, KIM

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
EVERY = timedelta(minutes=15)
HOUR = timedelta(hours=1)
postgresql = pytest.mark.xdist_group("postgresql")


def batch(number: int, worker: str | None = None) -> Batch:
    return Batch(id=number, connector="c", due_at=NOW, worker=worker)


class TestDue:
    """Each batch has moments of its own."""

    @given(st.integers(1, 10**6), st.integers(0, 86_400 * 400), st.integers(1, 86_400))
    def test_the_next_one_is_half_to_one_and_a_half_rounds_away(self, number: int, seconds: int, every: int) -> None:
        now, period = NOW + timedelta(seconds=seconds), timedelta(seconds=every)
        slot = next_slot(number, now, period)
        assert period / 2 <= slot - now <= period * 1.5 + timedelta(microseconds=2)

    def test_they_are_the_same_moments_after_an_outage(self) -> None:
        """All batches are read at once; then each is back in its own place of the quarter of an hour."""
        before = next_slot(7, NOW, EVERY)
        after = next_slot(7, NOW + timedelta(hours=5, seconds=1), EVERY)
        assert (after - before) % EVERY == timedelta(0)

    def test_they_are_spread(self) -> None:
        """Of a thousand batches, each of fifteen minutes has its share."""
        minutes = Counter((next_slot(number, NOW, EVERY).minute % 15) for number in range(1_000))
        assert len(minutes) == 15
        assert max(minutes.values()) < 3 * min(minutes.values())


class TestWho:
    @pytest.mark.parametrize(
        ("due", "capacity", "expected"),
        [
            ([(1, None), (2, None)], {"a": 1, "b": 1}, {1: "a", 2: "b"}),  # evenly
            ([(1, "b"), (2, "b")], {"a": 6, "b": 6}, {1: "b", 2: "b"}),  # who has the tokens
            ([(1, "b"), (2, "b")], {"a": 6, "b": 1}, {1: "b", 2: "a"}),  # who has them is busy
            ([(1, "gone")], {"a": 1}, {1: "a"}),  # who had them is gone
            ([(1, None), (2, "a")], {"a": 1}, {2: "a"}),  # no room: it stays due
            ([(1, None)], {"a": 0}, {}),
            ([(1, None)], {}, {}),
        ],
    )
    def test_a_batch_goes_to(
        self, due: list[tuple[int, str | None]], capacity: dict[str, int], expected: dict[int, str]
    ) -> None:
        found = assign([batch(number, worker) for number, worker in due], capacity)
        assert {due_batch.id: name for due_batch, name in found} == expected

    def test_connectors_take_turns(self) -> None:
        """One that is far behind does not keep the others waiting."""
        one, two, three = batch(1), batch(2), batch(3)
        assert in_turns([[one, two], [three]]) == [one, three, two]
        assert in_turns([]) == []

    def test_nobody_gets_more_than_there_is_room_for(self) -> None:
        found = Counter(
            name for _, name in assign([batch(number, "a") for number in range(50)], {"a": 3, "b": 4, "c": 0})
        )
        assert found == {"a": 3, "b": 4}


class TestKillers:
    @pytest.mark.parametrize(
        ("left", "kills", "expected"),
        [
            ([1, 2, 3], {}, None),  # nothing is known against anybody: the batch as it is
            ([1, 2, 3], {9: 2}, None),  # the suspect has been read
            ([1, 2, 3, 4], {3: 2}, (1, 2, 4)),  # first those who are trusted
            ([1, 2, 3, 4], {1: 2, 2: 2, 3: 2, 4: 2}, (1, 2)),  # then half of the others
            ([3, 4], {3: 3, 4: 3}, (3,)),
            ([1, 2, 3], {1: 2, 2: 2, 3: 3}, (3, 1)),  # those that have cost most
            ([1], {1: 2}, (1,)),  # and at last alone
            ([], {1: 2}, None),
        ],
    )
    def test_who_is_suspected_is_read_apart(
        self, left: list[int], kills: dict[int, int], expected: tuple[int, ...] | None
    ) -> None:
        assert first_piece(left, kills) == expected

    @pytest.mark.parametrize(
        ("jobs", "expected"),
        [
            ([], {"a": 6, "b": 6}),
            ([("a", False), ("a", False), ("gone", False)], {"a": 4, "b": 6}),
            ([("a", True)], {"a": 0, "b": 6}),  # whoever reads a suspect does nothing else, so it alone is to blame
            ([("a", False)] * 9, {"a": 0, "b": 6}),
        ],
    )
    def test_who_reads_a_suspect_reads_nothing_else(
        self, jobs: list[tuple[str, bool]], expected: dict[str, int]
    ) -> None:
        assert capacity_of(["a", "b"], jobs) == expected

    def test_they_are_left_alone_for_longer_each_time(self) -> None:
        week = timedelta(days=7)
        waits = [comes_back_after(kills, EVERY, week) for kills in (3, 4, 5, 20, 4000)]
        assert waits == [2 * HOUR, 4 * HOUR, 8 * HOUR, week, week]


class TestBatches:
    """In the store, on both databases."""

    def _add(self, store: Database, count: int, connector: str = "c") -> list[int]:
        with store.writing() as connection:
            have = len(read_calendars(connection, connector))
            return [
                add_calendar(
                    connection,
                    connector=connector,
                    key=f"k{number}",
                    address=f"p{number}@northwind.example",
                    joined="2026-01",
                )
                for number in range(have, have + count)
            ]

    def _sizes(self, store: Database) -> list[int]:
        with store.reading() as connection:
            counted = Counter(calendar.batch_id for calendar in read_calendars(connection) if calendar.left_at is None)
        return sorted(counted.values())

    def test_calendars_are_put_together_as_many_as_go_in(self, store: Database) -> None:
        self._add(store, MOST_CALENDARS + 5)
        with store.writing() as connection:
            assert fill_batches(connection, "c", NOW) == MOST_CALENDARS + 5
        assert self._sizes(store) == [5, MOST_CALENDARS]
        self._add(store, MOST_CALENDARS)
        with store.writing() as connection:
            assert fill_batches(connection, "c", NOW) == MOST_CALENDARS
            assert fill_batches(connection, "c", NOW) == 0
        assert self._sizes(store) == [5, MOST_CALENDARS, MOST_CALENDARS]

    def test_connectors_share_none(self, store: Database) -> None:
        self._add(store, 1, "c")
        self._add(store, 1, "d")
        with store.writing() as connection:
            fill_batches(connection, "c", NOW)
            fill_batches(connection, "d", NOW)
            assert {found.connector for found in due_batches(connection, NOW, (), 9)} == {"c", "d"}
        assert self._sizes(store) == [1, 1]

    def test_who_leaves_makes_room_and_who_joins_is_read_at_once(self, store: Database) -> None:
        first, *_ = self._add(store, MOST_CALENDARS)
        with store.writing() as connection:
            fill_batches(connection, "c", NOW)
            (only,) = due_batches(connection, NOW, (), 9)
            put_off(connection, only, NOW + HOUR, "w")
            change_calendar(connection, first, left_at=NOW)
        self._add(store, 1)
        with store.writing() as connection:
            assert due_batches(connection, NOW, (), 9) == []
            assert fill_batches(connection, "c", NOW) == 1
            (again,) = due_batches(connection, NOW, (), 9)
        assert (again.id, self._sizes(store)) == (only.id, [MOST_CALENDARS])

    def test_a_batch_that_everybody_left_is_gone(self, store: Database) -> None:
        (number,) = self._add(store, 1)
        with store.writing() as connection:
            fill_batches(connection, "c", NOW)
            change_calendar(connection, number, left_at=NOW)
            fill_batches(connection, "c", NOW)
            assert due_batches(connection, NOW, (), 9) == []

    @pytest.mark.parametrize(
        ("state", "is_unread"),
        [
            ({}, True),  # never tried
            ({"last_try": NOW - HOUR}, True),
            ({"last_try": NOW}, False),  # in this turn already
            ({"last_try": NOW, "error_code": "slow"}, False),  # its failure was its turn
            ({"left_at": NOW}, False),
            ({"standing": True, "error_code": "unreadable"}, False),  # the list of people says so
            ({"standing": True, "error_code": "no_calendar"}, True),  # it may have one by now
            ({"last_try": NOW - HOUR, "again_at": NOW + HOUR}, False),  # the provider wants to be left alone
            ({"last_try": NOW, "again_at": NOW}, True),  # and no longer
        ],
    )
    def test_what_is_left_to_read(self, store: Database, state: dict[str, object], is_unread: bool) -> None:
        (number,) = self._add(store, 1)
        with store.writing() as connection:
            fill_batches(connection, "c", NOW)
            (due,) = due_batches(connection, NOW, (), 9)
            change_calendar(connection, number, **state)
            assert bool(unread(connection, due, NOW)) is is_unread
            assert unread(connection, due, NOW, among=[number + 1]) == []

    def test_who_joins_while_the_others_are_read_is_not_put_off_with_them(self, store: Database) -> None:
        self._add(store, 1)
        with store.writing() as connection:
            fill_batches(connection, "c", NOW)
            (due,) = due_batches(connection, NOW, (), 9)
        self._add(store, 1)
        with store.writing() as connection:
            fill_batches(connection, "c", NOW + HOUR)
            put_off(connection, due, NOW + 2 * HOUR, "w")
            assert [found.id for found in due_batches(connection, NOW + HOUR, (), 9)] == [due.id]

    def test_a_digest_has_calendars_read_before_their_time(self, store: Database) -> None:
        self._add(store, 1)
        with store.writing() as connection:
            fill_batches(connection, "c", NOW)
            (due,) = due_batches(connection, NOW, (), 9)
            put_off(connection, due, NOW + HOUR, "w")
            assert make_due(connection, read_calendars(connection), NOW) == 1
            assert make_due(connection, read_calendars(connection), NOW) == 0
            assert read_batch(connection, due.id) == Batch(id=due.id, connector="c", due_at=NOW, worker="w")


def company(folder: Path, more: str = "", points: int = 5) -> Config:
    """A config for workers; the store's address is of no use."""
    (folder / "config.toml").write_text(
        f"""
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]

[store]
url = "postgresql+psycopg://rapport@127.0.0.1:1/rapport"

[[connectors]]
name = "exports"
kind = "ics"
files = ["calendars/*.ics"]

[scoring]
points = {{ long_one = {points} }}

[scale]
workers = true
{more}
""",
        "utf-8",
    )
    return load(folder / "config.toml")


class TestFingerprint:
    """Who works together has the same config and rules, not the same files and secrets."""

    def _of(self, folder: Path, more: str = "", points: int = 5) -> str:
        folder.mkdir()
        return fingerprint(company(folder, more, points))

    @pytest.mark.parametrize(
        "more",
        [
            '[web]\nlisten = ""',
            '[log]\nlevel = "debug"',
            '[network]\nproxy = "http://proxy.northwind.example:3128"',
            '[alerts]\nafter = "3h"',
        ],
    )
    def test_what_concerns_one_machine_may_differ(self, tmp_path: Path, more: str) -> None:
        assert self._of(tmp_path / "a") == self._of(tmp_path / "b", more)

    @pytest.mark.parametrize(
        "more",
        [
            '[sync]\nevery = "5m"',
            '[[clients]]\nname = "Acme"\ndomains = ["acme.example"]',
            "[privacy]\nshow_ours = false",
            """[[digests]]
               name = "d"
               to = ["email:jo@northwind.example"]
               [email]
               host = "localhost"
               from = "r@northwind.example" """,
        ],
    )
    def test_what_decides_figures_and_digests_may_not(self, tmp_path: Path, more: str) -> None:
        assert self._of(tmp_path / "a") != self._of(tmp_path / "b", more)

    def test_nor_may_the_rules(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self._of(tmp_path / "a") != self._of(tmp_path / "b", points=6)
        before = self._of(tmp_path / "c")
        monkeypatch.setattr("daemon.workers.config_fingerprint.VERSIONS", (99,))
        assert self._of(tmp_path / "d") != before

    def test_every_key_of_the_example_has_its_place(self, tmp_path: Path) -> None:
        """And a secret has none: the same reference elsewhere, or another one, makes no difference."""
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        before = fingerprint(load_example(tmp_path / "a"))
        moved = EXAMPLE.replace('password = { file = "smtp.password" }', 'password = { env = "SMTP_PASSWORD" }')
        assert moved != EXAMPLE
        assert fingerprint(load_example(tmp_path / "b", moved)) == before

    def test_it_is_the_same_in_every_process(self, tmp_path: Path) -> None:
        import subprocess
        import sys

        company(tmp_path)
        script = (
            "from pathlib import Path\nfrom daemon.config.load import load\n"
            "from daemon.workers.config_fingerprint import fingerprint\n"
            f"print(fingerprint(load(Path({str(tmp_path / 'config.toml')!r}))))"
        )
        found = {
            subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
            for _ in range(3)
        }
        assert len(found) == 1


@postgresql
class TestPace:
    """One connector's requests a minute, from however many processes."""

    def test_buckets_of_one_name_are_one(self, postgres_store: Database) -> None:
        one, other = (SharedTokenBucket(postgres_store, "workspace", 600) for _ in range(2))
        waits = [bucket.take() for _ in range(40) for bucket in (one, other)]
        assert waits[:50] == [0.0] * 50, "a tenth at once"
        assert 1.0 < waits[-1] < 3.0, "the rest at nine a second"
        assert SharedTokenBucket(postgres_store, "another", 600).take() == 0.0

    def test_it_fills_again_to_a_tenth_and_no_further(self, postgres_store: Database) -> None:
        bucket = SharedTokenBucket(postgres_store, "workspace", 600)
        while bucket.take() == 0.0:
            pass
        with postgres_store.writing() as connection:
            connection.exec_driver_sql("UPDATE paces SET filled_at = filled_at - 3600")
        free = 0
        while bucket.take() == 0.0:
            free += 1
        assert 50 <= free <= 60

    def test_a_fast_pace_is_taken_in_blocks(self, postgres_store: Database) -> None:
        bucket = SharedTokenBucket(postgres_store, "workspace", 6_000_000)
        assert [bucket.take() for _ in range(1_000)] == [0.0] * 1_000
        with postgres_store.reading() as connection:
            level = float(connection.exec_driver_sql("SELECT level FROM paces").scalar_one())
        assert level == pytest.approx(600_000 * 0.97 - 1_000, rel=0.01)

    def test_who_was_stopped_while_waiting_asks_again(self) -> None:
        """A process that is paused must not use what it was allowed before."""
        now = [0.0]
        taken: list[float] = []

        class Allowance:
            def take(self) -> float:
                taken.append(now[0])
                return 1.0

        def sleep(seconds: float) -> None:
            now[0] += seconds + (60.0 if len(taken) == 1 else 0.0)

        pacer = RateLimiter(per_minute=60, per_person=60, sleep=sleep, clock=lambda: now[0], all_together=Allowance())
        pacer.wait("jo@northwind.example")
        assert taken == [0.0, 61.0]


@postgresql
class TestWorkers:
    def _see(self, store: Database, name: str, idle_because: str | None = None) -> None:
        with store.noting() as connection:
            see_worker(
                connection, name=name, host="h", process=1, began_at=NOW, lease_seconds=25.0, idle_because=idle_because
            )

    def test_who_was_seen_lately_is_there(self, postgres_store: Database) -> None:
        self._see(postgres_store, "a")
        self._see(postgres_store, "a", "its config differs")
        self._see(postgres_store, "b")
        with postgres_store.writing() as connection:
            connection.exec_driver_sql("UPDATE workers SET seen_at = seen_at - 30000 WHERE name = 'b'")
        with postgres_store.reading() as connection:
            found = {worker.name: (worker.alive, worker.idle_because) for worker in read_workers(connection)}
        assert found == {"a": (True, "its config differs"), "b": (False, None)}

    def test_they_are_counted_for_whoever_watches(self, postgres_store: Database, tmp_path: Path) -> None:
        config = company(tmp_path)
        assert take_snapshot(postgres_store, config, NOW).workers == {"working": 0, "idle": 0, "gone": 0}
        self._see(postgres_store, "a")
        self._see(postgres_store, "b", "its config differs")
        assert take_snapshot(postgres_store, config, NOW).workers == {"working": 1, "idle": 1, "gone": 0}

    def test_who_ended_is_not(self, postgres_store: Database) -> None:
        self._see(postgres_store, "a")
        with postgres_store.noting() as connection:
            drop_worker(connection, "a")
            assert read_workers(connection) == []

    def test_why_one_takes_no_jobs_is_told_once_and_so_is_its_end(
        self, postgres_store: Database, tmp_path: Path
    ) -> None:
        config = company(tmp_path)
        permit = Membership(postgres_store, "w", lease_seconds=25.0, began_at=NOW)
        with capture_logs() as logs:
            looks = [permit.look(fingerprint(config)) for _ in range(3)]
            WorkersBackend(Runtime(database=postgres_store, clock=lambda: NOW), config).plan(config)
            looks += [permit.look(fingerprint(config)) for _ in range(3)]
        assert [one is None for one in looks] == [False] * 3 + [True] * 3
        assert [one["event"] for one in logs if "worker" in one] == ["takes_no_jobs", "works"]


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for something that happens soon. Fails when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@postgresql
class TestBeforeEachJob:
    """A worker asks whether it still may, though it has just been told so, and though it has done other jobs."""

    @pytest.fixture
    def working(self, postgres_store: Database, tmp_path: Path) -> Iterator[Path]:
        """A worker that has done one job: it has read whose calendars lie in this folder."""
        config = company(tmp_path)
        WorkersBackend(Runtime(database=postgres_store), config).plan(config)
        worker = Worker(config=config, database=Database(postgres_store.url.render_as_string(hide_password=False)))
        thread = threading.Thread(target=worker.run)
        thread.start()
        self._ask(postgres_store, tmp_path, JO)
        until(lambda: self._known(postgres_store) == [JO])
        yield tmp_path
        worker.stop()
        ending = [thread, *(one for one in threading.enumerate() if one.name == "leaving")]  # it signs off apart
        for one in ending:
            one.join(30)
        assert not any(one.is_alive() for one in ending)
        worker.database.close()

    def _ask(self, store: Database, folder: Path, owner: str) -> None:
        """A calendar more, and a job that would make it known."""
        (folder / "calendars").mkdir(exist_ok=True)
        (folder / "calendars" / f"{owner}.ics").write_bytes(b"")
        with queues.opened(store) as queue:
            queue.put(queues.ROSTER, queues.ANYBODY, connector="exports")

    def _known(self, store: Database) -> list[str]:
        with store.reading() as connection:
            return sorted(one.address for one in read_calendars(connection))

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE meta SET value = 'of another config' WHERE key = 'scheduler_fingerprint'",
            "UPDATE alembic_version SET version_num = '9999'",
            "UPDATE alembic_version SET version_num = '0001'",
        ],
        ids=["config", "newer store", "older store"],
    )
    def test_a_job_is_left_alone_by_who_may_work_no_more(
        self, postgres_store: Database, working: Path, change: str
    ) -> None:
        with postgres_store.writing() as connection:
            connection.exec_driver_sql(change)
        self._ask(postgres_store, working, KIM)
        time.sleep(1.0)
        assert self._known(postgres_store) == [JO]

    def test_and_done_by_who_still_may(self, postgres_store: Database, working: Path) -> None:
        self._ask(postgres_store, working, KIM)
        until(lambda: self._known(postgres_store) == [JO, KIM])


@postgresql
class TestQueue:
    def test_it_is_made_once_and_anew_for_another_version(
        self, postgres_store: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not queues.is_there(postgres_store)
        assert queues.prepare(postgres_store)
        assert not queues.prepare(postgres_store)
        with queues.opened(postgres_store) as queue:
            queue.put(queues.READ, "a", batch=1)
        monkeypatch.setattr("procrastinate.__version__", "99")
        assert not queues.is_there(postgres_store)
        assert queues.prepare(postgres_store)
        with queues.opened(postgres_store) as queue:
            assert queue.open_jobs() == []

    def test_only_one_of_a_kind_waits(self, postgres_store: Database) -> None:
        queues.prepare(postgres_store)
        with queues.opened(postgres_store) as queue:
            assert queue.put(queues.DIGEST, queues.ANYBODY, only_one=True, apart=True, name="leadership")
            assert not queue.put(queues.DIGEST, queues.ANYBODY, only_one=True, apart=True, name="leadership")
            assert queue.put(queues.DIGEST, queues.ANYBODY, only_one=True, apart=True, name="managers")
            assert len(queue.open_jobs()) == 2
            queue.take_back(queue.open_jobs()[0])
            assert [job.arguments for job in queue.open_jobs()] == [{"name": "managers"}]

    def test_jobs_hold_numbers_and_names_of_the_config_only(self, postgres_store: Database, tmp_path: Path) -> None:
        config = company(tmp_path)
        handing = WorkersBackend(Runtime(database=postgres_store, clock=lambda: NOW), config)
        handing.plan(config)
        with postgres_store.writing() as connection:
            for number in range(MOST_CALENDARS + 1):
                add_calendar(
                    connection, connector="exports", key=f"k{number}", address="jo@northwind.example", joined="2026-01"
                )
            fill_batches(connection, "exports", NOW)
            see_worker(connection, name="w", host="h", process=1, began_at=NOW, lease_seconds=25.0, idle_because=None)
            assert get_meta(connection, SCHEDULER) == fingerprint(config)
        handing.looks()["hand_out"]()
        with queues.opened(postgres_store) as queue:
            found = {(job.task, job.queue): dict(job.arguments) for job in queue.open_jobs()}
            reads = [job for job in queue.open_jobs() if job.task == queues.READ]
        assert found[queues.ROSTER, queues.ANYBODY] == {"connector": "exports"}
        assert found[queues.TEND, queues.ANYBODY] == {}
        assert [sorted(job.arguments) for job in reads] == [["batch"], ["batch"]]
        assert handing.ended(1.0)

    def test_what_waits_for_a_worker_that_is_gone_is_handed_out_again(
        self, postgres_store: Database, tmp_path: Path
    ) -> None:
        config = company(tmp_path)
        handing = WorkersBackend(Runtime(database=postgres_store, clock=lambda: NOW), config)
        handing.plan(config)
        with postgres_store.writing() as connection:
            add_calendar(connection, connector="exports", key="k", address="jo@northwind.example", joined="2026-01")
            fill_batches(connection, "exports", NOW)
            see_worker(
                connection, name="first", host="h", process=1, began_at=NOW, lease_seconds=25.0, idle_because=None
            )
        handing.looks()["hand_out"]()
        with postgres_store.writing() as connection:
            connection.exec_driver_sql("UPDATE workers SET seen_at = seen_at - 30000")
            see_worker(
                connection, name="second", host="h", process=2, began_at=NOW, lease_seconds=25.0, idle_because=None
            )
        handing.looks()["hand_out"]()
        with queues.opened(postgres_store) as queue:
            assert [job.queue for job in queue.open_jobs() if job.task == queues.READ] == ["second"]
        handing.ended(1.0)


@postgresql
class TestBlame:
    """Workers that are killed over a calendar."""

    def test_until_one_is_found_out(self, postgres_store: Database, tmp_path: Path) -> None:
        config = company(tmp_path)
        jobs = Jobs(Runtime(database=postgres_store, clock=lambda: NOW), config, "w")
        with postgres_store.writing() as connection:
            numbers = [
                add_calendar(
                    connection,
                    connector="exports",
                    key=f"k{number}",
                    address=f"p{number}@northwind.example",
                    joined="2026-01",
                )
                for number in range(4)
            ]
            fill_batches(connection, "exports", NOW)
            (due,) = due_batches(connection, NOW, (), 9)
            change_calendar(connection, numbers[0], last_try=NOW)  # it had been read when the worker was killed
        guilty = numbers[3]
        killed = 0
        among: tuple[int, ...] | None = None
        while True:
            jobs.blame(due.id, among)
            killed += 1
            with postgres_store.reading() as connection:
                left = unread(connection, due, NOW)
                if guilty not in [calendar.id for calendar in left]:
                    break
                counts = suspects(connection, [due.id]).get(due.id, {})
            among = first_piece([calendar.id for calendar in left], counts)
            while among is not None and guilty not in among:  # these are read, and trusted again
                with postgres_store.writing() as connection:
                    for number in among:
                        change_calendar(connection, number, last_try=NOW, kills=0)
                    left = unread(connection, due, NOW)
                among = first_piece([calendar.id for calendar in left], counts)
        with postgres_store.reading() as connection:
            found = {calendar.id: calendar for calendar in read_calendars(connection)}
        assert killed <= 5
        assert found[guilty].standing
        assert found[guilty].again_at == NOW + comes_back_after(
            found[guilty].kills, config.sync.every, timedelta(days=7)
        )
        assert not any(calendar.standing for calendar in found.values() if calendar.id != guilty)
        assert found[numbers[0]].kills == 0

    @pytest.mark.parametrize(
        ("alone", "is_suspect", "is_found_out"),
        [
            ([True], False, False),  # it may have been chance
            ([True, True], True, False),
            ([True, True, True], True, True),
            ([False], False, False),
            ([False, False], True, False),  # nobody knows yet which of them it was
            ([False, False, False], True, False),
            ([False, True], True, False),
            ([False, False, True], True, True),
        ],
    )
    def test_one_is_suspected_after_two_kills_and_found_out_when_it_then_kills_alone(
        self, postgres_store: Database, tmp_path: Path, alone: list[bool], is_suspect: bool, is_found_out: bool
    ) -> None:
        jobs = Jobs(Runtime(database=postgres_store, clock=lambda: NOW), company(tmp_path), "w")
        with postgres_store.writing() as connection:
            one, other = (
                add_calendar(connection, connector="exports", key=who, address=who, joined="2026-01")
                for who in (JO, KIM)
            )
            fill_batches(connection, "exports", NOW)
            (due,) = due_batches(connection, NOW, (), 9)
        for is_alone in alone:
            jobs.blame(due.id, [one] if is_alone else None)
        with postgres_store.reading() as connection:
            found = {calendar.id: calendar for calendar in read_calendars(connection)}
            suspected = suspects(connection, [due.id]).get(due.id, {})
        assert suspected.get(one) == (len(alone) if is_suspect else None)
        assert (found[one].standing, found[one].again_at is not None) == (is_found_out, is_found_out)
        assert not found[other].standing


@postgresql
def test_a_single_row_waits_for_no_other_writer(postgres_store: Database) -> None:
    """What most rounds come to is one row; a long transaction elsewhere must not hold it up."""
    with postgres_store.writing() as connection:
        number = add_calendar(connection, connector="c", key="k", address="jo@northwind.example", joined="2026-01")
    entered, leave = threading.Event(), threading.Event()

    def long_one() -> None:
        with postgres_store.writing():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=long_one)
    thread.start()
    entered.wait(10)
    began = time.monotonic()
    with postgres_store.noting() as connection:
        change_calendar(connection, number, last_try=NOW)
    took = time.monotonic() - began
    leave.set()
    thread.join()
    assert took < 5


@postgresql
def test_a_job_that_begins_while_another_config_is_taken_is_done_by_one_of_them(
    postgres_store: Database, tmp_path: Path
) -> None:
    """Never the former config's jobs, let in by the fingerprint of the new one."""
    scheduled, former = company(tmp_path), company(tmp_path, points=6)
    WorkersBackend(Runtime(database=postgres_store, clock=lambda: NOW), scheduled).plan(scheduled)
    worker = Worker(config=former, database=postgres_store)
    done: list[str] = []
    beginning = threading.Thread(target=worker._do, args=(lambda by: done.append(fingerprint(by._config)),))
    jobs = worker._in_force.jobs
    with jobs._lock:  # the job begins, and gets no further
        beginning.start()
        time.sleep(0.1)
        reloading = threading.Thread(target=lambda: (worker.reload(scheduled), worker._look()))
        reloading.start()
        time.sleep(0.3)
    beginning.join(10)
    reloading.join(10)
    worker._do(lambda jobs: done.append(fingerprint(jobs._config)))
    assert done == [fingerprint(scheduled)]


def test_jobs_of_a_former_config_are_closed_when_the_last_is_done(tmp_path: Path) -> None:
    """A config that is read again must not break off what is being read at that moment."""
    closed: list[bool] = []

    class Watched(Jobs):
        def close(self) -> None:
            closed.append(True)

    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    jobs = Watched(Runtime(database=database), company(tmp_path), "w")
    with jobs.in_use():
        with jobs.in_use():
            jobs.retire()
        assert closed == []
    assert closed == [True]
    database.close()
