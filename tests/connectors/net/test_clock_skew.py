"""How far our clock is from theirs, by what their answers say."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import time_machine

from connectors.net.clock_skew import ClockSkew, observed
from connectors.net.session import Session

NOW = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("theirs", "ahead"),
    [
        ({"a": 0}, 0),
        ({"a": -299}, 0),
        ({"a": -301}, 301),
        ({"a": 3600}, -3600),
        ({"a": -3600, "b": -3590}, 3595),
        ({"a": -3600, "b": 0}, 0),
    ],
    ids=["right", "little", "ahead", "behind", "two agree", "two disagree"],
)
def test_minutes_apart_count_where_the_hosts_agree(theirs: dict[str, int], ahead: int) -> None:
    skew = ClockSkew()
    with time_machine.travel(NOW, tick=False):
        for host, seconds in theirs.items():
            skew.note(host, format_datetime(NOW + timedelta(seconds=seconds), usegmt=True))
    assert skew.seconds() == ahead


@pytest.mark.parametrize(
    "date",
    [None, "", "yesterday", "Mon, 32 Nov 2026 09:00:00 GMT", "-1",
     "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2027 00:00:00 +99999999999999999999"],
)  # fmt: skip
def test_what_is_no_date_says_nothing(date: str | None) -> None:
    skew = ClockSkew()
    skew.note("a", date)
    assert skew.seconds() == 0


class Late(BaseHTTPRequestHandler):
    """A server whose clock is two hours behind."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) - 7200)

    def log_message(self, *_: object) -> None:
        pass


def test_every_answer_is_looked_at() -> None:
    observed.forget()
    with HTTPServer(("127.0.0.1", 0), Late) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        session = Session(ca_file=None, proxy=None, timeout_seconds=5)
        session.get(f"http://127.0.0.1:{server.server_port}/")
        session.close()
        thread.join()
    assert 7190 < observed.seconds() < 7210
    observed.forget()
    assert observed.seconds() == 0
