"""Reaching web services: a session with the company's CA and proxy, whole answers within bounds, failures as errors.

Knows no provider. Nothing is tried again here (`retry`), and no redirect is followed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, should_bypass_proxies
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util import parse_url

from connectors.errors import ConnectorError, RetryLater, StopConnector
from connectors.net.clock_skew import observed as observed_clock
from connectors.net.connections import BoundedAdapter, bound_by
from connectors.net.deadline import Deadline
from connectors.net.endpoints import is_loopback
from connectors.net.request_counts import REQUEST_COUNTS
from connectors.net.retry import Again

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that say nothing about what was asked for: the same may be granted a moment later."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LARGEST_BYTES = 64 * 2**20
"""No answer is larger, unpacked: a page of 2,500 events with 200 attendees each is not."""

_WHOLE = 2  # times the time for one step
_LARGEST_REFUSAL_BYTES = 2**20
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
    if isinstance(error, TooMuch):
        return RetryLater("too_large", f"{host} answers with more than {LARGEST_BYTES // 2**20} MB")
    if isinstance(error, TimeoutError | requests.Timeout):
        return Again("slow", f"{host} took too long")
    if isinstance(error, requests.exceptions.ProxyError):
        return Again("unreachable", f"{host} cannot be reached through the proxy", "Check network.proxy.")
    return Again("unreachable", f"{host} cannot be reached", "Check the network, the proxy and the firewall.")


class Session(requests.Session):
    """A session with our CA, proxy and bounds; without `.netrc`, cookies or redirects. For one thread at a time.

    Answers are whole when they come: `timeout_seconds` is for each step, and twice that for everything from connecting
    to the last byte, or until `deadline`, which is then the caller's to close. Of a redirect the body is not read.
    `addresses`: the only ones to connect to. `observed`: its requests are counted, and its answers believed about the
    time; not so where anybody may answer, and there the body of nothing but a 200 is read.
    """

    def __init__(
        self,
        *,
        ca_file: Path | None,
        proxy: str | None,
        timeout_seconds: float,
        observed: bool = True,
        deadline: Deadline | None = None,
        addresses: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.timeout_seconds = timeout_seconds
        self.verify = str(ca_file) if ca_file else True
        self._proxy = proxy
        self._observed = observed
        self._deadline = deadline
        self._addresses = addresses
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, BoundedAdapter(pool_connections=4, pool_maxsize=4, max_retries=0))

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:  # instead of the library's look at the environment for everything
        checked = self.verify if verify is None else verify
        found = proxies or proxies_for(str(url), self._proxy)
        return {"proxies": found, "stream": bool(stream), "verify": checked, "cert": cert}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """One request and its whole answer. Raises `requests.RequestException`; `TooMuch` for one beyond its bound."""
        deadline = self._deadline or Deadline(_WHOLE * self.timeout_seconds)
        problem: requests.RequestException | TooMuch
        try:
            with bound_by(deadline, self._addresses):
                response = self._sent(request, {**kwargs, "stream": True, "allow_redirects": False})
        except (requests.RequestException, TooMuch) as error:
            problem = error
        else:
            problem = requests.ReadTimeout()
            if not deadline.is_over:
                return response
        finally:
            over = deadline.is_over
            if deadline is not self._deadline:
                deadline.close()
        # a shut socket may look like an end, and like anything else that goes wrong
        raise requests.ReadTimeout("the answer took too long") if over else problem

    def _sent(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = self.timeout_seconds
        host = urlsplit(str(request.url)).hostname or ""
        status: int | None = None
        try:
            response = super().send(request, **options)
            status = response.status_code
        finally:
            if self._observed:
                REQUEST_COUNTS.request(host, status)
        if self._observed:
            observed_clock.note(host, response.headers.get("Date"))
        with response:  # closes what is not read to its end
            body = self._body_of(response)
        response._content = body  # where the library itself keeps it
        return response

    def _body_of(self, response: requests.Response) -> bytes:
        status = response.status_code
        if status in REDIRECTS or (status != 200 and not self._observed):
            return b""
        if status < 300:
            return body_of(response, LARGEST_BYTES, whole=True)
        return body_of(response, _LARGEST_REFUSAL_BYTES, whole=False)

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


def body_of(response: requests.Response, most_bytes: int, *, whole: bool) -> bytes:
    """The body of a streamed answer, unpacked; where it is longer, `TooMuch` for one that is wanted whole, else its
    beginning. Raises `requests.RequestException` where it breaks off."""
    body = io.BytesIO()
    problem: requests.RequestException | TooMuch | None = None
    try:
        for part in response.raw.stream(_CHUNK_BYTES, decode_content=True):
            body.write(part)
            if body.tell() > most_bytes:
                problem = TooMuch("the answer does not end") if whole else None
                break
    except ReadTimeoutError:
        problem = requests.ReadTimeout("the answer timed out")
    except (HTTPError, OSError):
        problem = requests.ConnectionError("the answer broke off")
    if problem is not None:  # raised outside the handler: urllib3's own tell the address
        raise problem
    body.truncate(most_bytes)
    return body.getvalue()


def exchange(
    session: Session, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """One request, sent once: status, headers and body. Raises what `transport_trouble` makes of a failure.

    It is raised outside the handler, so that no chain of exceptions holds the address.
    """
    try:
        response = session.request(method, url, data=body, headers=dict(headers or {}))
    except (requests.RequestException, OSError) as error:
        problem = transport_trouble(error, parse_url(url).host or "the server")
    else:
        return response.status_code, response.headers, response.content
    raise problem
