"""Which backups of the store there are, as far as Rapport made them: so that `rapport forget` reaches or names them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from daemon.store.meta import get_meta, set_meta

BACKUPS = "backups"
_MOST_REMEMBERED = 50


def remember_backup(connection: Connection, path: Path) -> None:
    """Keeps where a backup was written, so that `rapport forget` reaches it or names it."""
    paths = [one for one in backups_written(connection) if one != path]
    set_meta(connection, BACKUPS, json.dumps([str(one) for one in [*paths, path][-_MOST_REMEMBERED:]]))


def backups_written(connection: Connection) -> list[Path]:
    """The files that `rapport db backup` wrote, wherever they are."""
    try:
        return [Path(one) for one in json.loads(get_meta(connection, BACKUPS) or "[]")]
    except (ValueError, TypeError):
        return []


def backups_beside(file: Path) -> list[Path]:
    """What was copied beside the store before an upgrade or a restore."""
    found = [one for one in file.parent.iterdir() if one.name.startswith(f"{file.name}.")]
    return sorted(one for one in found if one.name.endswith((".backup", ".replaced")))


def remove_unfinished(file: Path) -> None:
    """Deletes what a copy or a restore left beside the store when it was killed; it is of no use."""
    for one in file.parent.iterdir():
        if one.name.startswith(f".{file.name}.") and ".partial" in one.name:
            with suppress(OSError):
                one.unlink()
