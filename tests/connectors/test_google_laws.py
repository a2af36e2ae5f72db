"""A calendar that changes at random between rounds, over HTTP, with rounds that break and tokens that expire: what the
store holds of the window is what stands in the calendar."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from connectors.calendars._google_entries import read_item
from connectors.http import Patience
from daemon.store.engine import Database
from daemon.store.schema import bring_up_to_date
from daemon.store.types import from_millis, to_millis
from scoring.meeting import Copy, Window
from tests.daemon.worlds import ANA, JO, NOW, config_of, scope_of, stored, sync
from tests.fakes.google import FakeGoogle
from tests.fakes.google_client import ORIGIN, meeting, workspace
from tests.fakes.google_world import at

IMPATIENT = Patience(tries=1, seconds=1.0, first_wait_seconds=0.01)
# A day apart at the window's end (60 days ahead), in it, and beyond both of its ends.
STARTS = st.sampled_from([-800, -3, 0, 60, 61, 62, 63]).map(lambda days: NOW + timedelta(days))
DAYS = st.sampled_from([0.01, 0.01, 0.5, 1, 2, 9])
GUESTS = st.sampled_from([ANA, "x@other.example", "kim@northwind.example", None])
NUMBERS = st.integers(0, 5)


class Calendar(RuleBasedStateMachine):
    """Jo's calendar. `_check` compares after every round that succeeded."""

    @initialize(empty=st.booleans(), repeats=st.booleans(), size=st.sampled_from([1, 3, 1000]))
    def begin(self, empty: bool, repeats: bool, size: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.config = config_of(Path(self.folder.name))
        self.store = Database(f"sqlite:///{self.folder.name}/rapport.db")
        bring_up_to_date(self.store)
        self.google = FakeGoogle().__enter__()
        self.google.empty_pages, self.google.repeats_items, self.google.page_size = empty, repeats, size
        self.jo = self.google.world.add(JO)
        self.now = self.jo.now = NOW
        self.series = 0
        self.connector = workspace(self.google, Path(self.folder.name), patience=IMPATIENT)

    def live(self) -> list[str]:
        return [entry for entry, item in self.jo.items.items() if item["status"] != "cancelled"]

    @rule(number=NUMBERS, start=STARTS, minutes=st.sampled_from([0, 30, 90]), guest=GUESTS)
    def put(self, number: int, start: datetime, minutes: int, guest: str | None) -> None:
        rows = [{"email": JO, "self": True, "responseStatus": "accepted"}]
        rows += [{"email": guest, "responseStatus": "tentative"}] if guest else []
        self.jo.put(meeting(f"e{number}", start, minutes, attendees=rows, summary=f"Title {minutes}"))

    @rule(number=NUMBERS, first=STARTS, ahead=st.integers(1, 4))
    def put_whole_days(self, number: int, first: datetime, ahead: int) -> None:
        start, end = ({"date": (first + timedelta(days)).date().isoformat()} for days in (0, ahead))
        self.jo.put(meeting(f"e{number}", start=start, end=end))

    @rule(start=STARTS, count=st.integers(1, 12))
    def put_series(self, start: datetime, count: int) -> None:
        self.series += 1
        self.jo.put_series(f"s{self.series}", meeting("", start), count)

    @precondition(lambda self: self.live())
    @rule(data=st.data(), start=STARTS)
    def move(self, data: st.DataObject, start: datetime) -> None:
        entry = data.draw(st.sampled_from(self.live()))
        self.jo.change(entry, start=at(start), end=at(start + timedelta(minutes=45)))

    @precondition(lambda self: self.live())
    @rule(data=st.data(), change=st.sampled_from([{"visibility": "private"}, {"visibility": None}, {"summary": "x"}]))
    def change(self, data: st.DataObject, change: dict[str, Any]) -> None:
        self.jo.change(data.draw(st.sampled_from(self.live())), **change)

    @precondition(lambda self: self.live())
    @rule(data=st.data(), details=st.booleans())
    def cancel(self, data: st.DataObject, details: bool) -> None:
        self.jo.cancel(data.draw(st.sampled_from(self.live())), details=details)

    @precondition(lambda self: self.series)
    @rule(data=st.data(), start=STARTS)
    def edit_this_and_following(self, data: st.DataObject, start: datetime) -> None:
        """The rest of a series gives way to a new one, with new ids (`providers.md` A3)."""
        name = f"s{data.draw(st.integers(1, self.series))}"
        rest = [entry for entry in self.live() if self.jo.items[entry].get("recurringEventId") == name]
        for entry in rest[1:]:
            self.jo.cancel(entry)
        self.series += 1
        self.jo.put_series(f"s{self.series}", meeting("", start), max(len(rest), 1))

    @rule(how=st.sampled_from([*["round"] * 4, "full", "expired", "without token"]), days=DAYS)
    def read(self, how: str, days: float) -> None:
        self._wait(days)
        if how == "expired":
            self.jo.expire_tokens()
        self.google.sync_tokens = how != "without token"
        self._sync(full=how == "full")
        self.google.sync_tokens = True
        self._check()

    def _wait(self, days: float) -> None:
        self.now += timedelta(days)
        self.jo.now = self.now

    @rule(
        after=st.integers(0, 3), how=st.sampled_from([{"drop": True}, {"status": 503}, {"body": b"{", "status": 200}])
    )
    def break_a_round(self, after: int, how: dict[str, Any]) -> None:
        self.google.fail(after=after, times=99, **how)
        sync(self.store, self.config, self.connector, now=self.now)
        self.google.faults.clear()

    @precondition(lambda self: self.live())
    @rule(data=st.data(), offset=st.integers(1, 3), expires=st.booleans())
    def read_while_it_changes(self, data: st.DataObject, offset: int, expires: bool) -> None:
        """What changes between two pages comes with the next round at the latest."""
        entry = data.draw(st.sampled_from(self.live()))

        def meddle(at_offset: int) -> None:
            if at_offset == offset:
                self.google.before_page = None
                self.jo.change(entry, summary="meanwhile")
                if expires:
                    self.jo.expire_tokens()

        self.google.before_page = meddle
        sync(self.store, self.config, self.connector, now=self.now)
        self.google.before_page = None
        self._sync()
        self._check()

    def _sync(self, *, full: bool = False) -> None:
        (result,) = sync(self.store, self.config, self.connector, now=self.now, full=full)
        if result.held:
            (result,) = sync(self.store, self.config, self.connector, now=self.now)
        assert (result.failed, result.held, result.flaws) == ([], [], [])

    def _check(self) -> None:
        scope = scope_of(self.store, self.config)
        window = scope.window(self.now)
        truth = {}
        for item in self.jo.items.values():
            copy = read_item(item, ORIGIN)
            if isinstance(copy, Copy) and window.holds(copy.start, copy.end) and scope.book.has_outsiders(copy.invited):
                title = copy.title if scope.book.has_client(copy.invited) else None
                truth[copy.entry] = (to_millis(copy.start), to_millis(copy.end), title)
        held = {
            str(entry): (start, end, title)
            for entry, state, start, end, title in stored(self.store, "entry, state, starts_at, ends_at, title")
            if state == "live" and _lies_in(window, start, end)
        }
        assert held == truth

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.connector.close()
            self.google.__exit__()
            self.store.close()
            self.folder.cleanup()


def _lies_in(window: Window, start: Any, end: Any) -> bool:
    return window.holds(from_millis(start), from_millis(end))


Calendar.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCalendar = Calendar.TestCase
