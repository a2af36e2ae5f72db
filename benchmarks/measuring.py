"""What the benchmarks share: a figure with its aim, how costs grow, a watch, processes and folders of their own."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import log10
from multiprocessing import get_context
from pathlib import Path
from statistics import linear_regression
from typing import NamedTuple, TypeVar

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "benchmarks"
LINEAR, FLAT = 1.1, 0.1
"""Aims for the power with which a cost grows: measured ones differ a little from run to run."""
_LAST_STEP = 0.15
"""So much more is granted to the last step: two sizes say less, and what is large misses the processor's caches."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and what it should be: `at_least` or `at_most`, or neither where there is no aim."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def row(self) -> tuple[str, ...]:
        """As the table shows it."""
        aim, is_reached = "", None
        if self.at_least is not None:
            aim, is_reached = f"at least {shown(self.at_least)}", self.value >= self.at_least
        elif self.at_most is not None:
            aim, is_reached = f"at most {shown(self.at_most)}", self.value <= self.at_most
        verdict = {None: "", True: "reached", False: "MISSED"}[is_reached]
        return self.name, shown(self.value), self.unit, aim, verdict


class Cost(NamedTuple):
    """What is measured at several sizes: its `key` among what is found at each, and the power that it may grow with.

    1 is linear, 0 is flat; None where there is no aim.
    """

    name: str
    key: str
    unit: str
    power: float | None = LINEAR


def grown(costs: Iterable[Cost], of: str, found: Mapping[int, Mapping[str, float]]) -> Iterator[Figure]:
    """Each cost at each size, of which there are so many `of` something, and with which power of it the cost grows.

    Over all sizes, and in the last step: every cost begins with a part that does not grow, which would hide what bends
    upwards at the end.
    """
    sizes = list(found)
    for name, key, unit, power in costs:
        values = [found[size][key] for size in sizes]
        yield from (Figure(f"{name}, {size:,} {of}", found[size][key], unit) for size in sizes)
        if power is not None:
            yield Figure(f"{name}: exponent over all sizes", exponent(sizes, values), at_most=power)
            last = exponent(sizes[-2:], values[-2:])
            yield Figure(f"{name}: exponent in the last step", last, at_most=power + _LAST_STEP)


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of the best line through the logarithms. Needs two sizes; a cost is above zero."""
    return linear_regression([log10(size) for size in sizes], [log10(cost) for cost in costs]).slope


def shown(value: float) -> str:
    """Three digits that matter; thousands with a comma."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(figures: Iterable[Figure]) -> str:
    """One line a figure."""
    rows = [("figure", "measured", "", "aim", ""), *(figure.row for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) if column == 1 else cell.ljust(width) for column, (cell, width) in cells).rstrip()
        for cells in (enumerate(zip(row, widths, strict=True)) for row in rows)
    )


def machine() -> str:
    """The machine's name, and what it is."""
    processor = _line_of("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    return (
        f"{platform.node()}: {processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def peak_megabytes() -> float:
    """The most memory that this process has had. `ru_maxrss` begins with the parent's, so Linux is asked itself."""
    kilobytes = _line_of("/proc/self/status", "VmHWM")
    return (int(kilobytes.split()[0]) if kilobytes else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def _line_of(path: str, key: str) -> str | None:
    """The value behind a key in a file of Linux's; None elsewhere."""
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)


def note(text: str) -> None:
    """What is going on, for whoever waits."""
    sys.stderr.write(f"… {text}\n")


class Stopwatch:
    """Seconds of a `with` block, and of CPU: this process's and those of its children that have ended.

    On a busy machine CPU says more than what the clock says.
    """

    seconds = cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self._began = time.perf_counter(), _cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._began[0], _cpu() - self._began[1]


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def least_cpu(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds, the least of several rounds, as others only add."""
    watches = [Stopwatch() for _ in range(rounds)]
    for watch in watches:
        with watch:
            work()
    return min(watch.cpu for watch in watches)


def in_child(work: Callable[..., T], *arguments: object) -> T:
    """Done in a new process, so that memory and imports are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_done, work, arguments).result()


def _done(work: Callable[..., T], arguments: tuple[object, ...]) -> T:
    try:
        return work(*arguments)
    except Exception:  # noqa: BLE001  # whatever it is: not every error can be sent from process to process
        raise RuntimeError(traceback.format_exc()) from None


@contextmanager
def serving(serve: Callable[..., None], *arguments: object) -> Iterator[str]:
    """A server in a process of its own: `serve` sends its URL through the pipe that it gets first, and goes on."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


@contextmanager
def folder(*copied: Path) -> Iterator[Path]:
    """A new folder on the disk where the stores are, with copies of these files."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        for path in copied:
            shutil.copy(path, made)
        yield Path(made)
