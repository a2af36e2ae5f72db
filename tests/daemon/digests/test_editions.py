"""Editions of a digest: pure, from a month's data; and the data, read from one state of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.digests.editions import Edition, editions, editions_apart
from daemon.digests.month_data import MonthData, load_month
from daemon.figures.history import KnownMonths
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.suggestions import Suggestion
from daemon.store.calendars import Calendar
from daemon.store.db.engine import Database
from scoring.digest.restatement import Restated, Told
from scoring.insights.people import PeopleMonth, Presence
from scoring.months.history import Verdict
from scoring.months.month import Month
from tests.daemon.worlds import ANA, CLIENTS, JO, KIM, NOW, config_of, make_copy, scoring_context_of, sync
from tests.fakes.memory import MemoryCalendars
from tests.scoring.builders import at, figures, history

SEPTEMBER, OCTOBER, NOVEMBER = Month("2026-09"), Month("2026-10"), Month("2026-11")
CEO = "email:ceo@northwind.example"
MANAGED = (
    CLIENTS.replace('"Beta"', '"Beta"\nmanager = "kim@northwind.example"')
    + """
[[clients]]
name = "Core"
domains = ["core.example"]
"""
)
SENT_TO_MANAGERS = """
[[digests]]
name = "managers"
to = ["manager"]
[email]
host = "mail.northwind.example"
from = "rapport@northwind.example"
"""


def calendar_of(address: str, **fields: Any) -> Calendar:
    """A calendar that was read to the end of October, unless told otherwise."""
    read = at("2026-11-15 08:00")
    values: dict[str, Any] = {
        **dict.fromkeys(Calendar.__slots__),
        "id": 1,
        "connector": "memory",
        "key": address,
        "address": address,
        "aliases": (),
        "joined": "2026-01",
        "read_through": read,
        "last_success": read,
        "standing": False,
    }
    return Calendar(**values | fields)


@pytest.fixture
def data(tmp_path: Path) -> MonthData:
    """October of three clients, by hand: Acme fell from 3 h to 1 h, the others rose from 1 h to 2 h."""
    config = config_of(tmp_path, clients=MANAGED)
    context = ScoringContext(config, (calendar_of(JO), calendar_of(KIM)))
    hours = {"Acme": (3, 1), "Beta": (1, 2), "Core": (1, 2)}
    histories = {
        client: history(
            figures("2026-01", 1, client=client),
            figures("2026-09", before, client=client),
            figures("2026-10", now, client=client),
            client=client,
        )
        for client, (before, now) in hours.items()
    }
    return MonthData(
        context=context,
        digest=DigestTable(name="leadership", to=(CEO,)),
        month=OCTOBER,
        known=KnownMonths(begins=Month("2025-01"), running=NOVEMBER),
        now=NOW,
        clients=context.clients,
        histories=histories,
    )


def to(data: MonthData, *recipients: str) -> MonthData:
    return replace(data, digest=DigestTable(name="leadership", to=recipients))


def clients_of(edition: Edition) -> list[str]:
    return [line.client for line in edition.digest.lines]


def sentences_of(edition: Edition) -> dict[str, tuple[str, ...]]:
    return {section.title: section.sentences for section in edition.digest.sections}


class TestEditions:
    def test_whoever_is_named_gets_all_clients_in_one(self, data: MonthData) -> None:
        (edition,) = editions(to(data, CEO, "slack:#accounts"))
        assert (edition.recipients, edition.manager) == ((CEO, "slack:#accounts"), None)
        assert clients_of(edition) == ["Acme", "Beta", "Core"]
        assert edition.digest.headline == "October: 2 of 3 relationships are developing"

    def test_a_digest_for_nobody_is_still_made(self, data: MonthData) -> None:
        assert [edition.recipients for edition in editions(to(data))] == [()]

    def test_each_manager_gets_theirs_and_clients_without_one_are_in_none(self, data: MonthData) -> None:
        found = editions(to(data, "manager"))
        assert [(edition.manager, edition.recipients, clients_of(edition)) for edition in found] == [
            (JO, (f"email:{JO}",), ["Acme"]),
            (KIM, (f"email:{KIM}",), ["Beta"]),
        ]

    def test_a_manager_who_has_left_gets_none(self, data: MonthData) -> None:
        gone = calendar_of(KIM, left_at=at("2026-10-20 09:00"))
        left = replace(data.context, calendars=(calendar_of(JO), gone))
        found = editions(to(replace(data, context=left), CEO, "manager"))
        assert [edition.manager for edition in found] == [None, JO]

    def test_a_defect_in_one_touches_no_other(self, data: MonthData) -> None:
        broken: Any = [object()]
        given = to(replace(data, coming={"Acme": broken}), CEO, "manager")
        made, unmade = editions_apart(given)
        assert [edition.manager for edition in made] == [KIM]
        assert [edition.recipients for edition in unmade] == [(CEO,), (f"email:{JO}",)]
        assert {edition.defect for edition in unmade} == {"AttributeError"}

    def test_what_is_told_is_of_the_editions_clients(self, data: MonthData) -> None:
        everybody, jo, _ = editions(to(data, CEO, "manager"))
        assert [(told.client, told.month, told.man_seconds) for told in everybody.told] == [
            ("Acme", OCTOBER, 3600),
            ("Beta", OCTOBER, 7200),
            ("Core", OCTOBER, 7200),
        ]
        assert [told.client for told in jo.told] == ["Acme"]

    def test_a_running_month_is_told_by_no_figure_to_be_held_to(self, data: MonthData) -> None:
        (edition,) = editions(replace(data, month=NOVEMBER))
        assert edition.told == ()
        assert edition.digest.headline == "November so far: 0.0 hours of clients' time"

    def test_what_was_restated_is_told_with_its_client_and_counts_as_told(self, data: MonthData) -> None:
        now = Told(
            client="Beta", month=SEPTEMBER, score=1, man_seconds=3600, verdict=Verdict.NEW, meetings={}, rules=""
        )
        restated = Restated(
            client="Beta", month=SEPTEMBER, score=3, man_seconds=7200, why="one declined", sentence="Beta: declined."
        )
        everybody, jo, kim = editions(to(replace(data, restated=[(restated, now)]), CEO, "manager"))
        for edition in (everybody, kim):
            assert sentences_of(edition)["Changed since it was last told"] == ("Beta: declined.",)
            assert now in edition.told
        assert "Changed since it was last told" not in sentences_of(jo)
        assert now not in jo.told

    def test_strangers_met_often_are_named_to_those_who_see_all(self, data: MonthData) -> None:
        strangers = [Suggestion(domain="often.example", meetings=3), Suggestion(domain="twice.example", meetings=2)]
        everybody, *managers = editions(to(replace(data, strangers=strangers), CEO, "manager"))
        (sentence,) = sentences_of(everybody)["Met, but nobody's client"]
        assert "often[.]example" in sentence
        assert "twice" not in sentence
        assert all("Met, but nobody's client" not in sentences_of(edition) for edition in managers)

    def test_next_steps_say_whom_we_met_last(self, data: MonthData) -> None:
        october = PeopleMonth(client="Acme", month=OCTOBER, theirs={ANA: Presence(meetings=1, first=6, last=6)})
        jo, kim = editions(to(replace(data, people={"Acme": {OCTOBER: october}}), "manager"))
        (sentence,) = sentences_of(jo)["Next steps in November"]
        assert sentence.startswith("Acme: 1.0 h to beat; November has 0.0 h so far, nothing booked in it; last met Ana")
        assert "Next steps in November" not in sentences_of(kim), "Beta is developing"

    @pytest.mark.parametrize("read_through", ["2026-10-31 12:00", "2026-11-02 12:00"])
    def test_a_calendar_that_was_not_read_to_the_months_end_is_missing(
        self, data: MonthData, read_through: str
    ) -> None:
        behind = calendar_of(KIM, read_through=at(read_through))
        context = replace(data.context, calendars=(calendar_of(JO), behind))
        (edition,) = editions(replace(data, context=context))
        incomplete = read_through < "2026-11"
        assert edition.digest.complete is not incomplete
        assert any(KIM in sentence for sentence in edition.digest.lacks) is incomplete

    def test_managers_without_a_digest_are_named_where_ours_are(self, data: MonthData, tmp_path: Path) -> None:
        gone = calendar_of(KIM, left_at=at("2026-10-20 09:00"))
        for privacy, named in (("", KIM), ("[privacy]\nshow_ours = false\n", "1 manager")):
            config = config_of(tmp_path, clients=MANAGED, more=SENT_TO_MANAGERS + privacy)
            context = ScoringContext(config, (calendar_of(JO), gone))
            (edition,) = editions(replace(data, context=context))
            (sentence,) = sentences_of(edition)["Without a digest"]
            assert named in sentence


def hours_of_acme(edition: Edition) -> int:
    """In tenths."""
    (line,) = (line for line in edition.digest.lines if line.client == "Acme")
    return line.tenths


@contextmanager
def after_the_first_read(connection: Connection, work: Any) -> Iterator[None]:
    """Has something done by others as soon as a connection has seen the store."""
    done: list[str] = []

    def once(*arguments: Any) -> None:
        statement: str = arguments[2]
        if not done and statement.startswith("SELECT"):
            done.append(statement)
            work()

    event.listen(connection, "after_cursor_execute", once)
    yield
    event.remove(connection, "after_cursor_execute", once)
    assert done


def test_an_edition_is_of_one_state_although_a_sync_commits_meanwhile(store: Database, config: Config) -> None:
    """Figures, meetings, what is booked and how far calendars are read: all as they were when the first was read."""
    provider = MemoryCalendars()
    account = provider.account(JO)
    account.put(make_copy("one"))
    digest = DigestTable(name="leadership", to=(CEO, "manager"))

    def synced() -> None:
        sync(store, config, provider)
        rescore(store, scoring_context_of(store, config), NOW)

    def more_comes() -> None:
        account.put(make_copy("two", start=at("2026-10-13 09:00"), minutes=120))
        account.put(make_copy("ahead", start=at("2026-11-26 09:00")))
        provider.account(KIM).put(make_copy("stranger", owner=KIM, people=(KIM, "di@other.example")))
        synced()

    def made(connection: Connection) -> list[Edition]:
        return editions(load_month(connection, config, digest, None, NOW))

    synced()
    with store.reading() as connection:
        before = made(connection)
    with store.reading() as connection, after_the_first_read(connection, more_comes):
        meanwhile = made(connection)
    with store.reading() as connection:
        after = made(connection)
    assert meanwhile == before
    assert [hours_of_acme(edition) for edition in before] == [10, 10]
    assert [hours_of_acme(edition) for edition in after] == [30, 30], "the sync has changed what is told"
