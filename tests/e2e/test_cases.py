"""Every case with a known answer, through files, sync, store and report, by the commands that people type."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.company import CONFIG, Company, client_table, entry_of
from tests.scoring.test_cases import _FILES


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_case_read_from_calendar_files_gives_its_figures(name: str, tmp_path: Path) -> None:
    case = json.loads(_FILES[name].read_text("utf-8"))
    company = Company(tmp_path)
    company.write_config(CONFIG + "".join(client_table(client) for client in case["clients"]))
    uses = Counter((copy["owner"], copy["uid"]) for copy in case["copies"])
    for owner in {copy["owner"] for copy in case["copies"]}:
        own = [copy for copy in case["copies"] if copy["owner"] == owner]
        company.put(owner, [entry_of(copy, recurring=uses[owner, copy["uid"]] > 1) for copy in own])
    synced = company.run("sync", "--format", "json")
    assert (synced.code, synced.json["connectors"][0]["failed"]) == (0, []), synced.err
    for expected in case["expect"]:
        row = company.report(expected["month"])[expected["client"]]
        for key, value in expected.items():
            if key == "steps":
                assert {step: count for step, count in row["steps"].items() if count} == value
            elif key != "month":
                assert row[key] == value, (key, case["why"])
