"""Where secrets may be sent. Standard library only: configs are checked with it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


def is_loopback(host: str) -> bool:
    """Whether a host never leaves this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_safe_endpoint(url: str) -> bool:
    """Whether secrets may be sent there: https, or http on this machine (`docs/interface.md`)."""
    origin = origin_of(url)
    return origin is not None and (origin[0] == "https" or is_loopback(origin[1]))


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address: where its reader's token goes. None for one that readers may take apart in
    different ways (a user name, a backslash, a control character), or that is no web address."""
    if any(character <= " " or character in "\\\x7f" for character in url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    return parts.scheme, host, port or _PORTS[parts.scheme]
