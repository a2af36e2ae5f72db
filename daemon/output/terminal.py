"""What commands print: tables for people, JSON and CSV for scripts, errors as a sentence with a remedy.

Results go to standard output; everything else, progress and warnings included, to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from daemon.output.safe_text import one_line, seen_json

if TYPE_CHECKING:
    from rich.console import Console


class Format(StrEnum):
    """`--format`."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def say(text: str) -> None:
    """A line for people, on standard error."""
    sys.stderr.write(one_line(text, 2_000) + "\n")


def json_text(value: Mapping[str, Any], indent: int = 0) -> str:
    """The value as JSON: on one line, or indented by so many blanks a level. A `msgspec.Raw` is JSON already.

    Blanks stand after commas and colons, as the standard library writes them; scripts compare outputs by their bytes.
    """
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode()


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON document on standard output: on one line for scripts (which is much quicker), indented on a terminal.

    What a terminal would act upon, or show as nothing, is escaped there; it is the same JSON.
    """
    as_shown = seen_json(json_text(value, indent=1)) if sys.stdout.isatty() else json_text(value)
    sys.stdout.write(as_shown + "\n")


class Table:
    """A table that looks well in a terminal; cells are plain text, whatever they hold.

    Columns in `right` hold numbers, those in `whole` are never wrapped.
    """

    def __init__(
        self, *columns: str, right: Iterable[str] = (), whole: Iterable[str] = (), title: str | None = None
    ) -> None:
        from rich import box
        from rich.table import Table as RichTable

        numeric, unwrapped = set(right), {*right, *whole}
        self._table = RichTable(
            box=box.SIMPLE_HEAD,
            title=title,
            title_justify="left",
            title_style="bold",
            pad_edge=False,
            header_style="bold",
        )
        for column in columns:
            self._table.add_column(
                column, justify="right" if column in numeric else "left", no_wrap=column in unwrapped, overflow="fold"
            )

    def add(self, *cells: object, style: str | None = None) -> None:
        """A row."""
        from rich.text import Text

        self._table.add_row(*(Text(one_line("" if value is None else str(value), 500)) for value in cells), style=style)

    def print(self) -> None:
        console().print(self._table)


def console() -> Console:
    """Standard output, as wide as the terminal; 140 columns where there is none."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 140)


def print_line(text: str = "") -> None:
    """A plain line on standard output; blanks before it stay."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    sys.stdout.write(indent + one_line(text, 2_000) + "\n")
