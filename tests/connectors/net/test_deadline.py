"""No answer takes longer than its deadline, nor more memory than its bound, whoever asks: each connector and sender."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import Message
from functools import cache
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, RetryLater
from connectors.net.deadline import Deadline
from connectors.net.retry import Again, Patience
from connectors.net.session import Session, exchange
from connectors.senders.slack import Settings, connect
from tests.fakes.google import FakeGoogle
from tests.fakes.google_client import workspace
from tests.fakes.http_fake import DRIPS, Answer, HttpFake, json_answer
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_client import tenant
from tests.fakes.reading import JO, pull
from tests.fakes.slack import HOOK, TOKEN, FakeSlack
from tests.fakes.slack_client import ALONE, CONTEXT, envelope

TIMEOUT = 0.25  # of one step; an answer has twice that
ONCE = Patience(tries=1, seconds=1.0, first_wait_seconds=0.01)


class Web(HttpFake):
    """Answers as it is told, and a `{}` after that; knows how many connections there were."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self.connections: set[str] = set()

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:  # noqa: ARG002  # HttpFake's
        return self.answers.pop(0) if self.answers else json_answer(200, {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as made:
        yield made


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(ca_file=None, proxy=None, timeout_seconds=TIMEOUT) as made:
        yield made


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize("drip", DRIPS)
def test_an_answer_that_trickles_ends_at_the_deadline(web: Web, session: Session, drip: str) -> None:
    web.answers = [Answer(200, b"", drip=drip)]
    with within(4 * TIMEOUT), pytest.raises(Again) as raised:
        exchange(session, "GET", web.url)
    assert raised.value.code == "slow"


def test_a_connection_that_is_used_again_has_its_deadline_too(web: Web, session: Session) -> None:
    web.answers = [json_answer(200, {}), Answer(200, b"", drip="one header")]
    assert exchange(session, "GET", web.url)[0] == 200
    with within(4 * TIMEOUT), pytest.raises(Again):
        exchange(session, "GET", web.url)


def test_whoever_answers_in_time_is_not_cut_off_later(web: Web, session: Session) -> None:
    assert exchange(session, "GET", web.url)[0] == 200
    time.sleep(3 * TIMEOUT)  # a deadline that outlived its answer would shut the connection that is kept
    assert exchange(session, "GET", web.url)[0] == 200


def test_a_proxy_that_trickles_ends_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(100):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Session(ca_file=None, proxy=proxy, timeout_seconds=TIMEOUT) as session,
            within(4 * TIMEOUT),
            pytest.raises(Again) as raised,
        ):
            exchange(session, "GET", "https://calendar.example/")
        assert raised.value.code == "slow"
        thread.join()


ASKING = ["Google's directory", "Google", "Google's tokens", "Graph", "Microsoft's tokens", "Slack", "a webhook"]


@pytest.fixture
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Asks by the real client library a provider whose answer goes wrong as told."""
    who: str = request.param
    if who.startswith("Google"):
        with FakeGoogle() as google:
            google.world.add(JO)
            google.world.add("admin@northwind.example", admin=True)
            everybody = {"calendars": ["*"], "admin": "admin@northwind.example"} if "directory" in who else {}
            calendars = workspace(google, tmp_path, patience=ONCE, timeout_seconds=TIMEOUT, **everybody)
            path = {"Google": "/calendar/", "Google's tokens": "/token"}.get(who, "/users")

            def ask(drip: str) -> None:
                google.fail(path=path, drip=drip)
                calendars.people() if "directory" in who else pull(calendars)

            yield ask
            calendars.close()
    elif who in ("Graph", "Microsoft's tokens"):
        with FakeMicrosoft() as graph:
            graph.world.add(JO)
            calendars = tenant(graph, tmp_path, patience=ONCE, timeout_seconds=TIMEOUT)

            def ask(drip: str) -> None:
                graph.fail(path="/calendarView" if who == "Graph" else "/oauth2/v2.0/token", drip=drip)
                pull(calendars)

            yield ask
            calendars.close()
    else:
        with FakeSlack() as slack:
            given = {"token": TOKEN} if who == "Slack" else {"webhook_url": slack.webhook_url}
            made = connect(Settings(api_url=slack.api_url, **given), replace(CONTEXT, timeout_seconds=TIMEOUT))

            def ask(drip: str) -> None:
                slack.fail("chat.postMessage" if who == "Slack" else HOOK, drip=drip)
                made.send(ALONE, envelope())

            yield ask
            made.close()


@pytest.mark.parametrize("asked", ASKING, indirect=True)
@pytest.mark.parametrize("drip", ["headers", "body of a length", "continue"])
def test_nobody_is_waited_for_longer(asked: Callable[[str], None], drip: str) -> None:
    with within(2.0), pytest.raises(ConnectorError):
        asked(drip)


@cache
def bomb() -> bytes:
    """100 MB of blanks."""
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(b" " * 2**20) for _ in range(100)) + packer.flush()


PACKED = {"Content-Encoding": "gzip"}


def test_an_answer_that_unpacks_without_end_is_let_go(web: Web) -> None:
    web.answers = [Answer(200, bomb(), PACKED)]
    tracemalloc.start()
    with Session(ca_file=None, proxy=None, timeout_seconds=10.0) as session, pytest.raises(RetryLater) as error:
        exchange(session, "GET", web.url)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.value.code == "too_large"
    assert "64 MB" in error.value.what
    assert peak_bytes < 80 * 2**20


@pytest.mark.parametrize("status", [302, 307])
def test_the_body_of_a_redirect_is_not_read(web: Web, session: Session, status: int) -> None:
    web.answers = [Answer(status, bomb(), {"Location": "/next", **PACKED})]
    assert exchange(session, "GET", web.url)[::2] == (status, b"")


def test_a_refusal_is_read_as_far_as_anybody_could_want(web: Web, session: Session) -> None:
    """Its status says what to do, so that one without end is a refusal all the same."""
    web.answers = [Answer(404, bomb(), PACKED), Answer(403, gzip.compress(b'{"error": 1}'), PACKED)]
    status, _, body = exchange(session, "GET", web.url)
    assert (status, len(body)) == (404, 2**20)
    assert exchange(session, "GET", web.url)[::2] == (403, b'{"error": 1}')


def test_addresses_of_a_host_are_not_tried_beyond_the_deadline() -> None:
    """Each has its timeout; many that do not answer must not have theirs one after the other."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        held = [socket.socket() for _ in range(3)]
        for waiting in held:  # the kernel's queue, so that nobody else gets in
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        deadline = Deadline(2 * TIMEOUT)
        with (
            Session(
                ca_file=None, proxy=None, timeout_seconds=TIMEOUT, deadline=deadline, addresses=["127.0.0.1"] * 20
            ) as session,
            within(4 * TIMEOUT),
            pytest.raises(Again) as raised,
        ):
            exchange(session, "GET", f"http://calendar.example:{port}/")
        assert raised.value.code == "slow"
        deadline.close()
        for waiting in held:
            waiting.close()
