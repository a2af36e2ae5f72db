"""What stored meetings cost: re-scoring, insights, the report as people start it, a digest; and how it all grows.

Every measurement works on a copy of a store, in a process of its own. Nothing is sent.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from sqlalchemy import event

from benchmarks.measuring import (
    FLAT,
    Cost,
    Figure,
    Stopwatch,
    folder,
    grown,
    in_child,
    least_cpu,
    note,
    peak_megabytes,
)
from benchmarks.world import CLIENTS, config_text, store_of
from daemon.commands.common import opened
from daemon.commands.report import report
from daemon.config.schema.tables import DigestTable
from daemon.digests.editions import editions
from daemon.digests.month_data import load_month
from daemon.digests.outbox import Renderings
from daemon.figures.insights import insights_of
from daemon.figures.rescore import rescore
from daemon.output.terminal import Format
from daemon.store.figures import mark_stale
from daemon.store.insights import drop_insights
from scoring.months.month import month_of, shift

_ROUNDS = 5
_IMPORTS = (
    "import daemon.cli, daemon.commands.report, "
    "connectors.calendars.ics, sqlalchemy.dialects.sqlite, holidays.countries, structlog"
)
"""What the report imports by and by."""
_COSTS = (
    Cost("re-scoring all: CPU", "rescored_cpu", "s"),
    Cost("re-scoring all: memory", "rescored_megabytes", "MB"),
    Cost("one changed month: CPU", "month", "s"),
    Cost("24 months reported: CPU beyond imports", "reported", "s", FLAT),
    Cost("report: memory", "report_megabytes", "MB", FLAT),
    Cost("a digest built and rendered: CPU", "digest_cpu", "s"),
    Cost("digest: memory", "digest_megabytes", "MB"),
    Cost("store", "store_megabytes", "MB"),
    Cost("store: bytes a meeting", "bytes_each", "B", None),
)


def measure(*, small: bool = False) -> list[Figure]:
    """Every cost at every size, and the powers; some of the largest store alone."""
    imports = _best([sys.executable, "-c", _IMPORTS])
    found: dict[int, dict[str, Any]] = {}
    for meetings in (1_000, 20_000) if small else (10_000, 100_000, 1_000_000):
        store = store_of(meetings)
        note(f"what {meetings:,} meetings cost")
        size = (store / "rapport.db").stat().st_size
        found[meetings] = {"store_megabytes": size / 1e6, "bytes_each": size / meetings}
        for work in (_rescore, _report, _digest):
            found[meetings] |= _in_copy(work, store)
    most = found[meetings] | _in_copy(_insights, store)
    insights = f"insights of {most['clients']} clients, {meetings:,} meetings"
    digest = f"digest of {most['clients']} clients, {meetings:,} meetings"
    figures = [
        Figure("re-scoring: meetings/s", meetings / most["rescored"], "1/s", at_least=20_000),
        Figure("re-scoring: peak memory", most["rescored_megabytes"], "MB", at_most=300),
        Figure("other points: seconds", most["points"], "s"),
        Figure("other points: copies read", most["points_rows"], "rows", at_most=0),
        Figure(f"{insights}: every month", most["all"], "s", at_most=5),
        Figure(f"{insights}: one client's month changed", most["one"], "s", at_most=0.5),
        Figure(f"{insights}: all clients' last month changed", most["last"], "s"),
        Figure(f"{insights}: reading 24 months", most["read"], "s"),
        Figure(f"{insights}: peak memory", most["insights_megabytes"], "MB", at_most=300),
        Figure("report: interpreter and imports alone", imports, "s"),
    ]
    for size, costs in found.items():
        figures += [
            Figure(f"report of {size:,} meetings: in all", costs["report"], "s", at_most=1.5),
            Figure(f"report of {size:,} meetings: beyond imports", costs["report"] - imports, "s", at_most=0.5),
        ]
    return [
        *figures,
        Figure(f"{digest}: in all", most["digest"], "s", at_most=3),
        Figure(f"{digest}: reading and building", most["digest_built"], "s"),
        Figure(f"{digest}: mail's HTML", most["kilobytes"], "kB"),
        Figure(f"{digest}: peak memory", most["digest_megabytes"], "MB", at_most=250),
        *grown(_COSTS, "meetings", found),
    ]


def _in_copy(work: Callable[[Path], dict[str, Any]], store: Path) -> dict[str, Any]:
    with folder(store / "rapport.db", store / "config.toml") as made:
        return in_child(work, made / "config.toml")


def _rescore(config: Path) -> dict[str, Any]:
    """After another `long_meeting_over` and a new client; after a change in a month; after other points."""
    config.write_text(config_text(clients=CLIENTS, long_meeting_over="45m"))
    with opened(config) as session:
        context = session.context()
        with Stopwatch() as everything:
            rescore(session.database, context, session.now)
        found = {"rescored": everything.seconds, "rescored_cpu": everything.cpu, "rescored_megabytes": peak_megabytes()}

        def one_month() -> None:
            with session.database.writing() as connection:
                mark_stale(connection, {shift(month_of(session.now, context.zone), -1)})
            rescore(session.database, context, session.now)

        found["month"] = least_cpu(one_month, _ROUNDS)
    config.write_text(config_text(clients=CLIENTS, long_meeting_over="45m", long_many=21))
    with opened(config) as session:
        rows = _copies_read(session.database)
        with Stopwatch() as points:
            session.fresh_context()
    return found | {"points": points.seconds, "points_rows": sum(rows)}


def _copies_read(database: Any) -> list[int]:
    """How many copies each statement asks for from now on, by asking again how many they are."""
    counts: list[int] = []

    @event.listens_for(database.engine, "after_cursor_execute")
    def _count(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if "FROM copies" in statement:
            raw = connection.connection.driver_connection
            counting = f"SELECT count(*) FROM ({statement.rstrip()})"  # noqa: S608  # the service's own statement
            counts.extend(raw.execute(counting, parameters).fetchone())

    return counts


def _insights(config: Path) -> dict[str, Any]:
    """Worked out for every month of every client, then after one change and after one of each client."""
    with opened(config) as session:
        context = session.context()
        last = shift(month_of(session.now, context.zone), -1)
        clients = [client.name for client in context.clients]
        found: dict[str, Any] = {"clients": len(clients)}
        for name, chosen in (("all", None), ("one", clients[:1]), ("last", clients)):
            with session.database.writing() as connection:
                drop_insights(connection, clients=chosen, changed=last)
            with Stopwatch() as watch:
                rescore(session.database, context, session.now)
            found[name] = watch.seconds
        with session.database.reading() as connection, Stopwatch() as watch:
            insights_of(connection, [shift(last, -back) for back in range(24)])
    return found | {"read": watch.seconds, "insights_megabytes": peak_megabytes()}


def _report(config: Path) -> dict[str, Any]:
    """The program; then the command alone, whose first call imports what it needs and is not counted."""
    program = [sys.executable, "-m", "daemon", "report", "--config", str(config), "--months", "24", "--format", "json"]
    found = {"report": _best(program)}

    def command() -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            report(config, month=None, months=24, client=None, form=Format.JSON)

    command()
    return found | {"reported": least_cpu(command, _ROUNDS), "report_megabytes": peak_megabytes()}


def _best(command: list[str]) -> float:
    """Seconds, of several runs, as a busy machine only adds."""
    watches = [Stopwatch() for _ in range(7)]
    for watch in watches:
        with watch:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return min(watch.seconds for watch in watches)


def _digest(config: Path) -> dict[str, Any]:
    """Made for mail and for Slack. The first counts as a whole; it imports what the others then have."""
    settings = DigestTable(name="leadership", to=("email:ceo@northwind.example", "slack:#accounts"))

    def made() -> tuple[float, int]:
        """Seconds until it was built, and the size of its mail."""
        with session.database.reading() as connection, Stopwatch() as building:
            (edition,) = editions(load_month(connection, session.config, settings, None, session.now))
        renderings = Renderings(edition)
        mail, _slack = renderings.of("email"), renderings.of("slack")
        return building.seconds, len(mail.html.encode())

    with Stopwatch() as whole, opened(config) as session:
        session.fresh_context()
        built, size = made()
    found = {"digest": whole.seconds, "digest_built": built, "kilobytes": size / 1000}
    with opened(config) as session:
        found["digest_cpu"] = least_cpu(made, _ROUNDS)
    return found | {"digest_megabytes": peak_megabytes()}
