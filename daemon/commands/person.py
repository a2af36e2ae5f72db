"""`rapport person`: everything stored about somebody, for a subject access request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon.admin.subject_access import stored_about
from daemon.commands.common import opened
from daemon.commands.usage import UsageError
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, Table, print_json, print_line, say
from scoring.meetings.address_book import normalise_address

_COPIES = ("start", "end", "title", "in_calendar_of", "organised", "response", "state", "others", "clients")
_CALENDARS = ("connector", "calendar", "read_since", "last_read", "left", "error")
_MONTHS = ("month", "client", "as", "meetings", "man_hours")
_DELIVERIES = ("digest", "month", "recipient", "attempt", "state", "settled_at")
_BEYOND = "Digests and backups made before are kept where they were sent; the config and its lists may name people too."


def person(path: Path | None, *, address: str, form: Format) -> int:
    """Shows it. An address of which nothing is known is no error: then that is the answer."""
    asked = normalise_address(address)
    if asked is None:
        raise UsageError(f"{address!r} is no e-mail address.")
    with opened(path) as session:
        context = session.context()
        with session.database.reading() as connection:
            found = stored_about(connection, context, asked)
    if form is Format.JSON:
        print_json(found)
    elif form is Format.CSV:
        print_csv(found["copies"], _COPIES)
    else:
        _show(found)
    say(_BEYOND)
    return 0


def _show(found: dict[str, Any]) -> None:
    print_line(f"{', '.join(found['addresses'])}: counted as {found['counted_as']}")
    if found["forgotten"]:
        print_line("To be forgotten: whatever is read that names them is not stored.")
    if found["group"]:
        print_line("Known as a group by the directory.")
    if found["clients"]:
        print_line(f"In meetings with: {', '.join(found['clients'])}")
    for title, columns, rows in (
        ("Calendars read", _CALENDARS, found["calendars"]),
        ("Copies of meetings", _COPIES, found["copies"]),
        ("Months kept", _MONTHS, found["months"]),
        ("Digests to them", _DELIVERIES, found["deliveries"]),
    ):
        if not rows:
            print_line(f"{title}: none")
            continue
        table = Table(
            *(column.replace("_", " ").capitalize() for column in columns), whole=("Start", "End"), title=title
        )
        for row in rows:
            table.add(*(", ".join(row[column]) if isinstance(row[column], list) else row[column] for column in columns))
        table.print()
