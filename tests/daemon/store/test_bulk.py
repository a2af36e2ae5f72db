"""Many copies at once: what is stored is the same whichever way the database takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daemon.store.calendar_writes import Round
from daemon.store.calendars import add_calendar
from daemon.store.db.bulk import among
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.packing import copy_digest
from scoring.meetings.values import Copy
from tests.daemon.worlds import ANA, BO, JO, make_copy, stored

START = datetime(2026, 10, 6, 9, tzinfo=UTC)
COLUMNS = (
    "entry, meeting, occurrence_at, starts_at, ends_at, all_day, organiser_id, participants, setting, title, digest"
)


def number_of(store: Database, key: str) -> int:
    with store.writing() as connection:
        return add_calendar(connection, connector="memory", key=key, address=JO, joined="2026-01")


def apply(store: Database, number: int, *pages: list[Copy]) -> Round:
    with store.writing() as connection:
        round_ = Round(connection, number)
        for page in pages:
            round_.known(copy.entry for copy in page)
            round_.upsert([(copy, copy_digest(copy)) for copy in page])
    return round_


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
    apply(store, first, wanted)
    apply(store, again, copies(1))
    apply(store, again, wanted)
    rows = stored(store, f"calendar_id, {COLUMNS}")
    assert len(rows) == 1_400
    assert [row[1:] for row in rows if row[0] == first] == [row[1:] for row in rows if row[0] == again]


def test_changes_overwrite_all_columns(store: Database) -> None:
    number, other = number_of(store, "changed"), number_of(store, "fresh")
    apply(store, number, copies(600))
    apply(store, number, copies(600, "Other"))
    apply(store, other, copies(600, "Other"))
    rows = stored(store, f"calendar_id, {COLUMNS}")
    assert [row[1:] for row in rows if row[0] == number] == [row[1:] for row in rows if row[0] == other]


def test_an_entry_that_comes_again_in_its_first_round_counts_as_it_came_last(store: Database) -> None:
    number = number_of(store, "twice")
    later = make_copy("e1", title="Later", start=START + timedelta(days=40))
    round_ = apply(store, number, [make_copy("e1"), make_copy("e2")], [later, make_copy("e3"), later])
    assert stored(store, "entry, title") == [("e1", "Later"), ("e2", "Steering group"), ("e3", "Steering group")]
    assert {START, later.start} <= round_.touched


def test_the_copies_of_a_meeting_elsewhere_are_touched(store: Database) -> None:
    one, other = number_of(store, "one"), number_of(store, "other")
    moved = make_copy("e9", uid="shared", start=START + timedelta(days=60))
    apply(store, one, [moved])
    assert apply(store, other, [make_copy("e1", uid="shared")]).touched == {START, moved.start}


def test_a_calendar_that_is_gone_is_an_error_of_the_store(store: Database) -> None:
    with pytest.raises(StoreError):
        apply(store, 4711, [make_copy()])
    assert stored(store) == []


def test_what_a_server_cannot_keep_is_an_error_without_its_text(postgres_store: Database) -> None:
    number = number_of(postgres_store, "hostile")
    with pytest.raises(StoreError) as caught:
        apply(postgres_store, number, [make_copy("secret\x00entry")])
    assert "secret" not in f"{caught.value} {caught.value.remedy}"
    assert stored(postgres_store) == []


def test_among_takes_any_number_of_values(store: Database) -> None:
    number = number_of(store, "many")
    apply(store, number, copies(1_200))
    statement = "SELECT entry FROM copies WHERE calendar_id = {given} AND entry {among}"
    with store.reading() as connection:
        found = [one for (one,) in among(connection, statement, (f"e{one}" for one in range(5_000)), number)]
        assert sorted(found) == sorted(f"e{one}" for one in range(1_200))
        assert list(among(connection, statement, [], number)) == []
