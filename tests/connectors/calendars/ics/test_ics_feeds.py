"""Feeds, against real servers: what is asked, what is refused, what is tried again, and what is never told."""

from __future__ import annotations

import gzip
import http.server
import logging
import socket
import ssl
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trustme

from connectors.calendars.ics import Settings, feed_addresses, feeds, files
from connectors.calendars.ics.connector import IcsCalendars
from connectors.calendars.ics.feed_addresses import Network, feed_address
from connectors.calendars.ics.feeds import FeedSource, content_hash, fetch_feed
from connectors.contract import Context
from connectors.errors import ConnectorError, RetryLater, SkipCalendar, sentence
from connectors.net.clock_skew import observed
from connectors.net.ip_addresses import is_inner
from connectors.net.request_counts import REQUEST_COUNTS
from connectors.settings import Secret
from tests.connectors.calendars.ics.ics_support import ALWAYS, NOW, OWNER, Found, calendar, event, pull

BODY = calendar(event())
SECRET = "/private-swordfish/basic.ics"
Answer = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the test's script says, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        script = self.server.script
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.script: list[Answer] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


def says(status: int = 200, body: bytes = BODY, **headers: str) -> Answer:
    return lambda handler: handler.answer(status, body, **headers)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as started:
        yield started


@pytest.fixture
def reading(tmp_path: Path, server: Server) -> Iterator[Callable[..., Found]]:
    calendars = feed_connector(tmp_path, f"http://127.0.0.1:{server.port}{SECRET}")

    def read(*script: Answer, cursor: str | None = None, now: datetime = NOW, **settings: str) -> Found:
        server.script = list(script) or [says()]
        (person,) = calendars.people().people
        return pull(calendars, person, cursor=cursor, now=now, **settings)  # type: ignore[arg-type]  # titles_of alone

    yield read
    calendars.close()


def feed_connector(folder: Path, url: str, timeout_seconds: float = 1.0, **context: object) -> IcsCalendars:
    settings = {"name": "exports", "kind": "ics", "feeds": [{"owner": OWNER, "url": url}]}
    given = Context(folder=folder, zone=ZoneInfo("Europe/London"), timeout_seconds=timeout_seconds, **context)  # type: ignore[arg-type]  # keywords of one test
    return IcsCalendars(Settings.model_validate(settings), given)


def fetch(url: str, **network: object) -> feeds.FetchedFeed:
    """A feed asked for without a calendar around it."""
    source = FeedSource(OWNER, Secret.model_validate(url), 1)
    return fetch_feed(source, None, Path(), Network(**{"timeout_seconds": 1.0, **network}))  # type: ignore[arg-type]  # keywords of one test


def test_a_feed_is_read(reading: Callable[..., Found], server: Server) -> None:
    found = reading()
    assert (len(found.copies), found.done.full, found.done.requests) == (1, True, 1)
    assert found.done.read_through == NOW
    ((path, headers),) = server.asked
    assert path == SECRET
    assert "calendar" in headers["Accept"]


def test_a_feed_as_it_was_costs_one_empty_answer(reading: Callable[..., Found], server: Server) -> None:
    modified = "Sat, 21 Nov 2026 10:00:00 GMT"
    found = reading(says(ETag='"v1"', Last_Modified=modified))
    again = reading(says(304), cursor=found.done.cursor, now=NOW + timedelta(hours=1))
    assert (again.done.full, again.pages, again.done.requests) == (False, (), 1)
    assert again.done.read_through == NOW + timedelta(hours=1)
    asked = server.asked[-1][1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', modified)
    third = reading(says(304), cursor=again.done.cursor)
    assert not third.done.full


def test_a_feed_that_knows_no_conditions_is_compared(reading: Callable[..., Found]) -> None:
    """Google writes the time of asking into every DTSTAMP."""
    found = reading(says(body=calendar(event("DTSTAMP:20261121T100000Z"))))
    again = reading(says(body=calendar(event("DTSTAMP:20261121T110000Z"))), cursor=found.done.cursor)
    assert (again.done.full, again.done.requests) == (False, 1)
    changed = reading(says(body=calendar(event("SUMMARY:new"))), cursor=found.done.cursor)
    assert (changed.done.full, changed.copy.title) == (True, "new")


def test_content_hash_ignores_stamps_only() -> None:
    assert content_hash(b"A\r\nDTSTAMP:1\r\nB") == content_hash(b"A\r\nDTSTAMP;X=1:2\r\nB") != content_hash(b"A\r\nC")


def test_other_titles_do_not_ask_a_feed_again(reading: Callable[..., Found]) -> None:
    found = reading(says(ETag="1"))
    assert not reading(says(304), cursor=found.done.cursor, titles_of="others").done.full


def test_a_moved_window_asks_without_conditions(reading: Callable[..., Found], server: Server) -> None:
    found = reading(says(ETag="1"))
    assert reading(says(ETag="1"), cursor=found.done.cursor, window=ALWAYS).done.full
    assert "If-None-Match" not in server.asked[-1][1]


def test_another_address_asks_without_conditions(tmp_path: Path, server: Server) -> None:
    """A 304 of another calendar must not pass for this one."""
    server.script = [says(ETag="1")]
    source = FeedSource(OWNER, Secret.model_validate(f"http://127.0.0.1:{server.port}/new"), 1)
    known = fetch(f"http://127.0.0.1:{server.port}/old").mark
    assert fetch_feed(source, known, tmp_path, Network(timeout_seconds=1.0)).data == BODY
    assert "If-None-Match" not in server.asked[-1][1]


def test_a_file_and_a_feed_of_one_owner(tmp_path: Path, server: Server, opened: Callable[..., IcsCalendars]) -> None:
    """When the file changes the feed is needed too, whole; it reaches as far as the file."""
    (tmp_path / f"{OWNER}.ics").write_bytes(calendar(event(uid="file")))
    url = f"http://127.0.0.1:{server.port}{SECRET}"
    calendars = opened(files=["*.ics"], feeds=[{"owner": OWNER, "url": url}])
    (person,) = calendars.people().people
    server.script = [says(ETag="1")]
    now = datetime.now(UTC) + timedelta(minutes=1)
    found = pull(calendars, person, now=now)
    micros = (tmp_path / f"{OWNER}.ics").stat().st_mtime_ns // 1000
    written = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    assert (len(found.copies), found.done.read_through) == (2, written)
    server.script = [says(304)]
    assert not pull(calendars, person, now=now, cursor=found.done.cursor).done.full
    server.script = [says(ETag="1")]
    (tmp_path / f"{OWNER}.ics").write_bytes(calendar(event(uid="file"), event(uid="more")))
    again = pull(calendars, person, now=now, cursor=found.done.cursor)
    assert (again.done.full, len(again.copies)) == (True, 3)
    assert "If-None-Match" not in server.asked[-1][1]


def test_two_feeds_of_one_owner(server: Server, opened: Callable[..., IcsCalendars]) -> None:
    """Where one changed and the other answered that it did not, the other is asked for again."""
    urls = [f"http://127.0.0.1:{server.port}/{number}" for number in (1, 2)]
    calendars = opened(feeds=[{"owner": OWNER, "url": url} for url in urls])
    (person,) = calendars.people().people
    server.script = [says(ETag="1"), says(ETag="2")]
    found = pull(calendars, person)
    assert len({copy.entry for copy in found.copies}) == 2
    server.script = [says(304), says(body=calendar(event("SUMMARY:new"))), says(ETag="1")]
    again = pull(calendars, person, cursor=found.done.cursor)
    assert (again.done.full, again.done.requests, len(again.copies)) == (True, 3, 2)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
def test_compressed(reading: Callable[..., Found], server: Server, encoding: str) -> None:
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(BODY),
        "deflate": zlib.compress(BODY),
        "raw deflate": raw.compress(BODY) + raw.flush(),
    }
    assert len(reading(says(body=packed[encoding], Content_Encoding=encoding.removeprefix("raw "))).copies) == 1
    assert server.asked[0][1]["Accept-Encoding"] == "gzip, deflate"


def test_a_bomb_of_gzip(reading: Callable[..., Found]) -> None:
    packer = zlib.compressobj(wbits=31)
    block = b"\n" * 2**20
    bomb = b"".join(packer.compress(block) for _ in range(200)) + packer.flush()
    assert len(bomb) < 2**20
    with pytest.raises(SkipCalendar, match="64 MB") as caught:
        reading(says(body=bomb, Content_Encoding="gzip"))
    assert caught.value.code == "too_large"


def drip(start: bytes, piece: bytes) -> Answer:
    """A server that never stops sending, a little at a time, so that no single wait is long."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(start)
        for _ in range(400):
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(0.05)

    return send


DRIPS = {
    "body of a length": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "body without a length": drip(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, b"\n"),
    "chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header": drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "nothing": drip(b"", b""),
}


@pytest.mark.parametrize("name", DRIPS)
def test_a_dripping_server_cannot_hold_a_round(server: Server, name: str) -> None:
    """One deadline for the whole, twice the time for one step."""
    server.script = [DRIPS[name]]
    began = time.monotonic()
    with pytest.raises(RetryLater, match="took too long"):
        fetch(f"http://127.0.0.1:{server.port}{SECRET}", timeout_seconds=0.4)
    assert time.monotonic() - began < 2


def test_a_body_cut_short_is_tried_again(server: Server) -> None:
    def cut(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + BODY)

    server.script = [cut, says()]
    assert fetch(f"http://127.0.0.1:{server.port}{SECRET}").data == BODY


REFUSALS = {
    401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found", 400: "refused", 204: "refused",
    304: "refused", 300: "refused",
}  # fmt: skip


@pytest.mark.parametrize("status", REFUSALS)
def test_refusals(reading: Callable[..., Found], server: Server, status: int) -> None:
    with pytest.raises(SkipCalendar) as caught:
        reading(says(status))
    assert caught.value.code == REFUSALS[status]
    assert caught.value.remedy
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_passing_failures_are_tried_three_times(reading: Callable[..., Found], server: Server, status: int) -> None:
    with pytest.raises(RetryLater) as caught:
        reading(says(status))
    assert caught.value.code == "overloaded"
    assert caught.value.after_seconds is None
    assert len(server.asked) == 3


def test_a_passing_failure_that_passes(reading: Callable[..., Found]) -> None:
    found = reading(says(503), says(503, Retry_After="0.1"), says())
    assert (len(found.copies), found.done.requests) == (1, 3)


def test_a_long_wait_is_left_to_the_service(reading: Callable[..., Found], server: Server) -> None:
    with pytest.raises(RetryLater) as caught:
        reading(says(429, Retry_After="120"))
    assert caught.value.after_seconds == 120
    assert len(server.asked) == 1


@pytest.mark.parametrize("far", ["999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_far_wait_is_a_day(reading: Callable[..., Found], far: str) -> None:
    with pytest.raises(RetryLater) as caught:
        reading(says(503, Retry_After=far))
    assert caught.value.after_seconds == 86_400


@pytest.mark.parametrize("beyond", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000])
def test_a_wait_beyond_every_calendar_says_nothing(reading: Callable[..., Found], beyond: str) -> None:
    found = reading(says(503, Retry_After=beyond), says())
    assert found.done.requests == 2


def test_feeds_are_not_counted_and_not_believed_about_the_time(reading: Callable[..., Found]) -> None:
    """Anybody may answer for a feed, and its host is none of a provider's (`docs/operations.md`)."""
    observed.forget()
    before = REQUEST_COUNTS.requests(), REQUEST_COUNTS.retries()
    reading(says(503), says())
    assert (REQUEST_COUNTS.requests(), REQUEST_COUNTS.retries()) == before
    assert not observed.knows()


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(RetryLater) as caught:
        fetch(f"http://127.0.0.1:{port}{SECRET}")
    assert caught.value.code == "unreachable"


def test_a_page_to_sign_in(reading: Callable[..., Found]) -> None:
    with pytest.raises(SkipCalendar, match="web page") as caught:
        reading(says(body=b"\n<!DOCTYPE html><title>Sign in</title>"))
    assert caught.value.code == "malformed"


def test_half_a_feed(reading: Callable[..., Found]) -> None:
    with pytest.raises(SkipCalendar) as caught:
        reading(says(body=BODY[:-20]))
    assert caught.value.code == "truncated"


def test_malformed_entries_are_named_by_the_host(reading: Callable[..., Found]) -> None:
    (problem,) = reading(says(body=calendar(event(start="")))).problems
    assert problem.where == "at 127.0.0.1, line 3"


# Redirects


def test_redirects_are_followed(reading: Callable[..., Found], server: Server) -> None:
    found = reading(says(301, Location="/one"), says(302, Location="two"), says(307, Location="/three"), says())
    assert (len(found.copies), found.done.requests) == (1, 4)
    assert [path for path, _ in server.asked] == [SECRET, "/one", "/two", "/three"]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("/again", "redirects"),
        ("http://10.0.0.1/x", "redirects"),
        ("https://10.0.0.1/x", "inner_address"),
        ("https://localhost/x", "inner_address"),
        ("https://[::1]/x", "inner_address"),
        ("https://[::ffff:10.0.0.1]/x", "inner_address"),
        ("https://[64:ff9b::a00:1]/x", "inner_address"),
        ("https://169.254.169.254/latest/meta-data", "inner_address"),
        ("https://0.0.0.0/", "inner_address"),
        ("https://224.0.0.1/", "inner_address"),
        ("https://167772161/", "inner_address"),
        ("https://0x0a000001/", "inner_address"),
        ("https://0x0A.1/", "inner_address"),
        ("https://012.0.0.1/", "inner_address"),
        ("https://10.1/", "inner_address"),
        ("https://10.1./x", "inner_address"),
        ("https://10.0.0.1#@feeds.acme.example/", "inner_address"),
        ("https://feeds.acme.example@10.0.0.1/", "inner_address"),
        ("//10.0.0.1/x", "redirects"),  # as it was asked: over http
        (r"https://127.0.0.1\@feeds.acme.example/", "redirects"),
        (r"https://feeds.acme.example\@127.0.0.1/", "redirects"),
        ("https://127.0.0.1\t/x", "redirects"),
        ("https://1.2.3.4.5/", "redirects"),
        ("https://0x7f.0.0.zz.0x1/", "redirects"),
        ("https://%31%30.0.0.1/", "inner_address"),
        ("https://127.0.0.1%00.acme.example/", "redirects"),
        ("https://[fe80::1%25eth0]/", "redirects"),
        ("http://localhost/x", "redirects"),
        ("file:///etc/passwd", "redirects"),
        ("ftp://files.example/x", "redirects"),
        ("https://[::1", "redirects"),
        ("https:///x", "redirects"),
        ("", "redirects"),
    ],
)
def test_redirects_that_are_refused(server: Server, location: str, code: str) -> None:
    server.script = [says(302, Location=location)]
    with pytest.raises(SkipCalendar) as caught:
        fetch(f"http://127.0.0.1:{server.port}{SECRET}")
    assert caught.value.code == code
    assert SECRET not in sentence(caught.value)


def test_the_body_of_a_redirect_is_not_read(server: Server) -> None:
    """However large it says, or packs, that it is."""

    def endless(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 99999999999\r\n\r\n")
        time.sleep(1)

    server.script = [endless, says()]
    began = time.monotonic()
    assert fetch(f"http://127.0.0.1:{server.port}{SECRET}").data == BODY
    assert time.monotonic() - began < 0.9


def test_a_redirect_without_a_location(server: Server) -> None:
    server.script = [says(302)]
    with pytest.raises(SkipCalendar) as caught:
        fetch(f"http://127.0.0.1:{server.port}{SECRET}")
    assert caught.value.code == "redirects"


# Addresses


@pytest.mark.parametrize(
    "url",
    ["http://feeds.example/x", "ftp://feeds.example/x", "feeds.example/x", "https:///x", "https://[::1", "https://h:99999/",
     "http://10.0.0.1/x", "http://localhost.example/", "file:///etc/passwd", "",
     r"https://127.0.0.1\@good.example/", r"http://good.example\@127.0.0.1/", "https://good.example\x00/x",
     "https://1.2.3.4.5/", "https://１２７.0.0.1/", "https://127。0。0。1/", "https://good%2fexample/", "https://a b/"],
)  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(SkipCalendar) as caught:
        feed_address(url)
    assert caught.value.code == "bad_address"


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("webcal://feeds.example/x", "feeds.example", 443),
        ("WEBCAL://Feeds.Example:8443/x", "feeds.example", 8443),
        ("https://feeds.example./x", "feeds.example", 443),
        ("http://localhost/x", "localhost", 80),
        ("http://[::1]:8080/x", "::1", 8080),
        ("https://10.0.0.1/x", "10.0.0.1", 443),
        ("https://feeds.straße.example/x", "feeds.xn--strae-oqa.example", 443),
    ],
)
def test_addresses_that_are_taken(url: str, host: str, port: int) -> None:
    address = feed_address(url)
    assert (address.host, address.port) == (host, port)


def names(address: str) -> Callable[..., list[object]]:
    """A name server that knows one address."""
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]


INNER = {
    "this machine": ["127.0.0.1", "127.255.0.1", "::1", "0.0.0.0", "0.1.2.3", "::"],  # noqa: S104  # not listened on
    "private": ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fc00::1", "198.18.0.1"],
    "this link": ["169.254.1.1", "fe80::1", "fe80::1%1", "febf::1"],
    "site": ["fec0::1", "feff::1"],
    "metadata of clouds": ["169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200", "fd00:ec2::254"],
    "special": ["192.0.0.1", "192.0.0.170", "192.88.99.1", "192.0.2.1", "203.0.113.1", "240.0.0.1", "255.255.255.255",
                "100::1", "2001:db8::1", "3fff::1", "5f00::1", "2001:2::1", "4000::1"],
    "many": ["224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1"],
    "mapped": ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:168.63.129.16", "::ffff:0:10.0.0.1"],
    "compatible": ["::10.0.0.1", "::127.0.0.1", "::8.8.8.8"],
    "6to4": ["2002:a00:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:a83f:8110::"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001::1"],
    "NAT64": ["64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::168.63.129.16", "64:ff9b:1::1",
              "64:ff9b:1:a00:0:100::", "64:ff9b:1::8.8.8.8"],
    "ISATAP": ["2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:127.0.0.1"],
}  # fmt: skip


@pytest.mark.parametrize("address", [address for found in INNER.values() for address in found])
def test_a_public_name_must_not_lead_inside(address: str) -> None:
    with pytest.raises(SkipCalendar) as caught:
        fetch(f"https://feeds.acme.example{SECRET}", resolve=names(address))
    assert caught.value.code == "inner_address"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "192.0.1.1", "2a00:1450:4001:80b::200e", "2606:4700::1", "::ffff:8.8.8.8",
     "64:ff9b::8.8.8.8", "2002:808:808::1"],
)  # fmt: skip
def test_what_is_public_may_be_asked(address: str) -> None:
    assert not is_inner(address)


@pytest.mark.parametrize(
    ("host", "own"),
    [("intranet", ()), ("calendar.internal", ()), ("calendar.northwind.example", ("northwind.example",))],
)
def test_the_companys_own_names_may(host: str, own: tuple[str, ...]) -> None:
    """They get as far as a connection, which nobody answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(RetryLater):
        fetch(f"https://{host}:{port}/x", resolve=names("127.0.0.1"), own_domains=own)


def test_a_name_without_an_address() -> None:
    with pytest.raises(RetryLater, match="no address"):
        fetch("https://feeds.invalid/x")


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def secure(authority: trustme.CA, *hosts: str) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    server = Server()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.script = [says()]
    with serving(server):
        yield server


def test_the_companys_ca(tmp_path: Path, authority: trustme.CA) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with secure(authority, "localhost") as server:
        url = f"webcal://localhost:{server.port}{SECRET}"
        assert fetch(url, ca_file=ca_file).data == BODY
        with pytest.raises(SkipCalendar) as caught:
            fetch(url)
    assert caught.value.code == "certificate"


def test_the_name_is_checked_though_the_address_is_what_is_connected_to(tmp_path: Path, authority: trustme.CA) -> None:
    """The connection goes to the address that was looked at, the certificate must be the name's."""
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with secure(authority, "calendar.northwind.example") as server:
        known = {"ca_file": ca_file, "resolve": names("127.0.0.1"), "own_domains": ("northwind.example",)}
        assert fetch(f"https://calendar.northwind.example:{server.port}/x", **known).data == BODY
        assert server.asked[0][1]["Host"].startswith("calendar.northwind.example")
        with pytest.raises(SkipCalendar) as caught:
            fetch(f"https://other.northwind.example:{server.port}/x", **known)
    assert caught.value.code == "certificate"


def test_a_password_in_the_address_stays_with_its_host(server: Server) -> None:
    with serving(Server()) as other:
        other.script = [says()]
        server.script = [says()]
        fetch(f"http://jo:swordfish@127.0.0.1:{server.port}/x")
    assert server.asked[0][1]["Authorization"].startswith("Basic ")


def test_a_proxy_is_asked_to_connect(authority: trustme.CA) -> None:
    """It learns the host, never the path."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    seen.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 502 no\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        with pytest.raises(RetryLater):
            fetch(f"https://feeds.acme.example{SECRET}", proxy=f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert seen
    assert seen[0].startswith(b"CONNECT feeds.acme.example:443")
    assert b"swordfish" not in b"".join(seen)


@pytest.fixture
def way_out() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nobody through, and the hosts that it was to connect to."""
    asked: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(502)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()


@pytest.mark.parametrize(
    "location",
    [r"https://127.0.0.1\@good.example/", r"https://good.example\@127.0.0.1/", "https://167772161/",
     "https://0x0a000001/", "https://0xA9FEA9FE/", "https://10.1/", "https://10.0.0.1/", "https://[::ffff:a00:1]/",
     "https://168.63.129.16/", "https://[fec0::1]/", "https://localhost/", "https://localhost./", "https://intranet/",
     "https://wiki.corp/", "https://wiki.corp./", "https://printer.local/", "https://metadata.google.internal/",
     "https://router.home.arpa/", "https://nas.lan/", "https://x.localhost/", "https://WIKI.Northwind.Example/",
     "https://１２７.1/", "https://ｌｏｃａｌｈｏｓｔ/"],
)  # fmt: skip
def test_behind_a_proxy_no_redirect_leads_inside(server: Server, way_out: tuple[str, list[str]], location: str) -> None:
    """It is the proxy that resolves names, and it may stand where the company's hosts can be reached."""
    proxy, asked = way_out
    server.script = [says(302, Location=location.encode().decode("latin-1"))]
    with pytest.raises(SkipCalendar) as caught:
        fetch(f"http://127.0.0.1:{server.port}{SECRET}", proxy=proxy, own_domains=("northwind.example",))
    assert caught.value.code in ("inner_address", "redirects")
    assert asked == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://feeds.acme.example/x", "feeds.acme.example:443"),
        ("https://wiki.northwind.example/x", "wiki.northwind.example:443"),  # configured, so meant
        ("https://Feeds.Straße.example./x", "feeds.xn--strae-oqa.example:443"),
        ("https://0x0A000001/x", "10.0.0.1:443"),
        ("https://[2a00:1450:0::1]:8443/x", "[2a00:1450::1]:8443"),
    ],
)
def test_a_proxy_is_asked_for_what_was_judged(way_out: tuple[str, list[str]], url: str, host: str) -> None:
    proxy, asked = way_out
    assert f"{feed_address(url).host}".strip("[]") == host.rpartition(":")[0].strip("[]")
    with pytest.raises(RetryLater):
        fetch(url, proxy=proxy, own_domains=("northwind.example",))
    assert set(asked) == {host}


# What is never told


@pytest.mark.parametrize(
    "answer",
    [says(401), says(404), says(500), says(302, Location="https://10.0.0.1/swordfish"), says(body=b"<html>"),
     says(body=b"swordfish"), says(200, b"x", Content_Encoding="gzip"), says(302), DRIPS["nothing"],
     drip(b"swordfish\r\n\r\n", b"")],
    ids=["401", "404", "500", "redirect", "page", "text", "bad gzip", "nowhere", "silence", "no http"],
)  # fmt: skip
def test_nothing_tells_the_address(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    """Not the error, its sentence or its chain, no repr and nothing that logs let through (`daemon/output/logs.py`)."""
    caplog.set_level(logging.WARNING)
    calendars = feed_connector(tmp_path, f"http://127.0.0.1:{server.port}{SECRET}", timeout_seconds=0.3)
    server.script = [answer]
    (person,) = calendars.people().people
    with pytest.raises(ConnectorError) as caught:
        pull(calendars, person)
    calendars.close()
    error = caught.value
    told = [sentence(error), repr(error), "".join(traceback.format_exception(error)), caplog.text, repr(calendars)]
    chain: BaseException | None = error
    while chain is not None:
        told.append(repr(chain))
        chain = chain.__cause__ or chain.__context__
    assert "swordfish" not in " ".join(told)
    assert "127.0.0.1" in sentence(error)


def test_neither_cursor_nor_repr_tells_the_address(reading: Callable[..., Found], server: Server) -> None:
    found = reading()
    assert "swordfish" not in found.done.cursor
    assert "swordfish" not in repr(feed_address(f"https://h.example{SECRET}"))
    settings = Settings.model_validate(
        {"name": "x", "kind": "ics", "feeds": [{"owner": OWNER, "url": f"https://h.example{SECRET}"}]}
    )
    assert "swordfish" not in repr(settings)


def test_a_secret_that_cannot_be_had(opened: Callable[..., IcsCalendars]) -> None:
    calendars = opened(feeds=[{"owner": OWNER, "url": {"env": "NOT_SET_ANYWHERE"}}])
    (person,) = calendars.people().people
    with pytest.raises(SkipCalendar, match="NOT_SET_ANYWHERE") as caught:
        pull(calendars, person)
    assert caught.value.code == "no_secret"


def test_limits_are_what_the_notes_say() -> None:
    assert files.LARGEST_BYTES == 64 * 2**20
    assert feed_addresses.Network().timeout_seconds == 30
