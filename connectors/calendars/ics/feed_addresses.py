"""Where a feed may be asked for: its address taken apart, what it resolves to, and by which proxy.

A feed's address is a secret, so errors tell its host alone. What it leads to may be hostile: neither a redirect
nor a name that resolves inwards may make this machine ask its own network for something.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from connectors.errors import SkipCalendar
from connectors.net.endpoints import is_loopback
from connectors.net.ip_addresses import is_inner, is_ip_address
from connectors.net.retry import Again

_INNER_NAMES = (".local", ".localhost", ".internal", ".intranet", ".lan", ".corp", ".home.arpa")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a host whose last label is one is an address to many resolvers
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
        readable = location and location.isprintable()  # joining would drop a tab or a line's end
        target = _taken_apart(urljoin(current.url, location)) if readable else None
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
    if not _may_lie_inside(target, feed, network) and any(is_inner(address) for address in addresses):
        raise refused("inner_address", f"the feed at {feed.host} leads into a private network")
    return addresses[:4]


def check_name(target: FeedAddress, feed: FeedAddress, network: Network) -> None:
    """What can be told without resolving it, for behind a proxy it is the proxy that resolves names, perhaps where the
    company's hosts can be reached. Raises `SkipCalendar` for a redirect inwards; what is configured is meant."""
    host = target.host
    if host == feed.host:
        return
    inner = is_inner(host) if is_ip_address(host) else _is_inner_name(host)
    if inner or (_is_own(host, network) and not _is_own(feed.host, network)):
        raise refused("inner_address", f"the feed at {feed.host} leads into a private network")


def _may_lie_inside(target: FeedAddress, feed: FeedAddress, network: Network) -> bool:
    """A host that the config names as it stands and that is plainly the company's own; never one redirected to."""
    host = feed.host
    return target.host == host and (is_ip_address(host) or _is_inner_name(host) or _is_own(host, network))


def _is_inner_name(host: str) -> bool:
    return "." not in host or host.endswith(_INNER_NAMES)


def _is_own(host: str, network: Network) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in network.own_domains)


def _taken_apart(url: str) -> FeedAddress | None:
    """By urllib3's parser, which is also the one of whoever asks; and what is asked is put together anew from the
    parts that were looked at, so that no other reader finds another host in it. None for what is no web address."""
    from urllib3.util import parse_url  # a config is loaded without it

    if any(character < " " or character in "\\\x7f" for character in url):
        return None
    try:
        parts = parse_url(url)
        host = _host(parts.host or "")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or host is None:
        return None
    shown = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return FeedAddress(parts._replace(host=shown, fragment=None).url, parts.scheme, host, port)


def _host(found: str) -> str | None:
    """A name in ASCII, or an address in its usual form, also one written as a number, in octal or hexadecimal. None
    for what may be read in different ways. Raises `ValueError`."""
    if found.startswith("["):
        return str(ipaddress.IPv6Address(found[1:-1])) if "%" not in found else None
    name = found.removesuffix(".").lower()
    if not _NAME.fullmatch(name):
        return None
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return name
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return None
