"""The commands as people and scripts use them: output, exit codes, and what goes wrong."""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Event, vCalAddress

from tests.e2e.company import CONFIG, Company

NOW = datetime.now(UTC)
LAST_MONTH = (NOW.replace(day=1) - timedelta(days=1)).replace(day=12, hour=9, minute=0, second=0, microsecond=0)
MONTH = LAST_MONTH.strftime("%Y-%m")
CLIENTS = """
[[clients]]
name = "Acme"
domains = ["acme.example"]
manager = "jo@northwind.example"
tier = "key"

[[digests]]
name = "leadership"
to = ["email:ceo@northwind.example"]
"""


def meeting(title: str = "Steering group", people: tuple[str, ...] = ("ana@acme.example",), **more: Any) -> Event:
    """Last month's hour with Jo and these people."""
    entry = Event()
    entry.add("uid", more.get("uid", f"{title}@northwind.example"))
    entry.add("summary", title)
    start = more.get("start", LAST_MONTH)
    entry.add("dtstart", start)
    entry.add("dtend", start + timedelta(minutes=more.get("minutes", 60)))
    entry.add("dtstamp", LAST_MONTH)
    entry.add("organizer", vCalAddress("mailto:jo@northwind.example"))
    for address in ("jo@northwind.example", *people):
        attendee = vCalAddress(f"mailto:{address}")
        attendee.params["PARTSTAT"] = "ACCEPTED"
        entry.add("attendee", attendee)
    return entry


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Jo with one meeting, not synced yet."""
    company = Company(tmp_path)
    company.write_config(CONFIG + CLIENTS)
    company.put("jo@northwind.example", [meeting()])
    return company


class TestOutput:
    def test_json_goes_to_standard_output_alone(self, company: Company) -> None:
        (company.folder / "calendars" / "not-an-address.ics").write_bytes(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
        ran = company.run("sync", "--format", "json")
        assert ran.code == 1
        (failure,) = ran.json["connectors"][0]["failed"]
        assert set(failure) == {"calendar", "error", "message"}
        assert failure["message"] in ran.err

    def test_every_client_has_a_row_in_every_month(self, company: Company) -> None:
        company.run("sync")
        found = company.run("report", "--months", "24", "--format", "json").json
        assert (len(found["months"]), found["timezone"]) == (24, "Europe/London")
        assert all([row["client"] for row in month["clients"]] == ["Acme"] for month in found["months"])
        assert set(found["months"][-1]["clients"][0]) >= {
            "client", "manager", "tier", "meetings", "score", "score_confirmed", "man_hours", "man_hours_confirmed",
            "phone_hours", "our_hours", "client_people", "steps", "previous", "verdict", "trend", "set_aside",
        }  # fmt: skip

    def test_months_come_in_order_and_the_last_complete_one_by_default(self, company: Company) -> None:
        company.run("sync")
        found = company.run("report", "--format", "json").json["months"]
        assert [month["month"] for month in found] == [MONTH]
        assert (found[0]["complete"], found[0]["missing_calendars"]) == (True, [])

    def test_csv_disarms_formulas(self, company: Company) -> None:
        company.put("jo@northwind.example", [meeting(title='=HYPERLINK("http://evil.example")')])
        company.run("sync")
        ran = company.run("explain", "--client", "Acme", "--format", "csv")
        (row,) = csv.DictReader(io.StringIO(ran.out))
        assert row["title"].startswith("'=HYPERLINK")

    def test_a_terminal_is_not_fooled(self, company: Company) -> None:
        company.put("jo@northwind.example", [meeting(title="\x1b[2J\u202eevil\x07[red]markup[/red]")])
        company.run("sync")
        out = company.run("explain", "--client", "Acme").out
        assert not {"\x1b", "\u202e", "\x07"} & set(out)
        assert "[red]markup" in out

    def test_the_tables_name_clients_and_figures(self, company: Company) -> None:
        assert "exports" in company.run("sync").out
        assert "Acme" in company.run("report").out
        explained = company.run("explain", "--client", "acme").out
        assert "Steering" in explained
        assert " ana " in explained
        status = company.run("status")
        assert (status.code, "fresh" in status.out) == (0, True)

    def test_status_tells_states_and_what_is_due(self, company: Company) -> None:
        (company.folder / "calendars" / "kim@northwind.example.ics").write_bytes(b"\x00\x01 no calendar")
        company.run("sync")
        ran = company.run("status", "--format", "json")
        states = {one["calendar"]: one["state"] for one in ran.json["calendars"]}
        assert states == {"jo@northwind.example": "fresh", "kim@northwind.example": "never_read"}
        assert [one["what"] for one in ran.json["due"]] == ["sync", "digest leadership"]
        assert (ran.code, ran.json["deliveries"]) == (1, [])

    def test_an_unread_calendar_makes_the_month_incomplete(self, company: Company) -> None:
        (company.folder / "calendars" / "kim@northwind.example.ics").write_bytes(b"\x00\x01 no calendar")
        company.run("sync")
        (month,) = company.run("report", "--format", "json").json["months"]
        assert (month["complete"], month["missing_calendars"]) == (False, ["kim@northwind.example"])

    def test_a_file_reaches_as_far_as_the_time_it_was_written(self, company: Company) -> None:
        path = company.folder / "calendars" / "jo@northwind.example.ics"
        os.utime(path, (LAST_MONTH.timestamp(), LAST_MONTH.timestamp()))
        company.run("sync")
        (month,) = company.run("report", "--format", "json").json["months"]
        assert (month["complete"], month["missing_calendars"]) == (False, ["jo@northwind.example"])

    def test_suggestions_group_by_organisation_and_leave_out_free_mail(self, company: Company) -> None:
        people = ("x@emea.globex.example", "y@globex.example", "z@gmail.com", "ana@acme.example")
        company.put("jo@northwind.example", [meeting(people=people, minutes=90), meeting("Two", ("q@hooli.example",))])
        company.run("sync")
        found = company.run("clients", "suggest", "--format", "json").json["suggestions"]
        assert [(one["domain"], one["man_hours"], one["people"]) for one in found] == [
            ("globex.example", 3.0, 2),
            ("hooli.example", 1.0, 1),
        ]
        assert 'domains = ["globex.example"]' in company.run("clients", "suggest").out

    def test_ours_are_counted_and_not_named_where_they_may_not_be(self, company: Company) -> None:
        company.write_config(CONFIG + CLIENTS + "\n[privacy]\nshow_ours = false\n")
        company.run("sync")
        ran = company.run("explain", "--client", "Acme", "--format", "json")
        (line,) = ran.json["meetings"]
        assert (line["ours"], line["calendars"]) == (1, 1)


class TestMistakes:
    """Each gets one sentence and a remedy on standard error, the right exit code, and nothing lost."""

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (("report", "--month", "2999-01"), 2, "future"),
            (("report", "--month", "1999-01"), 2, "before history"),
            (("report", "--month", "October"), 2, "YYYY-MM"),
            (("report", "--client", "Acmee"), 2, "Did you mean 'Acme'?"),
            (("explain", "--client", "Nobody"), 2, "no client"),
            (("digest", "leadershp", "--out", "d"), 2, "Did you mean 'leadership'?"),
            (("digest", "leadership"), 2, "--out DIR"),
            (("sync", "--connector", "google"), 2, "no connector 'google'"),
            (("report", "--format", "xml"), 2, "xml"),
            (("raport",), 2, "raport"),
            (("report", "--config", "nowhere.toml"), 2, "nowhere.toml"),
        ],
    )
    def test_a_wrong_command_line(self, company: Company, arguments: tuple[str, ...], code: int, says: str) -> None:
        company.run("sync")
        ran = company.run(*arguments)
        assert (ran.code, ran.out) == (code, "")
        assert says in ran.err

    def test_before_the_first_sync(self, company: Company) -> None:
        ran = company.run("report")
        assert (ran.code, ran.out) == (1, "")
        assert "rapport sync" in ran.err

    def test_a_broken_config_starts_nothing(self, company: Company) -> None:
        company.write_config("[company]\nname = 5\n[sync]\nevry = '15m'\n")
        ran = company.run("sync")
        assert ran.code == 2
        assert all(line in ran.err for line in ("config.toml:2: company.name", "config.toml:4: sync.evry", "every"))
        assert not (company.folder / "rapport.db").exists()

    def test_a_file_that_is_named_but_missing(self, company: Company) -> None:
        company.write_config(CONFIG.replace("*.ics", "kim@northwind.example.ics") + CLIENTS)
        ran = company.run("sync", "--format", "json")
        (failure,) = ran.json["connectors"][0]["failed"]
        assert (ran.code, failure["calendar"], failure["error"]) == (1, "kim@northwind.example", "missing")

    def test_a_calendar_that_goes_bad_keeps_what_was_read(self, company: Company) -> None:
        company.run("sync")
        path = company.folder / "calendars" / "jo@northwind.example.ics"
        path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
        ran = company.run("sync")
        assert ran.code == 1
        assert company.report(MONTH)["Acme"]["man_hours"] == 1
        assert company.run("status", "--format", "json").json["calendars"][0]["state"] == "failing"

    def test_one_bad_entry_is_set_aside_with_its_line(self, company: Company) -> None:
        path = company.folder / "calendars" / "jo@northwind.example.ics"
        bad = b"BEGIN:VEVENT\r\nUID:bad\r\nSUMMARY:no start\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        path.write_bytes(path.read_bytes().replace(b"END:VCALENDAR\r\n", bad))
        line = path.read_bytes().split(b"UID:bad")[0].count(b"\n")
        ran = company.run("sync", "--format", "json")
        (flaw,) = ran.json["connectors"][0]["set_aside"]
        assert (ran.code, f"line {line}" in flaw["where"]) == (0, True), flaw
        assert company.report(MONTH)["Acme"]["man_hours"] == 1

    def test_a_locked_store(self, company: Company) -> None:
        company.run("sync")
        with sqlite3.connect(company.folder / "rapport.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            ran = company.run("sync")
        assert (ran.code, "locked by another process" in ran.err) == (1, True)

    def test_a_newer_store(self, company: Company) -> None:
        company.run("sync")
        with sqlite3.connect(company.folder / "rapport.db") as other:
            other.execute("UPDATE alembic_version SET version_num = '9999'")
        ran = company.run("report")
        assert (ran.code, "newer version" in ran.err) == (2, True)

    def test_a_folder_that_cannot_take_the_digest(self, company: Company) -> None:
        company.run("sync")
        (company.folder / "out").write_text("a file, not a folder")
        ran = company.run("digest", "leadership", "--out", "out")
        assert (ran.code, ran.out) == (1, "")
        assert "cannot be written" in ran.err

    def test_a_full_disk_loses_nothing(self, company: Company) -> None:
        company.run("sync")
        limit = f"ulimit -f {max(1, (company.folder / 'rapport.db').stat().st_size // 1024)}"
        entries = [meeting()]
        entries += [meeting(f"M{number}", start=LAST_MONTH + timedelta(hours=number)) for number in range(400)]
        company.put("jo@northwind.example", entries)
        ran = subprocess.run(
            ["/bin/bash", "-c", f'trap "" XFSZ; {limit}; exec "$@"', "sync", *company.command("sync")],
            cwd=company.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 1
        assert "Traceback" not in ran.stderr
        assert company.run("sync").code == 0
        assert company.report(MONTH)["Acme"]["meetings"] > 100


class TestCheck:
    """Each line is OK, or names the cause and the next click."""

    def test_all_is_well(self, company: Company) -> None:
        ran = company.run("check", "--format", "json")
        assert (ran.code, ran.json["ok"]) == (0, True), ran.out
        assert {(one["subject"], one["check"]) for one in ran.json["checks"]} >= {
            ("config", "secrets"),
            ("store", "write"),
            ("exports", "people"),
            ("exports", "calendar"),
        }
        assert all(one["cause"] is None and one["remedy"] is None for one in ran.json["checks"])
        (clock,) = [one for one in ran.json["checks"] if one["check"] == "clock"]
        assert clock["note"] == "not known: nobody who was asked told the time", "there are files alone"

    def test_each_fault_has_its_line(self, company: Company) -> None:
        feeds = 'feeds = [{ owner = "sam@northwind.example", url = { env = "NO_SUCH_URL" } }]\n'
        company.write_config(CONFIG.rstrip() + f"\n{feeds}" + CLIENTS)
        (company.folder / "calendars" / "jo@northwind.example.ics").write_text("this is no calendar")
        ran = company.run("check", "--format", "json")
        failed = {one["subject"]: one for one in ran.json["checks"] if not one["ok"]}
        assert (ran.code, ran.json["ok"], set(failed)) == (1, False, {"config", "exports"})
        assert "NO_SUCH_URL" in failed["config"]["cause"]
        assert failed["exports"]["remedy"]
        assert company.run("report").code == 1  # nothing was stored

    def test_a_store_that_cannot_be_opened(self, company: Company) -> None:
        company.write_config(CONFIG + CLIENTS + '\n[store]\nurl = "sqlite:///nowhere/rapport.db"\n')
        ran = company.run("check", "--format", "json")
        (failed,) = [one for one in ran.json["checks"] if not one["ok"]]
        assert (ran.code, failed["subject"]) == (1, "store")


class TestConfigCheck:
    """The file alone: for a reload, and for a pipeline that has no secrets."""

    def test_a_config_that_can_be_used(self, company: Company) -> None:
        company.write_config(CONFIG + CLIENTS + '\n[slack]\ntoken = { env = "NO_SUCH_TOKEN" }\n')
        ran = company.run("config", "check")
        assert (ran.code, ran.out) == (0, "config.toml can be used.\n")
        assert not (company.folder / "rapport.db").exists()

    def test_every_problem_of_one_that_cannot(self, company: Company) -> None:
        company.write_config(CONFIG.replace("timezone", "timezne").replace("country", "contry") + CLIENTS)
        ran = company.run("config", "check")
        assert (ran.code, "timezne" in ran.err, "contry" in ran.err) == (2, True, True)

    def test_warnings_count_where_strict(self, company: Company) -> None:
        company.write_config(CONFIG + CLIENTS + "\n[scoring]\npoints = { short_one = 20 }\n")
        assert [company.run("config", "check", *strict).code for strict in ((), ("--strict",))] == [0, 1]


class TestDemo:
    def test_the_demo_does_the_whole_job_twice(self, tmp_path: Path) -> None:
        company = Company(tmp_path)
        first = company.run("demo")
        assert first.code == 0, first.err
        assert (tmp_path / "rapport-demo" / "digest" / "digest.html").exists()
        assert company.run("demo").code == 0

    def test_a_folder_that_is_not_the_demos_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "rapport-demo").mkdir()
        (tmp_path / "rapport-demo" / "thesis.txt").write_text("years of work")
        ran = Company(tmp_path).run("demo")
        assert (ran.code, (tmp_path / "rapport-demo" / "thesis.txt").read_text()) == (2, "years of work")
