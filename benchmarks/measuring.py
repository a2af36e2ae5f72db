"""What the benchmarks share: a figure with its aim, the machine's name, the cache, children whose memory is theirs."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. `aim` is None where there is none; `at_most` says which side of it is good."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        return "reached" if (self.value <= self.aim if self.at_most else self.value >= self.aim) else "MISSED"

    @property
    def aim_text(self) -> str:
        if self.aim is None:
            return ""
        return f"{'at most' if self.at_most else 'at least'} {shown(self.aim)}"


def shown(value: float) -> str:
    """Three digits that matter; thousands with a comma."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(figures: Iterable[Figure]) -> str:
    """One line a figure."""
    rows = [("figure", "measured", "", "aim", "")]
    rows += [(one.name, shown(one.value), one.unit, one.aim_text, one.verdict) for one in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for row in rows:
        name, value, *rest = row
        cells = [name.ljust(widths[0]), value.rjust(widths[1])]
        cells += [text.ljust(width) for text, width in zip(rest, widths[2:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def machine() -> str:
    """The machine's name, and what it is."""
    return (
        f"{platform.node()}: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    for path, key in ((Path("/proc/cpuinfo"), "model name"),):
        if path.exists():
            for line in path.read_text().splitlines():
                if line.startswith(key):
                    return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_megabytes() -> float:
    """The most memory that this process has had. `ru_maxrss` begins with the parent's, so Linux is asked itself."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(module: str, *arguments: str) -> dict[str, Any]:
    """Runs `python -m module --child …` and answers with the JSON that it prints."""
    command = [sys.executable, "-m", module, "--child", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def is_child() -> bool:
    return sys.argv[1:2] == ["--child"]


def is_small() -> bool:
    """`--small`: a quick trial; its figures say little."""
    return "--small" in sys.argv[1:]


def answer(found: dict[str, Any]) -> None:
    """A child's last word."""
    sys.stdout.write(json.dumps(found))


def note(text: str) -> None:
    """What is going on, for whoever waits."""
    sys.stderr.write(f"… {text}\n")


class Stopwatch:
    """Seconds of a `with` block."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began


def show(figures: list[Figure]) -> None:
    """What one benchmark run by itself prints."""
    print(machine())
    print(table(figures))
