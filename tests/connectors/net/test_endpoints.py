"""Where secrets may be sent."""

from __future__ import annotations

import pytest

from connectors.net.endpoints import is_loopback, is_safe_endpoint


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.8.9.1", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost.evil.example", "10.0.0.1", ""])  # noqa: S104 - not bound
def test_beyond_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("url", ["https://a.example/x", "http://localhost:8443", "http://[::1]:1/"])
def test_endpoints_are_https_unless_on_loopback(url: str) -> None:
    assert is_safe_endpoint(url)


@pytest.mark.parametrize(
    "url",
    ["http://a.example", "https://", "a.example", "http://localhost@a.example/", "https://a:x/", "file:///etc",
     r"http://a.example\@127.0.0.1/", r"https://a.example\@b.example/",
     "http://localhost\x00.a.example/", "https://a b/"],
)  # fmt: skip
def test_other_endpoints_are_refused(url: str) -> None:
    assert not is_safe_endpoint(url)
