"""`rapport sync`: one run over the calendars."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.commands.common import CommandSession, named, opened
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, Table, print_json, say
from daemon.sync.connect import close_all
from daemon.sync.run import run_sync
from daemon.sync.run_values import ConnectorResult, Progress, SyncRun

_COLUMNS = ("connector", "calendar", "error", "message")


def sync(path: Path | None, *, connector: str | None, full: bool, form: Format) -> int:
    """Reads the calendars once; 1 if any failed."""
    with opened(path, resolve_secrets=True) as session:
        results = sync_once(session, connector=connector, full=full)
    _show(results, form)
    return 1 if any(result.failed for result in results) else 0


def sync_once(session: CommandSession, *, connector: str | None = None, full: bool = False) -> list[ConnectorResult]:
    """One run, with a progress bar on a terminal."""
    chosen = session.config.connectors
    if connector is not None:
        named("connector", connector, [settings.name for settings in chosen])
        chosen = tuple(settings for settings in chosen if settings.name == connector)
    calendars = [session.connect(settings) for settings in chosen]
    try:
        with _progress() as progress:
            work = SyncRun(
                database=session.database, context=session.context(), now=session.now, full=full, progress=progress
            )
            return run_sync(work, calendars, all_connectors=connector is None)
    finally:
        close_all(calendars)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done)

        yield advance


def result_json(results: list[ConnectorResult]) -> dict[str, Any]:
    """`rapport sync --format json` (docs/interface.md); `set_aside` are entries that could not be read."""
    return {
        "connectors": [
            {
                "name": result.name,
                "calendars": result.calendars,
                "synced": result.synced,
                "failed": [
                    {"calendar": failure.calendar, "error": failure.code, "message": failure.message}
                    for failure in result.failed
                ],
                "requests": result.requests,
                "entries": result.entries,
                "changed": result.changed,
                "seconds": result.seconds,
                "set_aside": [
                    {"calendar": flaw.calendar, "where": flaw.where, "reason": flaw.reason} for flaw in result.flaws
                ],
                "held": result.held,
            }
            for result in results
        ]
    }


def _show(results: list[ConnectorResult], form: Format) -> None:
    written = result_json(results)["connectors"]
    if form is Format.JSON:
        print_json({"connectors": written})
    elif form is Format.CSV:
        rows = [{"connector": row["name"], **failure} for row in written for failure in row["failed"]]
        print_csv(rows, _COLUMNS)
    else:
        _show_table(written)
    for result in results:
        for failure in result.failed:
            say(f"{result.name}: {failure.calendar}: {failure.message}")
        for flaw in result.flaws[:20]:
            say(f"{result.name}: {flaw.where}: set aside: {flaw.reason}")
        if len(result.flaws) > 20:
            say(f"{result.name}: {len(result.flaws) - 20} more entries were set aside; --format json lists them.")
        for address in result.held:
            say(f"{result.name}: {address}: nothing was removed yet; a second listing must agree that most is gone.")


def _show_table(written: list[dict[str, Any]]) -> None:
    numbers = ("calendars", "synced", "failed", "entries", "changed", "seconds")
    table = Table("connector", *numbers, right=numbers, whole=("connector",))
    for row in written:
        table.add(row["name"], *(len(row[key]) if key == "failed" else row[key] for key in numbers))
    table.print()
