"""A digest over 300 clients from a large store, made for mail and for Slack: its time and its memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, Stopwatch, answer, child, is_child, is_small, note, peak_megabytes, show
from benchmarks.world import store_of


def measure(*, small: bool = False) -> list[Figure]:
    """Reading, building and rendering; nothing is sent."""
    meetings = 20_000 if small else 1_000_000
    config = store_of(meetings) / "config.toml"
    note(f"a digest from {meetings:,} meetings")
    found = child("benchmarks.digest", str(config))
    name = f"digest of {found['clients']} clients, {meetings:,} meetings"
    return [
        Figure(f"{name}: in all", found["seconds"], "s", aim=3, at_most=True),
        Figure(f"{name}: reading and building", found["built"], "s"),
        Figure(f"{name}: mail's HTML", found["kilobytes"], "kB"),
        Figure(f"{name}: peak memory", found["megabytes"], "MB", aim=250, at_most=True),
    ]


def _make(config: Path) -> dict[str, Any]:
    from daemon.commands.common import opened
    from daemon.config.schema.tables import DigestTable
    from daemon.digests.editions import editions
    from daemon.digests.month_data import load_month
    from daemon.digests.outbox import Renderings

    with opened(config) as session, Stopwatch() as watch:
        settings = DigestTable(name="leadership", to=("email:ceo@northwind.example", "slack:#accounts"))
        session.fresh_context()
        with session.database.reading() as connection, Stopwatch() as building:
            (edition,) = editions(load_month(connection, session.config, settings, None, session.now))
        renderings = Renderings(edition)
        mail, _slack = renderings.of("email"), renderings.of("slack")
    return {
        "clients": len(edition.digest.lines),
        "seconds": watch.seconds,
        "built": building.seconds,
        "kilobytes": len(mail.html.encode()) / 1000,
        "megabytes": peak_megabytes(),
    }


if __name__ == "__main__":
    if is_child():
        answer(_make(Path(sys.argv[2])))
    else:
        show(measure(small=is_small()))
