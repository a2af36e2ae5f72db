"""`rapport status`: which calendars are read, which are not and why, and what is due next."""

from __future__ import annotations

from pathlib import Path

from daemon.commands.common import opened
from daemon.due import needs_attention, status_json
from daemon.output import Format, Table, print_csv, print_json

_COLUMNS = ("connector", "calendar", "state", "last_success", "reason")


def status(path: Path | None, *, form: Format) -> int:
    """Shows the state of every calendar; 1 if one is not read as it should be."""
    with opened(path) as session:
        found = status_json(session.scope(), session.now)
    if form is Format.JSON:
        print_json(found)
    elif form is Format.CSV:
        print_csv(found["calendars"], _COLUMNS)
    else:
        calendars = Table("Connector", "Calendar", "State", "Last read", "Reason", whole=("State", "Last read"))
        for one in found["calendars"]:
            calendars.add(*(one[key] for key in _COLUMNS))
        calendars.print()
        due = Table("Due next", "At")
        for one in found["due"]:
            due.add(one["what"], one["at"])
        due.print()
    return 1 if needs_attention(found) else 0
