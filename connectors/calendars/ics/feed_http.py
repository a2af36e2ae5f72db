"""Requests for a feed by the shared session: to an address looked at first, at every hop, and within one deadline.

What answers may be hostile: it must neither hold this machine for ever nor fill its memory. `feed_addresses` decides
what may be asked at all. Errors and logs name the host alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from connectors.calendars.ics.feed_addresses import (
    FeedAddress,
    Network,
    check_name,
    checked_addresses,
    redirected,
    refused,
)
from connectors.errors import ConnectorError
from connectors.net.deadline import Deadline
from connectors.net.retry import Again
from connectors.net.session import LARGEST_BYTES, REDIRECTS, Session, TooMuch, proxies_for

_MOST_REDIRECTS = 3
_HEADERS = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What came back; of anything but a 200 without its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    feed: FeedAddress, headers: Mapping[str, str], network: Network, deadline: Deadline
) -> tuple[FeedAnswer, int]:
    """The answer after at most three redirects, and how many requests it took. Raises `SkipCalendar` or `Again`."""
    target = feed
    for requests_made in range(1, _MOST_REDIRECTS + 2):
        answer = _request(target, feed, headers, network, deadline)
        if answer.status not in REDIRECTS:
            return answer, requests_made
        target = redirected(target, feed, answer.headers.get("Location", ""))
    raise refused("redirects", f"the feed at {feed.host} redirects more than {_MOST_REDIRECTS} times")


def _request(
    target: FeedAddress, feed: FeedAddress, headers: Mapping[str, str], network: Network, deadline: Deadline
) -> FeedAnswer:
    """One request. What went wrong is raised outside the handler, so that no chain holds the address."""
    problem: ConnectorError
    try:
        with _session(target, feed, network, deadline) as session:
            answer = session.get(target.url, headers={**_HEADERS, **headers})
            return FeedAnswer(answer.status_code, answer.headers, answer.content)
    except TooMuch:
        problem = refused("too_large", f"the feed at {feed.host} has more than {LARGEST_BYTES // 2**20} MB")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        problem = _trouble(error, feed)
    raise problem


def _trouble(error: Exception, feed: FeedAddress) -> ConnectorError:
    """A library's error in words that hold no address."""
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return _too_slow(feed)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return refused("certificate", f"the certificate of the feed at {feed.host} is not trusted")
    return Again("unreachable", f"the feed at {feed.host} cannot be reached")


def _too_slow(feed: FeedAddress) -> Again:
    return Again("unreachable", f"the feed at {feed.host} took too long")


def _session(target: FeedAddress, feed: FeedAddress, network: Network, deadline: Deadline) -> Session:
    """A session of its own for each request: nothing of one host is ever told to another."""
    addresses: list[str] = []
    if proxies_for(target.url, network.proxy):
        check_name(target, feed, network)
    else:
        addresses = checked_addresses(target, feed, network)
    left = deadline.left_seconds
    if left <= 0:
        raise _too_slow(feed)
    return Session(
        ca_file=network.ca_file,
        proxy=network.proxy,
        timeout_seconds=min(network.timeout_seconds, left),
        observed=False,
        deadline=deadline,
        addresses=addresses,
    )
