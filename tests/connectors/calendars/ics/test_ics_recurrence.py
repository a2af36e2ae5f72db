"""Series (RFC 5545 3.8.5): which occurrences there are, when, and which identity each has (R1)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scoring.meetings.values import CopyState, Window
from tests.connectors.calendars.ics.ics_support import ALWAYS, Desk, calendar, connector, desk, event, pull

LONDON = ";TZID=Europe/London"
NEW_YORK = ";TZID=America/New_York"


@pytest.fixture(scope="module")
def table() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


TEN_IN_LONDON = f"{LONDON}:20250310T100000"

SERIES = {
    # ten o'clock stays ten o'clock when the clocks go forward (30 March 2025) …
    "spring": (event("RRULE:FREQ=WEEKLY;COUNT=4", start=TEN_IN_LONDON),
               ["2025-03-10 10:00", "2025-03-17 10:00", "2025-03-24 10:00", "2025-03-31 09:00"]),
    # … and back (26 October 2025)
    "autumn": (event("RRULE:FREQ=WEEKLY;COUNT=3", start=f"{LONDON}:20251013T100000"),
               ["2025-10-13 09:00", "2025-10-20 09:00", "2025-10-27 10:00"]),
    # a series in UTC knows no clock change
    "utc": (event("RRULE:FREQ=WEEKLY;COUNT=3", start=":20251013T100000Z"),
            ["2025-10-13 10:00", "2025-10-20 10:00", "2025-10-27 10:00"]),
    # 02:30 does not exist in New York on 9 March 2025: read with the offset before the gap (3.3.5)
    "gap": (event("RRULE:FREQ=DAILY;COUNT=3", start=f"{NEW_YORK}:20250308T023000"),
            ["2025-03-08 07:30", "2025-03-09 07:30", "2025-03-10 06:30"]),
    # 01:30 exists twice in New York on 2 November 2025: the first is meant (3.3.5)
    "fold": (event("RRULE:FREQ=DAILY;COUNT=2", start=f"{NEW_YORK}:20251101T013000"),
             ["2025-11-01 05:30", "2025-11-02 05:30"]),
    "exdate": (event("RRULE:FREQ=DAILY;COUNT=4", f"EXDATE{LONDON}:20250311T100000,20250312T100000",
                     start=TEN_IN_LONDON), ["2025-03-10 10:00", "2025-03-13 10:00"]),
    # excluded by the instant, in whatever zone it is written
    "exdate elsewhere": (event("RRULE:FREQ=DAILY;COUNT=3", f"EXDATE{NEW_YORK}:20250311T060000",
                               "EXDATE:20250312T100000Z", start=TEN_IN_LONDON), ["2025-03-10 10:00"]),
    # one that names another time of that day matches nothing
    "exdate matching nothing": (event("RRULE:FREQ=DAILY;COUNT=2", f"EXDATE{LONDON}:20250311T110000",
                                      start=TEN_IN_LONDON),
                                ["2025-03-10 10:00", "2025-03-11 10:00"]),
    # nor one that agrees on paper only: 11:00 in London is not 10:00 UTC in April
    "exdate on another wall": (event("RRULE:FREQ=DAILY;BYHOUR=10,11;COUNT=4", "EXDATE:20250401T100000Z",
                                     start=f"{LONDON}:20250401T100000"),
                               ["2025-04-01 09:00", "2025-04-02 09:00", "2025-04-02 10:00"]),
    # a day excludes what lies on it
    "exdate by day": (event("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20250311", start=TEN_IN_LONDON),
                      ["2025-03-10 10:00", "2025-03-12 10:00"]),
    "exdate folded": (event("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20250311T1\r\n 00000Z,2025\r\n\t0312T100000Z"),
                      ["2025-03-10 10:00"]),
    "rdate": (event("RDATE:20250320T140000Z,20250321T140000Z"),
              ["2025-03-10 10:00", "2025-03-20 14:00", "2025-03-21 14:00"]),
    "rdate twice": (event("RRULE:FREQ=DAILY;COUNT=2", "RDATE:20250311T100000Z"),
                    ["2025-03-10 10:00", "2025-03-11 10:00"]),
    # UNTIL includes; a day alone counts to its end, as people mean it
    "until": (event("RRULE:FREQ=DAILY;UNTIL=20250312T100000Z"),
              ["2025-03-10 10:00", "2025-03-11 10:00", "2025-03-12 10:00"]),
    "until a day": (event("RRULE:FREQ=DAILY;UNTIL=20250311", start=TEN_IN_LONDON),
                    ["2025-03-10 10:00", "2025-03-11 10:00"]),
    "until local": (event("RRULE:FREQ=DAILY;UNTIL=20250401T100000", start=f"{LONDON}:20250331T100000"),
                    ["2025-03-31 09:00", "2025-04-01 09:00"]),
    "until in lower case": (event("RRULE:freq=daily;until=20250311t100000z"), ["2025-03-10 10:00", "2025-03-11 10:00"]),
    "trailing semicolon": (event("RRULE:FREQ=DAILY;COUNT=2;"), ["2025-03-10 10:00", "2025-03-11 10:00"]),
    "last weekday of the month": (event("RRULE:FREQ=MONTHLY;COUNT=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
                                        start=":20250331T100000Z"), ["2025-03-31 10:00", "2025-04-30 10:00"]),
    "all day": (event("RRULE:FREQ=WEEKLY;COUNT=2", start=";VALUE=DATE:20250310", end=""),
                ["2025-03-10 00:00", "2025-03-17 00:00"]),
    # Exchange: UNTIL of an all-day series is local midnight of its last day as UTC
    "all day until": (event("RRULE:FREQ=DAILY;UNTIL=20250311T230000Z", start=";VALUE=DATE:20250310", end=""),
                      ["2025-03-10 00:00", "2025-03-11 00:00", "2025-03-12 00:00"]),
    "all day until the last second": (event("RRULE:FREQ=DAILY;UNTIL=20250311T235959Z", start=";VALUE=DATE:20250310",
                                            end=""), ["2025-03-10 00:00", "2025-03-11 00:00"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SERIES)
def test_occurrences(table: Desk, name: str) -> None:
    text, starts = SERIES[name]
    found = table.read(text)
    assert found.problems == []
    assert found.starts == starts


def test_length_across_a_clock_change(table: Desk) -> None:
    """RFC 5545 3.8.5.3: with DTEND the same exact length, with DURATION the same nominal one."""
    by_end = event(
        "RRULE:FREQ=DAILY;COUNT=2", f"DTEND{LONDON}:20250330T000000", start=f"{LONDON}:20250329T000000", end=""
    )
    by_days = event("RRULE:FREQ=DAILY;COUNT=2", start=f"{LONDON}:20250329T000000", end="DURATION:P1D")
    assert [(copy.end - copy.start).total_seconds() / 3600 for copy in table.read(by_end).copies] == [24, 24]
    assert [(copy.end - copy.start).total_seconds() / 3600 for copy in table.read(by_days).copies] == [24, 23]


def test_identity_of_a_series_is_the_original_start(table: Desk) -> None:
    """R1: the instant, and the date in the series' zone; a single entry has neither."""
    found = table.read(event("RRULE:FREQ=DAILY;COUNT=2", start=f"{NEW_YORK}:20250310T210000"))
    first, second = sorted(found.copies, key=lambda copy: copy.start)
    assert first.identity.at == first.start == datetime(2025, 3, 11, 1, tzinfo=UTC)
    assert first.identity.on == date(2025, 3, 10)
    assert second.identity.on == date(2025, 3, 11)
    assert first.identity.series == second.identity.series
    assert first.entry != second.entry
    single = table.read(event()).copy.identity
    assert (single.at, single.on) == (None, None)


@pytest.mark.parametrize("order", [1, -1], ids=["series first", "change first"])
def test_moved_occurrence_keeps_its_identity(table: Desk, order: int) -> None:
    parts = [
        event("RRULE:FREQ=WEEKLY;COUNT=3", start=TEN_IN_LONDON),
        event(f"RECURRENCE-ID{LONDON}:20250317T100000", start=f"{LONDON}:20250318T150000"),
    ]
    found = table.read(calendar(*parts[::order]))
    assert found.starts == ["2025-03-10 10:00", "2025-03-18 15:00", "2025-03-24 10:00"]
    (moved,) = [copy for copy in found.copies if copy.start.day == 18]
    assert moved.identity.at == datetime(2025, 3, 17, 10, tzinfo=UTC)
    assert moved.identity.on == date(2025, 3, 17)


@pytest.mark.parametrize(
    "named",
    ["RECURRENCE-ID:20250407T090000Z", f"RECURRENCE-ID{NEW_YORK}:20250407T050000",
     f"RECURRENCE-ID{LONDON}:20250407T100000", "RECURRENCE-ID:20250407T100000", "RECURRENCE-ID;VALUE=DATE:20250407"],
)  # fmt: skip
def test_an_occurrence_is_found_however_it_is_named(table: Desk, named: str) -> None:
    """In UTC, in another zone, in the series' own, floating, or by its day alone."""
    series = event("RRULE:FREQ=WEEKLY;COUNT=2", start=f"{LONDON}:20250331T100000")
    change = event(named, start=f"{LONDON}:20250408T100000")
    found = table.read(calendar(series, change))
    assert found.starts == ["2025-03-31 09:00", "2025-04-08 09:00"]
    assert {copy.identity.at for copy in found.copies} == {
        datetime(2025, 3, 31, 9, tzinfo=UTC),
        datetime(2025, 4, 7, 9, tzinfo=UTC),
    }


def test_a_day_names_the_occurrence_at_whatever_hour(table: Desk) -> None:
    series = event("RRULE:FREQ=WEEKLY;BYDAY=TU;BYHOUR=16;COUNT=3", start=":20250310T100000Z")
    change = event("RECURRENCE-ID;VALUE=DATE:20250318", start=":20250319T080000Z")
    found = table.read(calendar(series, change))
    (moved,) = [copy for copy in found.copies if copy.start.day == 19]
    assert moved.identity.at == datetime(2025, 3, 18, 16, tzinfo=UTC)


def test_this_and_future(table: Desk) -> None:
    """Those that follow are moved alike and take the new title and length, but keep their original starts (R1)."""
    series = event("RRULE:FREQ=WEEKLY;COUNT=4", "SUMMARY:old", start=TEN_IN_LONDON)
    change = event(
        f"RECURRENCE-ID;RANGE=THISANDFUTURE{LONDON}:20250317T100000", "SUMMARY:new",
        start=f"{LONDON}:20250318T113000", end="DURATION:PT2H",
    )  # fmt: skip
    copies = sorted(table.read(calendar(series, change)).copies, key=lambda copy: copy.start)
    assert [(f"{copy.start:%m-%d %H:%M}", f"{copy.identity.at:%m-%d %H:%M}", copy.title) for copy in copies] == [
        ("03-10 10:00", "03-10 10:00", "old"),
        ("03-18 11:30", "03-17 10:00", "new"),
        ("03-25 11:30", "03-24 10:00", "new"),
        ("04-01 10:30", "03-31 09:00", "new"),
    ]
    assert [(copy.end - copy.start).seconds // 60 for copy in copies] == [60, 120, 120, 120]


def test_this_and_future_called_off(table: Desk) -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=4")
    change = event("RECURRENCE-ID;RANGE=THISANDFUTURE:20250312T100000Z", "STATUS:CANCELLED", start=":20250312T100000Z")
    copies = sorted(table.read(calendar(series, change)).copies, key=lambda copy: copy.start)
    assert [copy.state.value for copy in copies] == ["live", "live", "cancelled", "cancelled"]


def test_cancelled_occurrence_is_told(table: Desk) -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=3")
    change = event("RECURRENCE-ID:20250311T100000Z", "STATUS:Cancelled", start=":20250311T100000Z")
    copies = sorted(table.read(calendar(series, change)).copies, key=lambda copy: copy.start)
    assert [copy.state for copy in copies] == [CopyState.LIVE, CopyState.CANCELLED, CopyState.LIVE]
    assert copies[1].end - copies[1].start == copies[0].end - copies[0].start


def test_method_cancel_calls_off_the_series_with_its_changes(table: Desk) -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=2")
    change = event("RECURRENCE-ID:20250311T100000Z", start=":20250311T150000Z")
    found = table.read(calendar(series, change, head=("METHOD:CANCEL",)))
    assert {copy.state for copy in found.copies} == {CopyState.CANCELLED}
    assert len(found.copies) == 2


def test_a_later_cancellation_without_the_rule_calls_off_the_series(table: Desk) -> None:
    asked = calendar(event("RRULE:FREQ=DAILY;COUNT=2", "SEQUENCE:0"), head=("METHOD:REQUEST",))
    off = calendar(event("SEQUENCE:1"), head=("METHOD:CANCEL",))
    found = table.read(asked + off)
    assert [copy.state for copy in found.copies] == [CopyState.CANCELLED] * 2


def test_the_latest_revision_counts(table: Desk) -> None:
    old = event("SEQUENCE:0", "SUMMARY:old")
    new = event("SEQUENCE:2", "SUMMARY:new", start=":20250311T100000Z")
    assert [table.read(calendar(*pair)).copy.title for pair in ((old, new), (new, old))] == ["new", "new"]


@pytest.mark.parametrize("stamp", [(), ("SEQUENCE:1", "LAST-MODIFIED:20250301T120000Z")], ids=["none", "the same"])
def test_of_two_revisions_alike_the_one_listed_later_counts(table: Desk, stamp: tuple[str, ...]) -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=2", "SUMMARY:series")
    for first, second in (("one", "other"), ("other", "one")):
        masters = [event(f"SUMMARY:{title}", *stamp) for title in (first, second)]
        assert table.read(calendar(*masters)).copy.title == second
        changes = [event("RECURRENCE-ID:20250310T100000Z", f"SUMMARY:{title}", *stamp) for title in (first, second)]
        assert {copy.title for copy in table.read(calendar(series, *changes)).copies} == {second, "series"}


def test_a_reused_uid_makes_separate_entries(table: Desk) -> None:
    found = table.read(calendar(event("SUMMARY:a"), event("SUMMARY:b", start=":20250401T100000Z")))
    assert {copy.title for copy in found.copies} == {"a", "b"}
    assert len({copy.entry for copy in found.copies}) == 2


def test_change_without_its_series(table: Desk) -> None:
    """The occurrence is known by its own start, and its date in the zone that names it."""
    found = table.read(event(f"RECURRENCE-ID{NEW_YORK}:20250310T210000", start=f"{NEW_YORK}:20250312T090000"))
    assert found.copy.identity.at == datetime(2025, 3, 11, 1, tzinfo=UTC)
    assert found.copy.identity.on == date(2025, 3, 10)
    by_day = table.read(event("RECURRENCE-ID;VALUE=DATE:20250310", start=f"{NEW_YORK}:20250312T090000")).copy
    assert (by_day.identity.at, by_day.identity.on) == (None, date(2025, 3, 10))


def test_change_of_an_occurrence_that_the_rule_does_not_make(table: Desk) -> None:
    series = event("RRULE:FREQ=WEEKLY;COUNT=2")
    change = event("RECURRENCE-ID:20250312T100000Z", start=":20250312T110000Z")
    assert table.read(calendar(series, change)).starts == ["2025-03-10 10:00", "2025-03-12 11:00", "2025-03-17 10:00"]


def test_rdate_period_has_its_own_length(table: Desk) -> None:
    text = event("RDATE;VALUE=PERIOD:20250311T100000Z/20250311T123000Z,20250312T100000Z/PT3H")
    lengths = {copy.start.day: (copy.end - copy.start).total_seconds() / 3600 for copy in table.read(text).copies}
    assert lengths == {10: 1, 11: 2.5, 12: 3}


def test_all_day_series_is_known_by_its_days_alone(table: Desk) -> None:
    series = event("RRULE:FREQ=WEEKLY;COUNT=2", start=";VALUE=DATE:20250310", end="DTEND;VALUE=DATE:20250312")
    change = event("RECURRENCE-ID:20250316T230000Z", start=";VALUE=DATE:20250318", end="")
    copies = sorted(table.read(calendar(series, change)).copies, key=lambda copy: copy.start)
    assert [(copy.identity.at, copy.identity.on) for copy in copies] == [
        (None, date(2025, 3, 10)),
        (None, date(2025, 3, 17)),
    ]
    assert [(copy.end - copy.start).days for copy in copies] == [2, 1]
    assert all(copy.all_day for copy in copies)


def test_moved_into_and_out_of_the_window(table: Desk) -> None:
    """It is where an occurrence lies now that decides."""
    april = Window(start=datetime(2025, 4, 1, tzinfo=UTC), end=datetime(2025, 5, 1, tzinfo=UTC))
    text = calendar(
        event("RRULE:FREQ=MONTHLY;COUNT=4", start=":20250215T100000Z"),
        event("RECURRENCE-ID:20250315T100000Z", start=":20250402T100000Z"),
        event("RECURRENCE-ID:20250415T100000Z", start=":20250502T100000Z"),
    )
    assert table.read(text, window=april).starts == ["2025-04-02 10:00"]


def test_window_holds_what_reaches_into_it(table: Desk) -> None:
    day = Window(start=datetime(2025, 3, 10, tzinfo=UTC), end=datetime(2025, 3, 11, tzinfo=UTC))
    night = event("RRULE:FREQ=DAILY;COUNT=4", start=":20250308T220000Z", end="DURATION:PT4H")
    assert table.read(night, window=day).starts == ["2025-03-09 22:00", "2025-03-10 22:00"]


def test_entry_ids_do_not_depend_on_the_window(table: Desk) -> None:
    text = event("RRULE:FREQ=DAILY;COUNT=5")
    narrow = Window(start=datetime(2025, 3, 11, tzinfo=UTC), end=datetime(2025, 3, 12, tzinfo=UTC))
    ids = {copy.start: copy.entry for copy in table.read(text, window=ALWAYS).copies}
    assert [ids[copy.start] for copy in table.read(text, window=narrow).copies] == [
        ids[datetime(2025, 3, 11, 10, tzinfo=UTC)]
    ]


def test_pages_hold_500_at_most(table: Desk) -> None:
    found = table.read(event("RRULE:FREQ=DAILY;COUNT=600"))
    assert [len(page.copies) for page in found.pages] == [500, 100]
    assert [page.entries for page in found.pages] == [500, 100]


def test_several_threads_read_at_once(tmp_path: Path) -> None:
    for number in range(12):
        text = calendar(event(f"RRULE:FREQ=DAILY;COUNT={number + 1}", uid=f"u{number}"))
        (tmp_path / f"p{number}@northwind.example.ics").write_bytes(text)
    calendars = connector(tmp_path)
    try:
        people = calendars.people().people
        with ThreadPoolExecutor(6) as pool:
            counts = dict(
                zip(people, pool.map(lambda person: len(pull(calendars, person).copies), people), strict=True)
            )
    finally:
        calendars.close()
    assert {person.id: count for person, count in counts.items()} == {
        f"p{number}@northwind.example": number + 1 for number in range(12)
    }
