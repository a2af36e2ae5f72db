"""The command line. Thin: each command imports what it needs when it runs, so that `--help` stays quick."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from daemon.output.terminal import Format

app = typer.Typer(
    name="rapport",
    help="Measures, from calendars, how much of their people's time each client commits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
clients_app = typer.Typer(help="Clients that the config should know.", no_args_is_help=True)
app.add_typer(clients_app, name="clients")
config_app = typer.Typer(help="The config file.", no_args_is_help=True)
app.add_typer(config_app, name="config")
db_app = typer.Typer(help="The store: backups, upgrades, moving.", no_args_is_help=True)
app.add_typer(db_app, name="db")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="The config file.", show_default=False)]
FormatOption = Annotated[Format, typer.Option("--format", help="How to show it.")]
MonthOption = Annotated[
    str | None, typer.Option("--month", metavar="YYYY-MM", help="The last complete one by default.")
]
ClientOption = Annotated[str | None, typer.Option("--client", metavar="NAME", help="Only this client.")]
_chosen: list[Path] = []


@app.callback()
def _everywhere(config: ConfigOption = None) -> None:
    _chosen[:] = [config] if config is not None else []


def _path(config: Path | None) -> Path | None:
    """`--config` may stand before or after the command."""
    return config or (_chosen[0] if _chosen else None)


@app.command()
def sync(
    config: ConfigOption = None,
    connector: Annotated[str | None, typer.Option("--connector", metavar="NAME", help="Only this connector.")] = None,
    full: Annotated[bool, typer.Option("--full", help="List every calendar again.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Read the calendars once."""
    from daemon.commands.sync import sync as run

    raise typer.Exit(run(_path(config), connector=connector, full=full, form=form))


@app.command()
def report(
    config: ConfigOption = None,
    month: MonthOption = None,
    months: Annotated[int, typer.Option("--months", min=1, max=600, help="So many months up to it.")] = 1,
    client: ClientOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the figures of a month, or of several."""
    gc.disable()  # it ends before a search for cycles, of which it makes none, pays: a tenth of its time
    from daemon.commands.report import report as run

    raise typer.Exit(run(_path(config), month=month, months=months, client=client, form=form))


@app.command()
def client(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The client.")],
    config: ConfigOption = None,
    month: MonthOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show one account on a page: two years, stage, signals, people, what is booked, the latest meetings."""
    from daemon.commands.clients import client as run

    raise typer.Exit(run(_path(config), name=name, month=month, form=form))


@app.command()
def explain(
    client: Annotated[str, typer.Option("--client", metavar="NAME", help="The client.")],
    config: ConfigOption = None,
    month: MonthOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show every meeting behind a figure: counted as what, or set aside why."""
    from daemon.commands.explain import explain as run

    raise typer.Exit(run(_path(config), client=client, month=month, form=form))


@app.command()
def digest(
    name: Annotated[str, typer.Argument(help="The digest, as the config names it.")],
    config: ConfigOption = None,
    month: MonthOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The folder to write it to.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it to its recipients, once each.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --send: once more, also what was sent.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ADDRESS", help="Send it to this address as a test.")
    ] = None,
) -> None:
    """Write a month's digest to a folder (page, text, charts, sheet, Slack blocks), or send it."""
    from daemon.commands.digest import digest as run

    raise typer.Exit(run(_path(config), name=name, month=month, out=out, send=send, again=again, to=to))


@app.command()
def check(config: ConfigOption = None, form: FormatOption = Format.TABLE) -> None:
    """Try everything for real: config, store, credentials, permissions, one calendar of each connector."""
    from daemon.commands.check import check as run

    raise typer.Exit(run(_path(config), form=form))


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the service: read calendars and send digests when they are due, until stopped."""
    from daemon.commands.run import run as serve

    raise typer.Exit(serve(_path(config)))


@app.command()
def worker(config: ConfigOption = None) -> None:
    """Do queued work, on any machine (PostgreSQL, scale.workers = true), until SIGTERM."""
    from daemon.commands.worker import worker as work

    raise typer.Exit(work(_path(config)))


@app.command()
def status(config: ConfigOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show which calendars are read, which are not and why, and what is due."""
    from daemon.commands.status import status as run

    raise typer.Exit(run(_path(config), form=form))


@config_app.command("check")
def config_check(
    config: ConfigOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as well.")] = False,
) -> None:
    """Judge the config file alone, offline: every problem in one go."""
    from daemon.commands.config import config_check as run

    raise typer.Exit(run(_path(config), strict=strict))


@clients_app.command("suggest")
def clients_suggest(config: ConfigOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show outside domains met but claimed by no client, as TOML to paste."""
    from daemon.commands.clients import suggest_clients

    raise typer.Exit(suggest_clients(_path(config), form=form))


@app.command()
def demo() -> None:
    """Do the whole job on a made-up company, in ./rapport-demo/."""
    from daemon.commands.demo import demo as run

    raise typer.Exit(run())


@app.command()
def forget(
    whom: Annotated[str, typer.Argument(metavar="ADDRESS-OR-DOMAIN", help="The person or the organisation.")],
    config: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only what it would erase is shown.")] = False,
) -> None:
    """Erase a person or an organisation from the store, for good."""
    from daemon.commands.forget import forget as run

    raise typer.Exit(run(_path(config), whom=whom, yes=yes))


@app.command()
def person(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The person.")],
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show everything that is stored about a person, for a subject access request."""
    from daemon.commands.person import person as run

    raise typer.Exit(run(_path(config), address=address, form=form))


@db_app.command("backup")
def db_backup(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write; never overwritten.")],
    config: ConfigOption = None,
) -> None:
    """Write a copy of the store, also while Rapport runs."""
    from daemon.commands.db import backup

    raise typer.Exit(backup(_path(config), path=path))


@db_app.command("restore")
def db_restore(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A backup of a store.")],
    config: ConfigOption = None,
) -> None:
    """Go back to a backup, without sending anything twice; what is replaced is kept beside it."""
    from daemon.commands.db import restore

    raise typer.Exit(restore(_path(config), path=path))


@db_app.command("upgrade")
def db_upgrade(config: ConfigOption = None) -> None:
    """Bring the store up to this version, after a backup."""
    from daemon.commands.db import upgrade

    raise typer.Exit(upgrade(_path(config)))


@db_app.command("move")
def db_move(
    url: Annotated[str, typer.Argument(metavar="URL", help="An empty database: postgresql+psycopg://USER@HOST/NAME")],
    config: ConfigOption = None,
) -> None:
    """Copy a SQLite store to PostgreSQL, counted and compared."""
    from daemon.commands.db import move

    raise typer.Exit(move(_path(config), url=url))


def main() -> NoReturn:
    """Runs a command; every error leaves as a sentence with a remedy and the right exit code, never a traceback."""
    import zoneinfo

    zoneinfo.reset_tzpath(to=())  # zones come from the locked tzdata package, the same on every machine
    try:
        app()
    except KeyboardInterrupt:
        _leave("Stopped. What was read is kept; the next sync goes on from there.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  # the edge: nothing may leave as a traceback
        from daemon.commands.errors import told

        _leave(*told(error))
    sys.exit(0)


def _leave(text: str, code: int) -> NoReturn:
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.exit(code)
