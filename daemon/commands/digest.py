"""`rapport digest NAME --out DIR`: a month's digest as files to look at."""

from __future__ import annotations

from pathlib import Path

from daemon.commands.common import Session, UsageError, month_option, named, opened
from daemon.digests import digest_of
from daemon.output import print_line
from daemon.reports import known_months


def digest(path: Path | None, *, name: str, month: str | None, out: Path | None) -> int:
    """Writes the digest of a month, the last complete one unless told otherwise, to a folder."""
    asked = month_option(month)
    if out is None:
        raise UsageError("say where the digest is to be written: --out DIR.")
    with opened(path) as session:
        for file in write_digest(session, name=name, month=asked, folder=out):
            print_line(file)
    return 0


def write_digest(session: Session, *, name: str, month: str | None, folder: Path) -> tuple[str, ...]:
    """The files written, the page last."""
    from connectors.senders.folder import Folder
    from daemon.render import render
    from scoring.months import Month

    named("digest", name, [one.name for one in session.config.digests])
    settings = next(one for one in session.config.digests if one.name == name)
    scope = session.fresh_scope()
    with session.database.reading() as connection:
        known = known_months(connection, scope, session.now)
        wanted = known.check(Month(month) if month else known.last)
        value = digest_of(connection, scope, settings, wanted, known, session.now)
    return Folder(folder).send(render(value)).where
