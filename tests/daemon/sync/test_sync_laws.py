"""Calendars that change at random between passes, passes that fail half-way, cursors that expire: at the end the
figures are those that the rules give for what was read last."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from daemon.store.db.engine import Database
from daemon.store.schema import bring_up_to_date
from scoring.meetings.identity import meeting_key
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Copy, CopyState, Response
from scoring.months.counting import Judged, judge
from scoring.months.figures import figures_of
from scoring.months.month import Month, month_of
from tests.daemon.worlds import ANA, BO, JO, KIM, NOW, config_of, make_copy, rows_of, scoring_context_of, sync
from tests.fakes.memory import MemoryCalendars

ZONE = ZoneInfo("Europe/London")
PEOPLE = st.lists(st.sampled_from([JO, KIM, ANA, BO, "cy@beta.example", "x@other.example"]), min_size=1, max_size=5)
STARTS = st.sampled_from(
    [
        datetime(2026, 10, 6, 9, tzinfo=UTC),
        datetime(2026, 9, 30, 23, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        NOW + timedelta(days=3),
    ]
)


class Calendars(RuleBasedStateMachine):
    """Two of ours, each read over a connector of its own; a few meetings whose copies collide as often as can be."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.config = config_of(Path(self.folder.name))
        self.store = Database(f"sqlite:///{self.folder.name}/rapport.db")
        bring_up_to_date(self.store)
        self.providers = {JO: MemoryCalendars("one"), KIM: MemoryCalendars("two")}
        self.read: dict[tuple[str, str], Copy] = {}
        self.now = NOW
        for owner, provider in self.providers.items():
            provider.account(owner)
        sync(self.store, self.config, *self.providers.values())

    @rule(
        owner=st.sampled_from([JO, KIM]),
        number=st.integers(0, 3),
        people=PEOPLE,
        start=STARTS,
        minutes=st.sampled_from([0, 30, 60, 61, 90, 700]),
        response=st.sampled_from(list(Response)),
        organiser=st.sampled_from([JO, KIM, ANA, None]),
        changed=st.integers(0, 3),
    )
    def put(
        self,
        owner: str,
        number: int,
        people: list[str],
        start: datetime,
        minutes: int,
        response: Response,
        organiser: str | None,
        changed: int,
    ) -> None:
        copy = make_copy(
            f"e{number}",
            owner=owner,
            uid=f"m{number}@x.example",
            people=[(one, response if one == owner else Response.ACCEPTED) for one in people],
            start=start,
            minutes=minutes,
            response=response,
            organiser=organiser,
            changed=datetime(2026, 9, 1 + changed, tzinfo=UTC),
        )
        account = self.providers[owner].account(owner)
        account.private.discard(copy.entry)
        account.put(copy)

    @rule(owner=st.sampled_from([JO, KIM]), number=st.integers(0, 3))
    def remove(self, owner: str, number: int) -> None:
        self.providers[owner].account(owner).remove(f"e{number}")

    @rule(owner=st.sampled_from([JO, KIM]), number=st.integers(0, 3))
    def hide(self, owner: str, number: int) -> None:
        self.providers[owner].account(owner).hide(f"e{number}")

    @rule(owner=st.sampled_from([JO, KIM]), how=st.sampled_from(["delta", "full", "expired", "broken"]))
    def read_one(self, owner: str, how: str) -> None:
        self.now += timedelta(minutes=15)
        account = self.providers[owner].account(owner)
        account.fails_after_pages = 0 if how == "broken" else None
        account.oldest_cursor = 10**9 if how == "expired" else 0
        connector = self.providers[owner]
        (result,) = sync(self.store, self.config, connector, now=self.now, full=how == "full", all_connectors=False)
        if result.held:
            sync(self.store, self.config, connector, now=self.now, all_connectors=False)
        account.oldest_cursor = 0
        if how != "broken":
            self._note(owner)

    def _note(self, owner: str) -> None:
        """What the store should know of this calendar now."""
        account = self.providers[owner].account(owner)
        book = scoring_context_of(self.store, self.config).book
        for number in range(4):
            entry = f"e{number}"
            found = account.entries.get(entry)
            held = self.read.get((owner, entry))
            if found is None:
                if held is not None and held.state is CopyState.LIVE:
                    gone = replace(held, state=CopyState.DELETED, changed_at=self.now, read_at=self.now)
                    self.read[owner, entry] = gone
            elif entry in account.private or not book.has_outsiders(found.invited):
                self.read.pop((owner, entry), None)
            elif held is None or replace(held, read_at=NOW) != replace(found, connector=owner, read_at=NOW):
                self.read[owner, entry] = replace(found, connector=owner, read_at=self.now)

    @invariant()
    def figures_are_what_the_rules_give(self) -> None:
        context = scoring_context_of(self.store, self.config)
        judged: dict[tuple[str, Month], list[Judged]] = {}
        keys: dict[bytes, list[Copy]] = {}
        for copy in self.read.values():
            keys.setdefault(meeting_key(copy.identity), []).append(copy)
        for group in keys.values():
            for meeting in meetings_of(group, canonical=context.book.canonical, zone=ZONE):
                for one in judge(meeting, context.book, context.rules, self.now):
                    judged.setdefault((one.client, month_of(meeting.start, ZONE)), []).append(one)
        for month in ("2026-09", "2026-10", "2026-11"):
            rows = rows_of(self.store, self.config, month, now=self.now)
            for client, row in rows.items():
                expected = figures_of(client, Month(month), judged.get((client, Month(month)), []), context.rules)
                assert row.figures == expected

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


Calendars.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestCalendars = Calendars.TestCase
