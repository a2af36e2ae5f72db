"""Calendars of one connector, each asked for what changed in it. Nothing that fails in one stops another."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from secrets import token_hex

import structlog

from connectors.contract import Calendars, Done, Page, Person, Reading
from connectors.errors import ConnectorError, CursorExpired, RetryLater, SkipCalendar, StopConnector, sentence
from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendar_writes import ForgottenMeanwhile, StaleListing
from daemon.store.calendars import Calendar, note_listing
from daemon.store.copies import live_entries
from daemon.store.db.errors import StoreError
from daemon.sync.listing import Listing, ListingHeld
from daemon.sync.run_values import ConnectorResult, Failure, Flaw, SyncRun
from daemon.sync.storage_policy import Policy

log = structlog.get_logger()

_NO_ANSWER = frozenset({"unreachable", "slow", "unavailable"})
_MOST_MISSES = 16


class CalendarReader:
    """Reads calendars of one connector. `read` is called from several threads; one calendar never stops another."""

    def __init__(self, run: SyncRun, connector: Calendars, context: ScoringContext, result: ConnectorResult) -> None:
        self._run = run
        self._connector = connector
        self._context = context
        self._result = result
        self._query = f"{connector.query()}/{context.read_with()}"
        self._policy = Policy(
            book=context.book,
            rules=context.rules,
            titles=context.config.sync.titles,
            window=context.window(run.now),
            forgotten=run.forgotten(),
        )
        self._counting = threading.Lock()
        self._stopped: ConnectorError | None = None
        self._misses = 0  # calendars in a row to which no answer came

    def read(self, calendar: Calendar, person: Person) -> None:
        """One calendar, listed in full where the cursor is of no use any more. Raises `StoreError` only.

        Whatever is logged on the way has the same ids: connector, calendar (its number) and round.
        """
        if self._run.stopping():
            return
        ids = {"connector": calendar.connector, "calendar": calendar.id, "round": token_hex(4)}
        with structlog.contextvars.bound_contextvars(**ids):
            try:
                self._read(calendar, person)
            except StoreError:
                raise
            except Exception as error:  # a defect in one calendar must not stop the others
                log.error("calendar_defect", connector=calendar.connector, calendar=calendar.id, exc_info=True)
                self._fail(calendar, "defect", f"Rapport failed to read it ({type(error).__name__}). Report this.")

    def _read(self, calendar: Calendar, person: Person) -> None:
        try:
            if self._stopped is not None:
                raise StopConnector(self._stopped.code, self._stopped.what, self._stopped.remedy)
            try:
                self._list(calendar, person, self._cursor(calendar), full=self._lists_in_full(calendar))
            except CursorExpired as error:
                self._count_requests(error)
                self._list(calendar, person, None, full=True)
            self._misses = 0
        except ListingHeld:
            self._hold(calendar)
        except StaleListing:
            self._come_too_late()
        except ConnectorError as error:
            if self._run.stopping():
                return
            if isinstance(error, StopConnector) or self._is_gone(error):
                self._stopped = error
            self._count_requests(error)
            standing = isinstance(error, SkipCalendar) and error.standing
            again = error.after_seconds if isinstance(error, RetryLater) else None
            self._fail(calendar, error.code, sentence(error), standing=standing, again_after=again)

    def _is_gone(self, error: ConnectorError) -> bool:
        """Whether the provider is gone for now: each calendar would wait for it with all its patience, for hours."""
        self._misses = self._misses + 1 if error.code in _NO_ANSWER else 0
        return self._misses >= _MOST_MISSES

    def _count_requests(self, error: ConnectorError) -> None:
        with self._counting:
            self._result.requests += error.requests

    def _cursor(self, calendar: Calendar) -> str | None:
        """None where it stands for another question than is asked now, so that nothing can go on from it."""
        useless = (
            calendar.query != self._query
            or calendar.window is None
            or self._policy.window.start < calendar.window.start
        )
        return None if useless else calendar.cursor

    def _lists_in_full(self, calendar: Calendar) -> bool:
        """Whether the calendar has to be listed in full though its cursor may hold (`docs/design.md` 4)."""
        return self._run.full or calendar.held_at is not None or self._reconciles(calendar)

    def _reconciles(self, calendar: Calendar) -> bool:
        """The scheduled full comparison, spread over its period by a share that each calendar keeps."""
        every = self._context.config.sync.reconcile
        name = f"{calendar.connector}/{calendar.key}".encode()
        share = int.from_bytes(blake2b(name, digest_size=2).digest(), "big") / 65_536
        return calendar.last_full is None or self._run.now - calendar.last_full > every * (0.5 + share / 2)

    def _held(self, calendar: Calendar) -> frozenset[str]:
        with self._run.database.reading() as connection:
            return live_entries(connection, calendar.id)

    def _list(self, calendar: Calendar, person: Person, cursor: str | None, *, full: bool) -> None:
        """Lists the calendar and stores what changed; once more where people were forgotten meanwhile."""
        reading = Reading(
            cursor=cursor,
            window=self._policy.window,
            now=self._run.now,
            full=full or cursor is None,
            held=partial(self._held, calendar),
            may_keep=self._context.book.has_outsiders,
            titles_of=self._context.titles_of(),
        )
        while True:
            try:
                return self._store(calendar, self._connector.pull(person, reading))
            except ForgottenMeanwhile as error:
                self._policy = replace(self._policy, forgotten=error.forgotten)

    def _store(self, calendar: Calendar, parts: Iterable[Page | Done]) -> None:
        done: Done | None = None
        entries = 0
        flaws: list[Flaw] = []
        with closing(Listing(self._run.database, calendar, self._policy)) as listing:
            for part in parts:
                if isinstance(part, Done):
                    done = part
                    continue
                entries += part.entries
                flaws += [
                    Flaw(calendar=calendar.address, where=problem.where, reason=problem.reason)
                    for problem in listing.add(part)
                ]
            if done is None:
                raise RetryLater("incomplete", "the calendar's answer ended before it was complete")
            with self._counting:
                self._result.requests += done.requests
            applied = listing.store(done, query=self._query, now=self._run.now, zone=self._context.zone)
        with self._counting:
            self._result.synced += 1
            self._result.entries += entries
            self._result.changed += applied.changed
            self._result.flaws += flaws
        log.debug("calendar_read", full=done.full, entries=entries, changed=applied.changed, requests=done.requests)

    def _hold(self, calendar: Calendar) -> None:
        """The listing awaits a second one that agrees (`docs/design.md` 3), unless somebody else has made it by now."""
        is_noted = self._note(
            calendar,
            held_at=self._run.now,
            error_code="held",
            error="Its listing lacks most of what was there; nothing is removed until a second listing agrees.",
        )
        if not is_noted:
            self._come_too_late()
            return
        with self._counting:
            self._result.synced += 1
            self._result.held.append(calendar.address)
        log.warning("listing_held", connector=calendar.connector, calendar=calendar.id)

    def _fail(
        self, calendar: Calendar, code: str, message: str, *, standing: bool = False, again_after: float | None = None
    ) -> None:
        """It could not be read. `again_after` are the seconds after which the provider wants to be asked again."""
        again_at = None if again_after is None else self._run.now + timedelta(seconds=again_after)
        self._note(calendar, error_code=code, error=message, standing=standing, again_at=again_at)
        with self._counting:
            self._result.failed.append(
                Failure(
                    calendar=calendar.address, number=calendar.id, code=code, message=message, again_after=again_after
                )
            )
        log.warning("calendar_failed", connector=calendar.connector, calendar=calendar.id, error=code)

    def _come_too_late(self) -> None:
        """Somebody else has read the calendar since this listing began, and has the last word."""
        log.info("round_too_late")
        with self._counting:
            self._result.synced += 1

    def _note(self, calendar: Calendar, **state: object) -> bool:
        """Why nothing of a listing is stored. Whether it is noted: not where a later listing has the last word."""
        with self._run.database.noting() as connection:
            return note_listing(connection, calendar.id, calendar.turn, last_try=self._run.now, **state)
