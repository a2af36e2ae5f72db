"""One calendar's listing on its way into the store: compared page by page, then stored together with its cursor.

Comparing takes most of the time of a full listing, so it is done before the writer's turn: whoever changes a calendar's
copies meanwhile also makes the listing stale (`Calendar.turn`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cached_property

from connectors.contract import Done, Page, Problem
from daemon.store.calendar_writes import Applied, apply
from daemon.store.calendars import Calendar
from daemon.store.copies import StoredCopy, holds_copies, live_entries, stored_copies
from daemon.store.db.engine import Database
from daemon.sync.plan import Comparison, entries_of, is_suspicious, plan
from daemon.sync.spool import Spool
from daemon.sync.storage_policy import Policy, prepare


class ListingHeld(Exception):
    """A full listing would remove so much that a second one must agree first."""


class Listing:
    """Takes a calendar's pages as they come, and keeps what they change until all are there (or it is closed).

    `calendar` is as the store knew it before the first page was asked for. Every method may raise `StoreError`.
    """

    def __init__(self, database: Database, calendar: Calendar, policy: Policy) -> None:
        self._database = database
        self._calendar = calendar
        self._policy = policy
        self._comparison = Comparison(policy.window)
        self._changes = Spool()

    def add(self, page: Page) -> tuple[Problem, ...]:
        """Compares what may be kept of a page with what is stored; answers with what of it cannot be read."""
        page = prepare(page, self._policy)
        changes = self._comparison.changes(page, self._stored(entries_of(page)))
        if changes:
            self._changes.add(changes)
        return page.problems

    def store(self, done: Done, *, query: str, now: datetime, zone: tzinfo) -> Applied:
        """Stores a listing that is complete and began at `now`. Raises `ListingHeld` and what `apply` does."""
        unlisted: frozenset[str] = frozenset()
        if done.full and self._holds_copies:
            with self._database.reading() as connection:
                live = live_entries(connection, self._calendar.id, done.window)
            unlisted = self._comparison.unlisted(live)
            if self._calendar.held_at is None and is_suspicious(len(unlisted), len(live)):
                raise ListingHeld
        return apply(
            self._database,
            plan(
                self._calendar,
                done,
                self._changes,
                unlisted,
                query=query,
                now=now,
                zone=zone,
                forgotten=self._policy.forgotten,
            ),
        )

    def close(self) -> None:
        """Lets go of what was not stored."""
        self._changes.close()

    @cached_property
    def _holds_copies(self) -> bool:
        """Of a calendar that is read for the first time nothing more is looked up."""
        if self._calendar.last_full is not None:
            return True
        with self._database.reading() as connection:
            return holds_copies(connection, self._calendar.id)

    def _stored(self, entries: Sequence[str]) -> Mapping[str, StoredCopy]:
        if not entries or not self._holds_copies:
            return {}
        with self._database.reading() as connection:
            return stored_copies(connection, self._calendar.id, entries)
