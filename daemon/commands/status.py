"""`rapport status`: which calendars are read, which are not and why, what is due next, and what became of digests."""

from __future__ import annotations

from pathlib import Path

from daemon.commands.common import opened
from daemon.digests.claims import settle_abandoned
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, Table, print_json, print_line
from daemon.service.status import needs_attention, status_json

_COLUMNS = ("connector", "calendar", "state", "last_success", "reason")


def status(path: Path | None, *, form: Format) -> int:
    """Shows the state of every calendar; 1 if one is not read as it should be."""
    with opened(path) as session:
        settle_abandoned(session.database, session.now)
        context = session.context()
        with session.database.reading() as connection:
            found = status_json(connection, context, session.now)
    if form is Format.JSON:
        print_json(found)
    elif form is Format.CSV:
        print_csv(found["calendars"], _COLUMNS)
    else:
        calendars = Table("Connector", "Calendar", "State", "Last read", "Reason", whole=("State", "Last read"))
        for calendar in found["calendars"]:
            calendars.add(*(calendar[key] for key in _COLUMNS))
        calendars.print()
        is_held = any(task["reason"] for task in found["due"])
        due = Table("Due next", "At", *(["Held up, because"] if is_held else []), whole=("At",))
        for task in found["due"]:
            due.add(task["what"], task["at"], *([task["reason"]] if is_held else []))
        due.print()
        if found["deliveries"]:
            sent = Table("Digest", "Month", "Recipient", "State", "Reason", whole=("Month", "State"))
            for delivery in found["deliveries"]:
                sent.add(*(delivery[key] for key in ("digest", "month", "recipient", "state", "reason")))
            sent.print()
        if found["workers"]:
            workers = Table("Worker", "Host", "Process", "State", "Reason", whole=("State",))
            for worker in found["workers"]:
                workers.add(*(worker[key] for key in ("worker", "host", "process", "state", "reason")))
            workers.print()
        if found["clock"]:
            print_line(f"Wait: {found['clock']['reason']}.")
        if found["config"]:
            print_line(f"The service: {found['config']}.")
    return 1 if needs_attention(found) else 0
