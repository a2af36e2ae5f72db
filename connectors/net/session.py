"""Reaching web services: a session with the company's CA and proxy, answers within bounds, and failures as errors.

Knows no provider. Nothing is tried again here (`retry`), and no redirect is followed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, should_bypass_proxies
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util import parse_url

from connectors.errors import ConnectorError, StopConnector
from connectors.net.clock_skew import observed as observed_clock
from connectors.net.endpoints import is_loopback
from connectors.net.request_counts import REQUEST_COUNTS
from connectors.net.retry import Again

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that say nothing about what was asked for: the same may be granted a moment later."""

_MOST_BYTES = 512 * 2**20
_CHUNK_BYTES = 2**18


class TooMuch(OSError):
    """An answer larger than any that is expected."""


def transport_trouble(error: Exception, host: str) -> ConnectorError:
    """An exception of the network as what to do next. Holds the host's name and nothing of the request."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return StopConnector(
            "certificate",
            f"the certificate of {host} is not trusted",
            "Behind an inspecting proxy, give its CA in network.ca_file.",
        )
    if isinstance(error, TimeoutError | requests.Timeout | TooMuch):
        return Again("slow", f"{host} took too long")
    if isinstance(error, requests.exceptions.ProxyError):
        return Again("unreachable", f"{host} cannot be reached through the proxy", "Check network.proxy.")
    return Again("unreachable", f"{host} cannot be reached", "Check the network, the proxy and the firewall.")


class Session(requests.Session):
    """A session with our CA, proxy and timeout; without `.netrc`, cookies or redirects. For one thread at a time.

    `observed`: its requests are counted, and its answers believed about the time; not so where anybody may answer.
    """

    def __init__(
        self, *, ca_file: Path | None, proxy: str | None, timeout_seconds: float, observed: bool = True
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.timeout_seconds = timeout_seconds
        self.verify = str(ca_file) if ca_file else True
        self._proxy = proxy
        self._observed = observed
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=4, max_retries=0))

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:  # instead of the library's look at the environment for everything
        checked = self.verify if verify is None else verify
        found = proxies or proxies_for(str(url), self._proxy)
        return {"proxies": found, "stream": bool(stream), "verify": checked, "cert": cert}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["allow_redirects"] = False
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout_seconds
        host = urlsplit(str(request.url)).hostname or ""
        status: int | None = None
        try:
            response = super().send(request, **kwargs)
            status = response.status_code
        finally:
            if self._observed:
                REQUEST_COUNTS.request(host, status)
        if self._observed:
            observed_clock.note(host, response.headers.get("Date"))
        return response

    def get_redirect_target(self, _resp: requests.Response) -> None:
        """None: else the library reads the whole body of a redirect, however large, to look where it leads."""


def proxies_for(url: str, proxy: str | None) -> dict[str, str]:
    """The configured proxy, else the environment's; none for what NO_PROXY names, nor on this machine."""
    parts = urlsplit(url)
    if is_loopback(parts.hostname or ""):
        return {}
    scheme = parts.scheme or "https"
    if proxy is not None:
        return {} if should_bypass_proxies(url, None) else {"http": proxy, "https": proxy}
    found: Mapping[str, str] = get_environ_proxies(url)
    chosen = found.get(scheme) or found.get("all")
    return {scheme: chosen} if chosen else {}


def body_of(response: requests.Response, deadline_seconds: float, most_bytes: int = _MOST_BYTES) -> bytes:
    """The body of a streamed answer, unpacked, within so many seconds from now.

    Raises `TooMuch`, `TimeoutError`, or another `OSError` when it breaks off; none of them holds the address.
    """
    until = time.monotonic() + deadline_seconds
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.raw.stream(_CHUNK_BYTES, decode_content=True):
            size += len(part)
            if size > most_bytes:
                raise TooMuch("the answer does not end")
            if time.monotonic() > until:
                raise TimeoutError("the answer timed out")
            parts.append(part)
    except HTTPError as error:  # urllib3's own are no OSErrors, and tell the address
        why = "timed out" if isinstance(error, ReadTimeoutError) else "broke off"
        raise requests.ConnectionError(f"the answer {why}") from None
    return b"".join(parts)


def exchange(
    session: Session, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """One request, sent once: status, headers and body. Raises what `transport_trouble` makes of a failure.

    It is raised outside the handler, so that no chain of exceptions holds the address.
    """
    try:
        with session.request(method, url, data=body, headers=dict(headers or {}), stream=True) as response:
            return response.status_code, response.headers, body_of(response, 2 * session.timeout_seconds)
    except (requests.RequestException, OSError) as error:
        problem = transport_trouble(error, parse_url(url).host or "the server")
    raise problem
