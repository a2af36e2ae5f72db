"""`rapport person`: everything stored about somebody, and nothing about the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.admin.subject_access import stored_about
from daemon.commands.person import person as command
from daemon.commands.usage import UsageError
from daemon.config.model import Config
from daemon.output.terminal import Format
from daemon.store.db.engine import Database
from daemon.store.deliveries import open_deliveries
from scoring.months.month import Month
from tests.daemon.admin.forgetting import forget, synced
from tests.daemon.worlds import ANA, BO, JO, KIM, NOW, scoring_context_of


def about(database: Database, config: Config, address: str) -> dict[str, Any]:
    with database.reading() as connection:
        return stored_about(connection, scoring_context_of(database, config), address)


class TestWhatIsStored:
    def test_a_client_person(self, store: Database, config: Config) -> None:
        synced(store, config)
        found = about(store, config, ANA)
        assert (found["counted_as"], found["clients"], found["calendars"]) == ("Acme", ["Acme"], [])
        assert [(copy["title"], copy["in_calendar_of"], copy["others"]) for copy in found["copies"]] == [
            ("Steering group", JO, 3),
            ("Steering group", KIM, 3),
            ("Lunch with Ana", JO, 1),
            ("Her plan", JO, 2),
            ("Now", JO, 2),
        ]
        assert [copy["organised"] for copy in found["copies"]] == [False, False, False, True, False]
        assert found["months"] == [
            {"month": "2026-10", "client": "Acme", "as": "client person", "meetings": 3, "man_hours": 3.0},
            {"month": "2026-11", "client": "Acme", "as": "client person", "meetings": 1, "man_hours": 1.0},
        ]
        assert found["copies"][0]["response"] == "accepted"
        assert found["copies"][0]["start"] == "2026-10-06T09:00:00Z"

    def test_a_colleague_under_each_of_their_addresses(self, store: Database, config: Config) -> None:
        synced(store, config)
        with store.writing() as connection:
            to = [f"email:{JO}", f"slack:@{JO}", f"email:{KIM}"]
            open_deliveries(connection, "managers", Month("2026-10"), to, NOW, again=False)
        found = about(store, config, "josephine@northwind.example")
        assert found["counted_as"] == "ours"
        assert [calendar["calendar"] for calendar in found["calendars"]] == [JO]
        assert len(found["copies"]) == 7
        assert [(month["client"], month["meetings"]) for month in found["months"]] == [
            ("Acme", 4),
            ("Beta", 1),
            ("Acme", 1),
        ]
        assert [delivery["recipient"] for delivery in found["deliveries"]] == [f"email:{JO}", f"slack:@{JO}"]

    def test_who_has_been_forgotten(self, store: Database, config: Config) -> None:
        synced(store, config)
        forget(store, config, ANA)
        found = about(store, config, ANA)
        assert found["forgotten"]
        assert (found["copies"], found["months"], found["deliveries"], found["calendars"]) == ([], [], [], [])


class TestTheCommand:
    @pytest.fixture
    def path(self, sqlite_store: Database, config: Config) -> Path:
        synced(sqlite_store, config)
        return config.path

    def test_json_names_nobody_else(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command(path, address="Ana+x@ACME.example", form=Format.JSON) == 0
        out = capsys.readouterr().out
        found = json.loads(out)
        assert found["addresses"] == [ANA]
        assert BO not in out

    def test_text(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command(path, address=ANA, form=Format.TABLE) == 0
        out = capsys.readouterr().out
        assert f"{ANA}: counted as Acme" in out
        assert "Steering group" in out
        assert "Digests to them: none" in out

    def test_somebody_unknown_is_an_answer(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command(path, address="nobody@else.example", form=Format.TABLE) == 0
        assert "Copies of meetings: none" in capsys.readouterr().out

    def test_no_address(self, path: Path) -> None:
        with pytest.raises(UsageError, match="no e-mail address"):
            command(path, address="ana", form=Format.TABLE)
