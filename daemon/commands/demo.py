"""`rapport demo`: the whole job on a made-up company. Only the making of its files is the demo's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from daemon.commands.common import CommandSession, opened
from daemon.commands.digest import make_editions, write_editions
from daemon.commands.report import report
from daemon.commands.sync import sync_once
from daemon.commands.usage import UsageError
from daemon.demo import write_company
from daemon.figures.history import known_months
from daemon.figures.insights import insights_of
from daemon.output.terminal import Format, print_line
from scoring.insights.stage import Stage
from scoring.wording import names_text

FOLDER = Path("rapport-demo")
_MARK = ".rapport-demo"


def demo(folder: Path = FOLDER) -> int:
    """Makes the company up, syncs its calendars, reports, and writes its digest; ends by saying where to look."""
    _clear(folder)
    company = write_company(folder, datetime.now(UTC).date())
    (folder / _MARK).touch()
    config = folder / "config.toml"
    with opened(config) as session:
        results = sync_once(session)
        name = session.config.digests[0].name
        _, made, _ = make_editions(session, name=name)
        files = write_editions(made, folder / "digest")
        findings = _findings(session)
    report(config, month=None, months=1, client=None, form=Format.TABLE)
    print_line()
    print_line("What the calendars tell:")
    for client, story in company.stories:
        print_line(f"  {client}: {story}")
    print_line()
    print_line("What the pattern of meetings says (`rapport client NAME` shows one account):")
    for name, clients in findings.items():
        print_line(f"  {name.replace('_', ' ')}: {names_text(clients, most=4)}")
    print_line()
    print_line(
        f"Read {sum(result.entries for result in results)} entries of {results[0].calendars} calendars "
        f"in {folder}/calendars."
    )
    print_line(f"Look at the digest: {files[-1]}")
    print_line("Ask on:")
    print_line(f"  rapport client --config {config} NAME")
    print_line(f"  rapport explain --config {config} --client NAME")
    print_line(f"  rapport report --config {config} --months 24")
    print_line(f"  rapport clients suggest --config {config}")
    return 1 if any(result.failed for result in results) else 0


def _findings(session: CommandSession) -> dict[str, list[str]]:
    """The clients that show each stage, signal and finding of the last complete month."""
    context = session.context()
    with session.database.reading() as connection:
        month = known_months(connection, context, session.now).last
        insights = insights_of(connection, [month])
    found: dict[str, list[str]] = {f"stage {stage}": [] for stage in Stage}
    for (client, _), insight in sorted(insights.items()):
        for name in (f"stage {insight.stage}", *(finding.name for finding in (*insight.signals, *insight.findings))):
            found.setdefault(name, []).append(client)
    return {name: clients for name, clients in found.items() if clients}


def _clear(folder: Path) -> None:
    """Makes room for a new demo; a folder that the demo did not make is left alone. Raises `UsageError`."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / _MARK).exists()):
        raise UsageError(f"{folder} is there already and is not the demo's. Move it away, or run the demo elsewhere.")
    import shutil

    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
