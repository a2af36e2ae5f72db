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
    before = [backup for backup in backups_written(connection) if backup != path]
    set_meta(connection, BACKUPS, json.dumps([str(backup) for backup in [*before, path][-_MOST_REMEMBERED:]]))


def backups_written(connection: Connection) -> list[Path]:
    """The files that `rapport db backup` wrote, wherever they are."""
    try:
        return [Path(path) for path in json.loads(get_meta(connection, BACKUPS) or "[]")]
    except (ValueError, TypeError):
        return []


def backups_beside(file: Path) -> list[Path]:
    """What was copied beside the store before an upgrade or a restore."""
    found = [path for path in file.parent.iterdir() if path.name.startswith(f"{file.name}.")]
    return sorted(path for path in found if path.name.endswith((".backup", ".replaced")))


def remove_unfinished(file: Path) -> None:
    """Deletes what a copy or a restore left beside the store when it was killed; it is of no use."""
    for path in file.parent.iterdir():
        if path.name.startswith(f".{file.name}.") and ".partial" in path.name:
            with suppress(OSError):
                path.unlink()
