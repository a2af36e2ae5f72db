"""Where a feed may be asked for: its address taken apart, what it resolves to, and by which proxy.

A feed's address is a secret, so errors tell its host alone. What it leads to may be hostile: neither a redirect
nor a name that resolves inwards may make this machine ask its own network for something.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.errors import SkipCalendar
from connectors.net.endpoints import is_loopback
from connectors.net.retry import Again
from scoring.meetings.address_book import ascii_domain

_INNER_NAMES = (".local", ".localhost", ".internal", ".intranet", ".lan", ".corp", ".home.arpa")
Resolve = Callable[..., list[Any]]


_REMEDIES = {
    "bad_address": "Give the feed's https address.",
    "certificate": "If a proxy of the company inspects traffic, name its CA in network.ca_file.",
    "inner_address": "Give the feed's public address, or its address as a number if it is meant to be inside.",
    "too_large": "Let the feed cover a shorter span.",
}


def refused(code: str, what: str) -> SkipCalendar:
    """The request must not be made, or its answer not be taken."""
    return SkipCalendar(code, what, _REMEDIES.get(code, "Ask for the feed's present address."))


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """How to reach feeds: the company's CA and proxy, the time for one step, and names that may resolve inwards."""

    ca_file: Path | None = None
    proxy: str | None = None
    timeout_seconds: float = 30.0
    own_domains: tuple[str, ...] = ()
    resolve: Resolve = socket.getaddrinfo


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """A feed's address, or where it redirects to, taken apart. Only its host may be told."""

    url: str = field(repr=False)
    scheme: str
    host: str
    port: int


def feed_address(url: str) -> FeedAddress:
    """A configured address. Raises `SkipCalendar` for one that is none, or is not https (loopback apart)."""
    text = url.strip()
    if text[:9].lower() == "webcal://":
        text = f"https://{text[9:]}"
    feed = _taken_apart(text)
    if feed is None:
        raise refused("bad_address", "a feed's address is no web address")
    if feed.scheme != "https" and not is_loopback(feed.host):
        raise refused("bad_address", f"the feed at {feed.host} is not asked for by https")
    return feed


def redirected(current: FeedAddress, feed: FeedAddress, location: str) -> FeedAddress:
    """Where an answer leads. Raises `SkipCalendar` for what is not https, loopback to itself apart."""
    try:
        target = _taken_apart(urljoin(current.url, location)) if location else None
    except ValueError:
        target = None
    if target is None:
        raise refused("redirects", f"the feed at {feed.host} redirects to nowhere")
    if target.scheme != "https" and not (is_loopback(feed.host) and target.host == feed.host):
        raise refused("redirects", f"the feed at {feed.host} redirects to an address without https")
    return target


def checked_addresses(target: FeedAddress, feed: FeedAddress, network: Network) -> list[str]:
    """The IP addresses of a host, all of them fit to be asked. Raises `SkipCalendar`, or `Again` where it has none."""
    try:
        found = network.resolve(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    if not addresses:
        raise Again("unreachable", f"the feed at {feed.host} has no address")
    if not _may_lie_inside(target, feed, network) and any(_is_inner(address) for address in addresses):
        raise refused("inner_address", f"the feed at {feed.host} leads into a private network")
    return addresses[:4]


def _may_lie_inside(target: FeedAddress, feed: FeedAddress, network: Network) -> bool:
    """A host that the config names as it stands and that is plainly the company's own; never one redirected to."""
    host = feed.host
    if target.host != host:
        return False
    if "." not in host or host.endswith(_INNER_NAMES) or _is_address(host):
        return True
    return any(host == domain or host.endswith(f".{domain}") for domain in network.own_domains)


def check_literal(target: FeedAddress, feed: FeedAddress) -> None:
    """Behind a proxy it is the proxy that resolves names; what is no name can still be refused: `SkipCalendar`."""
    host = target.host
    if host != feed.host and (is_loopback(host) or (_is_address(host) and _is_inner(host))):
        raise refused("inner_address", f"the feed at {feed.host} leads into a private network")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_inner(text: str) -> bool:
    """Whether an address is anything but a public one, also where IPv6 wraps an IPv4 address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if wrapped is None and address in ipaddress.ip_network("64:ff9b::/96"):
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return _is_inner(str(wrapped))
    return not address.is_global or address.is_multicast


def _taken_apart(url: str) -> FeedAddress | None:
    try:
        parts = urlsplit(url)
        host, port = ascii_domain((parts.hostname or "").rstrip(".")), parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return FeedAddress(url, parts.scheme, host, port or (443 if parts.scheme == "https" else 80))
