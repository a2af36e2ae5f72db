"""One calendar's round: pulled, spooled, planned, and applied together with its cursor. Nothing stops another one."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from secrets import token_hex

import structlog
from sqlalchemy import Connection

from connectors.contract import Calendars, Done, Person, Reading
from connectors.errors import ConnectorError, CursorExpired, RetryLater, SkipCalendar, StopConnector, sentence
from daemon.passes import HISTORY_BEGINS, ConnectorResult, Failure, Flaw, Pass
from daemon.plan import Policy, is_suspicious, plan, prepare
from daemon.rescore import touched_months
from daemon.scope import Scope
from daemon.spool import Spool
from daemon.store.calendars import Calendar, get_meta, note_round, set_meta
from daemon.store.copies import live_entries
from daemon.store.errors import StoreError
from daemon.store.figures import mark_stale
from daemon.store.forgotten import read_forgotten
from daemon.store.rounds import Round
from scoring.months import month_of

log = structlog.get_logger()

_NO_ANSWER = frozenset({"unreachable", "slow", "unavailable"})
_MOST_MISSES = 16


class _TooLate(Exception):
    """Somebody else has read the calendar since this round began, or it is erased: what was read is of no use."""


class _Held(Exception):
    """A full listing would remove so much that a second one must agree first."""


class Reader:
    """Reads calendars of one connector. `read` is called from several threads; one calendar never stops another."""

    def __init__(self, work: Pass, connector: Calendars, scope: Scope, result: ConnectorResult) -> None:
        self._work = work
        self._connector = connector
        self._scope = scope
        self._result = result
        self._query = f"{connector.query()}/{scope.read_with()}"
        self._policy = Policy(
            book=scope.book,
            rules=scope.rules,
            titles=scope.config.sync.titles,
            window=scope.window(work.now),
            forgotten=work.forgotten(),
        )
        self._counting = threading.Lock()
        self._stopped: ConnectorError | None = None
        self._misses = 0  # calendars in a row to which no answer came

    def read(self, calendar: Calendar, person: Person) -> None:
        """One calendar's round, listed in full where the cursor is of no use any more. Raises `StoreError` only.

        Whatever is logged on the way has the same ids: connector, calendar (its number) and round.
        """
        if self._work.stopping():
            return
        ids = {"connector": calendar.connector, "calendar": calendar.id, "round": token_hex(4)}
        with structlog.contextvars.bound_contextvars(**ids):
            self._read(calendar, person)

    def _read(self, calendar: Calendar, person: Person) -> None:
        try:
            if self._stopped is not None:
                raise StopConnector(self._stopped.code, self._stopped.what, self._stopped.remedy)
            try:
                self._round(calendar, person, self._cursor(calendar), full=self._must_list(calendar))
            except CursorExpired as error:
                self._count_requests(error)
                self._round(calendar, person, None, full=True)
            self._misses = 0
        except _Held:
            self._hold(calendar)
        except _TooLate:
            log.info("round_too_late")
            with self._counting:
                self._result.synced += 1
        except ConnectorError as error:
            if self._work.stopping():
                return
            if isinstance(error, StopConnector) or self._is_gone(error):
                self._stopped = error
            self._count_requests(error)
            standing = isinstance(error, SkipCalendar) and error.standing
            again = error.after_seconds if isinstance(error, RetryLater) else None
            self._fail(calendar, error.code, sentence(error), standing=standing, again_after=again)
        except StoreError:
            raise
        except Exception as error:  # a defect in one calendar must not stop the others
            log.error("calendar_defect", connector=calendar.connector, calendar=calendar.id, exc_info=True)
            self._fail(calendar, "defect", f"Rapport failed to read it ({type(error).__name__}). Report this.")

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

    def _must_list(self, calendar: Calendar) -> bool:
        """Whether the calendar has to be listed in full though its cursor may hold (`design.md` 4)."""
        return self._work.full or calendar.held_at is not None or self._reconciles(calendar)

    def _reconciles(self, calendar: Calendar) -> bool:
        """The scheduled full comparison, spread over its period by a share that each calendar keeps."""
        every = self._scope.config.sync.reconcile
        name = f"{calendar.connector}/{calendar.key}".encode()
        share = int.from_bytes(blake2b(name, digest_size=2).digest(), "big") / 65_536
        return calendar.last_full is None or self._work.now - calendar.last_full > every * (0.5 + share / 2)

    def _held(self, calendar: Calendar) -> frozenset[str]:
        with self._work.database.reading() as connection:
            return live_entries(connection, calendar.id)

    def _round(self, calendar: Calendar, person: Person, cursor: str | None, *, full: bool) -> None:
        reading = Reading(
            cursor=cursor,
            window=self._policy.window,
            now=self._work.now,
            full=full or cursor is None,
            held=partial(self._held, calendar),
            may_keep=self._scope.book.has_outsiders,
            titles_of=self._scope.titles_of(),
        )
        done: Done | None = None
        entries = 0
        anything = False
        flaws: list[Flaw] = []
        with Spool() as spool:
            for part in self._connector.pull(person, reading):
                if isinstance(part, Done):
                    done = part
                    continue
                entries += part.entries
                flaws += [Flaw(calendar=calendar.address, where=one.where, reason=one.reason) for one in part.problems]
                page = prepare(part, self._policy)
                if page.copies or page.removed or page.erased or page.problems:
                    anything = True
                    spool.add(page)
            if done is None:
                raise RetryLater("incomplete", "the calendar's answer ended before it was complete")
            with self._counting:
                self._result.requests += done.requests
            if done.full or anything:
                with self._work.database.writing() as connection:
                    changed = self._apply(connection, calendar, spool, done)
            else:
                changed = 0
                with self._work.database.noting() as connection:
                    self._save_state(connection, calendar, done)
        with self._counting:
            self._result.synced += 1
            self._result.entries += entries
            self._result.changed += changed
            self._result.flaws += flaws
        log.debug("calendar_read", full=done.full, entries=entries, changed=changed, requests=done.requests)

    def _apply(self, connection: Connection, calendar: Calendar, spool: Spool, done: Done) -> int:
        """The whole round with its cursor, in one transaction (`design.md` 2, 3). Raises `_Held` and `_TooLate`.

        Who was forgotten since it was read is not kept either; an erased calendar stays erased.
        """
        self._save_state(connection, calendar, done)
        forgotten = read_forgotten(connection)
        late = replace(self._policy, forgotten=forgotten) if forgotten != self._policy.forgotten else None
        round_ = Round(connection, calendar.id)
        unlisted = round_.live_within(done.window) if done.full else set()
        held = len(unlisted)
        for spooled in spool:
            page = spooled if late is None else prepare(spooled, late)
            known = round_.known([*(copy.entry for copy in page.copies), *page.removed, *page.erased])
            changes = plan(known, page, self._policy)
            round_.upsert(list(changes.upserts))
            round_.mark_deleted(changes.removed, self._work.now)
            round_.erase(changes.erased)
            unreadable = [one.entry for one in page.problems if one.entry is not None]
            unlisted.difference_update(changes.listed, changes.removed, changes.erased, unreadable)
        if calendar.held_at is None and is_suspicious(len(unlisted), held):
            raise _Held
        round_.mark_deleted(unlisted, self._work.now)
        mark_stale(connection, touched_months(round_.touched, self._scope))
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
            month = month_of(done.window.start, self._scope.zone)
            begun = get_meta(connection, HISTORY_BEGINS)
            if begun is None or month < begun:
                set_meta(connection, HISTORY_BEGINS, month)
        if not note_round(connection, calendar.id, calendar.turn, **state):
            raise _TooLate

    def _hold(self, calendar: Calendar) -> None:
        with self._work.database.noting() as connection:
            note_round(
                connection,
                calendar.id,
                calendar.turn,
                last_try=self._work.now,
                held_at=self._work.now,
                error_code="held",
                error="Its listing lacks most of what was there; nothing is removed until a second listing agrees.",
            )
        with self._counting:
            self._result.synced += 1
            self._result.held.append(calendar.address)
        log.warning("listing_held", connector=calendar.connector, calendar=calendar.id)

    def _fail(
        self, calendar: Calendar, code: str, message: str, *, standing: bool = False, again_after: float | None = None
    ) -> None:
        with self._work.database.noting() as connection:
            note_round(
                connection,
                calendar.id,
                calendar.turn,
                last_try=self._work.now,
                error_code=code,
                error=message,
                standing=standing,
            )
        with self._counting:
            self._result.failed.append(
                Failure(
                    calendar=calendar.address, number=calendar.id, code=code, message=message, again_after=again_after
                )
            )
        log.warning("calendar_failed", connector=calendar.connector, calendar=calendar.id, error=code)
