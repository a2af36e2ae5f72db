"""`people_file` and `assessments_file`: what people know beside the calendars, a row at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from connectors.settings import SettingsModel
from daemon.config.csv_rows import CsvRows
from daemon.config.schema.insight_tables import AssessmentRow, PersonRow
from daemon.config.source import Source
from scoring.insights.health import BEST, ELEMENTS
from scoring.meetings.address_book import normalise_address

PEOPLE_COLUMNS = ("address", "name", "title", "buying_centre", "executive", "same_as", "left")
ASSESSMENT_COLUMNS = ("client", "quarter", "element", "answer", "note")
Row = TypeVar("Row", bound=SettingsModel)


def read_people_file(file: str, text: str, folder: Path) -> tuple[Source, tuple[PersonRow, ...]]:
    """The people in a CSV text; problems are in the source, with the file's own lines."""
    rows = CsvRows(file, folder, PEOPLE_COLUMNS, required=frozenset({"address"}))
    found = _read(rows, text, PersonRow)
    first: dict[str, int] = {}
    for number, person in found:
        address = _clean(person.address)
        earlier = first.setdefault(address, number)
        if earlier != number:
            rows.source.finding((number, "address"), f"stands on line {rows.lines[(earlier,)]} already")
        if person.same_as is not None and _clean(person.same_as) == address:
            rows.source.finding((number, "same_as"), "allowed: another address of the same person")
    return rows.source, tuple(person for _, person in found)


def read_assessments_file(file: str, text: str, folder: Path) -> tuple[Source, tuple[AssessmentRow, ...]]:
    """The answers in a CSV text, problems likewise."""
    required = frozenset({"client", "quarter", "element", "answer"})
    rows = CsvRows(file, folder, ASSESSMENT_COLUMNS, required=required)
    found = _read(rows, text, AssessmentRow)
    first: dict[tuple[str, str, str], int] = {}
    for number, row in found:
        if row.element in ELEMENTS and row.answer not in {str(mark) for mark in range(1, BEST + 1)}:
            rows.source.finding((number, "answer"), "allowed: 1 to 5")
        earlier = first.setdefault((row.client.casefold(), row.quarter, row.element), number)
        if earlier != number:
            what = f"that client's quarter is answered on line {rows.lines[(earlier,)]} already"
            rows.source.finding((number, "element"), what)
    return rows.source, tuple(row for _, row in found)


def _read(rows: CsvRows, text: str, model: type[Row]) -> Sequence[tuple[int, Row]]:
    """Each row with its number."""
    rows.read(text)
    found = []
    for number, raw in enumerate(rows.tables):
        row = rows.source.table(model, (number,), raw)
        if row is not None and not rows.source.is_broken((number,)):
            found.append((number, row))
    return found


def _clean(address: str) -> str:
    return normalise_address(address) or address
