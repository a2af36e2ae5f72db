"""What tests of forgetting and of backups share: a small world in a store, raw bytes, and disks that are full."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connectors.contract import Person
from daemon.admin.forget import forget_people, meant, names_of
from daemon.config.model import Config
from daemon.store.db.engine import Database
from daemon.store.erasure import Findings
from daemon.store.files.sqlite_file import compact
from daemon.store.forgotten import Forgotten
from tests.daemon.worlds import ANA, BO, JO, KIM, NOW, make_copy, scoring_context_of, sync
from tests.fakes.memory import Account, MemoryCalendars

CY = "cy@beta.example"
OCTOBER, NOVEMBER = datetime(2026, 10, 6, 9, tzinfo=UTC), datetime(2026, 11, 10, 9, tzinfo=UTC)


def world() -> MemoryCalendars:
    """Jo and Kim with Ana and Bo of Acme, and Cy of Beta: October is closed, November runs."""
    jo = Account(Person(id=JO, addresses=(JO, "josephine@northwind.example")))
    kim = Account(Person(id=KIM, addresses=(KIM,)))
    for meeting in (
        make_copy("both", people=(JO, KIM, ANA, BO), start=OCTOBER, title="Steering group"),
        make_copy("ana", people=(JO, ANA), start=OCTOBER.replace(day=7), title="Lunch with Ana"),
        make_copy("bo", people=(JO, BO), start=OCTOBER.replace(day=8), title=f"What {ANA} said"),
        make_copy("hers", people=(JO, BO), organiser=ANA, start=OCTOBER.replace(day=9), title="Her plan"),
        make_copy("beta", people=(JO, CY), start=OCTOBER.replace(day=12), title="Beta"),
        make_copy("now", people=(JO, ANA, BO), start=NOVEMBER, title="Now"),
    ):
        jo.put(meeting)
    kim.put(make_copy("both", owner=KIM, people=(JO, KIM, ANA, BO), start=OCTOBER, title="Steering group"))
    return MemoryCalendars(accounts=(jo, kim))


def synced(database: Database, config: Config) -> MemoryCalendars:
    """That world, read once."""
    calendars = world()
    sync(database, config, calendars)
    return calendars


def forgotten(database: Database, config: Config, whom: str) -> Forgotten:
    """Whom the command would forget."""
    names = names_of(whom, scoring_context_of(database, config))
    with database.reading() as connection:
        return meant(connection, names, NOW)


def forget(database: Database, config: Config, whom: str) -> Findings:
    """Erases somebody, and makes the file anew, as the command does."""
    found = forget_people(database, config, forgotten(database, config, whom), NOW)
    compact(database)
    return found


def addresses(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.exec_driver_sql("SELECT address FROM addresses").scalars())


def naming(folder: Path, *words: str) -> list[str]:
    """The files of a folder whose bytes hold any of these words; the config is ours to write."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix not in (".toml", ".ics"):
            content = path.read_bytes().lower()
            found += [f"{path.name}: {word}" for word in words if word.encode() in content]
    return found


def everything(
    database: Database, tables: Iterable[str] = ("copies", "addresses", "people", "figures")
) -> list[object]:
    """All rows, to tell whether anything has changed."""
    with database.reading() as connection:
        return [sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table}"))) for table in tables]  # noqa: S608  # ours


@contextmanager
def full_disk(at_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: what a full disk comes to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
