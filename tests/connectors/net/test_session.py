"""What connectors to web services share: patience, `Retry-After`, pacing, proxies."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import RetryLater, SkipCalendar, StopConnector
from connectors.net.rate_limit import RateLimiter, TokenBucket
from connectors.net.retry import Again, Patience, Pause, patiently, retry_after
from connectors.net.session import Session, TooMuch, proxies_for, transport_trouble
from tests.fakes.google import FakeGoogle

NOW = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)


class Attempts:
    """Fails as told, one attempt after the other, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors: Iterator[Exception] = iter(errors)
        self.made = 0
        self.slept: list[float] = []

    def __call__(self) -> str:
        self.made += 1
        for error in self.errors:
            raise error
        return "done"


def again(after_seconds: float | None = None) -> Again:
    return Again("busy", "busy", after_seconds=after_seconds)


def test_passing_trouble_is_tried_again_with_growing_random_waits() -> None:
    attempts = Attempts(*(again() for _ in range(4)))
    patience = Patience(first_wait_seconds=1.0, longest_wait_seconds=4.0)
    assert patiently(attempts, patience, attempts.slept.append) == "done"
    assert attempts.made == 5
    limits = [1, 2, 4, 4]
    assert all(0 <= slept <= limit for slept, limit in zip(attempts.slept, limits, strict=True))
    assert len(set(attempts.slept)) == 4


def test_patience_ends_with_the_last_error() -> None:
    attempts = Attempts(*(again() for _ in range(9)))
    with pytest.raises(Again):
        patiently(attempts, Patience(tries=3), attempts.slept.append)
    assert (attempts.made, len(attempts.slept)) == (3, 2)


@pytest.mark.parametrize(
    "error", [RetryLater("a", "b"), SkipCalendar("a", "b"), StopConnector("a", "b"), KeyError("x")]
)
def test_nothing_else_is_tried_again(error: Exception) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        patiently(attempts, Patience(), attempts.slept.append)
    assert (attempts.made, attempts.slept) == (1, [])


def test_the_providers_wish_is_waited_out_with_a_little_more() -> None:
    attempts = Attempts(again(2.5))
    patiently(attempts, Patience(first_wait_seconds=0.5), attempts.slept.append)
    assert 2.5 <= attempts.slept[0] <= 3.0


def test_a_wish_beyond_the_deadline_is_raised_at_once() -> None:
    attempts = Attempts(again(61.0))
    with pytest.raises(Again) as raised:
        patiently(attempts, Patience(seconds=60.0), attempts.slept.append)
    assert (attempts.slept, raised.value.after_seconds) == ([], 61.0)


def test_a_closed_connector_sleeps_no_more() -> None:
    pause = Pause()
    threading.Timer(0.05, pause.end).start()
    with pytest.raises(RetryLater):
        pause(30)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0.5", 0.5),  # Microsoft's
        (" 3 ", 3.0),
        ("-1", 0.0),
        ("Sun, 15 Nov 2026 09:02:00 GMT", 120.0),
        ("Sun, 15 Nov 2026 08:00:00 GMT", 0.0),
        ("Sun, 15 Nov 2026 09:01:00 -0000", 60.0),
        ("1000000000000", 86_400.0),
        ("9" * 5000, None),
        ("1e300", 86_400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400.0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2027 00:00:00 +99999999999999999999", None),
        ("nan", None),
        ("inf", None),
        ("9e999", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(
    per_minute=st.integers(1, 2000),
    gaps=st.lists(st.sampled_from([0.0, 0.001, 0.1, 1.0, 7.0, 61.0]), min_size=1, max_size=200),
)
def test_no_minute_holds_more_requests_than_allowed(per_minute: int, gaps: list[float]) -> None:
    clock = [0.0]
    bucket = TokenBucket(per_minute, lambda: clock[0])
    moments = []
    for gap in gaps:
        clock[0] += gap
        moments.append(clock[0] + bucket.take())
    for first, moment in enumerate(moments):
        within = sum(1 for later in itertools.islice(moments, first, None) if later < moment + 60 - 1e-6)
        assert within <= max(per_minute, 2)


def test_a_bucket_lets_a_tenth_through_at_once() -> None:
    bucket = TokenBucket(600, lambda: 0.0)
    waits = [bucket.take() for _ in range(62)]
    assert waits[:60] == [0.0] * 60
    assert math.isclose(waits[60], 60 / 540)


def test_one_persons_pace_holds_up_nobody_else() -> None:
    slept: list[float] = []
    pacer = RateLimiter(per_minute=10_000, per_person=10, sleep=slept.append, clock=lambda: 0.0)
    pacer.wait("jo")
    pacer.wait("kim")
    assert slept == []
    pacer.wait("jo")
    assert slept == [pytest.approx(60 / 9)]


@pytest.mark.parametrize(
    ("url", "proxy", "environment", "expected"),
    [
        ("https://www.googleapis.com/x", "http://proxy.example:3128", {}, "http://proxy.example:3128"),
        ("https://www.googleapis.com/x", "http://proxy.example:3128", {"NO_PROXY": "googleapis.com"}, None),
        ("https://www.googleapis.com/x", None, {"HTTPS_PROXY": "http://env.example:1"}, "http://env.example:1"),
        ("https://www.googleapis.com/x", None, {}, None),
        ("http://127.0.0.1:8765/x", "http://proxy.example:3128", {}, None),
        ("http://localhost:8765/x", None, {"HTTP_PROXY": "http://env.example:1"}, None),
    ],
)
def test_proxies(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None, environment: dict[str, str], expected: str | None
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert next(iter(proxies_for(url, proxy).values()), None) == expected


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (requests.ConnectTimeout("…/x?syncToken=abc"), Again, "slow"),
        (TimeoutError(), Again, "slow"),
        (TooMuch(), RetryLater, "too_large"),
        (requests.exceptions.ProxyError("x"), Again, "unreachable"),
        (ConnectionResetError(), Again, "unreachable"),
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED]"), StopConnector, "certificate"),
    ],
)
def test_trouble_with_the_network_names_the_host_alone(error: Exception, kind: type, code: str) -> None:
    found = transport_trouble(error, "www.googleapis.com")
    assert (type(found), found.code) == (kind, code)
    assert "syncToken" not in found.what


def test_a_session_keeps_no_cookies_and_follows_no_redirect() -> None:
    with FakeGoogle() as google:
        session = Session(ca_file=None, proxy=None, timeout_seconds=3)
        google.fail(status=302, headers={"Set-Cookie": "a=b; Path=/", "Location": "/calendar/elsewhere"})
        answer = session.get(f"{google.url}/calendar/x")
        assert (answer.status_code, len(google.seen), list(session.cookies)) == (302, 1, [])
        session.close()
