"""People, signals and stages from the store: kept with the figures, worked out again when something changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.digests.editions import editions
from daemon.digests.month_data import load_month
from daemon.figures.insights import Insight, insights_of
from daemon.figures.rescore import rescore
from daemon.store.addresses import erase_unused_addresses
from daemon.store.copies import erase_copies_before
from daemon.store.db.engine import Database
from daemon.store.insights import insights_kept
from daemon.store.people import read_people
from scoring.insights.people import Presence
from scoring.meetings.values import Copy
from scoring.months.month import Month
from tests.daemon.worlds import ANA, BASE, BO, CLIENTS, JO, KIM, NOW, config_of, make_copy, scoring_context_of, sync
from tests.fakes.memory import MemoryCalendars

OCTOBER = Month("2026-10")
PEOPLE = 'people_file = "people.csv"\n' + BASE


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_year(people: Iterable[str] = (JO, ANA), *, until: int = 10) -> list[Copy]:
    """An hour with the people on the sixth of every month of 2026."""
    return [
        make_copy(f"m{number}", start=at(f"2026-{number:02d}-06 09:00"), people=people)
        for number in range(1, until + 1)
    ]


def provider_of(copies: Iterable[Copy]) -> MemoryCalendars:
    provider = MemoryCalendars()
    provider.account(JO)
    for copy in copies:
        provider.account(copy.owner).put(copy)
    return provider


def seen(
    database: Database, config: Config, month: str = OCTOBER, client: str = "Acme", now: datetime = NOW
) -> Insight:
    """What is known of a client as of the end of a month, brought up to date first as every command does."""
    rescore(database, scoring_context_of(database, config), now)
    with database.reading() as connection:
        return insights_of(connection, [Month(month)])[client, Month(month)]


def names(insight: Insight) -> set[str]:
    return {one.name for one in insight.signals}


class TestOnBothDatabases:
    def test_people_are_kept_with_the_figures(self, store: Database, config: Config) -> None:
        copies = [make_copy("one", people=(JO, ANA, BO), minutes=90), make_copy("two", people=(JO, ANA), organiser=ANA)]
        sync(store, config, provider_of(copies))
        with store.reading() as connection:
            month = read_people(connection, ["Acme"])["Acme"][OCTOBER]
        assert month.theirs == {ANA: Presence(5400, 0, 2, 6, 6, 0), BO: Presence(5400, 0, 1, 6, 6, 0)}
        assert (month.ours, month.meetings, month.called) == ({JO: 2}, 2, 1)

    def test_signals_and_stage_of_every_ended_month(self, store: Database, config: Config) -> None:
        sync(store, config, provider_of(a_year()))
        found = seen(store, config)
        assert names(found) == {"single_threaded", "one_of_ours", "no_new_people"}
        assert (found.stage, found.evidence["months_met"], found.evidence["centres"]) == ("basic", 6, None)
        assert found.evidence["lacks"] == ["2 more people of theirs", "1 more of ours"]
        with store.reading() as connection:
            months = {month for _, month in insights_kept(connection)}
        assert (min(months), max(months)) == ("2024-11", "2026-10")

    def test_a_signal_appears_and_vanishes_with_the_calendars(self, store: Database, config: Config) -> None:
        provider = provider_of(a_year())
        sync(store, config, provider)
        assert "single_threaded" in names(seen(store, config))
        provider.account(JO).put(make_copy("more", start=at("2026-10-20 09:00"), minutes=240, people=(JO, BO, KIM)))
        sync(store, config, provider)
        found = seen(store, config)
        assert not {"single_threaded", "one_of_ours", "no_new_people"} & names(found)
        assert "new_people" in names(found)
        provider.account(JO).remove("more")
        sync(store, config, provider)
        assert "single_threaded" in names(seen(store, config))


class TestWhatIsWorkedOutAgain:
    def test_a_booking_in_a_later_month_counts(self, sqlite_store: Database, config: Config) -> None:
        copies = [make_copy("old", start=at("2026-07-06 09:00")), make_copy("new", people=(JO, BO))]
        provider = provider_of(copies)
        sync(sqlite_store, config, provider)
        assert "gone_quiet" in names(seen(sqlite_store, config))
        provider.account(JO).put(make_copy("booked", start=at("2026-12-06 09:00")))
        sync(sqlite_store, config, provider)
        assert "gone_quiet" not in names(seen(sqlite_store, config))

    def test_other_thresholds(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        sync(sqlite_store, config, provider_of([make_copy("one", people=(JO, ANA, BO))]))
        assert "single_threaded" not in names(seen(sqlite_store, config))
        other = config_of(tmp_path, more="[signals]\nsingle_threaded = 0.5\n")
        assert "single_threaded" in names(seen(sqlite_store, other))

    def test_a_new_month(self, sqlite_store: Database, config: Config) -> None:
        sync(sqlite_store, config, provider_of(a_year()))
        assert "not_met" in names(seen(sqlite_store, config, "2026-11", now=at("2026-12-01 09:00")))

    def test_nothing_where_nothing_has_changed(self, sqlite_store: Database, config: Config) -> None:
        sync(sqlite_store, config, provider_of(a_year()))
        seen(sqlite_store, config)
        with sqlite_store.writing() as connection:
            connection.exec_driver_sql("UPDATE insights SET content = replace(content, 'basic', 'kept')")
        assert seen(sqlite_store, config).stage == "kept"

    def test_only_the_clients_and_months_that_a_change_may_alter(self, sqlite_store: Database, config: Config) -> None:
        provider = provider_of([*a_year(), make_copy("beta", people=(JO, "bea@beta.example"))])
        sync(sqlite_store, config, provider)
        seen(sqlite_store, config)
        with sqlite_store.writing() as connection:
            connection.exec_driver_sql("UPDATE insights SET content = replace(content, 'basic', 'kept')")
        provider.account(JO).put(make_copy("more", start=at("2026-08-20 09:00")))
        sync(sqlite_store, config, provider)
        assert seen(sqlite_store, config, client="Beta").stage == "kept"
        assert seen(sqlite_store, config, "2026-04").stage == "kept"
        assert seen(sqlite_store, config, "2026-08").stage == "basic"


class TestWhatPeopleFileTells:
    def told(self, folder: Path, rows: str, more: str = CLIENTS) -> Config:
        header = "address,name,title,buying_centre,executive,same_as,left\n"
        (folder / "people.csv").write_text(header + rows, "utf-8")
        return config_of(folder, base=PEOPLE, clients=more)

    def test_names_titles_and_executives(self, sqlite_store: Database, tmp_path: Path) -> None:
        config = self.told(tmp_path, f"{BO},Bo Ek,CFO,,yes,,\n")
        sync(sqlite_store, config, provider_of([*a_year(), make_copy("bo", people=(JO, BO))]))
        sentences = [one.sentence for one in seen(sqlite_store, config).signals if one.name == "new_executive"]
        assert sentences == ["An executive met for the first time in August to October: Bo Ek (CFO)."]

    def test_two_addresses_of_one_person_are_one(self, sqlite_store: Database, tmp_path: Path) -> None:
        config = self.told(tmp_path, f"{BO},,,,,{ANA},\n")
        sync(sqlite_store, config, provider_of([make_copy("one", people=(JO, ANA, BO))]))
        with sqlite_store.reading() as connection:
            assert list(read_people(connection, ["Acme"])["Acme"][OCTOBER].theirs) == [ANA]

    def test_centres_of_the_config_and_of_the_file(self, sqlite_store: Database, tmp_path: Path) -> None:
        clients = CLIENTS.replace(
            'manager = "jo@northwind.example"\n',
            'manager = "jo@northwind.example"\nbuying_centres = [{ name = "EMEA", match = ["a*@acme.example"] }]\n',
        )
        config = self.told(tmp_path, "di@acme.example,,,APAC,,,\n", clients)
        sync(sqlite_store, config, provider_of(a_year()))
        found = seen(sqlite_store, config)
        assert found.evidence["centres"] == 1
        (one,) = (one for one in found.signals if one.name == "one_buying_centre")
        assert one.numbers == {"centre": "EMEA", "hours": 3.0, "others": ["APAC"]}

    def test_who_has_left_does_not_go_quiet(self, sqlite_store: Database, tmp_path: Path) -> None:
        copies = [make_copy("old", start=at("2026-07-06 09:00")), make_copy("new", people=(JO, BO))]
        config = self.told(tmp_path, f"{ANA},,,,,,2026-08-31\n")
        sync(sqlite_store, config, provider_of(copies))
        assert "gone_quiet" not in names(seen(sqlite_store, config))


class TestForgetting:
    def test_people_outlive_their_copies(self, sqlite_store: Database, config: Config) -> None:
        sync(sqlite_store, config, provider_of(a_year()))
        with sqlite_store.writing() as connection:
            erase_copies_before(connection, at("2027-01-01 00:00"))
            erase_unused_addresses(connection)
            assert ANA in read_people(connection, ["Acme"])["Acme"][OCTOBER].theirs

    def test_whose_address_is_erased_is_nobody_any_more(self, sqlite_store: Database, config: Config) -> None:
        sync(sqlite_store, config, provider_of([*a_year(), make_copy("bo", people=(JO, BO))]))
        assert ANA in repr(seen(sqlite_store, config))
        with sqlite_store.writing() as connection:
            erase_copies_before(connection, at("2027-01-01 00:00"))
            connection.exec_driver_sql(f"DELETE FROM addresses WHERE address = '{ANA}'")  # noqa: S608  # a constant
            erase_unused_addresses(connection)
        found = seen(sqlite_store, config)
        with sqlite_store.reading() as connection:
            assert set(read_people(connection, ["Acme"])["Acme"][OCTOBER].theirs) == {BO}
        assert ANA not in repr(found)


class TestDigests:
    def edition(self, database: Database, config: Config, to: tuple[str, ...], month: Month = OCTOBER) -> str:
        """The page's sentences as one text."""
        rescore(database, scoring_context_of(database, config), NOW)
        with database.reading() as connection:
            data = load_month(connection, config, DigestTable(name="d", to=to), month, NOW)
        digest = editions(data)[0].digest
        lines = [sentence for line in digest.lines for sentence in line.findings]
        return "\n".join([*lines, *(f"{one.title}: {' / '.join(one.sentences)}" for one in digest.sections)])

    @pytest.fixture
    def booked(self, sqlite_store: Database, config: Config) -> Database:
        ahead = make_copy("ahead", start=at("2026-11-26 09:00"), minutes=45)
        sync(sqlite_store, config, provider_of([*a_year(), ahead]))
        return sqlite_store

    def test_findings_stand_with_the_client(self, booked: Database, config: Config) -> None:
        assert "If Ana leaves you keep 0.0 of 3.0 h (August to October)." in self.edition(booked, config, ())

    def test_managers_are_told_the_next_steps(self, booked: Database, config: Config) -> None:
        text = self.edition(booked, config, ("manager",))
        assert "Next steps in November: Acme: 1.0 h to beat; November has 0.0 h so far, and 0.8 h booked." in text
        assert "Thursday 26 November, 45 min with Ana alone: 3. One colleague more: 8. Over an hour too: 13." in text
        assert "Booked in" not in text

    def test_others_are_told_what_is_booked_and_of_all_clients_together(self, booked: Database, config: Config) -> None:
        text = self.edition(booked, config, ())
        assert "Booked in November" in text
        assert "All clients together: 0 key accounts;" in text
        assert "Next steps" not in text

    def test_a_digest_of_an_older_month_has_no_next_steps(self, booked: Database, config: Config) -> None:
        assert "Next steps" not in self.edition(booked, config, ("manager",), Month("2026-09"))
