"""`rapport forget`: a person or an organisation is erased for good, after a look at what that means."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from daemon.admin.forget import (
    Backups,
    NotToForget,
    clean_backups,
    forget_people,
    lines_naming,
    look,
    meant,
    names_of,
    still_named,
)
from daemon.commands.common import CommandSession, opened
from daemon.commands.usage import UsageError
from daemon.output.terminal import Table, print_line, say
from daemon.store.db.errors import StoreError
from daemon.store.files.sqlite_file import compact
from daemon.store.files.vacuum import vacuum_server
from daemon.store.forgotten import Forgotten

_BEYOND = (
    "backups and copies of the disk that were made or moved elsewhere; delete them or let them run out",
    "digests that were sent (mail boxes, Slack) or written to a folder with `rapport digest --out`",
    "the calendars at their provider, from which nothing is removed",
    "log files of the system",
)
_BEYOND_SERVER = "the database server's own backups, its write-ahead log archive, and its replicas' copies of it"


def forget(path: Path | None, *, whom: str, yes: bool) -> int:
    """Erases after a confirmation; 1 if nothing was erased or a part could not be reached now."""
    with opened(path) as session:
        context = session.context()
        try:
            names = names_of(whom, context)
        except NotToForget as error:
            raise UsageError(f"{error}.") from None
        if places := still_named(session.config, names):
            raise UsageError(
                f"Rapport still writes to {', '.join(names)}, and would store that: {'; '.join(places)}. "
                "Take them out of the config first."
            )
        with session.database.reading() as connection:
            forgotten = meant(connection, names, session.now)
            before = look(connection, context, forgotten).counts()
        if not (yes or _is_confirmed(names, before)):
            say("Nothing was erased.")
            return 1
        return _forget(session, names, forgotten, before)


def _is_confirmed(names: tuple[str, ...], before: Mapping[str, int]) -> bool:
    """A dry run first: what would go, and, on a terminal, the name typed once more."""
    print_line(f"To be erased for good, with whatever is read later: {', '.join(names)}")
    for what, count in before.items():
        print_line(f"  {count} {what}")
    print_line("Closed months keep their totals. It cannot be undone, not by a backup either.")
    if not sys.stdin.isatty():
        say("This was a dry run: add --yes to do it.")
        return False
    print_line(f"Type {names[0]} to go on:")
    return sys.stdin.readline().strip().lower() == names[0]


def _forget(session: CommandSession, names: tuple[str, ...], forgotten: Forgotten, before: Mapping[str, int]) -> int:
    forget_people(session.database, session.config, forgotten, session.now)
    trouble = _clean_file(session)
    context = session.context()
    backups = clean_backups(session.database, context, forgotten)
    with session.database.reading() as connection:
        after = look(connection, context, forgotten).counts()
    _show(before, after, backups)
    _say_beyond(session, names, forgotten, backups)
    for problem in trouble:
        say(problem)
    return 1 if trouble or backups.unreached or any(after.values()) else 0


def _clean_file(session: CommandSession) -> list[str]:
    """The store's file made anew, so that no byte of them stays in it; else why not."""
    try:
        if session.database.is_sqlite:
            compact(session.database)
        else:
            vacuum_server(session.database)
    except StoreError as error:
        done = "They are erased from every table, but the database could not be made anew"
        return [f"{done}: {error.what}. {error.remedy} Then run the same command again."]
    return []


def _show(before: Mapping[str, int], after: Mapping[str, int], backups: Backups) -> None:
    table = Table("Stored", "Before", "After", right=("Before", "After"))
    for what, count in before.items():
        table.add(what, count, after[what])
    for path, count in backups.cleaned.items():
        table.add(f"in the backup {path}", count, 0)
    table.print()


def _say_beyond(session: CommandSession, names: tuple[str, ...], forgotten: Forgotten, backups: Backups) -> None:
    """What Rapport cannot reach, by name where it knows one."""
    print_line(f"{', '.join(names)} will not be stored again, whatever is read or restored.")
    print_line("Out of Rapport's reach:")
    for path, why in backups.unreached.items():
        print_line(f"  the backup {path}: {why}; delete it, or run this again when it can be read")
    for place in lines_naming(session.config, forgotten):
        print_line(f"  the config: {place}")
    for place in (*_BEYOND, *(() if session.database.is_sqlite else (_BEYOND_SERVER,))):
        print_line(f"  {place}")
