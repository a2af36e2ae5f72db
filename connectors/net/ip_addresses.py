"""Which addresses may lie inside: this machine, its networks, its cloud. Standard library only."""

from __future__ import annotations

import ipaddress

_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out; IPv4-compatible, site-local and locally translated addresses lie beside it."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # for protocols, and Oracle's metadata
            "168.63.129.16/32",  # Azure's
            "192.88.99.0/24",  # 6to4's relays
            "3fff::/20",  # for documentation, which older Pythons do not know
        ),
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_ip_address(host: str) -> bool:
    """Whether a host is a number rather than a name; an IPv6 address stands without brackets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_inner(text: str) -> bool:
    """Whether an IP address is anything but a public one. One that carries another of IPv4 (mapped, 6to4, NAT64,
    ISATAP) is what that is. Raises `ValueError` for what is no address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = _carried(address)
        if carried is not None and is_inner(str(carried)):
            return True
        if address.ipv4_mapped is not None or address in _TRANSLATED:
            return False
        if address not in _UNICAST:
            return True
        if address.sixtofour is not None:
            return False
    special = any(address in network for network in _SPECIAL if network.version == address.version)
    return special or not address.is_global or address.is_multicast


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    number = int(address)
    if address in _TRANSLATED or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
