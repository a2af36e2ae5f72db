"""Telling systemd how the service is (`sd_notify(3)`): a datagram to the socket that it names, nothing without one."""

from __future__ import annotations

import os
import socket


def notify(*states: str) -> None:
    """`READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=…`. A supervisor that does not listen is no error."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(target)
            sender.sendall("\n".join(states).encode())
    except OSError:
        return
