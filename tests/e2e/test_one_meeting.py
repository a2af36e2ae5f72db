"""One meeting's way through the house, from a calendar file to the digest (`docs/architecture.md` names the rooms)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from icalendar import Event, vCalAddress

from tests.e2e.company import CONFIG, Company

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


def _last_month() -> datetime:
    """The tenth of last month, at nine."""
    first = datetime.now(UTC).replace(day=1, hour=9, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=10)


def _steering_group(start: datetime) -> Event:
    entry = Event()
    entry.add("uid", "steering@northwind.example")
    entry.add("summary", "Steering group")
    entry.add("dtstart", start)
    entry.add("dtend", start + timedelta(hours=2))
    entry.add("dtstamp", start - timedelta(days=9))
    entry.add("organizer", vCalAddress("mailto:jo@northwind.example"))
    for address in ("jo@northwind.example", "ana@acme.example", "bo@acme.example", "Cy+work@Acme.example"):
        attendee = vCalAddress(f"MAILTO:{address}")
        attendee.params["PARTSTAT"] = "ACCEPTED"
        entry.add("attendee", attendee)
    return entry


def test_a_meeting_goes_from_a_calendar_file_to_the_digest(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.write_config(CONFIG + CLIENTS)
    start = _last_month()
    company.put("jo@northwind.example", [_steering_group(start)])
    month = start.strftime("%Y-%m")

    synced = company.run_apart(
        "sync", "--format", "json"
    )  # connectors/calendars/ics/connector.py, daemon/sync/run.py, daemon/store/
    assert synced.json["connectors"][0] | {"seconds": 0} == {
        "name": "exports",
        "calendars": 1,
        "synced": 1,
        "failed": [],
        "requests": 0,
        "entries": 1,
        "changed": 1,
        "seconds": 0,
        "set_aside": [],
        "held": [],
    }

    row = company.report(month)["Acme"]  # scoring/, daemon/reporting/months.py
    assert (row["meetings"], row["score"], row["man_hours"], row["our_hours"], row["client_people"]) == (1, 13, 6, 2, 3)
    assert (row["steps"]["long_many"], row["verdict"], row["trend"]) == (1, "new", "new")

    (meeting,) = company.run_apart("explain", "--client", "Acme", "--month", month, "--format", "json").json["meetings"]
    assert meeting["client_people"] == ["ana@acme.example", "bo@acme.example", "cy@acme.example"]
    assert (meeting["title"], meeting["step"], meeting["points"], meeting["man_hours"]) == (
        "Steering group",
        "long_many",
        13,
        6,
    )
    assert (meeting["ours"], meeting["calendars"], meeting["set_aside"]) == (
        ["jo@northwind.example"],
        ["jo@northwind.example"],
        None,
    )

    # scoring/digest/value.py, render/
    written = company.run_apart("digest", "leadership", "--month", month, "--out", "digest")
    assert written.code == 0, written.err
    text = (tmp_path / "digest" / "digest.txt").read_text("utf-8")
    assert f"{start:%B}: 0 of 1 relationship" in text
    assert "Steering group, 3 people, 2 h" in text
