"""Rounds of a calendar over HTTP through Google's library: pages, tokens, the window (`docs/providers.md` A1-A2, G)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.contract import Calendars, Done
from connectors.errors import ConnectorError, CursorExpired, RetryLater
from scoring.meetings.values import Window
from tests.fakes.google import CALENDAR, FakeGoogle
from tests.fakes.google_client import meeting, workspace
from tests.fakes.google_world import FakeCalendar
from tests.fakes.reading import JO, NOW, WINDOW, copies, person, pull, reading, removed

DAY = timedelta(days=1)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        fake.world.add(JO)
        yield fake


@pytest.fixture
def jo(google: FakeGoogle) -> FakeCalendar:
    return google.world.calendar(JO)


@pytest.fixture
def connector(google: FakeGoogle, tmp_path: Path) -> Iterator[Calendars]:
    made = workspace(google, tmp_path)
    yield made
    made.close()


def test_a_first_listing_covers_the_window_in_one_request(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars
) -> None:
    jo.put(meeting("now"))
    jo.put(meeting("long ago", NOW - 400 * DAY))
    jo.put(meeting("far ahead", NOW + 400 * DAY))
    pages, done = pull(connector)
    assert set(copies(pages)) == {"now"}
    assert (done.full, done.window, done.read_through, done.requests) == (True, WINDOW, NOW, 1)
    (asked,) = google.seen
    assert asked.path == "/calendar/v3/calendars/primary/events"
    assert asked.subject == JO
    assert {"singleEvents": "true", "maxResults": "2500"}.items() <= asked.query.items()
    assert not {"maxAttendees", "showDeleted", "orderBy", "q"} & asked.query.keys()


def test_only_what_is_stored_leaves_google(google: FakeGoogle, jo: FakeCalendar, connector: Calendars) -> None:
    jo.put(meeting("now", hangoutLink="https://meet.example/abc", extendedProperties={"private": {"a": "b"}}))
    pages, _ = pull(connector)
    assert "pin" not in repr(pages)
    assert "fields" in google.seen[0].query


def test_a_calendar_where_nothing_changed_costs_one_request(google: FakeGoogle, connector: Calendars) -> None:
    _, done = pull(connector)
    pages, done = pull(connector, done.cursor)
    assert (pages, done.full, done.requests, len(google.seen)) == ([], False, 1, 2)
    assert google.tokens == {JO: 1}


def test_changes_come_whatever_their_date_and_tombstones_hold_an_id(jo: FakeCalendar, connector: Calendars) -> None:
    jo.put(meeting("kept"))
    jo.put(meeting("dropped"))
    _, done = pull(connector)
    jo.cancel("dropped")
    jo.change("kept", summary="Other")
    jo.put_series("s", meeting("s", NOW + 100 * DAY), 700)
    pages, done = pull(connector, done.cursor)
    found = copies(pages)
    assert removed(pages) == {"dropped"}
    assert found["kept"].title == "Other"
    assert max(copy.start for copy in found.values()).year == 2040  # the window is not honoured on a round
    assert not done.full


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("empty", [False, True])
def test_pages_may_be_empty_and_repeat_items(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars, *, repeats: bool, empty: bool
) -> None:
    google.page_size, google.repeats_items, google.empty_pages = 2, repeats, empty
    for number in range(7):
        jo.put(meeting(f"e{number}"))
    pages, done = pull(connector)
    assert set(copies(pages)) == {f"e{number}" for number in range(7)}
    assert done.requests == (8 if empty else 4)
    jo.cancel("e3")
    pages, _ = pull(connector, done.cursor)
    assert removed(pages) == {"e3"}


def test_an_older_form_on_a_later_page_does_not_undo_a_newer_one(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars
) -> None:
    google.page_size = 1
    jo.now = NOW
    jo.put(meeting("e1", summary="new"))
    jo.put(meeting("e2"))

    def replay(offset: int) -> None:
        if offset == 1:  # a replica that lags answers for the second page
            jo.items["e2"] = {**jo.items["e1"], "summary": "old", "updated": "2026-11-15T08:30:00.000Z"}

    google.before_page = replay
    pages, _ = pull(connector)
    assert copies(pages)["e1"].title == "new"


def test_of_two_forms_changed_at_once_that_on_the_later_page_counts(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars
) -> None:
    google.page_size = 1
    jo.now = NOW
    jo.put(meeting("e1", summary="one"))
    jo.put(meeting("e2"))

    def replay(offset: int) -> None:
        if offset == 1:  # the entry stands on the second page too, in another form of the same second
            jo.items["e2"] = {**jo.items["e1"], "summary": "other"}

    google.before_page = replay
    pages, _ = pull(connector)
    assert copies(pages)["e1"].title == "other"


@pytest.mark.parametrize(("round_", "error"), [("first", RetryLater), ("later", CursorExpired)])
def test_a_list_that_leads_to_itself_is_given_up_at_once(
    google: FakeGoogle, connector: Calendars, round_: str, error: type[ConnectorError]
) -> None:
    _, done = pull(connector)
    asked = len(google.seen)
    google.fail(status=200, times=9, body=b'{"items": [], "nextPageToken": "same"}')
    with pytest.raises(error, match="does not end"):
        pull(connector, done.cursor if round_ == "later" else None)
    assert len(google.seen) - asked == 2


def test_what_changes_while_pages_are_read_comes_in_the_next_round(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars
) -> None:
    google.page_size = 1
    for number in range(3):
        jo.put(meeting(f"e{number}"))
    google.before_page = lambda offset: jo.cancel("e0") if offset == 1 else None
    pages, done = pull(connector)
    assert "e0" in copies(pages)
    google.before_page = None
    pages, _ = pull(connector, done.cursor)
    assert removed(pages) == {"e0"}


def test_a_last_page_without_a_token_means_a_listing_next_time(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars
) -> None:
    jo.put(meeting("e1"))
    google.sync_tokens = False
    _, done = pull(connector)
    google.sync_tokens = True
    pages, done = pull(connector, done.cursor)
    assert (set(copies(pages)), done.full) == ({"e1"}, True)
    assert not pull(connector, done.cursor)[1].full


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    ("status", "reason"),
    [(410, "fullSyncRequired"), (410, "updatedMinTooLongAgo"), (410, "deleted"), (400, "invalid")],
)
def test_a_dead_token_expires_the_cursor_also_between_pages(
    google: FakeGoogle, jo: FakeCalendar, connector: Calendars, status: int, reason: str, after: int
) -> None:
    google.page_size = 1
    _, done = pull(connector)
    jo.put(meeting("e1"))
    jo.put(meeting("e2"))
    google.fail(status=status, reason=reason, after=after)
    with pytest.raises(CursorExpired):
        pull(connector, done.cursor)


def test_expired_for_real(jo: FakeCalendar, connector: Calendars) -> None:
    _, done = pull(connector)
    jo.expire_tokens()
    with pytest.raises(CursorExpired):
        pull(connector, done.cursor)


def test_a_listing_that_loses_its_page_is_tried_later(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(status=410, reason="fullSyncRequired")
    with pytest.raises(RetryLater):
        pull(connector)


@pytest.mark.parametrize(
    "cursor", ["", "{", "null", "[]", '{"v": 0, "token": "x", "end": "2026-11-15T00:00:00Z"}', "{}"]
)
def test_a_cursor_of_another_make_means_a_listing(connector: Calendars, cursor: str) -> None:
    assert pull(connector, cursor)[1].full


def test_the_window_moves_on_without_a_gap(google: FakeGoogle, jo: FakeCalendar, connector: Calendars) -> None:
    """An entry that drifts into the window has not changed, so only the days gained bring it."""
    jo.put(meeting("tomorrow's end", WINDOW.end + timedelta(hours=30)))
    _, done = pull(connector)
    later = Window(start=WINDOW.start, end=WINDOW.end + 3 * DAY)
    pages, done = pull(connector, done.cursor, window=later)
    assert (set(copies(pages)), done.full, done.requests) == ({"tomorrow's end"}, False, 2)
    _, done = pull(connector, done.cursor, window=later)
    assert done.requests == 1


def test_a_window_that_shrank_and_grew_has_no_gap(jo: FakeCalendar, connector: Calendars) -> None:
    _, done = pull(connector)
    shorter = Window(start=WINDOW.start, end=WINDOW.end - 30 * DAY)
    _, done = pull(connector, done.cursor, window=shorter)
    jo.put(meeting("beyond", WINDOW.end - 10 * DAY))
    _, done = pull(connector, done.cursor, window=shorter)  # comes, and lies outside: the service drops it
    pages, _ = pull(connector, done.cursor)
    assert "beyond" in copies(pages)


def test_all_day_entries_at_the_windows_edges_are_listed_in_every_zone(jo: FakeCalendar, connector: Calendars) -> None:
    """Google's bounds are instants, the copies' dates; nothing in the window may be missing (`docs/design.md` 3)."""
    window = Window(start=datetime(2026, 9, 1, tzinfo=UTC), end=datetime(2026, 12, 31, 5, tzinfo=UTC))
    jo.put(meeting("last", start={"date": "2026-12-31"}, end={"date": "2027-01-01"}))
    jo.zone = "Pacific/Honolulu"
    pages, _ = pull(connector, window=window)
    assert window.holds(copies(pages)["last"].start, copies(pages)["last"].end)


def test_private_ones_and_what_is_no_meeting_are_erased(jo: FakeCalendar, connector: Calendars) -> None:
    jo.put(meeting("e1"))
    jo.put(meeting("e2", eventType="outOfOffice"))
    pages, done = pull(connector)
    assert [page.erased for page in pages] == [("e2",)]
    jo.change("e1", visibility="private")
    pages, _ = pull(connector, done.cursor)
    assert [page.erased for page in pages] == [("e1",)]


def test_one_bad_entry_stops_nothing(jo: FakeCalendar, connector: Calendars) -> None:
    jo.put(meeting("bad", recurringEventId="s"))
    jo.put(meeting("good"))
    pages, _ = pull(connector)
    assert set(copies(pages)) == {"good"}
    assert [problem.where for page in pages for problem in page.problems] == ["entry bad"]


def test_the_query_is_one_text_for_one_config(google: FakeGoogle, connector: Calendars, tmp_path: Path) -> None:
    other = workspace(google, tmp_path, scopes=["calendar.events.owned.readonly"])
    assert connector.query() == workspace(google, tmp_path).query() != other.query()


def test_many_threads_share_nothing(google: FakeGoogle, tmp_path: Path) -> None:
    """Eight at once, each as somebody else: everybody gets their own entries, with a token of their own."""
    people = [f"p{number}@northwind.example" for number in range(24)]
    for address in people:
        google.world.add(address).put(meeting(f"of-{address}"))
    connector = workspace(google, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            rounds = list(pool.map(lambda address: pull(connector, address=address), people))
            assert [set(copies(pages)) for pages, _ in rounds] == [{f"of-{address}"} for address in people]
    assert google.tokens == dict.fromkeys(people, 1)
    assert google.token_scopes == {CALENDAR}
    connector.close()


def test_a_cursor_does_not_show_its_token(connector: Calendars) -> None:
    from connectors.calendars.google.listing import load

    *_, done = connector.pull(person(), reading())
    assert isinstance(done, Done)
    token = json.loads(done.cursor)["token"]
    assert token
    assert token not in repr(load(done.cursor))
