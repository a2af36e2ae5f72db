"""One bad thing stops nothing (`docs/design.md` 5): a pass in which something from outside is not as it should be."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from connectors.contract import Calendars, Person, Roster
from daemon.config.model import Config
from daemon.figures.rescore import rescore
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.db.types import to_millis
from daemon.store.figures import due_months, months_with_figures
from daemon.sync.connect import close_all
from tests.daemon.worlds import ANA, BO, JO, KIM, NOW, config_of, hours, make_copy, scoring_context_of, stored, sync
from tests.fakes import google_client, microsoft_client
from tests.fakes.google import FakeGoogle
from tests.fakes.http_fake import Answer, json_answer
from tests.fakes.memory import MemoryCalendars
from tests.fakes.microsoft import FakeMicrosoft

ADMIN = "admin@northwind.example"
DEFECTS = [
    TypeError("unhashable"),
    ValueError("no date"),
    OverflowError("too large"),
    RecursionError("too deep"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"),
]


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        fake.world.add(ADMIN, admin=True)
        for address in (JO, KIM):
            fake.world.add(address).put(google_client.meeting("e1"))
        yield fake


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        for address in (JO, KIM):
            fake.world.add(address).put(microsoft_client.meeting("e1"))
        yield fake


def jo_of(graph: FakeMicrosoft) -> str:
    """Jo's id in the directory."""
    return next(user.id for user in graph.world.users.values() if user.upn == JO)


def errors_of(store: Database, connector: str) -> dict[str, str | None]:
    with store.reading() as connection:
        return {row.address: row.error_code for row in read_calendars(connection, connector)}


def sound(*entries: str) -> MemoryCalendars:
    provider = MemoryCalendars("sound")
    for entry in entries or ("s1",):
        provider.account(KIM).put(make_copy(entry, owner=KIM))
    return provider


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: type(defect).__name__)
@pytest.mark.parametrize("where", ["people", "query", "roster"])
def test_a_defect_of_one_connector_is_told_and_the_next_one_is_read(
    sqlite_store: Database, config: Config, where: str, defect: Exception
) -> None:
    class Broken(MemoryCalendars):
        def people(self) -> Roster:
            if where == "people":
                raise defect
            return Roster(people=(Person(id=JO, addresses=()),)) if where == "roster" else super().people()

        def query(self) -> str:
            if where == "query":
                raise defect
            return super().query()

    provider = MemoryCalendars("broken")
    provider.account(JO).put(make_copy())
    sync(sqlite_store, config, provider)
    broken = Broken("broken", tuple(provider.accounts.values()))
    with capture_logs() as logs:
        bad, good = sync(sqlite_store, config, broken, sound(), now=NOW + timedelta(minutes=15))
    assert [(failure.calendar, failure.code) for failure in bad.failed] == [(JO, "defect")]
    assert "Report this" in bad.failed[0].message
    assert (good.synced, good.failed) == (1, [])
    assert errors_of(sqlite_store, "broken") == {JO: "defect"}
    assert [line["connector"] for line in logs if line["event"] == "connector_defect"] == ["broken"]
    assert sync(sqlite_store, config, provider, now=NOW + timedelta(minutes=30))[0].failed == []


def test_one_that_cannot_be_closed_keeps_no_other_from_it() -> None:
    class Broken(MemoryCalendars):
        def close(self) -> None:
            raise OSError

    closed: list[str] = []

    class Sound(MemoryCalendars):
        def close(self) -> None:
            closed.append(self.name)

    close_all([Broken("broken"), Sound("sound")])
    assert closed == ["sound"]


@pytest.mark.parametrize("wait", ["1000000000000", "1e300", "99999999999999999999999"])
@pytest.mark.parametrize("kind", ["google", "microsoft365"])
def test_a_wait_of_ages_is_a_day(
    sqlite_store: Database,
    config: Config,
    tmp_path: Path,
    google: FakeGoogle,
    graph: FakeMicrosoft,
    kind: str,
    wait: str,
) -> None:
    connector: Calendars
    if kind == "google":
        google.fail(subject=JO, status=429, headers={"Retry-After": wait}, times=9)
        connector = google_client.workspace(google, tmp_path, calendars=[JO, KIM])
    else:
        graph.fail(
            user=jo_of(graph), path="/calendarView", status=429, code="TooManyRequests", retry_after=wait, times=9
        )
        connector = microsoft_client.tenant(graph, tmp_path, calendars=[JO, KIM])
    result, other = sync(sqlite_store, config, connector, sound())
    connector.close()
    assert [(failure.calendar, failure.again_after) for failure in result.failed] == [(JO, 86_400.0)]
    assert (result.synced, other.synced) == (1, 1)


class TestDatesFarAway:
    def moved(self, store: Database, config: Config, start: datetime, minutes: int = 60) -> MemoryCalendars:
        """An entry that was held in October, and was then moved."""
        provider = sound()
        provider.account(JO).put(make_copy("far"))
        sync(store, config, provider)
        provider.account(JO).put(make_copy("far", start=start, minutes=minutes))
        return provider

    @pytest.mark.parametrize(
        "start",
        [datetime(9999, 12, 31, 23, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)],
    )
    def test_the_ends_of_time_are_an_entry_that_cannot_be_read(
        self, store: Database, config: Config, start: datetime
    ) -> None:
        provider = self.moved(store, config, start, 30)
        (result,) = sync(store, config, provider)
        assert (result.failed, [flaw.calendar for flaw in result.flaws]) == ([], [JO])
        assert hours(store, config) == 1  # it is there: what is held of it stays

    @pytest.mark.parametrize("year", [1500, 4500, 9998])
    def test_a_month_far_away_is_not_derived(self, store: Database, tmp_path: Path, year: int) -> None:
        config = config_of(tmp_path)
        provider = self.moved(store, config, datetime(year, 3, 9, 9, tzinfo=UTC))
        (result,) = sync(store, config, provider)
        assert (result.failed, result.flaws) == ([], [])
        other = config_of(tmp_path, more='[scoring]\nvideo = "phone"\n')  # so that every month is derived anew
        rescore(store, scoring_context_of(store, other), NOW)
        with store.reading() as connection:
            assert set(due_months(connection, NOW)) <= {f"{year}-03"}
            assert {month[:4] for month in months_with_figures(connection)} <= {"2026"}
        assert hours(store, other) == 1  # Kim's alone

    def test_a_month_beyond_what_is_read_is_derived_when_the_days_reach_it(
        self, store: Database, config: Config
    ) -> None:
        provider = self.moved(store, config, datetime(2027, 8, 9, 9, tzinfo=UTC))
        sync(store, config, provider)
        provider.account(JO).error = OSError("never read again")
        later = datetime(2027, 8, 20, tzinfo=UTC)
        sync(store, config, provider, now=later)
        assert hours(store, config, "2027-08", now=later) == 1

    def test_what_an_earlier_version_kept_of_the_last_year_ends_no_pass(self, store: Database, config: Config) -> None:
        provider = sound()
        provider.account(JO).put(make_copy("far"))
        sync(store, config, provider)
        with store.writing() as connection:
            far = to_millis(datetime(9999, 12, 31, 9, tzinfo=UTC))
            connection.execute(
                text("UPDATE copies SET starts_at = :far, ends_at = :far WHERE entry = 'far'"), {"far": far}
            )
            connection.execute(text("INSERT INTO stale_months (month, mark) VALUES ('9999-12', 1)"))
        provider.account(KIM).put(make_copy("s2", owner=KIM, start=datetime(2026, 10, 7, 9, tzinfo=UTC)))
        provider.account(JO).remove("far")
        (result,) = sync(store, config, provider, now=NOW + timedelta(minutes=15))
        assert (result.failed, result.changed) == ([], 2)
        assert hours(store, config) == 2


HALF = "\ud83d"


@pytest.mark.parametrize("odd", [HALF, "\0"])
@pytest.mark.parametrize("field", ["title", "address", "organiser", "entry"])
def test_text_that_no_store_can_hold_is_repaired(store: Database, config: Config, field: str, odd: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "title": {"title": f"Budget {odd}"},
        "address": {"people": (JO, ANA, f"x{odd}@acme.example")},
        "organiser": {"organiser": f"x{odd}@acme.example"},
        "entry": {},
    }
    entry = f"e{odd}" if field == "entry" else "e1"
    provider = MemoryCalendars()
    provider.account(JO).put(make_copy(entry, uid="u@x.example", **changes[field]))
    for number in range(2):
        (result,) = sync(store, config, provider, now=NOW + timedelta(minutes=number), full=True)
        assert (result.failed, result.flaws, result.changed) == ([], [], 1 - number)
    assert hours(store, config) >= 1
    if field == "title":
        assert stored(store, "title") == [("Budget \ufffd",)]
    provider.account(JO).remove(entry)
    assert sync(store, config, provider, now=NOW + timedelta(minutes=3))[0].changed == 1
    assert hours(store, config) == 0


def test_people_whose_names_no_store_can_hold(store: Database, config: Config) -> None:
    provider = MemoryCalendars()
    provider.account(JO).put(make_copy())
    odd = Person(id=f"7{HALF}", addresses=(f"lee{HALF}\0@northwind.example",))
    provider.unreadable = ((odd, f"because {HALF}\0"),)
    provider.groups = (f"all{HALF}\0@northwind.example",)
    (result,) = sync(store, config, provider)
    assert (result.synced, result.failed) == (1, [])


@pytest.mark.parametrize("kind", ["google", "microsoft365"])
@pytest.mark.parametrize("odd", [HALF, "\0"])
def test_an_invitation_from_outside_stops_no_calendar(
    store: Database, config: Config, tmp_path: Path, google: FakeGoogle, graph: FakeMicrosoft, kind: str, odd: str
) -> None:
    guest = f"a{odd}@acme.example"
    if kind == "google":
        rows = [{"email": BO, "responseStatus": "accepted"}, {"email": guest, "responseStatus": "accepted"}]
        calendar = google.world.calendars[next(u.id for u in google.world.users.values() if u.primary == JO)]
        calendar.put(google_client.meeting("e2", summary=f"Hi {odd}", attendees=rows))
        connector = google_client.workspace(google, tmp_path)
    else:
        listed = [microsoft_client.guest(BO), microsoft_client.guest(guest)]
        graph.world.mailbox(JO).put(microsoft_client.meeting("e2", subject=f"Hi {odd}", attendees=listed))
        connector = microsoft_client.tenant(graph, tmp_path)
    (result,) = sync(store, config, connector)
    connector.close()
    assert (result.synced, result.failed, result.flaws, len(stored(store))) == (1, [], [], 2)


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        *[("google", {name: value}) for name in ("visibility", "eventType", "status", "start") for value in ({}, [7])],
        ("google", {"start": {"date": "0001-01-01"}, "end": {"date": "0001-01-02"}}),
        ("google", {"start": {"date": "9999-12-30"}, "end": {"date": "9999-12-31"}}),
        *[("microsoft365", {name: value}) for name in ("sensitivity", "start", "type") for value in ({}, [7])],
    ],
)
def test_an_odd_value_is_at_most_an_entry_that_cannot_be_read(
    sqlite_store: Database,
    config: Config,
    tmp_path: Path,
    google: FakeGoogle,
    graph: FakeMicrosoft,
    kind: str,
    odd: Any,
) -> None:
    connector: Calendars

    def spoil(_path: str, _headers: Message, answer: Answer) -> Answer:
        body = json.loads(answer.body)
        for item in body.get("items") or body.get("value") or ():
            item.update(odd if item.get("id") == "e2" or str(item.get("subject")) == "e2" else {})
        return json_answer(answer.status, body)

    if kind == "google":
        calendar = google.world.calendars[next(u.id for u in google.world.users.values() if u.primary == JO)]
        calendar.put(google_client.meeting("e2"))
        google.spoil = spoil  # type: ignore[method-assign]  # a server's answer
        connector = google_client.workspace(google, tmp_path)
    else:
        graph.world.mailbox(JO).put(microsoft_client.meeting("e2", subject="e2"))
        graph.spoil = spoil  # type: ignore[method-assign]  # a server's answer
        connector = microsoft_client.tenant(graph, tmp_path)
    (result,) = sync(sqlite_store, config, connector)
    connector.close()
    assert (result.synced, result.failed) == (1, [])
    assert len(stored(sqlite_store)) + len(result.flaws) == 2


@pytest.mark.parametrize("kind", ["google", "microsoft365"])
@pytest.mark.parametrize("everybody", [{"calendars": ["*"]}, {"calendars": ["group:team@northwind.example"]}])
def test_a_directory_that_names_nobody_is_not_believed_for_a_day(
    sqlite_store: Database,
    config: Config,
    tmp_path: Path,
    google: FakeGoogle,
    graph: FakeMicrosoft,
    kind: str,
    everybody: dict[str, Any],
) -> None:
    if kind == "google":
        google.world.groups = {"team@northwind.example": [JO, KIM]}
        connector = google_client.workspace(google, tmp_path, admin=ADMIN, **everybody)
    else:
        graph.world.add_group("team@northwind.example", [JO, KIM])
        connector = microsoft_client.tenant(graph, tmp_path, **everybody)
    sync(sqlite_store, config, connector)
    before = _present(sqlite_store)
    assert before >= 2
    nobody = json.dumps({"users": [], "members": [], "value": []}).encode()
    for path in ("/users", "/members", "/transitiveMembers"):
        fault = {"path": path, "status": 200, "body": nobody, "times": 2}
        google.fail(**fault)
        graph.fail(**fault)
    with capture_logs() as logs:
        sync(sqlite_store, config, connector, now=NOW + timedelta(minutes=15))
    assert _present(sqlite_store) == before
    assert [line["event"] for line in logs if line["event"] == "roster_doubted"] == ["roster_doubted"]
    connector.close()


def _present(store: Database) -> int:
    with store.reading() as connection:
        return sum(row.left_at is None for row in read_calendars(connection))


def test_a_link_to_elsewhere_is_not_stored_and_the_calendar_is_listed_anew(
    sqlite_store: Database, config: Config, tmp_path: Path, graph: FakeMicrosoft
) -> None:
    connector = microsoft_client.tenant(graph, tmp_path)
    sync(sqlite_store, config, connector)
    graph.graph.link_root = "https://elsewhere.example"
    (wrong,) = sync(sqlite_store, config, connector, now=NOW + timedelta(minutes=15))
    assert [failure.code for failure in wrong.failed] == ["foreign_link"]
    graph.graph.link_root = None
    for number in (2, 3):
        (right,) = sync(sqlite_store, config, connector, now=NOW + timedelta(minutes=15 * number))
        assert (right.synced, right.failed) == (1, [])
    connector.close()


def test_a_link_to_elsewhere_that_an_earlier_version_stored(
    sqlite_store: Database, config: Config, tmp_path: Path, graph: FakeMicrosoft
) -> None:
    connector = microsoft_client.tenant(graph, tmp_path)
    sync(sqlite_store, config, connector)
    with sqlite_store.writing() as connection:
        held = connection.exec_driver_sql("SELECT cursor FROM calendar_state").scalar_one()
        moved = held.replace(graph.host, "https://elsewhere.example")
        assert moved != held
        connection.exec_driver_sql("UPDATE calendar_state SET cursor = ?", (moved,))
    (result,) = sync(sqlite_store, config, connector, now=NOW + timedelta(minutes=15))
    connector.close()
    assert (result.synced, result.failed) == (1, [])


def test_pages_without_end_end_with_more_than_a_calendar_can_hold(
    sqlite_store: Database, tmp_path: Path, graph: FakeMicrosoft
) -> None:
    config = config_of(tmp_path, more='[sync]\nhistory = "1 month"\nahead = "1d"\n')
    pages, jo = itertools.count(), jo_of(graph)

    def endless(path: str, _: Message, answer: Answer) -> Answer:
        if f"/users/{jo}/calendarView" not in path:
            return answer
        following = f"{graph.endpoint}/users/{jo}/calendarView/delta?$skiptoken={next(pages)}"
        return json_answer(200, {"value": [], "@odata.nextLink": following})

    graph.spoil = endless  # type: ignore[method-assign]  # a server's answer
    connector = microsoft_client.tenant(graph, tmp_path, calendars=[JO, KIM])
    result, other = sync(sqlite_store, config, connector, sound())
    connector.close()
    assert [(failure.calendar, failure.code) for failure in result.failed] == [(JO, "endless")]
    assert (result.synced, other.synced) == (1, 1)
    assert next(pages) < 200
