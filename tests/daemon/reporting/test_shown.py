"""Figures and meetings as commands show them: read for a few clients or for all, and written once."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.model import Config
from daemon.figures.insights import Insight, insights_of
from daemon.figures.rescore import rescore
from daemon.output import safe_text
from daemon.output.csv_cells import cell, print_csv
from daemon.output.terminal import json_text
from daemon.reporting.meetings import read_meetings
from daemon.reporting.report_json import judged_json
from daemon.store.calendars import owners_of, read_calendars
from daemon.store.copies import CopyReader
from daemon.store.db.engine import Database
from scoring.meetings.values import CopyState, Response
from scoring.months.month import Month
from tests.daemon.worlds import ANA, BO, CLIENTS, JO, KIM, NOW, config_of, make_copy, rows_of, scoring_context_of, sync
from tests.fakes.memory import MemoryCalendars

OCTOBER = Month("2026-10")
ANYA, CY = "anya@elsewhere.example", "cy@beta.example"
MORE = """
[[clients]]
name = "Lone"
addresses = ["anya@elsewhere.example"]
"""
COPIES = (
    make_copy("one", people=(JO, ANA)),
    make_copy("both", people=(JO, ANA, CY)),
    make_copy("beta", people=(JO, CY)),
    make_copy("theirs", people=(JO, KIM), organiser=BO),  # whose organiser alone is a client's
    make_copy("declined", people=(JO, (ANA, Response.DECLINED))),
    make_copy("lone", people=(JO, ANYA)),
    make_copy("nobody's", people=(JO, "di@elsewhere.example")),
    make_copy("shared", uid="shared@northwind.example", organiser=BO, people=(JO, KIM, ANA)),
    make_copy("shared", uid="shared@northwind.example", organiser=BO, owner=KIM, people=(JO, KIM, CY)),  # another list
    make_copy("off", people=(JO, BO), state=CopyState.CANCELLED),
)


@pytest.fixture
def read(store: Database, config: Config) -> tuple[Database, Config]:
    """A store with the copies above."""
    config = config_of(config.folder, clients=CLIENTS + MORE)
    provider = MemoryCalendars()
    for owner in (JO, KIM):
        provider.account(owner)
    for copy in COPIES:
        provider.account(copy.owner).put(copy)
    sync(store, config, provider)
    return store, config


@pytest.mark.parametrize(
    "chosen",
    [{"Acme"}, {"Beta"}, {"Lone"}, {"Acme", "Lone"}, set()],
    ids=["one", "another", "by address", "two", "none"],
)
def test_the_meetings_of_some_clients_are_theirs_of_all(read: tuple[Database, Config], chosen: set[str]) -> None:
    database, config = read
    context = scoring_context_of(database, config)
    with database.reading() as connection:
        everybodys = read_meetings(connection, context, OCTOBER, NOW)
        found = read_meetings(connection, context, OCTOBER, NOW, chosen)
    assert {client: len(meetings) for client, meetings in everybodys.items()} == {"Acme": 6, "Beta": 3, "Lone": 1}
    assert found == {client: meetings for client, meetings in everybodys.items() if client in chosen}


def test_meetings_of_nobody_concerned_are_not_unpacked(read: tuple[Database, Config]) -> None:
    database, _ = read
    with database.reading() as connection:
        reader = CopyReader(connection, owners_of(read_calendars(connection)))
        span = datetime.fromisoformat("2026-10-01T00:00Z"), datetime.fromisoformat("2026-11-01T00:00Z")
        found = [[copy.entry for _, copy in copies] for copies in reader.meetings_starting(*span, BO.__eq__)]
    assert sorted(found) == [["off"], ["shared", "shared"], ["theirs"]]


def test_a_quarterly_rows_six_months_are_all_read(sqlite_store: Database, config: Config) -> None:
    """R9: of the running month the three that ended before it, against the three before those."""
    quarterly = config_of(
        config.folder, clients=CLIENTS.replace('name = "Acme"', 'name = "Acme"\nrhythm = "quarterly"')
    )
    provider = MemoryCalendars()
    for month, minutes in ((4, 240), (5, 30), (7, 60), (8, 90), (10, 120)):
        start = datetime(2026, month, 6, 9, tzinfo=UTC)
        provider.account(JO).put(make_copy(f"e{month}", start=start, minutes=minutes))
    sync(sqlite_store, quarterly, provider)
    for month in ("2026-10", "2026-11"):
        compared = rows_of(sqlite_store, quarterly, month)["Acme"].compared
        assert (compared.man_seconds_before, compared.man_seconds) == (90 * 60, 210 * 60)


VALUE = {"a": [1, 2.5, None, True, 7.0], "b": {"c": 'd "e" \u2028 é \x7f\x1b\n', "f": [], "g": {}}}


class TestJson:
    """The bytes are those of the standard library, which scripts have compared outputs with."""

    def test_on_one_line(self) -> None:
        assert json_text(VALUE) == json.dumps(VALUE, ensure_ascii=False)

    def test_indented(self) -> None:
        assert json_text(VALUE, indent=1) == json.dumps(VALUE, ensure_ascii=False, indent=1)

    @pytest.mark.parametrize(("indent", "as_usual"), [(0, None), (1, 1)])
    @pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
    def test_what_is_json_already_is_put_in(
        self, indent: int, as_usual: int | None, separators: tuple[str, str]
    ) -> None:
        kept = msgspec.Raw(json.dumps(VALUE, ensure_ascii=False, separators=separators).encode())
        value = {"x": kept, "y": ["z", msgspec.Raw(b"[]"), kept]}
        assert json_text(value, indent) == json.dumps(
            {"x": VALUE, "y": ["z", [], VALUE]}, ensure_ascii=False, indent=as_usual
        )

    @given(st.integers(-(10**9), 10**9), st.text(st.characters(exclude_categories=["Cs"])))
    def test_of_any_hours_and_any_text(self, thousandths: int, text: str) -> None:
        value = {text: [thousandths / 1000, text]}
        assert json_text(value) == json.dumps(value, ensure_ascii=False)


UNSEEN = "\x7f\x80\x9b31m\x9d\u200b\u200d\u200e\u202e\u2066\u2028\u00ad\ufeff\U000e0041\ue000"


def shown(value: dict[str, object], *, terminal: bool) -> str:
    """What `print_json` writes to a real terminal, or to a pipe."""
    code = "import json, sys; from daemon.output.terminal import print_json; print_json(json.loads(sys.argv[1]))"
    given, output = os.openpty() if terminal else os.pipe()
    subprocess.run([sys.executable, "-c", code, json.dumps(value)], stdout=output, check=True)
    os.close(output)
    parts = []
    with suppress(OSError):  # how a terminal says that nobody writes to it any more
        while part := os.read(given, 65_536):
            parts.append(part)
    os.close(given)
    return b"".join(parts).decode().replace("\r\n", "\n")


class TestJsonOnATerminal:
    VALUE: ClassVar[dict[str, object]] = {"title": f"a{UNSEEN}b", UNSEEN: [1, "é 漢 🙂"]}

    def test_what_is_not_seen_is_escaped_and_means_the_same(self) -> None:
        text = shown(self.VALUE, terminal=True)
        assert json.loads(text) == self.VALUE
        assert [line for line in text.split("\n") if not line.isprintable()] == []
        assert "é 漢 🙂" in text

    def test_scripts_get_it_as_it_is(self) -> None:
        assert shown(self.VALUE, terminal=False) == json.dumps(self.VALUE, ensure_ascii=False) + "\n"


class TestInsights:
    HOSTILE = '"}, "signals": [{"x": 1}]} \\", "signals": ["'

    def test_the_parts_are_those_of_the_whole(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy())
        sync(sqlite_store, config, provider)
        rescore(sqlite_store, scoring_context_of(sqlite_store, config), NOW)
        with sqlite_store.reading() as connection:
            found = insights_of(connection, [OCTOBER]).values()
        assert any(insight.signals for insight in found)
        for insight in found:
            signals = json.dumps(insight.written["signals"], ensure_ascii=False)
            assert (insight.stage, bytes(insight.parts.signals).decode()) == (insight.written["stage"], signals)

    @pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")], ids=["as written", "otherwise"])
    def test_no_text_passes_for_signals(self, separators: tuple[str, str]) -> None:
        written = {
            "stage": "basic",
            "stage_evidence": {"sentence": self.HOSTILE, "findings": []},
            "signals": [{"signal": "gone_quiet", "numbers": {}, "sentence": self.HOSTILE, "good": False}],
        }
        insight = Insight(json.dumps(written, separators=separators, ensure_ascii=False))
        assert insight.stage == "basic"
        assert json.loads(json_text(judged_json(insight)))["signals"] == written["signals"]


@pytest.mark.parametrize("unseen", ["", " ", "\t", "\r", "\n", "\u200b"])
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠SUM(A1)"])
def test_a_cell_is_no_formula(capsys: pytest.CaptureFixture[str], unseen: str, formula: str) -> None:
    print_csv([{"title": unseen + formula, "people": [unseen + formula, "x"]}], ("title", "people"))
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row == {"title": f"'{formula}", "people": f"'{formula} x"}


@pytest.mark.parametrize(
    ("value", "written"),
    [(-1, "-1"), (-0.5, "-0.5"), (True, "yes"), (None, ""), ("a=1", "a=1"), ("jo@x.example", "jo@x.example")],
)
def test_what_is_no_formula_stays(value: object, written: str) -> None:
    assert cell(value) == written


def test_text_that_is_left_alone_holds_nothing_unseen() -> None:
    """What `isprintable` says of a text is never more than what is asked of its characters one by one."""
    letters = [letter for letter in map(chr, range(sys.maxunicode + 1)) if letter.isprintable()]
    assert len(letters) > 100_000
    assert all(safe_text._visible(letter) == letter for letter in letters)
