"""A calendar feed: asked for only if it changed, again after a passing failure, and refused with a remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.calendars.ics.feed_addresses import FeedAddress, Network, feed_address
from connectors.errors import SkipCalendar
from connectors.net.deadline import Deadline
from connectors.net.retry import Again, Patience, patiently, retry_after
from connectors.settings import Secret, SecretMissing

if TYPE_CHECKING:  # requests takes longer to import than all else of this kind, and a config is loaded without it
    from connectors.calendars.ics.feed_http import FeedAnswer

_TRIES = 3
_FIRST_WAIT_SECONDS = 0.5
_WHOLE = 2  # times the time for one step
_STAMPS = re.compile(rb"(?m)^DTSTAMP[:;][^\r\n]*\r?\n?")


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed by its owner and its number among the owner's feeds."""

    owner: str
    secret: Secret
    number: int

    @property
    def key(self) -> str:
        return f"feed {self.number}"

    @property
    def person(self) -> str:
        return self.owner


@dataclass(frozen=True, slots=True)
class FeedMark:
    """A feed as last read, to ask whether there is another now: its validators (RFC 9110 8.8), empty without one.

    `hash` is `content_hash`; `address` a short hash of the address, to tell that it changed.
    """

    etag: str
    modified: str
    hash: str
    address: str


@dataclass(frozen=True, slots=True)
class FetchedFeed:
    """What a feed answered: `data` is None if it is as it was. `host` may be told, the address may not.

    `requests` is how many were made, redirects and repeated tries included.
    """

    mark: FeedMark
    data: bytes | None
    host: str
    requests: int


def fetch_feed(source: FeedSource, known: FeedMark | None, folder: Path, network: Network) -> FetchedFeed:
    """The feed, or that it did not change since `known`. Raises `SkipCalendar` or `RetryLater`."""
    feed = _address(source, folder)
    address = blake2b(feed.url.encode(), digest_size=4).hexdigest()  # too short to tell a guess from the truth
    if known is not None and known.address != address:
        known = None
    deadline = Deadline(_WHOLE * network.timeout_seconds)
    try:
        answer, requests = _insist(feed, _conditions(known), network, deadline)
    finally:
        deadline.close()
    if answer.status == 304 and known is not None:
        return FetchedFeed(known, None, feed.host, requests)
    if answer.status != 200:
        raise _refusal(answer.status, feed.host)
    return _taken(answer, known, address, feed.host, requests)


def _taken(answer: FeedAnswer, known: FeedMark | None, address: str, host: str, requests: int) -> FetchedFeed:
    if answer.body.lstrip()[:1] == b"<":
        raise SkipCalendar(
            "malformed",
            f"the feed at {host} answers with a web page instead of a calendar",
            "Use the calendar's secret iCal address, not the page that shows it.",
        )
    etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    found = FeedMark(etag, modified, content_hash(answer.body), address)
    same = known is not None and known.hash == found.hash
    return FetchedFeed(found, None if same else answer.body, host, requests)


def content_hash(body: bytes) -> str:
    """What the feed says. Google writes the time of asking into every DTSTAMP, which is no change."""
    return sha256(_STAMPS.sub(b"", body)).hexdigest()


def _address(source: FeedSource, folder: Path) -> FeedAddress:
    try:
        return feed_address(source.secret.resolve(folder))
    except SecretMissing as error:
        raise SkipCalendar(
            "no_secret", f"a feed's address cannot be had: {error}", "Provide the secret that the config names."
        ) from None


def _conditions(known: FeedMark | None) -> dict[str, str]:
    if known is None:
        return {}
    named = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in named.items() if value}


def _insist(
    address: FeedAddress, headers: dict[str, str], network: Network, deadline: Deadline
) -> tuple[FeedAnswer, int]:
    """An answer that is no passing failure, within the deadline, and how many requests it took in all."""
    from connectors.calendars.ics.feed_http import fetch

    made = 0

    def attempt() -> FeedAnswer:
        nonlocal made
        try:
            answer, requests = fetch(address, headers, network, deadline)
        except Again:
            made += 1
            raise
        made += requests
        if answer.status == 429 or answer.status >= 500:
            after = retry_after(answer.headers.get("Retry-After"))
            raise Again("overloaded", f"the feed at {address.host} answers {answer.status}", after_seconds=after)
        return answer

    patience = Patience(tries=_TRIES, seconds=deadline.left_seconds, first_wait_seconds=_FIRST_WAIT_SECONDS)
    return patiently(attempt, patience, observed=False), made


def _refusal(status: int, host: str) -> SkipCalendar:
    if status in (401, 403):
        return SkipCalendar(
            "forbidden",
            f"the feed at {host} refuses its address ({status})",
            "Issue a new secret address for the calendar and put it in place of the old one.",
        )
    if status in (404, 410):
        return SkipCalendar(
            "not_found",
            f"the feed at {host} is not there ({status})",
            "Take the calendar's present secret address from its settings.",
        )
    return SkipCalendar("refused", f"the feed at {host} answers {status}", "Ask for the feed's present address.")
