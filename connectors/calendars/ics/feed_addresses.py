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

_INNER_NAMES = (".local", ".localhost", ".internal", ".intranet", ".lan", ".corp", ".home.arpa")
Resolve = Callable[..., list[Any]]


class Refused(Exception):
    """The request must not be made, or its answer not be taken: `code` for scripts, `what` in one clause."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


class Unreachable(Exception):
    """No answer in time, or none at all: `what` in one clause."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """How to reach feeds: the company's CA and proxy, the time for one step, and names that may resolve inwards."""

    ca_file: Path | None = None
    proxy: str | None = None
    timeout_seconds: float = 30.0
    own_domains: tuple[str, ...] = ()
    resolve: Resolve = socket.getaddrinfo


@dataclass(frozen=True, slots=True)
class Place:
    """An address taken apart. Only its host may be told."""

    url: str = field(repr=False)
    scheme: str
    host: str
    port: int


def place_of_feed(url: str) -> Place:
    """A configured address. Raises `Refused` for one that is none, or is not https (loopback apart)."""
    text = url.strip()
    if text[:9].lower() == "webcal://":
        text = f"https://{text[9:]}"
    place = _place(text)
    if place is None:
        raise Refused("bad_address", "a feed's address is no web address")
    if place.scheme != "https" and not _is_loopback(place.host):
        raise Refused("bad_address", f"the feed at {place.host} is not asked for by https")
    return place


def redirected(current: Place, first: Place, location: str) -> Place:
    """Where an answer leads. Raises `Refused` for what is not https, loopback to itself apart."""
    try:
        target = _place(urljoin(current.url, location)) if location else None
    except ValueError:
        target = None
    if target is None:
        raise Refused("redirects", f"the feed at {first.host} redirects to nowhere")
    if target.scheme != "https" and not (_is_loopback(first.host) and target.host == first.host):
        raise Refused("redirects", f"the feed at {first.host} redirects to an address without https")
    return target


def addresses_of(place: Place, first: Place, network: Network) -> list[str]:
    """The addresses of a host, all of them fit to be asked. Raises `Refused` or `Unreachable`."""
    try:
        found = network.resolve(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise Unreachable(f"the feed at {first.host} has no address")
    if not _may_lie_inside(place, first, network) and any(_is_inner(address) for address in addresses):
        raise Refused("inner_address", f"the feed at {first.host} leads into a private network")
    return addresses[:4]


def _may_lie_inside(place: Place, first: Place, network: Network) -> bool:
    """A host that the config names as it stands and that is plainly the company's own; never one redirected to."""
    host = first.host
    if place.host != host:
        return False
    if "." not in host or host.endswith(_INNER_NAMES) or _is_address(host):
        return True
    return any(host == domain or host.endswith(f".{domain}") for domain in network.own_domains)


def check_literal(place: Place, first: Place) -> None:
    """Behind a proxy it is the proxy that resolves names; what is no name can still be refused."""
    if place.host != first.host and (_is_loopback(place.host) or (_is_address(place.host) and _is_inner(place.host))):
        raise Refused("inner_address", f"the feed at {first.host} leads into a private network")


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


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _place(url: str) -> Place | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return Place(url, parts.scheme, host.rstrip("."), port or (443 if parts.scheme == "https" else 80))


def proxies_for(place: Place, network: Network) -> dict[str, str]:
    """The configured proxy, else the environment's; none for what NO_PROXY names, nor on this machine."""
    from requests.utils import get_environ_proxies, should_bypass_proxies

    if _is_loopback(place.host):
        return {}
    root = f"{place.scheme}://{place.host}:{place.port}/"
    if network.proxy is None:
        found = get_environ_proxies(root)
        proxy = found.get(place.scheme) or found.get("all")
        return {place.scheme: proxy} if proxy else {}
    return {} if should_bypass_proxies(root, None) else {"http": network.proxy, "https": network.proxy}
