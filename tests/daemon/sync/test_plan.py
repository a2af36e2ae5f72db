"""What a listing changes, from what is stored and the pages that came: a pure comparison (`docs/design.md` 2, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.contract import Done, Page, Problem
from daemon.store.calendar_writes import PageChanges
from daemon.store.calendars import Calendar
from daemon.store.copies import StoredCopy
from daemon.store.forgotten import NOBODY
from daemon.store.packing import copy_digest
from daemon.sync.plan import Comparison, is_suspicious, plan
from scoring.meetings.values import Copy, CopyState, Window
from tests.daemon.worlds import NOW, make_copy

WINDOW = Window(start=NOW - timedelta(days=60), end=NOW + timedelta(days=60))
ONE = make_copy("one")
LONGER = make_copy("one", minutes=90)
FAR = make_copy("far", start=NOW + timedelta(days=400))
LIVE = {"one": StoredCopy(copy_digest(ONE), CopyState.LIVE), "far": StoredCopy(b"before it moved", CopyState.LIVE)}
GONE = {"one": StoredCopy(b"", CopyState.DELETED)}
CALLED_OFF = {"one": StoredCopy(b"called off", CopyState.CANCELLED)}


def said(changes: PageChanges) -> dict[str, list[object]]:
    """Which entries are changed in which way, and to what length in minutes."""

    def lengths(copies: tuple[tuple[Copy, bytes], ...]) -> list[object]:
        assert all(digest == copy_digest(copy) for copy, digest in copies)
        return [(copy.entry, (copy.end - copy.start).seconds // 60) for copy, _ in copies]

    found = {"new": lengths(changes.new), "changed": lengths(changes.changed)}
    found |= {"removed": [*changes.removed], "erased": [*changes.erased]}
    return {what: entries for what, entries in found.items() if entries}


@pytest.mark.parametrize(
    ("stored", "pages", "expected"),
    [
        # an entry by itself
        ({}, [Page(copies=(ONE,))], [{"new": [("one", 60)]}]),
        (LIVE, [Page(copies=(ONE,))], [{}]),
        (LIVE, [Page(copies=(LONGER,))], [{"changed": [("one", 90)]}]),
        (GONE, [Page(copies=(ONE,))], [{"changed": [("one", 60)]}]),  # it is back
        # outside the window: only what was stored has moved out
        ({}, [Page(copies=(FAR,))], [{}]),
        (LIVE, [Page(copies=(FAR,))], [{"changed": [("far", 60)]}]),
        # tombstones, and what may not be kept
        (LIVE, [Page(removed=("one",), erased=("far",))], [{"removed": ["one"], "erased": ["far"]}]),
        (GONE, [Page(removed=("one",))], [{}]),
        (CALLED_OFF, [Page(removed=("one",))], [{}]),
        (GONE, [Page(erased=("one",))], [{"erased": ["one"]}]),
        ({}, [Page(removed=("one",), erased=("two",))], [{}]),
        # an entry that cannot be read stays as it is
        (LIVE, [Page(problems=(Problem(where="one", reason="strange", entry="one"),))], [{}]),
        # what comes twice in a listing: the last counts, and is compared with what the first left
        ({}, [Page(copies=(ONE, LONGER))], [{"new": [("one", 90)]}]),
        ({}, [Page(copies=(ONE,)), Page(copies=(LONGER,))], [{"new": [("one", 60)]}, {"changed": [("one", 90)]}]),
        ({}, [Page(copies=(ONE,)), Page(copies=(ONE,))], [{"new": [("one", 60)]}, {}]),
        (LIVE, [Page(copies=(LONGER,)), Page(copies=(ONE,))], [{"changed": [("one", 90)]}, {"changed": [("one", 60)]}]),
        ({}, [Page(copies=(ONE,)), Page(removed=("one",))], [{"new": [("one", 60)]}, {"removed": ["one"]}]),
        (LIVE, [Page(removed=("one",)), Page(removed=("one",))], [{"removed": ["one"]}, {}]),
        (LIVE, [Page(removed=("one",)), Page(copies=(ONE,))], [{"removed": ["one"]}, {"changed": [("one", 60)]}]),
        (LIVE, [Page(erased=("one",)), Page(copies=(ONE,))], [{"erased": ["one"]}, {"new": [("one", 60)]}]),
        (LIVE, [Page(erased=("one",)), Page(removed=("one",))], [{"erased": ["one"]}, {}]),
    ],
)
def test_what_a_page_changes(
    stored: Mapping[str, StoredCopy], pages: list[Page], expected: list[dict[str, list[object]]]
) -> None:
    comparison = Comparison(WINDOW)
    assert [said(comparison.changes(page, stored)) for page in pages] == expected


@pytest.mark.parametrize(
    ("page", "unlisted"),
    [
        (Page(), {"one", "far"}),
        (Page(copies=(ONE,)), {"far"}),  # unchanged
        (Page(copies=(LONGER,)), {"far"}),
        (Page(copies=(ONE, FAR)), set()),
        (Page(removed=("one",)), {"far"}),  # gone already by its tombstone
        (Page(erased=("one",)), {"far"}),
        (Page(problems=(Problem(where="one", reason="strange", entry="one"),)), {"far"}),
        (Page(problems=(Problem(where="one", reason="strange"),)), {"one", "far"}),
        (Page(copies=(make_copy("two"),)), {"one", "far"}),
    ],
)
def test_what_a_full_listing_lacks(page: Page, unlisted: set[str]) -> None:
    comparison = Comparison(WINDOW)
    comparison.changes(page, LIVE)
    assert comparison.unlisted(LIVE) == unlisted


@pytest.mark.parametrize(
    ("unlisted", "live", "suspicious"),
    [
        (0, 0, False),
        (0, 50, False),
        (1, 1, True),  # everything
        (2, 3, False),
        (20, 30, False),  # over half, but not more than twenty
        (21, 41, True),
        (21, 42, False),  # half is not over half
    ],
)
def test_a_listing_that_lacks_most_is_suspicious(unlisted: int, live: int, suspicious: bool) -> None:
    assert is_suspicious(unlisted, live) is suspicious


CALENDAR = Calendar(
    id=7,
    connector="memory",
    key="jo",
    address="jo@northwind.example",
    aliases=(),
    joined="2026-01",
    left_at=None,
    batch_id=None,
    turn=4,
    last_try=None,
    last_success=None,
    read_through=None,
    last_full=None,
    held_at=NOW,
    error_code="busy",
    error="it is busy",
    standing=True,
    cursor="before",
    query="before",
    window=None,
    again_at=NOW,
    kills=2,
)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("read_through", [None, NOW - timedelta(minutes=1)])
def test_a_complete_listing_clears_what_stood_in_the_way(full: bool, read_through: datetime | None) -> None:
    zone = ZoneInfo("America/New_York")
    window = Window(start=datetime(2026, 9, 1, tzinfo=UTC), end=WINDOW.end)  # in New York it is August still
    done = Done(cursor="after", full=full, window=window, read_through=read_through)
    found = plan(CALENDAR, done, (), ("gone",), query="now", now=NOW, zone=zone, forgotten=NOBODY)
    assert (found.calendar_id, found.turn, found.unlisted) == (7, 4, {"gone"})
    assert found.history_begins == ("2026-08" if full else None)
    cleared = dict.fromkeys(("held_at", "error_code", "error", "again_at")) | {"standing": False, "kills": 0}
    expected = cleared | {"cursor": "after", "query": "now", "last_try": NOW, "last_success": NOW}
    if full:
        expected |= {"last_full": NOW, "window_start": window.start, "window_end": window.end}
    if read_through is not None:
        expected["read_through"] = read_through
    assert found.state == expected
