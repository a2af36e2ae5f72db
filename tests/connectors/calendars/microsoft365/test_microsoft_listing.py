"""Rounds of a mailbox over TLS by msal and requests: pages, links, windows, series (`docs/providers.md` B1-B3, G)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.calendars.microsoft365.events import entry_of
from connectors.calendars.microsoft365.listing import Cursor, DeltaLink, load, window_of_links
from connectors.contract import Calendars, Done, Page
from connectors.errors import CursorExpired, RetryLater
from scoring.meetings.values import CopyState, Window
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_client import meeting, tenant
from tests.fakes.microsoft_items import at, guest
from tests.fakes.microsoft_world import FakeMailbox
from tests.fakes.reading import ANA, JO, NOW, WINDOW, copies, erased, person, pull, reading, removed

DAY = timedelta(days=1)
FIRST = {key: value for key, value in meeting("x", NOW - 21 * DAY).items() if key != "id"}


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        fake.world.add(JO)
        yield fake


@pytest.fixture
def jo(graph: FakeMicrosoft) -> FakeMailbox:
    return graph.world.mailbox(JO)


@pytest.fixture
def connector(graph: FakeMicrosoft, tmp_path: Path) -> Iterator[Calendars]:
    made = tenant(graph, tmp_path)
    yield made
    made.close()


class Store:
    """What the service would hold: live entries, kept from round to round."""

    def __init__(self, connector: Calendars) -> None:
        self._connector = connector
        self.held: set[str] = set()
        self.cursor: str | None = None
        self.requests = 0
        self.pages: list[Page] = []

    def round(self, **more: Any) -> Done:
        self.pages, done = pull(self._connector, self.cursor, held=frozenset(self.held), **more)
        listed = {entry for entry, copy in copies(self.pages).items() if copy.state is CopyState.LIVE}
        self.held = (listed if done.full else self.held | listed) - removed(self.pages) - erased(self.pages)
        self.cursor, self.requests = done.cursor, done.requests
        return done


@pytest.fixture
def store(connector: Calendars) -> Store:
    return Store(connector)


def test_a_first_round_covers_the_window_in_one_request(graph: FakeMicrosoft, jo: FakeMailbox, store: Store) -> None:
    now = jo.put(meeting("now"))
    jo.put(meeting("long ago", NOW - 400 * DAY))
    jo.put(meeting("far ahead", NOW + 400 * DAY))
    done = store.round()
    assert store.held == {entry_of(now)}
    assert (done.full, done.window, done.read_through, done.requests) == (True, WINDOW, NOW, 1)
    (asked,) = graph.seen
    assert asked.path == f"/v1.0/users/{JO}/calendarView/delta"
    assert "select" not in asked.target
    for preference in ('outlook.timezone="UTC"', 'IdType="ImmutableId"', "odata.maxpagesize="):
        assert preference in asked.prefer


def test_an_unchanged_mailbox_costs_one_request_with_every_preference(
    graph: FakeMicrosoft, jo: FakeMailbox, store: Store
) -> None:
    jo.put(meeting("now"))
    store.round()
    done = store.round()
    assert (done.full, done.requests, store.pages) == (False, 1, [])
    assert len({one.prefer for one in graph.seen}) == 1  # links do not remember headers


def test_what_changes_comes_once(jo: FakeMailbox, store: Store) -> None:
    entry = jo.put(meeting("now"))
    store.round()
    jo.move(entry, at(NOW + DAY), at(NOW + DAY * 2))
    store.round()
    assert copies(store.pages)[entry_of(entry)].start == NOW + DAY
    store.round()
    assert store.pages == []


def test_pages_repeats_and_empty_ones(graph: FakeMicrosoft, jo: FakeMailbox, store: Store) -> None:
    jo.quirk(repeats=True, empty_pages=True)
    for number in range(7):
        jo.put(meeting(f"e{number}", NOW + number * DAY))
    graph.graph.page_size = 2
    done = store.round()
    assert len(store.held) == 7
    assert done.requests > 4


@pytest.mark.parametrize("masters", ["present", "absent", "alone"])
@pytest.mark.parametrize("stubs", [True, False])
def test_a_series_in_whatever_shape(jo: FakeMailbox, store: Store, masters: str, stubs: bool) -> None:
    jo.quirk(masters=masters, stubs=stubs)
    _, made = jo.put_series("weekly", FIRST, 6)
    jo.change(made[1], subject="Moved", start=at(NOW), end=at(NOW + DAY / 24))
    store.round()
    found = copies(store.pages)
    assert len(found) == 6
    assert {copy.participants[0].address for copy in found.values()} == {ANA}
    assert len({copy.identity.series for copy in found.values()}) == 1
    assert {copy.identity.at for copy in found.values()} == {NOW + timedelta(days=7 * week - 21) for week in range(6)}
    assert sorted(str(copy.title) for copy in found.values()) == ["Moved"] + ["Steering group"] * 5


@pytest.mark.parametrize(("masters", "stubs", "requests"), [
    ("present", True, 1),  # the master tells what stubs lack
    ("present", False, 1),
    ("absent", False, 1),
    ("absent", True, 2),
    ("alone", True, 2),
])  # fmt: skip
def test_a_series_is_asked_for_only_where_it_must(
    jo: FakeMailbox, store: Store, masters: str, stubs: bool, requests: int
) -> None:
    jo.quirk(masters=masters, stubs=stubs)
    jo.put_series("weekly", FIRST, 6)
    assert store.round().requests == requests


@pytest.mark.parametrize("masters", ["present", "absent", "alone"])
def test_an_occurrence_that_is_deleted_without_a_tombstone(jo: FakeMailbox, store: Store, masters: str) -> None:
    jo.quirk(masters=masters)
    _, made = jo.put_series("weekly", FIRST, 6)
    jo.put_series("other", FIRST, 6)
    store.round()
    gone = next(entry for entry in store.held if entry.endswith(entry_of(made[2])))
    jo.delete_occurrence(made[2])
    store.round()
    assert removed(store.pages) == {gone}
    assert len(store.held) == 11


@pytest.mark.parametrize("tombstones", ["master", "all"])
def test_a_series_that_is_deleted(jo: FakeMailbox, store: Store, tombstones: str) -> None:
    jo.quirk(deleted_series=tombstones)
    master, _ = jo.put_series("weekly", FIRST, 6)
    jo.put(meeting("single"))
    store.round()
    jo.delete(master)
    store.round()
    assert len(store.held) == 1


def test_a_lone_exception_leaves_its_series_alone(jo: FakeMailbox, store: Store) -> None:
    _, made = jo.put_series("weekly", FIRST, 6)
    store.round()
    jo.quirk(lone_exceptions=True)
    jo.change(made[0], subject="Other")
    store.round()
    assert (len(store.held), removed(store.pages)) == (6, set())
    assert "Other" in {copy.title for copy in copies(store.pages).values()}


def test_occurrences_before_the_window_outlast_a_change_of_their_series(jo: FakeMailbox, store: Store) -> None:
    """They are kept for longer than the window reaches back: not being listed there says nothing."""
    master, made = jo.put_series("weekly", {**FIRST, "start": at(WINDOW.start - 30 * DAY),
                                            "end": at(WINDOW.start - 30 * DAY + DAY / 24)}, 12)  # fmt: skip
    store.round()
    store.held |= {f"{entry_of(master)}.{entry_of(made[0])}", f"{entry_of(master)}.{entry_of('gone since')}"}
    jo.change(master, subject="Renamed")
    store.round()
    assert removed(store.pages) == {f"{entry_of(master)}.{entry_of('gone since')}"}


def test_a_tombstone_of_what_has_moved_out_of_the_window_is_no_deletion(
    graph: FakeMicrosoft, jo: FakeMailbox, store: Store
) -> None:
    entry = jo.put(meeting("now"))
    store.round()
    away = NOW + 400 * DAY
    jo.move(entry, at(away), at(away + DAY / 24))
    store.round()
    assert removed(store.pages) == set()
    assert copies(store.pages)[entry_of(entry)].start == away
    assert graph.seen[-1].path == f"/v1.0/users/{JO}/events/{entry}"  # quoted: ids hold slashes


def test_a_tombstone_of_what_is_gone(jo: FakeMailbox, store: Store) -> None:
    entry = jo.put(meeting("now"))
    store.round()
    jo.delete(entry)
    assert store.round().requests == 2
    assert store.held == set()


def test_a_tombstone_of_what_is_not_held_costs_nothing(jo: FakeMailbox, store: Store) -> None:
    store.round()
    jo.delete(jo.put(meeting("elsewhere", NOW + 400 * DAY)))
    assert store.round().requests == 1
    assert store.pages == [] or not removed(store.pages)


@pytest.mark.parametrize("change", [{"sensitivity": "private"}, {"isDraft": True}])
def test_what_becomes_private_is_erased(jo: FakeMailbox, store: Store, change: dict[str, Any]) -> None:
    entry = jo.put(meeting("now"))
    _, made = jo.put_series("weekly", FIRST, 3)
    store.round()
    jo.change(entry, **change)
    jo.change(made[0], **change)
    store.round()
    assert len(erased(store.pages)) == 2
    assert len(store.held) == 2


def test_a_private_series_is_never_kept(jo: FakeMailbox, store: Store) -> None:
    jo.put_series("weekly", {**FIRST, "sensitivity": "private"}, 3)
    store.round()
    assert (copies(store.pages), len(erased(store.pages))) == ({}, 3)


def test_what_is_called_off_is_cancelled(jo: FakeMailbox, store: Store) -> None:
    entry = jo.put(meeting("now"))
    store.round()
    jo.cancel(entry)
    store.round()
    assert copies(store.pages)[entry_of(entry)].state is CopyState.CANCELLED


def test_a_single_meeting_that_begins_to_recur(jo: FakeMailbox, store: Store) -> None:
    entry = jo.put(meeting("weekly"))
    store.round()
    with jo.lock:
        del jo.items[entry]
    jo.put_series("weekly", FIRST, 3)
    store.round()
    assert entry_of(entry) in removed(store.pages)
    assert len(store.held) == 3


def test_the_days_that_the_window_gains_are_listed_once(jo: FakeMailbox, store: Store) -> None:
    """An entry in the links' window but beyond what is read was told when it was no concern of ours."""
    entry = jo.put(meeting("soon", WINDOW.end + DAY / 2))
    store.round()
    moved = Window(start=WINDOW.start, end=WINDOW.end + DAY)
    assert store.round(window=moved).requests == 2
    assert entry_of(entry) in copies(store.pages)
    assert store.round(window=moved).requests == 1


def test_links_are_renewed_before_their_window_is_used_up(jo: FakeMailbox, store: Store) -> None:
    """Never a round whose links do not cover the window, and never a gap between two."""
    for number in range(40):
        jo.put(meeting(f"e{number}", WINDOW.end + 3 * number * DAY))
    store.round()
    renewed = []
    for day in range(1, 90, 2):
        window = Window(start=WINDOW.start, end=WINDOW.end + day * DAY)
        done = store.round(window=window)
        cursor = load(done.cursor)
        assert cursor is not None
        assert cursor.window.end > window.end
        if done.full:
            renewed.append(day)
        end = at(window.end)["dateTime"]
        known = {entry_of(entry) for entry, item in jo.items.items() if item["start"]["dateTime"] < end}
        assert known <= store.held
    assert len(renewed) in (2, 3, 4)


def test_not_everybody_is_renewed_on_one_day() -> None:
    ends = {window_of_links(WINDOW, f"person {number}").end.date() for number in range(200)}
    assert len(ends) > 10
    window = WINDOW
    cursor = Cursor(links=(DeltaLink(url="x", window=window),), listed=window.end)
    shorter = [Window(start=window.start, end=window.end - day * DAY) for day in range(9)]
    due = {next(window.end for window in shorter if cursor.covers(window, f"person {number}")) for number in range(200)}
    assert len(due) > 4


def test_a_window_that_reaches_further_back_is_listed_anew(jo: FakeMailbox, store: Store) -> None:
    entry = jo.put(meeting("old", WINDOW.start - 60 * DAY))
    store.round()
    done = store.round(window=Window(start=WINDOW.start - 90 * DAY, end=WINDOW.end))
    assert done.full
    assert entry_of(entry) in store.held


def test_the_comparison_lists_the_view_and_keeps_the_link(graph: FakeMicrosoft, jo: FakeMailbox, store: Store) -> None:
    jo.put(meeting("now"))
    _, made = jo.put_series("weekly", FIRST, 4)
    store.round()
    before, entries = store.cursor, dict(copies(store.pages))
    with jo.lock:  # something that delta never tells
        del jo.items[made[0]]
    done = store.round(full=True)
    assert (done.full, done.requests, len(store.held)) == (True, 1, 4)
    assert graph.seen[-1].path.endswith("/calendarView")
    assert load(done.cursor) == load(before)
    for entry, one in copies(store.pages).items():
        assert one == entries[entry]  # as delta told it: nothing is written anew
    assert store.round().requests == 1


@pytest.mark.parametrize("expired", [(410, "SyncStateNotFound"), (410, "syncStateNotFound"), (410, "resyncRequired"),
                                     (410, "RESYNCREQUIRED"), (400, "ErrorInvalidUrlQuery"), (404, "ErrorItemNotFound"),
                                     (400, "SyncStateNotFound")])  # fmt: skip
def test_links_that_expired(graph: FakeMicrosoft, jo: FakeMailbox, store: Store, expired: tuple[int, str]) -> None:
    store.round()
    graph.graph.expired = expired
    jo.expire_tokens()
    with pytest.raises(CursorExpired):
        store.round()
    store.cursor = None
    assert store.round().full


def test_a_link_that_expires_between_pages(graph: FakeMicrosoft, jo: FakeMailbox, store: Store) -> None:
    for number in range(6):
        jo.put(meeting(f"e{number}"))
    graph.graph.page_size = 2
    graph.before_page = lambda offset: jo.expire_tokens() if offset == 2 else None
    with pytest.raises(CursorExpired):
        store.round()


def test_a_tenant_that_refuses_long_windows_is_asked_in_parts(
    graph: FakeMicrosoft, jo: FakeMailbox, store: Store
) -> None:
    graph.graph.longest_view = timedelta(days=60)
    for number in range(20):
        jo.put(meeting(f"e{number}", WINDOW.start + 6 * number * DAY))
    _, made = jo.put_series("weekly", FIRST, 8)
    store.round()
    assert len(store.held) == 28
    cursor = load(store.cursor)
    assert cursor is not None
    assert len(cursor.links) == 4
    assert store.round().requests == 4
    entry = jo.put(meeting("new", WINDOW.start + 100 * DAY))
    jo.delete_occurrence(made[0])
    store.round()
    assert entry_of(entry) in store.held
    assert len(store.held) == 28
    assert store.round(full=True).full
    assert len(store.held) == 28


def test_a_tenant_that_refuses_every_window(graph: FakeMicrosoft, store: Store) -> None:
    graph.graph.longest_view = timedelta(0)
    with pytest.raises(RetryLater):
        store.round()


@pytest.mark.parametrize("text", ["", "x", "{}", '{"v": 0, "parts": [], "listed": "2026-01-01T00:00:00+00:00"}',
                                  '{"v": 1, "parts": [], "listed": "2026-01-01T00:00:00+00:00"}', "[]",
                                  '{"v": 1, "parts": [["x", "2026", "y"]], "listed": 7}'])  # fmt: skip
def test_a_cursor_of_no_use_is_as_none(store: Store, text: str) -> None:
    store.cursor = text
    assert store.round().full


def test_a_cursor_shows_no_link(store: Store) -> None:
    store.round()
    assert "deltatoken" in str(store.cursor)
    assert "deltatoken" not in repr(load(store.cursor))


def test_what_is_held_is_asked_once_and_only_if_needed(connector: Calendars, jo: FakeMailbox) -> None:
    master, _ = jo.put_series("weekly", FIRST, 4)
    entry = jo.put(meeting("now"))
    pages, done = pull(connector)
    asked: list[int] = []

    def held() -> frozenset[str]:
        asked.append(1)
        return frozenset(copies(pages))

    jo.put(meeting("new"))
    reads = reading(done.cursor)
    list(connector.pull(person(), type(reads)(cursor=done.cursor, window=WINDOW, now=NOW, held=held)))
    assert asked == []
    jo.change(master, subject="x")
    jo.delete(entry)
    list(connector.pull(person(), type(reads)(cursor=done.cursor, window=WINDOW, now=NOW, held=held)))
    assert asked == [1]


def test_bodies_reach_no_page(graph: FakeMicrosoft, jo: FakeMailbox, store: Store) -> None:
    graph.roles.add("Calendars.Read")
    jo.put(meeting("now", isOnlineMeeting=True, onlineMeeting={"joinUrl": "https://meet.example/493021"}))
    jo.put_series("weekly", FIRST, 3)
    store.round()
    assert len(store.held) == 4
    assert "493021" not in repr(store.pages)


def test_several_threads_at_once(graph: FakeMicrosoft, tmp_path: Path) -> None:
    people = [f"p{number}@northwind.example" for number in range(12)]
    for address in people:
        mailbox = graph.world.add(address)
        mailbox.put(meeting("now", attendees=[guest(ANA)]))
        mailbox.put_series("weekly", FIRST, 3)
    connector = tenant(graph, tmp_path, calendars=people)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: pull(connector, address=one), people))
    assert [len(copies(pages)) for pages, _ in found] == [4] * 12
    assert (graph.tokens.given, graph.graph.violations) == (1, 0)
