"""Workers with real parts: PostgreSQL, `rapport run`, `rapport worker` as processes, Google and mail as small servers.

Truth is what a new store on one machine derives from the same calendars.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from daemon.config.load import load
from daemon.service.backend import Runtime
from daemon.service.schedule import set_digest_due
from daemon.store.db.engine import Database
from daemon.store.scale.workers import see_worker
from daemon.store.schema import REVISIONS, bring_up_to_date
from daemon.workers import queue as queues
from daemon.workers.backend import WorkersBackend
from daemon.workers.jobs import Jobs
from tests.conftest import new_database, running_server, url_of
from tests.e2e.fleet import MONTH, Fleet, person
from tests.fakes.google import FakeGoogle, GoogleFault
from tests.fakes.smtp import FakeMail

pytestmark = pytest.mark.xdist_group("workers")

ROOT = Path(__file__).parents[2]
QUICK = """
import sys
from pathlib import Path
from daemon.config.load import load
from daemon.output.logs import set_up_logs
from daemon.workers.worker import Worker
from daemon.store.db.engine import Database
config = load(Path("config.toml"))
set_up_logs(config.log)
Worker(config=config, database=Database(config.store_url()), lease_seconds=3.0).run()
"""
"""A worker that is taken to be gone after three seconds instead of twenty-five."""
DIGEST = """
[email]
host = "localhost"
port = {port}
security = "none"
from = "Rapport <rapport@northwind.example>"

[[digests]]
name = "leadership"
to = ["email:ceo@northwind.example", "email:coo@northwind.example"]
wait = "1s"
"""


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        yield fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "company"
    made.mkdir()
    return made


def late(google: FakeGoogle, seconds: float) -> None:
    """Every answer of Google's takes so long."""
    google.faults.append(GoogleFault(path="/", times=10**9, only_delay=True, delay_seconds=seconds))


def start_quick(fleet: Fleet) -> str:
    return fleet.start(command=[sys.executable, "-c", QUICK])


def is_true(fleet: Fleet, truth: dict[str, Any]) -> bool:
    return fleet.hours() is not None and fleet.row() == truth


def test_three_workers_share_the_work_and_keep_their_calendars(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    """Every figure is right, changes come through, and nobody's token is fetched by a second worker."""
    with Fleet(folder, postgres_url, google, people=120, every="3s") as fleet:
        for number in range(120):
            fleet.meet(number)
        truth = fleet.truth()
        google.tokens.clear()
        scheduler = fleet.start("run")
        workers = [fleet.start() for _ in range(3)]
        fleet.until(lambda: is_true(fleet, truth))
        fleet.meet(7, minutes=400)
        changed = fleet.truth()
        assert changed != truth
        fleet.until(lambda: is_true(fleet, changed))
        status = fleet.status()
        assert [worker["state"] for worker in status["workers"]] == ["working"] * 3
        assert {calendar["state"] for calendar in status["calendars"]} <= {"fresh", "stale"}
        assert max((Counter(google.tokens) - Counter(dict.fromkeys(google.tokens, 1))).values()) <= 2
        assert sum('"event": "read"' in fleet.log(worker) for worker in workers) >= 2
        for process in (*workers, scheduler):
            assert fleet.stop(process) == 0
        assert fleet.status()["workers"] == []


def test_a_killed_workers_work_is_taken_up_within_two_minutes(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    with Fleet(folder, postgres_url, google, people=60, every="60s") as fleet:
        for number in range(60):
            fleet.meet(number)
        truth = fleet.truth()
        late(google, 0.5)
        fleet.start("run")
        first = fleet.start()
        google.seen.clear()
        fleet.until(lambda: len(google.seen) > 5)
        fleet.kill(first)
        google.faults.clear()
        fleet.start()
        began = time.monotonic()
        fleet.until(lambda: is_true(fleet, truth), seconds=100)
        assert time.monotonic() - began < 100


def test_a_calendar_that_kills_is_found_out_and_the_others_are_read(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    """Whoever asks for this one calendar is killed at once, as by a lack of memory."""
    deadly = person(3)
    with Fleet(folder, postgres_url, google, people=6, every="2s") as fleet:
        for number in range(6):
            fleet.meet(number)
        google.faults.append(GoogleFault(path="/calendar/", who=deadly, times=10**9, only_delay=True, delay_seconds=4))
        fleet.start("run")
        current = [start_quick(fleet)]
        kills = 0

        def states() -> dict[str, str]:
            return {calendar["calendar"]: calendar["state"] for calendar in fleet.status()["calendars"]}

        until = time.monotonic() + 90
        while time.monotonic() < until:
            if any(request.subject == deadly for request in list(google.seen)):
                fleet.kill(current.pop())
                google.seen.clear()
                kills += 1
                current.append(start_quick(fleet))
            found = states()
            if found.get(deadly) == "unreadable" and set(found.values()) == {"fresh", "unreadable"}:
                break
            time.sleep(0.01)
        assert Counter(states().values())["unreadable"] == 1
        reason = next(calendar["reason"] for calendar in fleet.status()["calendars"] if calendar["calendar"] == deadly)
        assert "killed" in reason
        assert 3 <= kills <= 7


def test_a_worker_paused_beyond_its_lease_brings_nothing_old_back(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    """It had read a meeting that is cancelled meanwhile, and somebody else has noted that. It comes too late."""
    with Fleet(folder, postgres_url, google, people=1, every="2s") as fleet:
        fleet.meet(0)
        scheduler = fleet.start("run")
        first = start_quick(fleet)
        stopped = threading.Event()

        def stop_it(_: int) -> None:
            if not stopped.is_set():
                stopped.set()
                fleet.send(first, signal.SIGSTOP)

        google.before_page = stop_it
        fleet.until(stopped.is_set)
        time.sleep(0.5)  # the answer is on its way to the one that sleeps
        calendar = google.world.calendar(person(0))
        fleet.meet(0, minutes=120)
        calendar.cancel(next(iter(calendar.items)))
        second = start_quick(fleet)
        truth = fleet.truth()
        fleet.until(lambda: is_true(fleet, truth), seconds=40)
        fleet.send(first, signal.SIGCONT)
        fleet.until(lambda: "round_too_late" in fleet.log(first))
        assert fleet.row() == truth
        assert all(fleet.running[process].poll() is None for process in (first, second, scheduler))


def test_everything_goes_on_after_the_database_was_restarted(google: FakeGoogle, folder: Path) -> None:
    with running_server() as server:
        url = new_database(url_of(server))
        with Fleet(folder, url, google, people=30, every="2s") as fleet:
            for number in range(30):
                fleet.meet(number)
            running = [fleet.start("run"), fleet.start(), fleet.start()]
            truth = fleet.truth()
            fleet.until(lambda: is_true(fleet, truth))
            os.kill(server.get_pid(), signal.SIGQUIT)  # at once, as by a power cut
            time.sleep(2)
            server.ensure_postgres_running()
            fleet.meet(5, minutes=300)
            truth = fleet.truth()
            fleet.until(lambda: _answers(fleet) and is_true(fleet, truth))
            assert [fleet.stop(process) for process in reversed(running)] == [0, 0, 0]
            assert all("Traceback" not in fleet.log(process) for process in running)


def _answers(fleet: Fleet) -> bool:
    return fleet.company.run("status", "--format", "json").code in (0, 1)


def test_together_they_never_ask_faster_than_the_tenant_allows(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    """Six hundred a minute: sixty at once, and nine a second."""
    arrivals: list[float] = []
    google.before_page = lambda _: arrivals.append(time.monotonic())
    with Fleet(folder, postgres_url, google, people=150, every="60s", per_minute=600) as fleet:
        fleet.start("run")
        for _ in range(3):
            fleet.start()
        fleet.until(lambda: len(arrivals) >= 150)
    whole = int(arrivals[-1] - arrivals[0]) + 1
    for begin in range(whole):
        for seconds in range(1, whole - begin + 1):
            within = sum(begin <= arrival - arrivals[0] < begin + seconds for arrival in arrivals)
            assert within <= 60 + 9 * seconds + 3


def test_a_sync_by_hand_keeps_the_same_pace(google: FakeGoogle, folder: Path, postgres_url: str) -> None:
    with Fleet(folder, postgres_url, google, people=5, per_minute=60) as fleet:
        assert fleet.company.run("sync").code == 0
        database = Database(postgres_url)
        with database.reading() as connection:
            (level,) = connection.exec_driver_sql("SELECT level FROM paces WHERE name = 'workspace'").scalars()
        database.close()
        assert level <= 4.83, "of the allowance that all have together"


def test_who_asks_to_be_left_alone_is_asked_by_a_later_job(google: FakeGoogle, folder: Path, postgres_url: str) -> None:
    """One person's requests are refused for two minutes: the others are read, and then that one is, out of turn."""
    now = [datetime.now(UTC)]
    with Fleet(folder, postgres_url, google, people=3, every="15m"):
        google.fail(status=429, reason="rateLimitExceeded", subject=person(1), headers={"Retry-After": "120"}, times=1)
        config, database = load(folder / "config.toml"), Database(postgres_url)
        bring_up_to_date(database)
        runtime = Runtime(database=database, clock=lambda: now[0])
        handing, jobs = WorkersBackend(runtime, config), Jobs(runtime, config, "w")
        handing.plan(config)
        with database.noting() as connection:
            see_worker(
                connection, name="w", host="h", process=1, began_at=now[0], lease_seconds=600.0, idle_because=None
            )
        jobs.roster("workspace")

        def reads() -> list[list[str]]:
            """Whose calendars are asked for when all is done that is handed out."""
            google.seen.clear()
            handing.looks()["hand_out"]()
            with queues.opened(database) as queue:
                for job in [each for each in queue.open_jobs() if each.task == queues.READ]:
                    queue.take_back(job)
                    jobs.read(int(job.arguments["batch"]))
            return [sorted(str(request.subject) for request in google.seen)]

        everybody = [person(number) for number in range(3)]
        assert reads() == [everybody]
        now[0] += timedelta(seconds=100)
        assert reads() == [[]]
        now[0] += timedelta(seconds=30)
        assert reads() == [[person(1)]]
        assert reads() == [[]]
        jobs.close()
        handing.ended(1.0)
        database.close()


def test_a_worker_with_another_config_takes_no_jobs_and_says_so(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    with Fleet(folder, postgres_url, google, people=5, every="1s") as fleet:
        fleet.meet(0)
        early = fleet.start()
        fleet.until(lambda: "no scheduler has been here yet" in fleet.log(early))
        scheduler = fleet.start("run")
        other = fleet.folder / "other.toml"
        other.write_text(
            fleet.config().replace('domains = ["acme.example"]', 'domains = ["acme.example", "b.example"]')
        )
        different = fleet.start(config=other)
        fleet.until(lambda: "differ" in fleet.log(different))
        fleet.until(lambda: fleet.hours() == 1.0)
        assert '"event": "read"' not in fleet.log(different)
        states = {worker["process"]: worker for worker in fleet.status()["workers"]}
        idle = states[fleet.running[different].pid]
        assert idle["state"] == "idle"
        assert "config or rules differ" in idle["reason"]
        (fleet.folder / "config.toml").write_text(other.read_text())
        fleet.send(scheduler, signal.SIGHUP)
        fleet.until(lambda: '"event": "read"' in fleet.log(different))
        fleet.until(lambda: "differ" in fleet.log(early))
        fleet.send(early, signal.SIGHUP)
        reads = fleet.log(early).count('"event": "read"')
        assert fleet.stop(different) == 0
        fleet.until(lambda: fleet.log(early).count('"event": "read"') > reads)


def test_two_versions_at_once(google: FakeGoogle, folder: Path, postgres_url: str, tmp_path: Path) -> None:
    """The next version adds a column: workers of this one finish what they do, take no more, and end with 0."""
    later = _next_version(tmp_path / "later")
    with Fleet(folder, postgres_url, google, people=60, every="2s") as fleet:
        for number in range(60):
            fleet.meet(number)
        scheduler = fleet.start("run")
        old = fleet.start()
        truth = fleet.truth()
        fleet.until(lambda: is_true(fleet, truth))
        late(google, 0.3)
        google.seen.clear()
        fleet.until(lambda: len(google.seen) > 3)
        asked = len(google.seen)
        upgraded = subprocess.run(
            [sys.executable, "-m", "daemon", "db", "upgrade"],
            cwd=fleet.folder, env=later, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert upgraded.returncode == 0, upgraded.stderr
        assert fleet.ended(old) == 0
        assert "store_upgraded" in fleet.log(old)
        assert len(google.seen) > asked, "what it had begun it finished"
        google.faults.clear()
        assert fleet.stop(scheduler) == 0
        fleet.meet(9, minutes=500)
        fleet.environment = later
        fleet.start("run")
        fleet.start()
        truth = fleet.truth()
        fleet.environment = {}
        fleet.until(lambda: _hours_of(fleet, later) == truth["man_hours"])


def _next_version(root: Path) -> dict[str, str]:
    """This version with one migration more; answers with the environment in which it is the one that runs."""
    for room in ("scoring", "connectors", "daemon"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    revision = f"{int(REVISIONS[-1]) + 1:04}"
    schema = root / "daemon" / "store" / "schema.py"
    schema.write_text(schema.read_text().replace(f'"{REVISIONS[-1]}")', f'"{REVISIONS[-1]}", "{revision}")'))
    (root / "daemon" / "store" / "migrations" / "versions" / f"v{revision}_more.py").write_text(
        f'"""One more."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{revision}"\n'
        f'down_revision = "{REVISIONS[-1]}"\n\n\ndef upgrade() -> None:\n'
        '    op.add_column("copies", sa.Column("more", sa.Text(), nullable=True))\n'
    )
    return {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}


def _hours_of(fleet: Fleet, environment: dict[str, str]) -> float | None:
    ran = subprocess.run(
        [sys.executable, "-m", "daemon", "report", "--month", MONTH, "--format", "json"],
        cwd=fleet.folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return float(json.loads(ran.stdout)["months"][0]["clients"][0]["man_hours"]) if ran.returncode == 0 else None


def test_a_digest_goes_out_once_however_many_do_it(google: FakeGoogle, folder: Path, postgres_url: str) -> None:
    """Six workers have the same digest's job at the same moment."""
    with FakeMail(security="none") as mail:
        more = DIGEST.format(port=mail.port)
        with Fleet(folder, postgres_url, google, people=3, every="60s", more=more) as fleet:
            for number in range(3):
                fleet.meet(number)
            assert fleet.company.run("sync").code == 0
            _make_due(folder, datetime.now(UTC))
            config = load(folder / "config.toml")
            database = Database(config.store_url())
            workers = [Jobs(Runtime(database=database), config, f"w{number}") for number in range(6)]
            threads = [threading.Thread(target=worker.digest, args=("leadership",)) for worker in workers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            database.close()
            assert Counter(who for message in mail.received for who in message.recipients) == {
                "ceo@northwind.example": 1,
                "coo@northwind.example": 1,
            }


def test_while_workers_are_killed_at_random_nothing_is_lost_and_nothing_sent_twice(
    google: FakeGoogle, folder: Path, postgres_url: str
) -> None:
    chance = random.Random(8)  # noqa: S311  # no secret depends on it
    with FakeMail(security="none") as mail:
        more = DIGEST.format(port=mail.port)
        with Fleet(folder, postgres_url, google, people=90, every="2s", more=more) as fleet:
            for number in range(90):
                fleet.meet(number)
            assert fleet.company.run("sync").code == 0
            late(google, 0.02)
            _make_due(folder, datetime.now(UTC) + timedelta(seconds=12))
            fleet.start("run")
            workers = [start_quick(fleet) for _ in range(3)]
            until = time.monotonic() + 35
            kills = 0
            while time.monotonic() < until:
                for _ in range(3):
                    fleet.meet(chance.randrange(90), minutes=chance.randrange(20, 200))
                time.sleep(chance.uniform(0.5, 2.0))
                victim = workers.pop(chance.randrange(len(workers)))
                if chance.random() < 0.8:
                    fleet.kill(victim)
                    kills += 1
                else:
                    fleet.stop(victim)
                workers.append(start_quick(fleet))
            assert kills > 5
            truth = fleet.truth()
            fleet.until(lambda: is_true(fleet, truth))
            states = {calendar["state"] for calendar in fleet.status()["calendars"]}
            assert states <= {"fresh", "stale"}, "everybody is read, though perhaps not at this moment"
        subjects = Counter(
            (who, message_from_bytes(message.content)["Subject"])
            for message in mail.received
            for who in message.recipients
        )
        assert len(subjects) == 2
        assert all(count == 1 for count in subjects.values()), subjects


def _make_due(folder: Path, at: datetime) -> None:
    """As if the digest's schedule came up then."""
    config = load(folder / "config.toml")
    database = Database(config.store_url())
    bring_up_to_date(database)
    with database.writing() as connection:
        set_digest_due(connection, config.digests[0], at)
    database.close()
