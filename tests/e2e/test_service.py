"""`rapport run`: what is due is done once, through restarts, a wrong clock, a wrong config, and until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from daemon.config.load import load
from daemon.service.local_backend import LocalBackend
from daemon.service.service import Service
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.schema import bring_up_to_date
from tests.e2e.company import CONFIG, Company
from tests.e2e.test_deliveries import ANA, CEO, JO, REST, entry, october
from tests.fakes.smtp import FakeMail

OCTOBER_END = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, 8, 0, 5, tzinfo=UTC)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for something that happens soon. Fails when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def one_meeting(mail: FakeMail, folder: Path, more: str) -> Company:
    """A company with a meeting in October, two calendars and a mail server. `more` of its config."""
    made = Company(folder)
    mail.ca_file(folder)
    (folder / "smtp.password").write_text("s3cret")
    (folder / "smtp.password").chmod(0o600)
    made.write_config(CONFIG + REST.format(port=mail.port) + more)
    made.put(JO, [entry("a", october(6), 60, ANA)])
    made.put(CEO, [])
    return made


@pytest.fixture
def company(mail: FakeMail, tmp_path: Path) -> Company:
    return one_meeting(mail, tmp_path, '\n[web]\nlisten = ""\n')


def touch(company: Company, moment: datetime) -> None:
    """The exports were written at this moment, so that they are known up to it (R11)."""
    for path in (company.folder / "calendars").glob("*.ics"):
        os.utime(path, (moment.timestamp(), moment.timestamp()))


class Clock:
    """What the service takes for the time."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def served(company: Company, clock: Clock) -> Iterator[Service]:
    """The service in this process, looking often."""
    config = load(company.folder / "config.toml")
    database = Database(config.store_url())
    bring_up_to_date(database)
    service = Service(config=config, database=database, clock=clock, tick_seconds=0.05)
    service.start()
    try:
        yield service
    finally:
        assert service.stop()
        database.close()


def was_read(service: Service, at: datetime) -> bool:
    with service.database.reading() as connection:
        found = read_calendars(connection)
    return bool(found) and all(calendar.last_success == at for calendar in found)


class TestDue:
    def test_at_the_first_start_calendars_are_read_and_no_digest_is_overdue(
        self, mail: FakeMail, company: Company
    ) -> None:
        clock = Clock(FIRST + timedelta(days=3))
        with served(company, clock) as service:
            until(lambda: was_read(service, clock.now))
            time.sleep(0.3)
        assert mail.received == []

    def test_a_digest_goes_out_when_it_is_due_and_once(self, mail: FakeMail, company: Company) -> None:
        clock = Clock(OCTOBER_END)
        with served(company, clock) as service:
            until(lambda: was_read(service, OCTOBER_END))
            touch(company, FIRST)
            clock.now = FIRST
            until(lambda: len(mail.received) == 4)
        for later in (FIRST + timedelta(hours=1), FIRST + timedelta(days=2)):
            with served(company, Clock(later)) as service:
                until(lambda at=later: was_read(service, at))  # type: ignore[misc]  # the loop's own moment
                time.sleep(0.3)
        assert len(mail.received) == 4

    def test_of_the_moments_missed_only_the_last_is_caught_up(self, mail: FakeMail, company: Company) -> None:
        with served(company, Clock(OCTOBER_END - timedelta(days=60))) as service:
            until(lambda: was_read(service, service.clock()))
        touch(company, FIRST)
        with served(company, Clock(FIRST + timedelta(hours=5))):
            until(lambda: len(mail.received) == 4)
            time.sleep(0.3)
        assert len(mail.received) == 4
        assert all(b"October" in message.content for message in mail.received)

    def test_a_digest_waits_for_calendars_that_are_late_and_then_goes_incomplete(
        self, mail: FakeMail, company: Company
    ) -> None:
        touch(company, OCTOBER_END)
        clock = Clock(OCTOBER_END)
        with served(company, clock) as service:
            until(lambda: was_read(service, OCTOBER_END))
            clock.now = FIRST
            until(lambda: was_read(service, FIRST))
            time.sleep(0.3)
            assert mail.received == [], "the exports are older than the month's end"
            clock.now = FIRST + timedelta(hours=24)
            until(lambda: len(mail.received) == 4)
        assert all(b"not read to the end of October" in message.content for message in mail.received)

    def test_a_reading_that_does_not_end_holds_a_digest_up_for_no_longer_than_it_waits(
        self, mail: FakeMail, company: Company
    ) -> None:
        clock = Clock(OCTOBER_END)
        with served(company, clock) as service:
            until(lambda: was_read(service, OCTOBER_END))
            assert isinstance(service.backend, LocalBackend)
            with service.backend._reading:  # as a pass of hours would
                clock.now = FIRST
                time.sleep(0.3)
                assert mail.received == []
                clock.now = FIRST + timedelta(hours=24)
                until(lambda: len(mail.received) == 4)

    def test_what_could_not_be_sent_is_tried_again_later(self, mail: FakeMail, company: Company) -> None:
        clock = Clock(OCTOBER_END)
        mail.fail("RCPT", "451 4.3.0 come back later")
        with served(company, clock) as service:
            until(lambda: was_read(service, OCTOBER_END))
            touch(company, FIRST)
            clock.now = FIRST
            until(lambda: len(mail.received) == 3)
            time.sleep(0.3)
            assert len(mail.received) == 3
            clock.now = FIRST + timedelta(minutes=2)
            until(lambda: len(mail.received) == 4)

    def test_a_look_that_comes_late_ends_with_the_service(self, company: Company) -> None:
        """Else the process would wait for its thread for ever."""
        with served(company, Clock(OCTOBER_END)) as service:
            looks = service.backend.looks()
        threads = [threading.Thread(target=look, daemon=True) for look in looks.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert not any(thread.is_alive() for thread in threads)

    def test_a_clock_set_back_does_not_stop_the_reading(self, company: Company) -> None:
        clock = Clock(FIRST + timedelta(days=30))
        with served(company, clock) as service:
            until(lambda: was_read(service, clock.now))
            back = FIRST + timedelta(days=1)
            clock.now = back
            time.sleep(0.2)
            clock.now = back + timedelta(minutes=15)
            until(lambda: was_read(service, clock.now))


class TestTheProcess:
    @contextmanager
    def running(self, company: Company, **environment: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            company.command("run"),
            cwd=company.folder,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def reads(self, company: Company) -> bool:
        ran = company.run("status", "--format", "json")
        return ran.code == 0 and bool(ran.json["calendars"])

    def test_it_reads_tells_who_holds_the_store_and_stops_when_told(self, company: Company) -> None:
        with self.running(company) as process:
            until((company.folder / "rapport.db.lock").exists)
            until(lambda: self.reads(company))
            second = company.run_apart("run")
            assert second.code == 1
            assert f"process {process.pid} on {socket.gethostname()}" in second.err
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert time.monotonic() - began < 10
        assert company.run("report", "--month", "2026-10").code == 0

    def test_a_wrong_config_is_refused_and_the_old_one_kept(self, company: Company) -> None:
        good = (company.folder / "config.toml").read_text("utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        good = good.replace('listen = ""', f'listen = "127.0.0.1:{port}"')
        company.write_config(good)
        kept = "so the one before is in force"

        def page(name: str) -> str:
            return requests.get(f"http://127.0.0.1:{port}/{name}", timeout=5).text

        with self.running(company) as process:
            until(lambda: self.reads(company))
            assert (page("readyz"), "rapport_config_refused 0.0" in page("metrics")) == ("ready\n", True)
            company.write_config(good.replace("timezone", "timezne"))
            process.send_signal(signal.SIGHUP)
            until(lambda: kept in page("readyz"))
            assert "rapport_config_refused 1.0" in page("metrics")
            company.write_config(good)
            until(lambda: kept in company.run("status").out)
            process.send_signal(signal.SIGHUP)
            until(lambda: page("readyz") == "ready\n")
            until(lambda: company.run("status", "--format", "json").json["config"] is None)
            assert "rapport_config_refused 0.0" in page("metrics")
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            told = process.stderr.read()
            assert process.wait(10) == 0
        assert "config_kept" in told
        assert "timezne" in told
        assert "config_reloaded" in told

    def test_an_address_that_is_taken_turns_off_the_web_alone(self, company: Company) -> None:
        good = (company.folder / "config.toml").read_text("utf-8")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            company.write_config(good.replace('listen = ""', f'listen = "127.0.0.1:{taken.getsockname()[1]}"'))
            with self.running(company) as process:
                until(lambda: self.reads(company))
                process.send_signal(signal.SIGTERM)
                assert process.stderr is not None
                told = process.stderr.read()
                assert process.wait(10) == 0
        assert "web_off" in told
        assert "Address already in use" in told

    def test_its_web_answers_while_it_runs_and_it_stops_all_the_same(self, company: Company) -> None:
        good = (company.folder / "config.toml").read_text("utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        company.write_config(good.replace('listen = ""', f'listen = "127.0.0.1:{port}"'))
        with self.running(company) as process:
            until(lambda: self.reads(company))
            answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
            assert (answer.status_code, answer.text) == (200, "ok\n")
            with socket.create_connection(("127.0.0.1", port), 5):  # somebody who says nothing
                process.send_signal(signal.SIGTERM)
                assert process.stderr is not None
                told = process.stderr.read()
                assert process.wait(10) == 0
        assert '"stopped"' in told
        assert "uvicorn" not in told

    def test_systemd_is_told_when_it_is_ready_and_when_it_stops(self, company: Company, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as observer:
            observer.bind(str(tmp_path / "notify"))
            observer.settimeout(15)
            with self.running(company, NOTIFY_SOCKET=str(tmp_path / "notify")) as process:
                assert b"READY=1" in observer.recv(1000)
                assert observer.recv(1000) == b"WATCHDOG=1"
                process.send_signal(signal.SIGINT)
                assert observer.recv(1000) == b"STOPPING=1"
                assert process.wait(10) == 0
