"""A company with Google and Microsoft mailboxes: a meeting that stands in both counts once (R1), and so do series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.company import Company
from tests.fakes import google_world, microsoft_items
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft, config
from tests.fakes.microsoft_items import guest, native_uid

GIA, MIA, ANA, BO = "gia@northwind.example", "mia@northwind.example", "ana@acme.example", "bo@acme.example"
FIRST = (datetime.now(UTC).replace(day=1, hour=9, minute=0, second=0, microsecond=0) - timedelta(days=10)).replace(
    day=2
)
GOOGLE = """
[[connectors]]
name = "workspace"
kind = "google"
credentials_file = "{key}"
calendars = ["{owner}"]
api_endpoint = "{url}"
"""


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        fake.world.add(GIA).now = FIRST
        yield fake


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        fake.world.add(MIA).now = FIRST
        yield fake


@pytest.fixture
def company(google: FakeGoogle, graph: FakeMicrosoft, tmp_path: Path) -> Company:
    made = Company(tmp_path)
    key = google.key_file(tmp_path).name
    made.write_config(config(graph, tmp_path) + GOOGLE.format(key=key, url=google.url, owner=GIA))
    return made


def in_google(organiser: str, start: datetime = FIRST, minutes: int = 60, **more: Any) -> dict[str, Any]:
    """Gia's copy: everybody has accepted."""
    rows = [
        {"email": one, "self": one == GIA, "organizer": one == organiser, "responseStatus": "accepted"}
        for one in (GIA, MIA, ANA)
    ]
    begins, ends = google_world.at(start), google_world.at(start + timedelta(minutes=minutes))
    return {"start": begins, "end": ends, "attendees": rows, "organizer": {"email": organiser}, **more}


def in_graph(organiser: str, start: datetime = FIRST, minutes: int = 60, **more: Any) -> dict[str, Any]:
    """Mia's copy: she knows her own answer only, unless she organises."""
    answer = "accepted" if organiser == MIA else "none"
    rows = [guest(one, answer) for one in (GIA, MIA, ANA) if one != organiser]
    begins, ends = microsoft_items.at(start), microsoft_items.at(start + timedelta(minutes=minutes))
    named = {"emailAddress": {"name": "Some Person", "address": organiser}}
    mine = {"response": "organizer" if organiser == MIA else "accepted", "time": "2026-01-01T00:00:00Z"}
    return {"start": begins, "end": ends, "attendees": rows, "organizer": named, "responseStatus": mine, **more}


def counted(company: Company) -> list[tuple[int, float, list[str]]]:
    """What counts for Acme after a pass: days after the first, man-hours, and in whose calendars it stands."""
    ran = company.run("sync", "--format", "json")
    assert ran.code == 0, ran.out + ran.err
    ran = company.run("explain", "--client", "Acme", "--month", f"{FIRST:%Y-%m}", "--format", "json")
    return [
        ((datetime.fromisoformat(one["start"]) - FIRST).days, one["man_hours"], sorted(one["calendars"]))
        for one in ran.json["meetings"]
        if one["set_aside"] is None
    ]


def test_called_in_google_and_seen_in_microsoft(google: FakeGoogle, graph: FakeMicrosoft, company: Company) -> None:
    google.world.calendar(GIA).put({"id": "g1", **in_google(GIA, iCalUID="g1@google.com")})
    graph.world.mailbox(MIA).put({"id": "m1", **in_graph(GIA, wraps="g1@google.com")})
    assert counted(company) == [(0, 1.0, [GIA, MIA])]
    assert company.report(f"{FIRST:%Y-%m}")["Acme"]["meetings"] == 1


def test_called_in_microsoft_and_seen_in_google(google: FakeGoogle, graph: FakeMicrosoft, company: Company) -> None:
    graph.world.mailbox(MIA).put({"id": "m1", **in_graph(MIA)})
    google.world.calendar(GIA).put({"id": "g1", **in_google(MIA, iCalUID=native_uid("m1"))})
    assert counted(company) == [(0, 1.0, [GIA, MIA])]
    graph.world.mailbox(MIA).delete(microsoft_items.entry_id("m1"))
    assert counted(company) == []  # the organiser's copy decides (R2)


def test_a_series_called_in_google(google: FakeGoogle, graph: FakeMicrosoft, company: Company) -> None:
    """Three weeks; the second is moved by a day on both sides, the third deleted by Gia, who organises."""
    gia, mia = google.world.calendar(GIA), graph.world.mailbox(MIA)
    parts = gia.put_series("gs", in_google(GIA, minutes=30, iCalUID="gs@google.com"), 3)
    _, others = mia.put_series("ms", in_graph(GIA, minutes=30, wraps="gs@google.com"), 3)
    assert counted(company) == [(0, 0.5, [GIA, MIA]), (7, 0.5, [GIA, MIA]), (14, 0.5, [GIA, MIA])]
    moved = FIRST + timedelta(8)
    gia.change(parts[1], start=google_world.at(moved), end=google_world.at(moved + timedelta(minutes=30)))
    mia.move(others[1], microsoft_items.at(moved), microsoft_items.at(moved + timedelta(minutes=30)))
    assert counted(company) == [(0, 0.5, [GIA, MIA]), (8, 0.5, [GIA, MIA]), (14, 0.5, [GIA, MIA])]
    gia.cancel(parts[2])
    mia.delete_occurrence(others[2])
    assert counted(company) == [(0, 0.5, [GIA, MIA]), (8, 0.5, [GIA, MIA])]


def test_a_series_called_in_microsoft(google: FakeGoogle, graph: FakeMicrosoft, company: Company) -> None:
    """Google has one UID for all of a series; Exchange's occurrences have their dates in theirs."""
    gia, mia = google.world.calendar(GIA), graph.world.mailbox(MIA)
    _, parts = mia.put_series("ms", in_graph(MIA, minutes=30), 3)
    others = gia.put_series("gs", in_google(MIA, minutes=30, iCalUID=native_uid("ms")), 3)
    moved = FIRST + timedelta(days=1, hours=2)
    mia.move(parts[0], microsoft_items.at(moved), microsoft_items.at(moved + timedelta(minutes=90)))
    gia.change(others[0], start=google_world.at(moved), end=google_world.at(moved + timedelta(minutes=90)))
    assert counted(company) == [(1, 1.5, [GIA, MIA]), (7, 0.5, [GIA, MIA]), (14, 0.5, [GIA, MIA])]
    mia.delete_occurrence(parts[1])
    gia.cancel(others[1])
    assert counted(company) == [(1, 1.5, [GIA, MIA]), (14, 0.5, [GIA, MIA])]


def test_an_exception_without_its_original_start(google: FakeGoogle, graph: FakeMicrosoft, company: Company) -> None:
    """Graph leaves it out now and then: the date in the Global Object ID tells which occurrence it is."""
    gia, mia = google.world.calendar(GIA), graph.world.mailbox(MIA)
    mia.quirk(original_start=False)
    _, parts = mia.put_series("ms", in_graph(MIA, minutes=30), 2)
    gia.put_series("gs", in_google(MIA, minutes=30, iCalUID=native_uid("ms")), 2)
    later = FIRST + timedelta(days=3)
    mia.move(parts[0], microsoft_items.at(later), microsoft_items.at(later + timedelta(minutes=30)))
    assert counted(company) == [(3, 0.5, [GIA, MIA]), (7, 0.5, [GIA, MIA])]


def test_two_meetings_are_two(google: FakeGoogle, graph: FakeMicrosoft, company: Company) -> None:
    """At the same time, with the same people, called in each of them."""
    google.world.calendar(GIA).put({"id": "g1", **in_google(GIA, iCalUID="g1@google.com")})
    graph.world.mailbox(MIA).put({"id": "m1", **in_graph(MIA)})
    assert len(counted(company)) == 2
    assert company.report(f"{FIRST:%Y-%m}")["Acme"]["meetings"] == 2
