"""What grows with the meetings that are stored: re-scoring, the report, a digest, memory and disk.

CPU seconds, those of helping processes included: on a busy machine they say more than what the clock says.
"""

from __future__ import annotations

import io
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.growing import FLAT, Cost
from benchmarks.measuring import CACHE, answer, child, note, peak_megabytes
from benchmarks.world import CLIENTS, config_text, store_of

_SIZES = (10_000, 100_000, 1_000_000)
_SMALL = (1_000, 20_000)
_ROUNDS = 5


def costs(*, small: bool = False) -> list[Cost]:
    """On copies of the stores that the other benchmarks use, each in a process of its own."""
    found = {size: _measured(size) for size in (_SMALL if small else _SIZES)}

    def cost(name: str, key: str, unit: str, **more: Any) -> Cost:
        return Cost(name=name, unit=unit, of="meetings", values={n: one[key] for n, one in found.items()}, **more)

    return [
        cost("re-scoring all: CPU", "rescored", "s"),
        cost("re-scoring all: memory", "rescored_megabytes", "MB"),
        cost("one changed month: CPU", "month", "s"),
        cost("24 months reported: CPU beyond imports", "reported", "s", grows_at_most=FLAT),
        cost("report: memory", "report_megabytes", "MB", grows_at_most=FLAT),
        cost("a digest built and rendered: CPU", "digest", "s"),
        cost("digest: memory", "digest_megabytes", "MB"),
        cost("store", "store_megabytes", "MB"),
        cost("store: bytes a meeting", "bytes_each", "B", grows_at_most=None),
    ]


def _measured(meetings: int) -> dict[str, float]:
    note(f"what {meetings:,} meetings cost")
    store = store_of(meetings)
    found: dict[str, float] = {}
    for what in _CHILDREN:
        with tempfile.TemporaryDirectory(dir=CACHE) as made:
            for file in ("rapport.db", "config.toml"):
                shutil.copy(store / file, made)
            found |= child("benchmarks.growth_meetings", what, made)
    size = (store / "rapport.db").stat().st_size
    return found | {"store_megabytes": size / 1e6, "bytes_each": size / meetings}


def _rescore(folder: Path) -> dict[str, Any]:
    """After another `long_meeting_over` and a new client; then once more after a change in the last ended month."""
    from benchmarks.world import scoring_context_of
    from daemon.figures.rescore import rescore
    from daemon.store.db.engine import Database
    from daemon.store.figures import mark_stale
    from scoring.months.month import month_of, shift

    (folder / "config.toml").write_text(config_text(clients=CLIENTS, long_meeting_over="45m"))
    database, now = Database(f"sqlite:///{folder / 'rapport.db'}"), datetime.now(UTC)
    context = scoring_context_of(database, folder / "config.toml")
    everything = cpu_of(lambda: rescore(database, context, now))
    megabytes = peak_megabytes()

    def one_month() -> None:
        with database.writing() as connection:
            mark_stale(connection, {shift(month_of(now, context.zone), -1)})
        rescore(database, context, now)

    month = min(cpu_of(one_month) for _ in range(_ROUNDS))
    return {"rescored": everything, "rescored_megabytes": megabytes, "month": month}


def _report(folder: Path) -> dict[str, Any]:
    """The command itself; the first call imports what it needs and is not counted."""
    from daemon.commands.report import report
    from daemon.output.terminal import Format

    def command() -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            report(folder / "config.toml", month=None, months=24, client=None, form=Format.JSON)

    command()
    return {"reported": min(cpu_of(command) for _ in range(_ROUNDS)), "report_megabytes": peak_megabytes()}


def _digest(folder: Path) -> dict[str, Any]:
    from daemon.commands.common import opened
    from daemon.config.schema.tables import DigestTable
    from daemon.digests.editions import editions
    from daemon.digests.month_data import load_month
    from daemon.digests.outbox import Renderings

    settings = DigestTable(name="leadership", to=("email:ceo@northwind.example", "slack:#accounts"))
    with opened(folder / "config.toml") as session:
        session.fresh_context()

        def build_and_render() -> None:
            with session.database.reading() as connection:
                (edition,) = editions(load_month(connection, session.config, settings, None, session.now))
            renderings = Renderings(edition)
            renderings.of("email"), renderings.of("slack")

        build_and_render()  # imports what it needs
        seconds = min(cpu_of(build_and_render) for _ in range(_ROUNDS))
    return {"digest": seconds, "digest_megabytes": peak_megabytes()}


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of those that it started and awaited."""

    def used() -> float:
        theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + theirs.ru_utime + theirs.ru_stime

    before = used()
    work()
    return used() - before


_CHILDREN = {"rescore": _rescore, "report": _report, "digest": _digest}

if __name__ == "__main__":
    _, _, name, made = sys.argv
    answer(_CHILDREN[name](Path(made)))
