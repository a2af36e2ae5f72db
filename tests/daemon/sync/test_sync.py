"""A pass over the calendars: what it keeps, what it lets go, and what it never does (`docs/design.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Thread

import pytest
from structlog.testing import capture_logs

from connectors.contract import Done, Page, Person, Reading
from connectors.errors import RetryLater, SkipCalendar, StopConnector
from connectors.net.clock_skew import observed
from daemon.config.load import load
from daemon.config.model import Config
from daemon.figures.derive import Derived
from daemon.figures.rescore import rescore
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.meta import ROSTER_MARK, get_meta
from daemon.store.people import read_people
from daemon.sync.calendar_reader import CalendarReader
from daemon.sync.clock_guard import note_clock, observed_ahead
from daemon.sync.run_values import ConnectorResult, SyncRun
from scoring.meetings.values import CopyState, Response
from scoring.months.counting import Reason
from scoring.months.month import Month, begins, month_of, touched_months
from tests.daemon.worlds import (
    ANA,
    BASE,
    BO,
    CLIENTS,
    JO,
    KIM,
    NOW,
    config_of,
    hours,
    make_copy,
    rows_of,
    scoring_context_of,
    stored,
    sync,
)
from tests.fakes.memory import MemoryCalendars

CY = "cy@gamma.example"
GAMMA = '[[clients]]\nname = "Gamma"\ndomains = ["gamma.example"]\n'


class TestAPass:
    """The contract of a pass over a store; it runs on SQLite and on PostgreSQL."""

    def test_meetings_become_figures(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one", people=(JO, ANA, BO)))
        (result,) = sync(store, config, provider)
        assert (result.calendars, result.synced, result.failed, result.entries, result.changed) == (1, 1, [], 1, 1)
        row = rows_of(store, config)["Acme"]
        assert (row.figures.man_seconds, row.score, row.figures.client_people) == (7200, 8, 2)

    def test_a_meeting_that_is_removed_and_put_back_as_it_was_counts_again(
        self, store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        for expected in (1, 0, 1):
            if expected:
                provider.account(JO).put(make_copy("one"))
            else:
                provider.account(JO).remove("one")
            sync(store, config, provider)
            assert hours(store, config) == expected

    def test_a_second_pass_over_unchanged_calendars_changes_nothing(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        for number in range(10):
            provider.account(JO).put(make_copy(f"e{number}", start=NOW - timedelta(days=30 + number)))
        sync(store, config, provider)
        before = stored(store, "*")
        (result,) = sync(store, config, provider, now=NOW + timedelta(minutes=15))
        (full,) = sync(store, config, provider, now=NOW + timedelta(minutes=30), full=True)
        assert (result.changed, full.changed) == (0, 0)
        assert stored(store, "*") == before

    def test_one_meeting_in_two_calendars_counts_once(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("a", uid="same@x.example"))
        provider.account(KIM).put(make_copy("b", uid="same@x.example", owner=KIM))
        sync(store, config, provider)
        row = rows_of(store, config)["Acme"]
        assert (row.figures.meetings, row.figures.our_seconds) == (1, 7200)

    def test_a_moved_meeting_leaves_its_old_month(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(store, config, provider)
        provider.account(JO).put(make_copy("one", start=datetime(2026, 9, 8, 9, tzinfo=UTC)))
        sync(store, config, provider)
        assert hours(store, config, "2026-10") == 0
        assert hours(store, config, "2026-09") == 1

    def test_an_attendees_copy_moved_later_does_not_move_the_organisers_meeting(
        self, store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("a", uid="same@x.example"))
        provider.account(KIM).put(make_copy("b", uid="same@x.example", owner=KIM))
        sync(store, config, provider)
        later = make_copy("b", uid="same@x.example", owner=KIM, start=NOW + timedelta(days=20))
        provider.account(KIM).put(later)
        sync(store, config, provider)
        assert hours(store, config) == 1
        provider.account(JO).put(make_copy("a", uid="same@x.example", start=datetime(2026, 9, 1, 9, tzinfo=UTC)))
        sync(store, config, provider)
        assert (hours(store, config), hours(store, config, "2026-09")) == (0, 1)

    def test_an_attendees_stale_copy_in_another_month_still_counts_as_their_decline(
        self, store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("a", uid="same@x.example", people=(JO, KIM, ANA)))
        stale = make_copy("b", uid="same@x.example", owner=KIM, start=NOW + timedelta(days=20))
        provider.account(KIM).put(stale)
        sync(store, config, provider)
        assert rows_of(store, config)["Acme"].figures.our_seconds == 7200
        provider.account(KIM).remove("b")
        sync(store, config, provider)
        assert rows_of(store, config)["Acme"].figures.our_seconds == 3600

    def test_a_tombstone_of_the_organisers_copy_cancels(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        for entry in ("one", "two"):
            provider.account(JO).put(make_copy(entry))
        sync(store, config, provider)
        provider.account(JO).remove("one")
        sync(store, config, provider)
        figures = rows_of(store, config)["Acme"].figures
        assert (figures.meetings, figures.set_aside) == (1, {Reason.CANCELLED: 1})

    def test_what_becomes_private_is_erased_and_is_no_decline(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("a", uid="same@x.example"))
        provider.account(KIM).put(make_copy("b", uid="same@x.example", owner=KIM))
        sync(store, config, provider)
        provider.account(JO).hide("a")
        sync(store, config, provider)
        assert [entry for entry, _ in stored(store)] == ["b"]
        assert rows_of(store, config)["Acme"].figures.meetings == 1

    def test_meetings_without_outsiders_are_never_stored(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("inside", people=(JO, KIM, "no-reply@acme.example")))
        sync(store, config, provider)
        assert stored(store) == []

    def test_a_meeting_that_loses_its_outsiders_is_erased(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(store, config, provider)
        provider.account(JO).put(make_copy("one", people=(JO, KIM)))
        sync(store, config, provider)
        assert stored(store) == []
        assert hours(store, config) == 0

    def test_a_date_only_copy_joins_its_occurrence_whichever_comes_first(self, store: Database, config: Config) -> None:
        from datetime import date

        from scoring.meetings.identity import identify

        at = datetime(2026, 10, 6, 9, tzinfo=UTC)
        for uid, first, second in (("s1@x.example", JO, KIM), ("s2@x.example", KIM, JO)):
            known = replace(make_copy("known", owner=JO), identity=identify(uid, at=at, on=date(2026, 10, 6)))
            dated = replace(make_copy("dated", owner=KIM), identity=identify(uid, on=date(2026, 10, 6)))
            provider = MemoryCalendars(name=uid.partition("@")[0])
            for owner in (first, second):
                provider.account(owner).put(replace(known if owner == JO else dated, entry=uid, calendar=owner))
                sync(store, config, provider, all_connectors=False)
        assert rows_of(store, config)["Acme"].figures.meetings == 2

    def test_a_booked_meeting_counts_once_it_has_ended(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("soon", start=NOW + timedelta(hours=1)))
        sync(store, config, provider)
        assert rows_of(store, config, "2026-11")["Acme"].figures.set_aside == {Reason.NOT_YET: 1}
        later = NOW + timedelta(hours=3)
        assert hours(store, config, "2026-11", now=later) == 1


@pytest.mark.parametrize(
    "zone",
    [
        "Pacific/Kiritimati",
        "Pacific/Auckland",
        "Europe/London",
        "America/Los_Angeles",
        "Pacific/Honolulu",
        "Etc/GMT+12",
    ],
)
class TestBorders:
    """R8: a month is one of the company's zone, and an all-day copy's start, midnight UTC of its date, is no moment."""

    @pytest.fixture
    def config(self, tmp_path: Path, zone: str) -> Config:
        return config_of(tmp_path, base=BASE.replace("Europe/London", zone))

    @pytest.mark.parametrize("beside", [False, True], ids=["by itself", "beside one in the middle of the month"])
    def test_every_month_in_which_a_copy_may_lie_is_derived_again(
        self, sqlite_store: Database, config: Config, beside: bool
    ) -> None:
        context = scoring_context_of(sqlite_store, config)
        first = datetime(2026, 1, 25, tzinfo=UTC)
        for number in range(24 * 40):  # over the ends of January and February
            start = first + timedelta(hours=number)
            starts = {start, start.replace(day=15)} if beside else {start}
            timed = {month_of(one, context.zone) for one in starts}
            all_day = {Month(f"{one:%Y-%m}") for one in starts if one.hour == 0}
            assert timed | all_day <= touched_months(starts, context.zone)

    def test_what_lies_far_from_a_border_touches_its_month_alone(self, sqlite_store: Database, config: Config) -> None:
        starts = {datetime(2026, 10, day, hour, tzinfo=UTC) for day in range(3, 27) for hour in (0, 23)}
        assert touched_months(starts, scoring_context_of(sqlite_store, config).zone) == {"2026-10"}

    def test_an_all_day_entry_moves_from_one_month_to_the_other_and_back(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        for first_of_it, months in [(1, (0, 1)), (0, (1, 0)), (1, (0, 1))]:
            start = datetime(2026, 9, 30, tzinfo=UTC) + timedelta(days=first_of_it)
            provider.account(JO).put(make_copy("fair", start=start, minutes=24 * 60, all_day=True))
            sync(sqlite_store, config, provider)
            found = [rows_of(sqlite_store, config, one)["Acme"].figures.set_aside for one in ("2026-09", "2026-10")]
            assert tuple(one.get(Reason.ALL_DAY, 0) for one in found) == months

    def test_a_meeting_moves_over_a_months_first_instant_and_back(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        border = begins(Month("2026-10"), scoring_context_of(sqlite_store, config).zone)
        for seconds, months in [(0, (0, 1)), (-1, (1, 0)), (0, (0, 1)), (1, (0, 1))]:
            provider.account(JO).put(make_copy("late", start=border + timedelta(seconds=seconds)))
            sync(sqlite_store, config, provider)
            assert (hours(sqlite_store, config, "2026-09"), hours(sqlite_store, config, "2026-10")) == months

    def test_a_changed_config_reaches_an_entry_at_the_border(self, sqlite_store: Database, config: Config) -> None:
        """The only copy that there is, in a month without any figures yet."""
        provider = MemoryCalendars()
        fair = make_copy(
            "fair", start=datetime(2026, 10, 1, tzinfo=UTC), minutes=24 * 60, all_day=True, people=(JO, CY)
        )
        provider.account(JO).put(fair)
        sync(sqlite_store, config, provider)
        config.path.write_text(config.path.read_text("utf-8") + GAMMA, "utf-8")
        figures = rows_of(sqlite_store, load(config.path))["Gamma"].figures
        assert figures.set_aside == {Reason.ALL_DAY: 1}


class TestFullListings:
    """`docs/design.md` 3."""

    def test_what_a_full_listing_lacks_is_deleted_but_only_in_its_window(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        for entry in ("a", "b", "c"):
            account.put(make_copy(entry))
        account.put(make_copy("far", start=NOW + timedelta(days=59)))
        sync(sqlite_store, config, provider)
        account.put(make_copy("far", start=NOW + timedelta(days=400)))  # moved out of the window, told by the delta
        sync(sqlite_store, config, provider)
        del account.entries["a"]
        sync(sqlite_store, config, provider, full=True)
        states = dict(stored(sqlite_store))
        assert states == {"a": "deleted", "b": "live", "c": "live", "far": "live"}

    def test_a_listing_that_would_remove_everything_waits_for_a_second(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(sqlite_store, config, provider)
        provider.account(JO).entries.clear()
        (result,) = sync(sqlite_store, config, provider, full=True)
        assert (result.held, result.failed) == ([JO], [])
        assert hours(sqlite_store, config) == 1
        (result,) = sync(sqlite_store, config, provider)
        assert result.held == []
        assert hours(sqlite_store, config) == 0

    @pytest.mark.parametrize("slip", [True, False], ids=["the second shows a slip", "the second agrees"])
    def test_each_listing_that_would_remove_everything_waits_for_a_second_of_its_own(
        self, sqlite_store: Database, config: Config, slip: bool
    ) -> None:
        """The mark goes with the second listing, whatever that shows: else the next slip would remove everything."""
        provider = MemoryCalendars()
        account = provider.account(JO)

        def listing(hour: int, *, stands: bool, full: bool = False) -> tuple[bool, datetime | None, str | None]:
            """Whether it is held, and what is noted of the calendar then."""
            account.entries.clear()
            if stands:
                account.put(make_copy("one"))
            (result,) = sync(sqlite_store, config, provider, now=NOW + timedelta(hours=hour), full=full)
            with sqlite_store.reading() as connection:
                (calendar,) = read_calendars(connection)
            return bool(result.held), calendar.held_at, calendar.error_code

        assert listing(0, stands=True) == (False, None, None)
        assert listing(1, stands=False, full=True) == (True, NOW + timedelta(hours=1), "held")
        assert listing(2, stands=slip) == (False, None, None)
        assert provider.full_listings == 3
        assert listing(3, stands=True) == (False, None, None)
        assert provider.full_listings == 3, "with the mark goes the need to list again"
        assert listing(4, stands=False, full=True) == (True, NOW + timedelta(hours=4), "held")
        assert hours(sqlite_store, config) == 1
        assert listing(5, stands=False) == (False, None, None)
        assert hours(sqlite_store, config) == 0

    @pytest.mark.parametrize(
        ("held", "removed", "waits"),
        [(50, 21, False), (40, 20, False), (41, 21, True), (30, 20, False), (3, 3, True), (3, 2, False)],
    )
    def test_over_half_and_more_than_twenty_waits(
        self, sqlite_store: Database, config: Config, held: int, removed: int, waits: bool
    ) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        for number in range(held):
            account.put(make_copy(f"e{number:02}", start=datetime(2026, 10, 1 + number % 28, 9, tzinfo=UTC)))
        sync(sqlite_store, config, provider)
        for number in range(removed):
            del account.entries[f"e{number:02}"]
        (result,) = sync(sqlite_store, config, provider, full=True)
        assert bool(result.held) is waits

    def test_an_expired_cursor_lists_again(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.put(make_copy("one"))
        account.put(make_copy("two"))
        sync(sqlite_store, config, provider)
        account.oldest_cursor = 99
        del account.entries["two"]
        sync(sqlite_store, config, provider)
        assert dict(stored(sqlite_store)) == {"one": "live", "two": "deleted"}

    def test_a_changed_query_or_company_lists_again(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        config = config_of(tmp_path)
        sync(sqlite_store, config, provider)
        sync(sqlite_store, config, provider)
        assert provider.full_listings == 1
        provider.version = "2"
        sync(sqlite_store, config, provider)
        assert provider.full_listings == 2
        changed = config_of(tmp_path, base=BASE_WITH_IGNORE)
        sync(sqlite_store, changed, provider)
        assert provider.full_listings == 3

    def test_a_provider_that_is_gone_is_not_waited_for_by_every_calendar(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        for number in range(100):
            provider.account(f"p{number}@northwind.example").error = RetryLater("unreachable", "nobody answers")
        (result,) = sync(sqlite_store, config, provider)
        assert len(result.failed) == 100
        assert {one.code for one in result.failed} == {"unreachable"}
        assert len(provider.readings) < 50
        for account in provider.accounts.values():
            account.error = None
        (result,) = sync(sqlite_store, config, provider)
        assert result.failed == []

    def test_an_entry_that_cannot_be_read_any_more_is_still_there(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        for number in range(3):
            provider.account(JO).put(make_copy(f"e{number}"))
        sync(sqlite_store, config, provider)
        provider.account(JO).unreadable.add("e1")
        provider.account(JO).remove("e2")
        (result,) = sync(sqlite_store, config, provider, full=True)
        assert [(flaw.where, flaw.reason) for flaw in result.flaws] == [("e1", "it is strange")]
        assert stored(sqlite_store, "entry, state") == [("e0", "live"), ("e1", "live"), ("e2", "deleted")]

    def test_a_round_is_told_what_is_held_and_keeps_its_cursor_when_it_lists_again(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        for entry in ("one", "two"):
            provider.account(JO).put(make_copy(entry))
        sync(sqlite_store, config, provider)
        provider.account(JO).remove("two")
        sync(sqlite_store, config, provider)
        sync(sqlite_store, config, provider, full=True)
        first, second, third = provider.readings
        assert [(one.cursor, one.full) for one in (first, second, third)] == [(None, True), ("2", False), ("3", True)]
        assert set(third.held()) == {"one"}

    def test_a_client_more_scores_history_without_asking(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one", people=(JO, "cy@gamma.example")))
        sync(sqlite_store, config_of(tmp_path), provider)
        more = config_of(tmp_path, clients=CLIENTS + '[[clients]]\nname = "Gamma"\ndomains = ["gamma.example"]\n')
        assert hours(sqlite_store, more, client="Gamma") == 1
        sync(sqlite_store, more, provider)
        assert provider.full_listings == 1

    def test_reconciliation_repairs_what_deltas_missed(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.put(make_copy("one"))
        account.put(make_copy("missed"))
        sync(sqlite_store, config, provider)
        del account.entries["missed"]  # no tombstone
        sync(sqlite_store, config, provider, now=NOW + timedelta(days=1))
        assert dict(stored(sqlite_store))["missed"] == "live"
        sync(sqlite_store, config, provider, now=NOW + timedelta(days=7, minutes=1))
        assert dict(stored(sqlite_store))["missed"] == "deleted"


BASE_WITH_IGNORE = """
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]
ignore = ["front-desk@*"]
"""


class TestFaults:
    """One bad calendar never stops the others, and never passes for "no meetings"."""

    @pytest.mark.parametrize(
        ("error", "code", "standing"),
        [
            (RetryLater("unreachable", "the provider does not answer"), "unreachable", False),
            (SkipCalendar("forbidden", "it may not be read", standing=True), "forbidden", True),
            (SkipCalendar("malformed", "it is no calendar"), "malformed", False),
            (ZeroDivisionError("a defect"), "defect", False),
        ],
    )
    def test_one_calendar_fails_and_the_others_are_read(
        self, sqlite_store: Database, config: Config, error: Exception, code: str, standing: bool
    ) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        provider.account(KIM).error = error
        (result,) = sync(sqlite_store, config, provider)
        assert (result.synced, [(one.calendar, one.code) for one in result.failed]) == (1, [(KIM, code)])
        assert hours(sqlite_store, config) == 1
        with sqlite_store.reading() as connection:
            (kim,) = [one for one in read_calendars(connection) if one.address == KIM]
        assert (kim.error_code, kim.standing, kim.last_success) == (code, standing, None)

    @pytest.mark.parametrize("changed", [True, False], ids=["with something new", "with nothing new"])
    def test_once_it_is_read_again_nothing_stands_in_its_way_any_more(
        self, sqlite_store: Database, config: Config, changed: bool
    ) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.put(make_copy("one"))
        sync(sqlite_store, config, provider)
        account.error = SkipCalendar("forbidden", "it may not be read", standing=True)
        sync(sqlite_store, config, provider)
        account.error = None
        if changed:
            account.put(make_copy("two"))
        sync(sqlite_store, config, provider)
        with sqlite_store.reading() as connection:
            (calendar,) = read_calendars(connection)
        assert (calendar.error_code, calendar.error, calendar.standing) == (None, None, False)

    def test_a_round_that_breaks_off_leaves_the_store_as_it_was(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.put(make_copy("one"))
        sync(sqlite_store, config, provider)
        for number in range(10):
            account.put(make_copy(f"new{number}"))
        account.fails_after_pages = 2
        (result,) = sync(sqlite_store, config, provider)
        assert [one.code for one in result.failed] == ["defect"]
        assert [entry for entry, _ in stored(sqlite_store)] == ["one"]
        account.fails_after_pages = None
        sync(sqlite_store, config, provider)
        assert len(stored(sqlite_store)) == 11

    def test_a_connector_that_stops_marks_its_calendars_and_not_the_others(
        self, sqlite_store: Database, config: Config
    ) -> None:
        one, other = MemoryCalendars("one"), MemoryCalendars("other")
        one.account(JO).put(make_copy("a"))
        other.account(KIM).put(make_copy("b", owner=KIM, organiser=KIM, people=(KIM, ANA)))
        sync(sqlite_store, config, one, other)
        one.roster_error = StopConnector("credentials", "the key was revoked", "Make a new key.")
        other.account(KIM).put(make_copy("c", owner=KIM, organiser=KIM, people=(KIM, ANA), minutes=30))
        results = sync(sqlite_store, config, one, other)
        assert [len(result.failed) for result in results] == [1, 0]
        assert results[0].failed[0].message == "the key was revoked. Make a new key."
        assert len(stored(sqlite_store)) == 3

    def test_a_stop_in_one_calendar_spares_asking_for_the_rest(self, sqlite_store: Database, tmp_path: Path) -> None:
        config = config_of(tmp_path, more="[sync]\nworkers = 1\n")
        provider = MemoryCalendars()
        for number in range(5):
            provider.account(f"p{number}@northwind.example").error = StopConnector("credentials", "revoked")
        (result,) = sync(sqlite_store, config, provider)
        assert len(result.failed) == 5


class TestPeople:
    """Who joins, leaves, is renamed, excluded (R2, R11)."""

    def test_who_has_left_keeps_the_past_and_loses_the_future(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(KIM)
        jo = provider.account(JO)
        jo.put(make_copy("past"))
        jo.put(make_copy("future", start=NOW + timedelta(days=2)))
        sync(sqlite_store, config, provider)
        del provider.accounts[JO]
        sync(sqlite_store, config, provider, now=NOW + timedelta(days=1))
        later = NOW + timedelta(days=5)
        assert hours(sqlite_store, config, now=later) == 1
        row = rows_of(sqlite_store, config, "2026-11", now=later)["Acme"]
        assert (row.figures.meetings, dict(row.figures.set_aside)) == (0, {})

    @pytest.mark.parametrize("taken_out", [False, True], ids=["off the list", "connector taken out of the config"])
    def test_the_months_that_lose_something_by_it_are_derived_again_at_once(
        self, sqlite_store: Database, config: Config, taken_out: bool
    ) -> None:
        """One month has a meeting that has counted since the last reading, another one that is booked."""
        one, other = MemoryCalendars("one"), MemoryCalendars("other")
        one.account(JO).put(make_copy("past"))
        one.account(JO).put(make_copy("since", start=NOW + timedelta(days=5)))
        one.account(JO).put(make_copy("booked", start=datetime(2027, 1, 12, 9, tzinfo=UTC)))
        sync(sqlite_store, config, one, other)
        december = datetime(2026, 12, 10, 9, tzinfo=UTC)
        assert hours(sqlite_store, config, "2026-11", now=december) == 1
        del one.accounts[JO]
        sync(sqlite_store, config, *([other] if taken_out else [one, other]), now=december)
        found = [
            rows_of(sqlite_store, config, month, december)["Acme"].figures
            for month in ("2026-10", "2026-11", "2027-01")
        ]
        assert [(one.meetings, dict(one.set_aside)) for one in found] == [(1, {}), (0, {}), (0, {})]

    def test_a_directory_that_loses_over_a_tenth_of_the_people_is_doubted_for_a_day(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        provider.from_directory = True
        for number in range(20):
            provider.account(f"p{number:02}@northwind.example")
        accounts = dict(provider.accounts)
        sync(sqlite_store, config, provider)

        def left(gone: int, now: datetime) -> int:
            provider.accounts = dict(list(accounts.items())[gone:])
            provider.hidden = dict(list(accounts.items())[:gone])
            sync(sqlite_store, config, provider, now=now)
            with sqlite_store.reading() as connection:
                return sum(one.left_at is not None for one in read_calendars(connection))

        assert left(3, NOW + timedelta(hours=1)) == 0
        assert left(3, NOW + timedelta(hours=24)) == 0
        assert left(0, NOW + timedelta(hours=25)) == 0  # it was a slip: the doubt is over
        assert left(3, NOW + timedelta(hours=26)) == 0
        assert left(3, NOW + timedelta(hours=51)) == 3
        assert left(4, NOW + timedelta(hours=52)) == 4  # one of seventeen is no tenth

    def test_groups_told_by_the_directory_are_nobody(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one", people=(JO, ANA, "team@acme.example")))
        sync(sqlite_store, config, provider)
        assert rows_of(sqlite_store, config)["Acme"].figures.client_people == 2
        provider.groups = ("team@acme.example",)
        sync(sqlite_store, config, provider)
        assert rows_of(sqlite_store, config)["Acme"].figures.client_people == 1

    def test_a_renamed_person_stays_one_calendar(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.put(make_copy("one"))
        sync(sqlite_store, config, provider)
        account.person = Person(id=JO, addresses=("joanna@northwind.example", JO))
        sync(sqlite_store, config, provider)
        with sqlite_store.reading() as connection:
            (only,) = read_calendars(connection)
        assert (only.address, only.aliases) == ("joanna@northwind.example", (JO,))
        figures = rows_of(sqlite_store, config)["Acme"].figures
        assert (figures.meetings, figures.our_seconds) == (1, 3600)

    def test_a_person_goes_by_the_directorys_primary_address_whichever_it_is_by_now(
        self, sqlite_store: Database, config: Config
    ) -> None:
        """The other addresses are aliases, in the figures of months long derived too (R3)."""
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.put(make_copy("one"))
        other, third = "joanna@northwind.example", "z@northwind.example"
        for addresses in [(JO,), (other, JO), (JO, other), (third, JO, other), (other, third, JO)]:
            account.person = Person(id=JO, addresses=addresses)
            sync(sqlite_store, config, provider)
            book = scoring_context_of(sqlite_store, config).book
            assert {book.canonical(one) for one in addresses} == {addresses[0]}
            with sqlite_store.reading() as connection:
                months = read_people(connection, ["Acme"])["Acme"]
            assert set(months[Month("2026-10")].ours) == {addresses[0]}

    def test_the_rosters_mark_is_another_one_whenever_somebody_is_known_otherwise(
        self, sqlite_store: Database, config: Config
    ) -> None:
        """Workers go by it, who know the calendars from before."""
        provider = MemoryCalendars()
        marks: list[str | None] = []

        def passed() -> None:
            sync(sqlite_store, config, provider, all_connectors=False)
            with sqlite_store.reading() as connection:
                marks.append(get_meta(connection, ROSTER_MARK))

        account = provider.account(JO)
        passed()
        for addresses in [(JO, "z@northwind.example"), ("z@northwind.example", JO), ("y@northwind.example", JO)]:
            account.person = Person(id=JO, addresses=addresses)
            passed()
        provider.groups = ("team@acme.example",)
        passed()
        del provider.accounts[JO]
        passed()
        provider.accounts[JO] = account
        passed()
        assert len(set(marks)) == len(marks)
        passed()
        assert marks[-1] == marks[-2]

    def test_an_excluded_calendar_is_erased(self, sqlite_store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        provider.account(KIM)
        sync(sqlite_store, config, provider)
        provider.excluded = (JO.upper(),)
        del provider.accounts[JO]
        sync(sqlite_store, config, provider)
        assert stored(sqlite_store) == []
        assert hours(sqlite_store, config) == 0

    def test_a_connector_taken_out_of_the_config_is_no_longer_read(
        self, sqlite_store: Database, config: Config
    ) -> None:
        one, other = MemoryCalendars("one"), MemoryCalendars("other")
        one.account(JO).put(make_copy("a"))
        sync(sqlite_store, config, one, other)
        sync(sqlite_store, config, other)
        with sqlite_store.reading() as connection:
            (left,) = read_calendars(connection)
        assert left.left_at == NOW
        assert hours(sqlite_store, config) == 1

    def test_who_comes_back_brings_along_what_was_booked_before(self, store: Database, config: Config) -> None:
        """Nothing of it has changed meanwhile, so that no reading would say which months to derive again."""
        provider = MemoryCalendars()
        booked = make_copy("b", owner=KIM, organiser=KIM, people=(KIM, ANA), start=NOW + timedelta(days=3))
        provider.account(JO)
        provider.account(KIM).put(booked)
        away, later = NOW + timedelta(days=1), NOW + timedelta(days=5)
        sync(store, config, provider)
        gone = provider.accounts.pop(KIM)
        sync(store, config, provider, now=away)
        assert hours(store, config, "2026-11", now=later) == 0
        provider.accounts[KIM] = gone
        sync(store, config, provider, now=later)
        assert hours(store, config, "2026-11", now=later) == 1

    def test_a_calendar_joins_in_its_month_but_the_first_ones_from_historys_beginning(
        self, sqlite_store: Database, config: Config
    ) -> None:
        provider = MemoryCalendars()
        provider.account(JO)
        sync(sqlite_store, config, provider)
        provider.account(KIM)
        sync(sqlite_store, config, provider)
        with sqlite_store.reading() as connection:
            joined = {one.address: one.joined for one in read_calendars(connection)}
        assert joined == {JO: "2024-11", KIM: "2026-11"}


class TestConfigChanges:
    """Each key decides what is read, what is scored, or what is shown (`docs/design.md` 1)."""

    def test_titles_turned_off_are_erased_at_once(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(sqlite_store, config_of(tmp_path), provider)
        assert stored(sqlite_store, "title") == [("Steering group",)]
        off = config_of(tmp_path, more="[sync]\ntitles = false\n")
        rows_of(sqlite_store, off)
        assert stored(sqlite_store, "title") == [(None,)]
        sync(sqlite_store, off, provider)
        assert stored(sqlite_store, "title") == [(None,)]
        sync(sqlite_store, config_of(tmp_path), provider)
        assert stored(sqlite_store, "title") == [("Steering group",)]

    def test_titles_turned_off_for_a_moment_come_back_with_the_next_listing(
        self, sqlite_store: Database, tmp_path: Path
    ) -> None:
        """Nothing has been read in between: what is stored lacks what is listed, though the entry is as it was."""
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(sqlite_store, config_of(tmp_path), provider)
        rows_of(sqlite_store, config_of(tmp_path, more="[sync]\ntitles = false\n"))
        assert stored(sqlite_store, "title") == [(None,)]
        sync(sqlite_store, config_of(tmp_path), provider, full=True)
        assert stored(sqlite_store, "title") == [("Steering group",)]

    def test_titles_of_meetings_without_a_client_person_are_not_kept(
        self, sqlite_store: Database, tmp_path: Path
    ) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one", people=(JO, "cy@gamma.example")))
        provider.account(JO).put(make_copy("two"))
        sync(sqlite_store, config_of(tmp_path), provider)
        assert stored(sqlite_store, "entry, title") == [("one", None), ("two", "Steering group")]
        fewer = config_of(tmp_path, clients='[[clients]]\nname = "Gamma"\ndomains = ["gamma.example"]\n')
        rows_of(sqlite_store, fewer)
        assert stored(sqlite_store, "entry, title") == [("one", None), ("two", None)]

    def test_what_is_ours_now_is_purged(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        provider.account(JO).put(make_copy("two", people=(JO, "sub@partner.example")))
        sync(sqlite_store, config_of(tmp_path), provider)
        base = '[company]\nname = "N"\ntimezone = "Europe/London"\ndomains = ["northwind.example", "partner.example"]\n'
        rows_of(sqlite_store, config_of(tmp_path, base=base))
        assert [entry for entry, _ in stored(sqlite_store)] == ["one"]

    def test_points_change_scores_without_reading_a_copy(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(sqlite_store, config_of(tmp_path), provider)
        with sqlite_store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM copies")
        dearer = config_of(tmp_path, more="[scoring]\npoints = { short_one = 30 }\n")
        assert rows_of(sqlite_store, dearer)["Acme"].score == 30

    def test_a_renamed_client_keeps_its_history(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("one"))
        sync(sqlite_store, config_of(tmp_path), provider)
        renamed = config_of(
            tmp_path,
            clients='[[clients]]\nname = "Apex"\nformerly = ["Acme"]\ndomains = ["apex.example", "acme.example"]\n',
        )
        assert hours(sqlite_store, renamed, client="Apex") == 1

    def test_months_older_than_the_copies_kept_are_frozen(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = MemoryCalendars()
        provider.account(JO).put(make_copy("old", start=datetime(2026, 1, 5, 9, tzinfo=UTC)))
        provider.account(JO).put(make_copy("new"))
        short = "[sync]\nhistory = '12 months'\nretain = '12 months'\n"
        sync(sqlite_store, config_of(tmp_path, more=short), provider)
        later = datetime(2027, 3, 15, tzinfo=UTC)
        sync(sqlite_store, config_of(tmp_path, more=short), provider, now=later)
        assert [entry for entry, _ in stored(sqlite_store)] == ["new"]
        other = config_of(tmp_path, more=short + "[scoring]\nlong_meeting_over = '10m'\n")
        old, new = (rows_of(sqlite_store, other, month, now=later)["Acme"] for month in ("2026-01", "2026-10"))
        assert (old.figures.man_seconds, old.score) == (3600, 3)
        assert new.score == 5

    def test_frozen_months_stay_frozen_when_more_is_kept_from_now_on(
        self, sqlite_store: Database, tmp_path: Path
    ) -> None:
        provider = MemoryCalendars()
        for entry, month in (("old", 1), ("new", 10)):
            provider.account(JO).put(make_copy(entry, start=datetime(2026, month, 5, 9, tzinfo=UTC)))
        short = "[sync]\nhistory = '12 months'\nretain = '12 months'\n"
        long = "[sync]\nhistory = '12 months'\nretain = '36 months'\n[scoring]\nlong_meeting_over = '10m'\n"
        sync(sqlite_store, config_of(tmp_path, more=short), provider)
        later = datetime(2027, 3, 15, tzinfo=UTC)
        sync(sqlite_store, config_of(tmp_path, more=short), provider, now=later)
        provider.account(JO).put(make_copy("new", start=datetime(2023, 1, 5, 9, tzinfo=UTC)))
        config = config_of(tmp_path, more=long)
        sync(sqlite_store, config, provider, now=later)
        assert stored(sqlite_store) == [], "both have been erased for their age"
        assert hours(sqlite_store, config_of(tmp_path, more=long.replace("10m", "20m")), "2026-01", now=later) == 1


class TestSharedWork:
    """Re-scoring much is shared among processes; that changes nothing but the time."""

    def _fill(self, store: Database, config: Config) -> MemoryCalendars:
        provider = MemoryCalendars()
        for number in range(60):
            start = datetime(2026, 1 + number % 10, 1 + number % 27, 9, tzinfo=UTC)
            provider.account(JO).put(make_copy(f"e{number:02}", start=start, minutes=30 + number))
        sync(store, config, provider)
        return provider

    def test_the_figures_are_the_same(self, store: Database, tmp_path: Path) -> None:
        self._fill(store, config_of(tmp_path))
        other = config_of(tmp_path, more="[scoring]\nlong_meeting_over = '45m'\n")
        assert rescore(store, scoring_context_of(store, other), NOW, share_from=1) == 10
        shared = [rows_of(store, other, f"2026-{month:02}") for month in range(1, 11)]
        with store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM figures")
            connection.exec_driver_sql("DELETE FROM meta WHERE key = 'scored_with'")
        assert rescore(store, scoring_context_of(store, other), NOW, share_from=10**9) == 10
        assert [rows_of(store, other, f"2026-{month:02}") for month in range(1, 11)] == shared

    def test_helpers_that_cannot_start_cost_time_only(self, sqlite_store: Database, tmp_path: Path) -> None:
        self._fill(sqlite_store, config_of(tmp_path))
        other = config_of(tmp_path, more="[scoring]\nlong_meeting_over = '45m'\n")
        other.path.unlink()
        assert rescore(sqlite_store, scoring_context_of(sqlite_store, other), NOW, share_from=1) == 10
        assert sum(rows_of(sqlite_store, other, f"2026-{month:02}")["Acme"].score for month in range(1, 11)) > 0

    @pytest.mark.parametrize(("derived_at", "now", "holds"), [(1, 1, True), (1, 2, False), (1, None, False)])
    def test_what_was_derived_ahead_holds_while_the_mark_is_the_same(
        self, derived_at: int, now: int | None, holds: bool
    ) -> None:
        assert Derived(month=Month("2026-10"), mark=derived_at).holds(now) is holds

    def test_what_was_derived_without_a_mark_never_holds(self) -> None:
        """The month may have been changed, due and settled again since, by another process."""
        assert not Derived(month=Month("2026-10"), mark=None).holds(None)

    def test_what_changes_meanwhile_is_not_lost(self, sqlite_store: Database, tmp_path: Path) -> None:
        provider = self._fill(sqlite_store, config_of(tmp_path))
        other = config_of(tmp_path, more="[scoring]\nlong_meeting_over = '45m'\n")
        work = Thread(target=lambda: rescore(sqlite_store, scoring_context_of(sqlite_store, other), NOW, share_from=1))
        work.start()
        for number in range(0, 60, 3):
            provider.account(JO).remove(f"e{number:02}")
            sync(sqlite_store, other, provider)
        work.join()
        found = [rows_of(sqlite_store, other, f"2026-{month:02}")["Acme"].figures for month in range(1, 11)]
        assert sum(one.meetings for one in found) == 40
        assert sum(one.set_aside.get(Reason.CANCELLED, 0) for one in found) == 20


def test_responses_of_a_removed_copy_are_a_decline(sqlite_store: Database, config: Config) -> None:
    """R2: while a meeting stands, a copy that is not live is its owner's decline."""
    provider = MemoryCalendars()
    provider.account(JO).put(make_copy("a", uid="same@x.example", people=(JO, KIM, ANA)))
    provider.account(KIM).put(make_copy("b", uid="same@x.example", owner=KIM, people=(JO, KIM, ANA)))
    provider.account(KIM).put(make_copy("other", owner=KIM, organiser=KIM, people=(KIM, (ANA, Response.NONE))))
    sync(sqlite_store, config, provider)
    assert rows_of(sqlite_store, config)["Acme"].figures.our_seconds == 3 * 3600 - 3600  # Kim was double-booked
    provider.account(KIM).remove("b")
    provider.account(KIM).remove("other")
    sync(sqlite_store, config, provider)
    assert rows_of(sqlite_store, config)["Acme"].figures.our_seconds == 3600
    assert {state for _, state in stored(sqlite_store)} == {CopyState.LIVE.value, CopyState.DELETED.value}


class Overtaken(MemoryCalendars):
    """While its first page is on its way, somebody else reads the same calendar to the end."""

    def __init__(self, store: Database, config: Config) -> None:
        super().__init__()
        self._store, self._config = store, config
        self.meanwhile: Callable[[], object] | None = None

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        parts = list(super().pull(person, reading))
        if self.meanwhile is not None:
            first, self.meanwhile = self.meanwhile, None
            first()
            sync(self._store, self._config, self, now=NOW + timedelta(minutes=1))
        yield from parts


def test_a_wrong_clock_is_told_once_while_it_is_so(store: Database) -> None:
    """It is looked at whenever a digest may be due."""
    with capture_logs() as logs:
        assert [note_clock(store, ahead) for ahead in (1800.0, 1800.0, 0.0, 0.0, 1800.0)] == [1800, 1800, 0, 0, 1800]
    assert [one["event"] for one in logs] == ["clock_wrong"] * 2


def test_only_whoever_was_told_the_time_ends_the_wait_for_a_clock(sqlite_store: Database, config: Config) -> None:
    observed.forget()
    note_clock(sqlite_store, 1800.0)
    provider = MemoryCalendars()
    provider.account(JO)
    sync(sqlite_store, config, provider)
    assert note_clock(sqlite_store, observed_ahead()) == 1800, "it was asked, and told no time"
    provider.roster_error = RetryLater("unreachable", "nobody answers")
    sync(sqlite_store, config, provider)
    assert note_clock(sqlite_store, None) == 1800
    observed.note("provider.example", format_datetime(datetime.now(UTC), usegmt=True))
    assert note_clock(sqlite_store, observed_ahead()) == 0
    observed.forget()


def test_in_files_alone_nobody_could_ever_end_the_wait(sqlite_store: Database, config: Config) -> None:
    """What a provider once told, which the config names no more, must not hold digests up for ever."""
    observed.forget()
    note_clock(sqlite_store, 1800.0)
    sync(sqlite_store, config)
    assert note_clock(sqlite_store, None) == 0


class Twice(MemoryCalendars):
    """A page of it holds an entry in two forms."""

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        for part in super().pull(person, reading):
            if isinstance(part, Page):
                first, *_ = part.copies
                yield replace(part, copies=(replace(first, title="one"), replace(first, title="other")))
            else:
                yield part


def test_of_an_entry_that_stands_twice_on_a_page_the_later_form_is_kept(store: Database, config: Config) -> None:
    provider = Twice()
    provider.account(JO).put(make_copy("one"))
    sync(store, config, provider)
    assert stored(store, "title") == [("other",)]


class TestTwoReadersOfOneCalendar:
    """Of two that read a calendar at once, the one that comes later changes nothing (a worker that was paused, say)."""

    @pytest.mark.parametrize("full", [False, True])
    def test_what_was_read_before_brings_nothing_back(self, store: Database, config: Config, full: bool) -> None:
        provider = Overtaken(store, config)
        provider.account(JO).put(make_copy("one"))
        provider.account(JO).put(make_copy("two", start=datetime(2026, 10, 7, 9, tzinfo=UTC)))
        sync(store, config, provider)
        provider.account(JO).put(make_copy("one", minutes=90))
        provider.meanwhile = lambda: provider.account(JO).remove("one")
        (result,) = sync(store, config, provider, full=full)
        assert (result.synced, result.failed) == (1, [])
        assert hours(store, config) == 1
        with store.reading() as connection:
            (calendar,) = read_calendars(connection)
        assert calendar.last_success == NOW + timedelta(minutes=1)

    def test_nor_does_a_round_that_found_nothing(self, store: Database, config: Config) -> None:
        provider = Overtaken(store, config)
        provider.account(JO).put(make_copy("one"))
        sync(store, config, provider)
        provider.meanwhile = lambda: provider.account(JO).put(make_copy("two", start=NOW - timedelta(days=20)))
        sync(store, config, provider)
        with store.reading() as connection:
            (calendar,) = read_calendars(connection)
        assert calendar.cursor == "2", "the later cursor, or the second meeting would never be read"


class TestTurns:
    """Writers take turns; who has nothing to write takes none."""

    @pytest.mark.xdist_group("postgresql")
    @pytest.mark.parametrize("full", [False, True])
    def test_calendars_that_did_not_change_wait_for_nobody(
        self, postgres_store: Database, config: Config, full: bool
    ) -> None:
        provider = MemoryCalendars()
        for number in range(10):
            provider.account(JO).put(make_copy(f"e{number}", start=NOW - timedelta(days=30 + number)))
        sync(postgres_store, config, provider)
        context = scoring_context_of(postgres_store, config)
        other = Database(postgres_store.url.render_as_string(hide_password=False))
        result = ConnectorResult(name="memory")
        with postgres_store.reading() as connection:
            (calendar,) = read_calendars(connection)
        work = SyncRun(database=postgres_store, context=context, now=NOW + timedelta(minutes=15), full=full)
        with other.writing():  # until the end of this test
            reader = Thread(
                target=CalendarReader(work, provider, context, result).read,
                args=(calendar, provider.account(JO).person),
            )
            reader.start()
            reader.join(10)
            assert not reader.is_alive()
        other.close()
        assert (result.synced, result.changed, provider.full_listings) == (1, 0, 1 + full)

    def test_when_a_provider_wants_to_be_asked_again_is_kept(self, store: Database, config: Config) -> None:
        provider = MemoryCalendars()
        account = provider.account(JO)
        account.error = RetryLater("busy", "it is busy", after_seconds=90)
        sync(store, config, provider)
        with store.reading() as connection:
            (calendar,) = read_calendars(connection)
        assert calendar.again_at == NOW + timedelta(seconds=90)
        account.error = None
        sync(store, config, provider)
        with store.reading() as connection:
            (calendar,) = read_calendars(connection)
        assert calendar.again_at is None
