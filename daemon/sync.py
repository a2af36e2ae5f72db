"""One pass over the calendars: each one's round is pulled, planned, and applied together with its cursor."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from secrets import token_hex

import structlog
from sqlalchemy import Connection

from connectors.contract import Calendars, Done, Person, Reading
from connectors.errors import ConnectorError, CursorExpired, RetryLater, SkipCalendar, StopConnector, sentence
from connectors.skew import observed
from daemon.plan import Policy, is_suspicious, plan, prepare
from daemon.rescore import FROZEN_BEFORE, no_search_for_cycles, rescore, touched_months
from daemon.roster import end_first_pass, let_go, save_roster
from daemon.scope import Scope, known_scope
from daemon.spool import Spool
from daemon.store.calendars import (
    Calendar,
    change_calendar,
    get_meta,
    has_calendar,
    read_calendars,
    set_meta,
)
from daemon.store.copies import erase_copies_before, erase_unused_addresses, live_entries
from daemon.store.engine import Database
from daemon.store.errors import StoreError
from daemon.store.figures import mark_stale
from daemon.store.forgotten import Forgotten, read_forgotten
from daemon.store.rounds import Round
from scoring.months import begins, month_of, shift

log = structlog.get_logger()

HISTORY_BEGINS = "history_begins"
CLOCK_AHEAD = "clock_ahead_seconds"
_NO_ANSWER = frozenset({"unreachable", "slow", "unavailable"})
_MOST_MISSES = 16
_SEARCHED_EVERY = 50  # calendars after which cycles are searched for; pages hold none, and are many values
Progress = Callable[[str, int, int], None]
"""Told after each calendar: the connector, how many calendars are done, and how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A calendar that could not be read in this pass, and why."""

    calendar: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """An entry that could not be read: in whose calendar, where, and why."""

    calendar: str
    where: str
    reason: str


@dataclass(kw_only=True, slots=True)
class ConnectorResult:
    """What one connector's part of a pass came to. `held`: listings that removed too much to be believed at once."""

    name: str
    calendars: int = 0
    synced: int = 0
    failed: list[Failure] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    requests: int = 0
    entries: int = 0
    changed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What a pass needs of its surroundings. `full` lists every calendar again, whatever its cursor.

    `only` are the numbers of the calendars to be read, None for all; of those, people who are new are read as well.
    When `stopping` says so, no further calendar is begun, and what ends because of it is no failure. `rescored` is told
    how many seconds deriving the figures took.
    """

    database: Database
    scope: Scope
    now: datetime
    full: bool = False
    only: frozenset[int] | None = None
    progress: Progress | None = None
    stopping: Callable[[], bool] = bool
    rescored: Callable[[float], None] = lambda _: None

    def known(self) -> Scope:
        """The scope with the calendars as they are known now."""
        with self.database.reading() as connection:
            return known_scope(connection, self.scope.config)

    def forgotten(self) -> Forgotten:
        """Whom the store has forgotten by now."""
        with self.database.reading() as connection:
            return read_forgotten(connection)


def run_pass(work: Pass, connectors: Iterable[Calendars], *, all_connectors: bool = True) -> list[ConnectorResult]:
    """Reads every calendar of the connectors once and derives the figures that changed.

    `all_connectors`: these are all that the config names, so the calendars of others are no longer read. Raises
    `StoreError` when the store cannot be used; what was committed before stays, and the next pass goes on from there.
    """
    connectors = list(connectors)
    observed.forget()
    results = [_run_connector(work, connector) for connector in connectors if not work.stopping()]
    if work.stopping():
        return results
    if all_connectors:
        names = {one.name for one in connectors}
        with work.database.writing() as connection:
            for one in read_calendars(connection):
                if one.connector not in names and one.left_at is None:
                    let_go(connection, work.scope, one, work.now)
            end_first_pass(connection, work.now)
    ahead = note_clock(work.database, observed.seconds())
    began = time.monotonic()
    rescore(work.database, work.known(), work.now - timedelta(seconds=max(ahead, 0)))
    work.rescored(time.monotonic() - began)
    if not ahead:
        _retain(work)
    return results


def note_clock(database: Database, ahead_seconds: float) -> float:
    """Keeps how far our clock is from the providers', zero when it is right, and answers with it.

    While it is wrong nothing is erased for its age and no booked meeting ends before its time.
    """
    text = f"{ahead_seconds:.0f}" if ahead_seconds else None
    with database.reading() as connection:
        known = get_meta(connection, CLOCK_AHEAD)
    if known != text:
        with database.writing() as connection:
            set_meta(connection, CLOCK_AHEAD, text)
        if text is not None:
            log.warning("clock_wrong", ahead_seconds=int(text))
    return ahead_seconds


def _run_connector(work: Pass, connector: Calendars) -> ConnectorResult:
    """One connector's calendars, side by side. Nothing that fails here stops another connector."""
    began = time.monotonic()
    result = ConnectorResult(name=connector.name)
    try:
        roster = connector.people()
    except ConnectorError as error:
        if not work.stopping():
            _fail_connector(work, result, error)
    else:
        with work.database.writing() as connection:
            calendars = save_roster(connection, work.scope, connector.name, roster, work.now)
        if work.only is not None:
            only = work.only
            calendars = [one for one in calendars if one[0].id in only or one[0].last_try is None]
        _read_calendars(work, connector, calendars, result)
    result.requests += connector.roster_requests
    result.seconds = round(time.monotonic() - began, 3)
    return result


def _read_calendars(
    work: Pass, connector: Calendars, calendars: list[tuple[Calendar, Person]], result: ConnectorResult
) -> None:
    result.calendars = len(calendars)
    reader = Reader(work, connector, work.known(), result)
    with no_search_for_cycles(), ThreadPoolExecutor(max_workers=work.scope.config.sync.workers) as pool:
        tasks = [pool.submit(reader.read, calendar, person) for calendar, person in calendars]
        try:
            for done, task in enumerate(tasks, 1):
                task.result()
                if done % _SEARCHED_EVERY == 0:
                    gc.collect()
                if work.progress is not None:
                    work.progress(connector.name, done, len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fail_connector(work: Pass, result: ConnectorResult, error: ConnectorError) -> None:
    """The whole connector cannot be read: every calendar of it that we know is unread, and says so."""
    message = sentence(error)
    with work.database.writing() as connection:
        known = [one for one in read_calendars(connection, result.name) if one.left_at is None and not one.standing]
        for one in known:
            change_calendar(connection, one.id, last_try=work.now, error_code=error.code, error=message)
    result.calendars = len(known)
    addresses = [one.address for one in known] or ["*"]
    result.failed = [Failure(calendar=one, code=error.code, message=message) for one in addresses]
    log.warning("connector_failed", connector=result.name, error=error.code)


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
        except ConnectorError as error:
            if self._work.stopping():
                return
            if isinstance(error, StopConnector) or self._is_gone(error):
                self._stopped = error
            self._count_requests(error)
            standing = isinstance(error, SkipCalendar) and error.standing
            self._fail(calendar, error.code, sentence(error), standing=standing)
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
        flaws: list[Flaw] = []
        with Spool() as spool:
            for part in self._connector.pull(person, reading):
                if isinstance(part, Done):
                    done = part
                    continue
                entries += part.entries
                flaws += [Flaw(calendar=calendar.address, where=one.where, reason=one.reason) for one in part.problems]
                spool.add(prepare(part, self._policy))
            if done is None:
                raise RetryLater("incomplete", "the calendar's answer ended before it was complete")
            with self._counting:
                self._result.requests += done.requests
            with self._work.database.writing() as connection:
                changed = self._apply(connection, calendar, spool, done)
        with self._counting:
            self._result.synced += 1
            self._result.entries += entries
            self._result.changed += changed
            self._result.flaws += flaws
        log.debug("calendar_read", full=done.full, entries=entries, changed=changed, requests=done.requests)

    def _apply(self, connection: Connection, calendar: Calendar, spool: Spool, done: Done) -> int:
        """The whole round with its cursor, in one transaction (`design.md` 2, 3). Raises `_Held`.

        Who was forgotten since it was read is not kept either; an erased calendar stays erased.
        """
        if not has_calendar(connection, calendar.id):
            return 0
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
        self._save_state(connection, calendar, done)
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
        }
        if done.read_through is not None:
            state["read_through"] = done.read_through
        if done.full:
            state |= {"last_full": now, "window_start": done.window.start, "window_end": done.window.end}
            month = month_of(done.window.start, self._scope.zone)
            begun = get_meta(connection, HISTORY_BEGINS)
            if begun is None or month < begun:
                set_meta(connection, HISTORY_BEGINS, month)
        change_calendar(connection, calendar.id, **state)

    def _hold(self, calendar: Calendar) -> None:
        with self._work.database.writing() as connection:
            change_calendar(
                connection,
                calendar.id,
                last_try=self._work.now,
                held_at=self._work.now,
                error_code="held",
                error="Its listing lacks most of what was there; nothing is removed until a second listing agrees.",
            )
        with self._counting:
            self._result.synced += 1
            self._result.held.append(calendar.address)
        log.warning("listing_held", connector=calendar.connector, calendar=calendar.id)

    def _fail(self, calendar: Calendar, code: str, message: str, *, standing: bool = False) -> None:
        with self._work.database.writing() as connection:
            change_calendar(
                connection,
                calendar.id,
                last_try=self._work.now,
                error_code=code,
                error=message,
                standing=standing,
            )
        with self._counting:
            self._result.failed.append(Failure(calendar=calendar.address, code=code, message=message))
        log.warning("calendar_failed", connector=calendar.connector, calendar=calendar.id, error=code)


def _retain(work: Pass) -> None:
    """Erases copies older than `retain`; their months are frozen from then on (R11)."""
    first_kept = shift(month_of(work.now, work.scope.zone), -work.scope.config.sync.retain)
    with work.database.writing() as connection:
        if erase_copies_before(connection, begins(first_kept, work.scope.zone)):
            erase_unused_addresses(connection)
            frozen = get_meta(connection, FROZEN_BEFORE)
            set_meta(connection, FROZEN_BEFORE, max(frozen or first_kept, first_kept))
