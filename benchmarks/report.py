"""`rapport report --months 24` as people start it: the whole of it, and what it takes beyond Python and its imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import Figure, Stopwatch, is_small, note, show
from benchmarks.world import store_of

_ROUNDS = 7
_MODULES = (
    "import daemon.cli, daemon.commands.report",
    "import connectors.calendars.ics, sqlalchemy.dialects.sqlite, holidays.countries, structlog",
)
"""What the command imports by and by."""


def measure(*, small: bool = False) -> list[Figure]:
    """The best of several runs each, as a busy machine only adds."""
    sizes = (1_000, 20_000) if small else (10_000, 100_000, 1_000_000)
    imports = _best([sys.executable, "-c", "; ".join(_MODULES)])
    figures = [Figure("report: interpreter and imports alone", imports, "s")]
    for meetings in sizes:
        config = store_of(meetings) / "config.toml"
        note(f"reporting from {meetings:,} meetings")
        whole = _best(_command(config))
        figures += [
            Figure(f"report of {meetings:,} meetings: in all", whole, "s", aim=1.5, at_most=True),
            Figure(f"report of {meetings:,} meetings: beyond imports", whole - imports, "s", aim=0.5, at_most=True),
        ]
    return figures


def _command(config: Path) -> list[str]:
    program = "import sys; from daemon.cli import main; sys.exit(main())"
    return [sys.executable, "-c", program, "report", "--config", str(config), "--months", "24", "--format", "json"]


def _best(command: list[str]) -> float:
    found = []
    for _ in range(_ROUNDS):
        with Stopwatch() as watch:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.append(watch.seconds)
    return min(found)


if __name__ == "__main__":
    show(measure(small=is_small()))
