"""What came of a calendar's round goes into the store: compared, then written together with its cursor.

Comparing takes most of the time of a full listing, so it is done before the writer's turn: whoever changes a calendar's
copies meanwhile also makes the round too late (`Calendar.turn`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import Connection

from connectors.contract import Done, Page
from daemon.figures.affected_months import touched_months
from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendar_writes import Round
from daemon.store.calendars import Calendar, note_round
from daemon.store.figures import mark_stale
from daemon.store.forgotten import read_forgotten
from daemon.store.meta import HISTORY_BEGINS, get_meta, set_meta
from daemon.sync.plan import Plan, is_suspicious, plan
from daemon.sync.run_values import SyncRun
from daemon.sync.spool import Spool
from daemon.sync.storage_policy import Policy, prepare
from scoring.months.month import month_of


class TooLate(Exception):
    """Somebody else has read the calendar since this round began, or it is erased: what was read is of no use."""


class Held(Exception):
    """A full listing would remove so much that a second one must agree first."""


@dataclass(slots=True)
class _Unlisted:
    """What a full listing did not list, of how many that lie in its window; `open` while that is still to be asked."""

    open: bool
    entries: set[str] = field(default_factory=set)
    of: int = 0

    def ask(self, round_: Round, done: Done) -> None:
        self.entries = round_.live_within(done.window)
        self.of = len(self.entries)


class Keeper:
    """Keeps what the rounds of one connector bring. Used from several threads; every method may raise `StoreError`."""

    def __init__(self, run: SyncRun, context: ScoringContext, policy: Policy, query: str) -> None:
        self._work = run
        self._database = run.database
        self._context = context
        self._policy = policy
        self._query = query

    def note(self, calendar: Calendar, done: Done) -> int:
        """A round that found nothing changed: nobody has to wait for it. Raises `TooLate`."""
        with self._database.noting() as connection:
            self._save_state(connection, calendar, done)
        return 0

    def keep(self, calendar: Calendar, spool: Spool, done: Done) -> int:
        """What a round brought, of a calendar that is listed again only what differs; answers how much changed.

        Raises `Held` and `TooLate`.
        """
        if not done.full or calendar.last_full is None:
            return self._write(calendar, spool, _Unlisted(done.full), done)
        with Spool() as differing:
            unlisted = self._compare(calendar, spool, differing, done)
            if unlisted.entries or differing:
                return self._write(calendar, differing, unlisted, done)
        return self.note(calendar, done)

    def hold(self, calendar: Calendar) -> None:
        """The listing awaits a second one that agrees (`docs/design.md` 3)."""
        with self._database.noting() as connection:
            note_round(
                connection,
                calendar.id,
                calendar.turn,
                last_try=self._work.now,
                held_at=self._work.now,
                error_code="held",
                error="Its listing lacks most of what was there; nothing is removed until a second listing agrees.",
            )

    def fail(self, calendar: Calendar, code: str, message: str, *, standing: bool, again_after: float | None) -> None:
        """It could not be read. `again_after` are the seconds after which the provider wants to be asked again."""
        again = None if again_after is None else self._work.now + timedelta(seconds=again_after)
        with self._database.noting() as connection:
            note_round(
                connection,
                calendar.id,
                calendar.turn,
                last_try=self._work.now,
                error_code=code,
                error=message,
                standing=standing,
                again_at=again,
            )

    def _compare(self, calendar: Calendar, spool: Spool, differing: Spool, done: Done) -> _Unlisted:
        """Puts into `differing` what is new, changed or gone; answers with what was not listed at all."""
        with self._database.reading() as connection:
            round_ = Round(connection, calendar.id)
            unlisted = _Unlisted(open=False)
            unlisted.ask(round_, done)
            for page in spool:
                changes = self._planned(round_, page, unlisted)
                if changes.upserts or changes.removed or changes.erased:
                    copies = tuple(copy for copy, _ in changes.upserts)
                    differing.add(replace(page, copies=copies, removed=changes.removed, erased=changes.erased))
        return unlisted

    def _planned(self, round_: Round, page: Page, unlisted: _Unlisted) -> Plan:
        known = round_.known([*(copy.entry for copy in page.copies), *page.removed, *page.erased])
        changes = plan(known, page, self._policy)
        unreadable = [one.entry for one in page.problems if one.entry is not None]
        unlisted.entries.difference_update(changes.listed, changes.removed, changes.erased, unreadable)
        return changes

    def _write(self, calendar: Calendar, spool: Spool, unlisted: _Unlisted, done: Done) -> int:
        """The round with its cursor, in one transaction (`docs/design.md` 2, 3). Raises `Held` and `TooLate`.

        Who was forgotten since it was read is not kept either; an erased calendar stays erased.
        """
        with self._database.writing() as connection:
            self._save_state(connection, calendar, done)
            forgotten = read_forgotten(connection)
            late = replace(self._policy, forgotten=forgotten) if forgotten != self._policy.forgotten else None
            round_ = Round(connection, calendar.id)
            if unlisted.open:
                unlisted.ask(round_, done)
            for spooled in spool:
                changes = self._planned(round_, spooled if late is None else prepare(spooled, late), unlisted)
                round_.upsert(list(changes.upserts))
                round_.mark_deleted(changes.removed, self._work.now)
                round_.erase(changes.erased)
            if calendar.held_at is None and is_suspicious(len(unlisted.entries), unlisted.of):
                raise Held
            round_.mark_deleted(unlisted.entries, self._work.now)
            mark_stale(connection, touched_months(round_.touched, self._context))
            return round_.changed

    def _save_state(self, connection: Connection, calendar: Calendar, done: Done) -> None:
        now = self._work.now
        state: dict[str, object] = {
            "cursor": done.cursor,
            "query": self._query,
            "last_try": now,
            "last_success": now,
            "held_at": None,
            "error_code": None,
            "error": None,
            "standing": False,
            "again_at": None,
            "kills": 0,
        }
        if done.read_through is not None:
            state["read_through"] = done.read_through
        if done.full:
            state |= {"last_full": now, "window_start": done.window.start, "window_end": done.window.end}
            month = month_of(done.window.start, self._context.zone)
            begun = get_meta(connection, HISTORY_BEGINS)
            if begun is None or month < begun:
                set_meta(connection, HISTORY_BEGINS, month)
        if not note_round(connection, calendar.id, calendar.turn, **state):
            raise TooLate
