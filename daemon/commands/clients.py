"""`rapport clients suggest`: outside domains met but claimed by no client."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon.commands.common import opened
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, print_json, say
from daemon.reporting.suggestions import as_toml, suggest, suggestions_json


def suggest_clients(path: Path | None, *, form: Format) -> int:
    """Shows the organisations, most man-hours first, as TOML to paste."""
    with opened(path) as session:
        context = session.fresh_context()
        with session.database.reading() as connection:
            found = suggest(connection, context, session.now)
    if form is Format.JSON:
        print_json(suggestions_json(found))
    elif form is Format.CSV:
        print_csv(suggestions_json(found)["suggestions"], ("domain", "man_hours", "meetings", "people"))
    elif found:
        sys.stdout.write(as_toml(found))
    else:
        say("Every organisation that was met belongs to a client.")
    return 0
