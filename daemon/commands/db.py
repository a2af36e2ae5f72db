"""`rapport db`: a backup while running, going back to one, migrations, SQLite to PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from daemon.admin.backup import back_up
from daemon.admin.backup import move as move_store
from daemon.admin.restore import restore as restore_store
from daemon.commands.usage import UsageError
from daemon.config.load import find, load
from daemon.config.model import Config
from daemon.config.schema.secret_refs import store_problem
from daemon.output.logs import set_up_logs
from daemon.output.terminal import Table, print_line, say
from daemon.output.timestamps import stamp
from daemon.store.db.engine import Database
from daemon.store.schema import REVISIONS, bring_up_to_date, check_revision


@contextmanager
def _store(path: Path | None) -> Iterator[tuple[Config, Database]]:
    """The config and its store as it is: neither made nor migrated."""
    config = load(find(path))
    set_up_logs(config.log)
    database = Database(config.store_url())
    try:
        yield config, database
    finally:
        database.close()


def backup(config_path: Path | None, *, path: Path) -> int:
    """Writes a copy. It holds whatever the store holds, so it is its owner's alone."""
    with _store(config_path) as (_, database):
        if database.file is not None and not database.file.exists():
            raise UsageError("there is no store yet. Run `rapport sync` first.")
        target = path.absolute()
        back_up(database, target)
    print_line(f"{target}")
    say("It names people as the store does: keep it where only Rapport's administrators can read it.")
    return 0


def restore(config_path: Path | None, *, path: Path) -> int:
    """Goes back to a copy."""
    with _store(config_path) as (config, database):
        done = restore_store(database, config, path.absolute(), datetime.now(UTC))
    when = "" if done.as_of is None else f" as it was on {stamp(done.as_of)}"
    print_line(f"The store is that of the backup{when}.")
    if done.replaced is not None:
        print_line(f"What it replaced is kept: {done.replaced}")
    if done.doubted:
        print_line(
            f"{done.doubted} deliveries may have gone out since: they are unknown, and nothing sends them by itself."
        )
    if done.forgotten_again:
        print_line(f"{done.forgotten_again} rows named people forgotten since; they are erased again.")
        print_line(f"The backup still names them: {path}. Delete it, or make a new one.")
    if not done.knows_forgotten:
        say("The replaced store cannot be read: run `rapport forget` again for whoever was forgotten after the backup.")
    say("The next sync reads what has changed since.")
    return 0


def upgrade(config_path: Path | None) -> int:
    """Migrates the store, after a backup beside it."""
    with _store(config_path) as (_, database):
        database.prepare_file()
        before = check_revision(database)
        copy = bring_up_to_date(database, upgrade=True)
    if before == REVISIONS[-1]:
        print_line(f"The store is of this version already (schema {before}).")
    else:
        print_line(f"The store is of this version now (schema {REVISIONS[-1]}; it was {before or 'empty'}).")
    if copy is not None:
        print_line(f"A backup of it as it was: {copy}")
    return 0


def move(config_path: Path | None, *, url: str) -> int:
    """Copies the store to PostgreSQL, and says what is left to do."""
    problem = store_problem(url, False)
    if problem is not None or not url.startswith("postgresql+psycopg://"):
        raise UsageError("the address to move to is not postgresql+psycopg://USER@HOST/NAME.")
    with _store(config_path) as (_, database):
        target = Database(url)
        try:
            moved = move_store(database, target)
        finally:
            target.close()
    table = Table("Table", "Rows moved", right=("Rows moved",))
    for name, count in moved.items():
        table.add(name, count)
    table.print()
    print_line("Every row was read back and compared. Now set store.url to the new address; the old file is as it was.")
    return 0
