"""`rapport client` and the insights in `rapport report`, as people and scripts use them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Event, vCalAddress

from tests.e2e.company import CONFIG, Company

NOW = datetime.now(UTC)
LAST_MONTH = (NOW.replace(day=1) - timedelta(days=1)).replace(day=12, hour=9, minute=0, second=0, microsecond=0)
CLIENT = (
    '\n[[clients]]\nname = "Acme"\ndomains = ["acme.example"]\nmanager = "jo@northwind.example"\nsince = 2024-03-01\n'
)
ANA, BO = "ana@acme.example", "bo@acme.example"


def meeting(uid: str, start: datetime, people: tuple[str, ...], minutes: int = 45) -> Event:
    entry = Event()
    entry.add("uid", f"{uid}@northwind.example")
    entry.add("summary", f"{uid} \x1b[31m<b>")
    entry.add("dtstart", start)
    entry.add("dtend", start + timedelta(minutes=minutes))
    entry.add("dtstamp", LAST_MONTH)
    entry.add("organizer", vCalAddress("mailto:jo@northwind.example"))
    for address in ("jo@northwind.example", *people):
        attendee = vCalAddress(f"mailto:{address}")
        attendee.params["PARTSTAT"] = "ACCEPTED"
        entry.add("attendee", attendee)
    return entry


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Jo met Ana last month and is to meet her in ten days; somebody said who Ana is, and what they think."""
    company = Company(tmp_path_factory.mktemp("company"))
    files = 'people_file = "people.csv"\nassessments_file = "assessments.csv"\n'
    company.write_config(files + CONFIG + CLIENT)
    quarter = f"{LAST_MONTH.year}-Q{(LAST_MONTH.month + 2) // 3}"
    _write(company.folder / "people.csv", "address,name,title,executive", f"{ANA},Ana Brown,=CFO(),yes")
    _write(
        company.folder / "assessments.csv",
        "client,quarter,element,answer,note",
        f"Acme,{quarter},account strategy,4,agreed",
    )
    company.put(
        "jo@northwind.example",
        [meeting("Review", LAST_MONTH, (ANA,)), meeting("Ahead", NOW + timedelta(days=10), (ANA,))],
    )
    assert company.run("sync").code == 0
    return company


def _write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_the_report_has_stage_and_signals(company: Company) -> None:
    row: dict[str, Any] = company.report(LAST_MONTH.strftime("%Y-%m"))["Acme"]
    assert row["stage"] == "basic"
    signals = {one["signal"]: one for one in row["signals"]}
    assert set(signals["single_threaded"]) >= {"signal", "numbers", "sentence"}
    assert signals["single_threaded"]["numbers"]["person"] == ANA


def test_the_running_month_is_not_judged(company: Company) -> None:
    row = company.report(NOW.strftime("%Y-%m"))["Acme"]
    assert (row["stage"], row["signals"]) == (None, [])


def test_the_page_as_json(company: Company) -> None:
    found = company.run("client", "acme", "--format", "json").json
    (person,) = found["people"]
    assert (person["name"], person["executive"], person["buying_centre"]) == ("Ana Brown", True, None)
    assert (person["first_met"], person["man_hours"]) == (LAST_MONTH.date().isoformat(), 0.75)
    (booked,) = found["booked"]
    assert (booked["points"], booked["one_more"], booked["both"]) == (3, 8, 13)
    assert [one["man_hours"] for one in found["meetings"]] == [0.75]
    assert found["health"]["answers"]["account_strategy"]["answer"] == "4"
    assert found["health"]["answers"]["proposals"] is None
    assert (len(found["months"]), found["results_expected"]) == (24, ["2025-09", "2026-03"])
    assert found["buying_centres"] is None


def test_the_page_as_a_table(company: Company) -> None:
    ran = company.run("client", "Acme")
    assert ran.code == 0
    for text in ("Stage", "Signals", "Booked", "People", "Ana Brown", "If Ana Brown leaves you keep 0.0 of 0.8 h"):
        assert text in ran.out
    assert "Buying centres are not known" in ran.out
    assert "not known from calendars" in ran.out
    assert "\x1b" not in ran.out


def test_the_people_as_csv(company: Company) -> None:
    (row,) = csv.DictReader(io.StringIO(company.run("client", "Acme", "--format", "csv").out))
    assert (row["address"], row["title"], row["executive"]) == (ANA, "'=CFO()", "yes")


@pytest.mark.parametrize(
    ("arguments", "said"), [(("Akme",), "Did you mean 'Acme'?"), (("Acme", "--month", "x"), "YYYY-MM")]
)
def test_what_is_not_there_is_said(arguments: tuple[str, ...], said: str, company: Company) -> None:
    ran = company.run("client", *arguments)
    assert ran.code == 2
    assert said in ran.err
