"""Health and metrics over HTTP: what is answered, to whom, and that nobody who asks holds the service up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from connectors.net.request_counts import RequestCounts
from connectors.net.retry import Again, Patience, patiently
from connectors.net.session import Session
from daemon.store.calendars import Calendar, add_calendar, change_calendar
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.deliveries import Delivery, State
from daemon.store.schema import bring_up_to_date
from daemon.sync.run_values import ConnectorResult, Failure
from daemon.web import server
from daemon.web.metrics import Metrics
from daemon.web.server import Web
from daemon.web.snapshot import Snapshot, snapshot_of, take_snapshot
from scoring.months.month import Month
from tests.daemon.worlds import config_of
from tests.fakes.slack import FakeSlack

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TOKEN = "correct-horse-battery"


@dataclass
class Well:
    """A service whose health is said by the test."""

    turns: bool = True
    state: tuple[bool, str] = (True, "")
    hangs: threading.Event | None = None
    asked: int = 0

    def alive(self) -> bool:
        return self.turns

    def ready(self) -> tuple[bool, str]:
        self.asked += 1
        if self.hangs is not None:
            self.hangs.wait(10)
        return self.state


@dataclass
class Site:
    """The web of a service, listening."""

    health: Well = field(default_factory=Well)
    metrics: Metrics = field(default_factory=lambda: Metrics(request_counts=RequestCounts()))
    token: str | None = None
    listen: str = "127.0.0.1"
    web: Web = field(init=False)

    def __enter__(self) -> Site:
        self.web = Web((self.listen, 0), self.token, self.health, self.metrics)
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()

    def ask(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, f"http://127.0.0.1:{self.web.port}{path}", headers=named, timeout=5)

    def say(self, text: bytes) -> bytes:
        """Bytes as they are, and all that comes back."""
        with closing(socket.create_connection(("127.0.0.1", self.web.port), 5)) as line:
            line.sendall(text)
            return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def site(shared: Site) -> Site:
    """One for all, since closing takes a while; as if it were new."""
    vars(shared.health).clear()  # the object stays, since the web holds it
    vars(shared.health).update(vars(Well()))
    return shared


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def drip(port: int, start: bytes, number: int, full: threading.Event, over: threading.Event) -> None:
    """So many send a byte now and then, without ever asking; they come again when they are cut off.

    `full` is set once all have come.
    """
    lines: dict[int, socket.socket] = {}
    while not over.is_set():
        for place in range(number):
            try:
                if place not in lines:
                    lines[place] = socket.create_connection(("127.0.0.1", port), 5)
                    lines[place].sendall(start)
                    time.sleep(0.0005)
                lines[place].sendall(b"x")
            except OSError:
                lines.pop(place).close()
        full.set()
    for line in lines.values():
        line.close()


def ended(line: socket.socket) -> bool:
    """Whether the other side has let go of it."""
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


class TestPages:
    def test_alive_while_the_loop_turns(self, site: Site) -> None:
        assert (site.ask("/healthz").status_code, site.ask("/healthz").text) == (200, "ok\n")
        site.health.turns = False
        assert site.ask("/healthz").status_code == 503

    def test_a_store_that_is_away_makes_it_unready_and_leaves_it_alive(self, site: Site) -> None:
        assert site.ask("/readyz").status_code == 200
        site.health.state = (False, "the store does not answer")
        answer = site.ask("/readyz")
        assert (answer.status_code, answer.text) == (503, "the store does not answer\n")
        assert site.ask("/healthz").status_code == 200

    def test_numbers_are_as_prometheus_reads_them(self, site: Site) -> None:
        answer = site.ask("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "rapport_build_info" in {family.name for family in text_string_to_metric_families(answer.text)}

    def test_head_has_the_headers_alone(self, site: Site) -> None:
        answer = site.say(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"content-length: 3\r\n" in answer.lower()
        assert answer.endswith(b"\r\n\r\n")

    @pytest.mark.parametrize("path", ["/", "/healthz/", "/../etc/passwd", "/%2e%2e/", "/metrics.txt"])
    def test_nothing_else_is_there(self, site: Site, path: str) -> None:
        assert site.ask(path).status_code == 404

    def test_a_query_is_of_no_matter(self, site: Site) -> None:
        assert site.ask("/healthz?full=1").status_code == 200

    def test_answers_are_kept_by_nobody_and_tell_no_version(self, site: Site) -> None:
        headers = site.ask("/healthz").headers
        assert (headers["Server"], headers["Cache-Control"], headers["Connection"]) == ("rapport", "no-store", "close")

    def test_a_defect_is_told_in_the_log_alone(self, site: Site) -> None:
        site.health.ready = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]  # a defect, made on purpose
        with capture_logs() as logs:
            answer = site.ask("/readyz")
        assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
        assert [line["event"] for line in logs] == ["page_defect"]


def test_a_service_without_a_web_imports_none() -> None:
    code = "import sys, daemon.commands.run; print({'uvicorn', 'starlette', 'anyio', 'h11'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


class TestWhoMayAsk:
    @pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:8377", "[::1]:8377", "LOCALHOST"])
    def test_names_of_this_machine(self, site: Site, host: str) -> None:
        assert site.ask("/healthz", Host=host).status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.7", "localhost.evil.example"])
    def test_a_forged_name_is_refused(self, site: Site, host: str) -> None:
        assert site.ask("/metrics", Host=host).status_code == 421

    @pytest.mark.parametrize("host", ["localhost@evil.example", "localhost/evil", "", "localhost:x", "[::1", "a b"])
    def test_a_garbled_name_is_refused(self, site: Site, host: str) -> None:
        answer = site.say(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert status_of(answer) in (400, 421)

    @pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n"])
    def test_exactly_one_name_is_needed(self, site: Site, hosts: bytes) -> None:
        assert status_of(site.say(b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n")) == 400

    @pytest.mark.parametrize(
        "given",
        [
            None,
            "Bearer wrong",
            f"Basic {TOKEN}",
            TOKEN,
            f"Bearer {TOKEN}x",
            "Bearer ",
            f"Bearer {TOKEN[:-1]}",
            "Bearer ß",
        ],
    )
    def test_without_the_token_nothing_is_told(self, given: str | None) -> None:
        with Site(token=TOKEN) as site:
            for path in ("/healthz", "/readyz", "/metrics", "/nowhere"):
                line = f"Authorization: {given}\r\n" if given is not None else ""
                answer = site.say(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n".encode())
                assert status_of(answer) == 401
                assert b"www-authenticate: bearer" in answer.lower()

    def test_the_token_in_its_header_opens(self) -> None:
        with Site(token=TOKEN) as site:
            assert site.ask("/metrics", Authorization=f"Bearer {TOKEN}").status_code == 200
            assert site.ask("/metrics", Authorization=f"bearer {TOKEN}").status_code == 200
            assert site.ask(f"/metrics?token={TOKEN}").status_code == 401

    def test_two_tokens_are_none(self) -> None:
        with Site(token=TOKEN) as site:
            twice = f"Authorization: Bearer {TOKEN}\r\n" * 2
            assert status_of(site.say(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{twice}\r\n".encode())) == 401

    def test_listening_everywhere_the_token_decides(self) -> None:
        """A pod is asked by its address, a service by its name; who was led here by a forged name has no token."""
        with Site(token=TOKEN, listen="0.0.0.0") as site:  # noqa: S104  # what a container listens on
            given = {"Authorization": f"Bearer {TOKEN}"}
            assert site.ask("/healthz", Host="10.1.2.3:8377", **given).status_code == 200
            assert site.ask("/healthz", Host="rapport:8377", **given).status_code == 200
            assert site.ask("/healthz", Host="rapport:8377").status_code == 401


class TestBounds:
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"])
    def test_only_reading_is_allowed(self, site: Site, method: str) -> None:
        answer = site.ask("/healthz", method)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")

    def test_a_body_is_refused_with_an_answer(self, site: Site) -> None:
        url = f"http://127.0.0.1:{site.web.port}/healthz"
        assert requests.post(url, data=b"x" * 30_000, timeout=5).status_code == 405

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
            (
                b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X: 1\r\n" for _ in range(200)) + b"\r\n",
                431,
            ),
            (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # TLS where none is spoken
            (b"GET /healthz\r\n\r\n", 400),  # HTTP/0.9 names no host
            (b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
        ],
    )
    def test_what_is_no_request_is_refused_in_a_line(self, site: Site, text: bytes, status: int) -> None:
        answer = site.say(text)
        assert b"Traceback" not in answer
        assert len(answer) < 500
        assert status_of(answer) == status
        assert site.ask("/healthz").status_code == 200

    def test_who_drips_is_cut_off_at_the_deadline(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "SECONDS_FOR_A_REQUEST", 0.3)
        began = time.monotonic()
        with closing(socket.create_connection(("127.0.0.1", site.web.port), 5)) as line:
            with pytest.raises(OSError):
                for _ in range(100):
                    line.sendall(b"X")
                    time.sleep(0.02)
            assert time.monotonic() - began < 1.5

    @pytest.mark.parametrize(
        "start",
        [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
         b"POST /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"],
        ids=["a line", "headers", "a body"],
    )  # fmt: skip
    def test_more_who_drip_than_there_are_places_leave_health_answered(self, site: Site, start: bytes) -> None:
        """All from one address, the one that asks for health too, and back as soon as they are cut off."""
        full, over = threading.Event(), threading.Event()
        number = server.MOST_CONNECTIONS + 40
        dripping = threading.Thread(target=drip, args=(site.web.port, start, number, full, over))
        dripping.start()
        try:
            assert full.wait(5)
            began = time.monotonic()
            answers = [site.ask("/healthz").status_code for _ in range(30)]
            assert answers == [200] * 30
            assert time.monotonic() - began < 3
        finally:
            over.set()
            dripping.join()

    def test_who_asked_is_not_cut_off_for_who_did_not(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "MOST_CONNECTIONS", 20)
        site.health.hangs = threading.Event()
        with ExitStack() as lines:
            asked = lines.enter_context(closing(socket.create_connection(("127.0.0.1", site.web.port), 5)))
            asked.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(lambda: site.health.asked == 1)
            for _ in range(24):
                lines.enter_context(closing(socket.create_connection(("127.0.0.1", site.web.port), 5)))
            assert site.ask("/healthz").status_code == 200
            site.health.hangs.set()
            assert status_of(asked.recv(65536)) == 200

    def test_a_crowd_from_one_address_cuts_off_its_own(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "MOST_CONNECTIONS", 20)
        with ExitStack() as lines:
            elsewhere = socket.create_connection(("127.0.0.1", site.web.port), 5, ("127.0.0.2", 0))
            lines.enter_context(closing(elsewhere))
            crowd = [
                lines.enter_context(closing(socket.create_connection(("127.0.0.1", site.web.port), 5)))
                for _ in range(25)
            ]
            assert [ended(line) for line in crowd[:6]] == [True] * 6, "those who came first"
            for line in (elsewhere, crowd[-1]):
                line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert status_of(line.recv(65536)) == 200

    def test_a_store_that_hangs_leaves_health_answered(self, site: Site) -> None:
        site.health.hangs = threading.Event()
        threads = [threading.Thread(target=site.ask, args=("/readyz",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: site.health.asked == 4)
        busy = site.ask("/readyz")
        assert (busy.status_code, busy.text) == (503, "busy\n")
        assert site.ask("/healthz").status_code == 200
        site.health.hangs.set()
        for thread in threads:
            thread.join()

    def test_a_store_that_hangs_does_not_hold_the_end_up(self) -> None:
        with Site() as site:
            site.health.hangs = threading.Event()
            with closing(socket.create_connection(("127.0.0.1", site.web.port), 5)) as line:
                line.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                until(lambda: site.health.asked == 1)
                began = time.monotonic()
                site.web.close()
                assert time.monotonic() - began < 3
            left = [thread for thread in threading.enumerate() if thread.name.startswith(("web", "AnyIO"))]
            assert all(thread.daemon for thread in left)  # so that the process can end
            site.health.hangs.set()

    def test_garbage_after_the_request_is_neither_answered_nor_logged(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        text = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n"
        assert site.say(text) == b""
        assert caplog.records == []

    def test_closing_frees_the_port_and_may_come_twice(self) -> None:
        with Site() as site:
            port = site.web.port
        site.web.close()
        again = Web(("127.0.0.1", port), None, Well(), Metrics(request_counts=RequestCounts()))
        again.close()

    def test_a_port_in_use_is_an_error_that_says_so(self, site: Site) -> None:
        with pytest.raises(OSError, match="in use"):
            Web(("127.0.0.1", site.web.port), None, Well(), Metrics(request_counts=RequestCounts()))


def calendar(connector: str, number: int, **state: object) -> Calendar:
    values: dict[str, object] = dict.fromkeys(Calendar.__slots__)
    values |= {"id": number, "connector": connector, "key": str(number), "aliases": (), "joined": "", "standing": False}
    return Calendar(**{**values, "address": f"p{number}@northwind.example", **state})  # type: ignore[arg-type]  # by name


def delivery(number: int, state: State) -> Delivery:
    values: dict[str, object] = dict.fromkeys(Delivery.__slots__)
    values |= {
        "id": number,
        "digest": "leadership",
        "month": Month("2026-10"),
        "recipient": "email:x@northwind.example",
    }
    return Delivery(**{**values, "state": state})  # type: ignore[arg-type]  # by name


class TestNumbers:
    def test_a_pass_is_counted_by_connector_and_error_alone(self) -> None:
        metrics = Metrics(request_counts=RequestCounts())
        failed = [Failure(calendar="jo@northwind.example", code="forbidden", message="Ask jo@northwind.example")]
        for _ in range(2):
            result = ConnectorResult(
                name="m365", calendars=3, synced=2, failed=failed, requests=9, entries=40, changed=4
            )
            metrics.run_ended([result], 1.5)
        metrics.rescored(0.2)
        metrics.delivered("sent")
        found = samples(metrics)
        assert found["rapport_calendars_read_total", "m365"] == 4
        assert found["rapport_calendars_failed_total", "m365", "forbidden"] == 2
        assert found["rapport_entries_total", "m365"] == 80
        assert found["rapport_changes_total", "m365"] == 8
        assert found["rapport_connector_requests_total", "m365"] == 18
        assert found["rapport_phase_seconds_sum", "pass"] == 3
        assert found["rapport_phase_seconds_count", "rescore"] == 1
        assert found["rapport_deliveries_total", "sent"] == 1
        assert "@" not in metrics.text().decode()

    def test_requests_are_counted_where_they_are_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counts = RequestCounts()
        monkeypatch.setattr("connectors.net.session.REQUEST_COUNTS", counts)
        with FakeSlack() as slack:
            session = Session(ca_file=None, proxy=None, timeout_seconds=5)
            assert session.post(f"{slack.api_url}auth.test?secret=1").status_code == 200
        with pytest.raises(requests.ConnectionError):
            session.get("http://127.0.0.1:1/")
        found = samples(Metrics(request_counts=counts))
        assert found["rapport_http_requests_total", "127.0.0.1", "200"] == 1
        assert found["rapport_http_requests_total", "127.0.0.1", "none"] == 1

    def test_retries_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counts = RequestCounts()
        monkeypatch.setattr("connectors.net.retry.REQUEST_COUNTS", counts)

        def fail() -> None:
            raise Again("busy", "not now")

        with pytest.raises(Again):
            patiently(fail, Patience(tries=3), lambda _: None)
        assert samples(Metrics(request_counts=counts))["rapport_http_retries_total",] == 2

    def test_hosts_do_not_grow_without_end(self) -> None:
        counts = RequestCounts()
        for number in range(60):
            counts.request(f"h{number}.example", 200)
        assert len(counts.requests()) == 51
        assert counts.requests()["other", "200"] == 10

    def test_states_that_nothing_is_in_are_zero(self) -> None:
        read = [
            calendar("m365", 1, last_success=NOW - timedelta(minutes=5)),
            calendar("m365", 2, last_success=NOW - timedelta(hours=5), error_code="forbidden"),
            calendar("m365", 3),
            calendar("m365", 4, left_at=NOW, last_success=NOW),
            calendar("files", 5, standing=True),
        ]
        sent = [delivery(1, State.SENT), delivery(2, State.UNKNOWN)]
        found = snapshot_of(read, sent, NOW, timedelta(minutes=15))
        assert {state: found.calendars["m365", state] for state in ("fresh", "failing", "never_read", "stale")} == {
            "fresh": 1, "failing": 1, "never_read": 1, "stale": 0,
        }  # fmt: skip
        assert found.calendars["files", "unreadable"] == 1
        assert (found.digests["sent"], found.digests["unknown"], found.digests["failed"]) == (1, 1, 0)
        assert found.reading_age_seconds == {"m365": 300.0}

    def test_the_store_is_asked_at_each_scrape(self, tmp_path: Path) -> None:
        database = Database(f"sqlite:///{tmp_path / 'rapport.db'}")
        bring_up_to_date(database)
        with database.writing() as connection:
            number = add_calendar(connection, connector="m365", key="1", address="jo@northwind.example", joined="x")
        moment = [NOW]
        config = config_of(tmp_path)
        metrics = Metrics(lambda: take_snapshot(database, config, moment[0]), RequestCounts())
        assert samples(metrics)["rapport_calendars", "m365", "never_read"] == 1
        with database.writing() as connection:
            change_calendar(connection, number, last_success=NOW)
        moment[0] += timedelta(minutes=10)
        found = samples(metrics)
        assert (found["rapport_calendars", "m365", "fresh"], found["rapport_store_up",]) == (1, 1)
        assert found["rapport_last_reading_age_seconds", "m365"] == 600
        database.close()

    def test_a_store_that_is_away_takes_no_other_number_with_it(self) -> None:
        state = [Snapshot(digests={"sent": 3})]

        def ask() -> Snapshot:
            if not state:
                raise StoreError("the store is away", "Start it.")
            return state[0]

        metrics = Metrics(ask, RequestCounts())
        assert samples(metrics)["rapport_store_up",] == 1
        state.clear()
        metrics.delivered("sent")
        found = samples(metrics)
        assert (found["rapport_store_up",], found["rapport_deliveries_total", "sent"]) == (0, 1)
        assert ("rapport_digests", "sent") not in found


class TestProbe:
    """What a container asks itself with: the config's address and token, exit 0 or 1."""

    @pytest.fixture
    def served(self, tmp_path: Path) -> Iterator[tuple[Site, dict[str, str]]]:
        with Site(token=TOKEN, listen="0.0.0.0") as site:  # noqa: S104  # what a container listens on
            (tmp_path / "web.token").write_text(f"{TOKEN}\n")
            config = tmp_path / "config.toml"
            config.write_text(f'[web]\nlisten = "0.0.0.0:{site.web.port}"\ntoken = {{ file = "web.token" }}\n')
            yield site, {**os.environ, "RAPPORT_CONFIG": str(config)}

    def _run(self, environment: dict[str, str], path: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "daemon.web.probe", path]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert TOKEN not in ran.stdout + ran.stderr
        return ran.returncode, ran.stdout

    def test_it_says_what_the_service_says(self, served: tuple[Site, dict[str, str]]) -> None:
        site, environment = served
        assert self._run(environment, "/healthz") == (0, "ok\n")
        site.health.state = (False, "the store does not answer")
        assert self._run(environment, "/readyz") == (1, "the store does not answer\n")
        site.web.close()
        assert self._run(environment, "/healthz")[0] == 1
