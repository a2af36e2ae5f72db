"""Many copies at once: what is stored is the same whichever way the database takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Page
from daemon.store.calendar_writes import Applied, ForgottenMeanwhile, Plan, StaleListing, apply
from daemon.store.calendars import add_calendar, read_calendars
from daemon.store.copies import stored_copies
from daemon.store.db.bulk import among
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.forgotten import NOBODY, hashed, save_forgotten
from daemon.sync.plan import Comparison
from scoring.meetings.values import Copy, Window
from tests.daemon.worlds import ANA, BO, JO, make_copy, stored

START = datetime(2026, 10, 6, 9, tzinfo=UTC)
COLUMNS = (
    "entry, meeting, occurrence_at, starts_at, ends_at, all_day, organiser_id, participants, setting, title, digest"
)


def number_of(store: Database, key: str) -> int:
    with store.writing() as connection:
        return add_calendar(connection, connector="memory", key=key, address=JO, joined="2026-01")


def listed(store: Database, number: int, *pages: list[Copy], turn: int | None = None) -> Applied:
    """A listing of these pages into a calendar, whose turn it is unless another is given."""
    comparison = Comparison(Window(start=START - timedelta(days=1_000), end=START + timedelta(days=1_000)))
    with store.reading() as connection:
        found = read_calendars(connection, numbers=[number])
        stored_before = stored_copies(connection, number, [copy.entry for page in pages for copy in page])
    return apply(
        store,
        Plan(
            calendar_id=number,
            turn=turn if turn is not None else found[0].turn,
            state={"cursor": "later"},
            read_at=START,
            zone=UTC,
            forgotten=NOBODY,
            changes=[comparison.changes(Page(copies=tuple(page)), stored_before) for page in pages],
        ),
    )


def copies(count: int, title: str = "Review \\ tab\t \u2028 \U0001f600") -> list[Copy]:
    """Titles with what a text format has to escape; occurrences, all-day entries, no title, no organiser."""
    return [
        make_copy(
            f"e{one}",
            start=START + timedelta(hours=one),
            occurrence=START + timedelta(hours=one) if one % 3 == 0 else None,
            all_day=one % 5 == 0,
            title=title if one % 4 else None,
            organiser=JO if one % 2 else None,
            people=(JO, ANA, BO) if one % 2 else (ANA,),
        )
        for one in range(count)
    ]


def test_the_first_reading_and_later_ones_store_the_same(store: Database) -> None:
    first, again = number_of(store, "first"), number_of(store, "again")
    wanted = copies(700)
    listed(store, first, wanted)
    listed(store, again, copies(1))
    listed(store, again, wanted)
    rows = stored(store, f"calendar_id, {COLUMNS}")
    assert len(rows) == 1_400
    assert [row[1:] for row in rows if row[0] == first] == [row[1:] for row in rows if row[0] == again]


def test_changes_overwrite_all_columns(store: Database) -> None:
    number, other = number_of(store, "changed"), number_of(store, "fresh")
    listed(store, number, copies(600))
    listed(store, number, copies(600, "Other"))
    listed(store, other, copies(600, "Other"))
    rows = stored(store, f"calendar_id, {COLUMNS}")
    assert [row[1:] for row in rows if row[0] == number] == [row[1:] for row in rows if row[0] == other]


def test_an_entry_that_comes_again_in_its_first_round_counts_as_it_came_last(store: Database) -> None:
    number = number_of(store, "twice")
    later = make_copy("e1", title="Later", start=START + timedelta(days=40))
    applied = listed(store, number, [make_copy("e1"), make_copy("e2")], [later, make_copy("e3"), later])
    assert stored(store, "entry, title") == [("e1", "Later"), ("e2", "Steering group"), ("e3", "Steering group")]
    assert applied.months == {"2026-10", "2026-11"}


def test_the_copies_of_a_meeting_elsewhere_are_touched(store: Database) -> None:
    one, other = number_of(store, "one"), number_of(store, "other")
    moved = make_copy("e9", uid="shared", start=START + timedelta(days=60))
    listed(store, one, [moved])
    assert listed(store, other, [make_copy("e1", uid="shared")]).months == {"2026-10", "2026-12"}


def test_the_other_copies_of_a_meeting_in_the_same_calendar_are_touched(store: Database) -> None:
    number = number_of(store, "one")
    listed(
        store, number, [make_copy("e1", uid="twice"), make_copy("e2", uid="twice", start=START + timedelta(days=60))]
    )
    moved = make_copy("e1", uid="twice", start=START + timedelta(days=30))
    assert listed(store, number, [moved]).months == {"2026-10", "2026-11", "2026-12"}


@pytest.mark.parametrize("changes", [True, False])
def test_a_listing_that_began_before_another_was_stored_changes_nothing(store: Database, changes: bool) -> None:
    number = number_of(store, "raced")
    listed(store, number, [make_copy("theirs")])
    with pytest.raises(StaleListing):
        listed(store, number, *([[make_copy("ours")]] if changes else []), turn=0)
    assert stored(store, "entry") == [("theirs",)]


def test_a_calendar_that_is_gone_gets_no_copies(store: Database) -> None:
    with pytest.raises(StaleListing):
        listed(store, 4711, [make_copy()], turn=0)
    assert stored(store) == []


def test_what_was_forgotten_after_the_comparison_is_not_stored(store: Database) -> None:
    number = number_of(store, "forgotten")
    with store.writing() as connection:
        save_forgotten(connection, hashed([ANA], NOBODY, START))
    with pytest.raises(ForgottenMeanwhile) as raised:
        listed(store, number, [make_copy(people=(JO, ANA))])
    assert raised.value.forgotten.holds(ANA)
    assert stored(store) == []
    with store.reading() as connection:
        assert read_calendars(connection)[0].cursor is None


def test_what_a_server_cannot_keep_is_an_error_without_its_text(postgres_store: Database) -> None:
    number = number_of(postgres_store, "hostile")
    with pytest.raises(StoreError) as caught:
        listed(postgres_store, number, [make_copy("secret\x00entry")])
    assert "secret" not in f"{caught.value} {caught.value.remedy}"
    assert stored(postgres_store) == []


def test_among_takes_any_number_of_values(store: Database) -> None:
    number = number_of(store, "many")
    listed(store, number, copies(1_200))
    statement = "SELECT entry FROM copies WHERE calendar_id = {given} AND entry {among}"
    with store.reading() as connection:
        found = [one for (one,) in among(connection, statement, (f"e{one}" for one in range(5_000)), number)]
        assert sorted(found) == sorted(f"e{one}" for one in range(1_200))
        assert list(among(connection, statement, [], number)) == []
