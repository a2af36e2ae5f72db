"""Whose a claimed delivery is, and whether they can still say what became of it."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

from daemon.store.db.engine import Database
from daemon.store.deliveries import claimed_deliveries, give_up_claim
from daemon.store.told import settle_telling

_LEASE = timedelta(minutes=30)  # longer than any sending takes; for claimants on other machines
_LOST = "the process that was sending it ended before it could say so; `--again` sends it once more"


def settle_abandoned(database: Database, now: datetime) -> None:
    """Deliveries whose process is gone may have gone out or not: unknown from now on, and what they told is told."""
    with database.reading() as connection:
        claimed = claimed_deliveries(connection)
    lost = [(number, claimant) for number, claimant, since in claimed if not _is_alive(claimant, now - since)]
    if not lost:
        return
    with database.writing() as connection:
        for number, claimant in lost:
            if give_up_claim(connection, number, claimant, now, _LOST):
                settle_telling(connection, number, now, was_told=True)


def this_process() -> str:
    """Names this process so that another one on this machine can see whether it still runs."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def _is_alive(claimant: str, held: timedelta) -> bool:
    """Of another machine's process only time tells."""
    if held > _LEASE:
        return False
    host, _, rest = claimant.partition(" ")
    number, _, started = rest.partition(" ")
    if host != socket.gethostname() or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(int(number)) == started


def _started(number: int) -> str:
    """When a process began, by the kernel's clock, so that a number used again is no sign of life. Empty if unknown."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text("ascii").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return ""
    return fields[19]  # the 22nd field of proc(5), the first two being cut off
