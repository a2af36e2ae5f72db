"""One run over the calendars: whose there are, what changed in each, and the figures that changed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy import Connection

from connectors.contract import Calendars, Person
from connectors.errors import ConnectorError, sentence
from connectors.net.clock_skew import observed
from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendars import Calendar, change_calendar, read_calendars
from daemon.store.db.errors import StoreError
from daemon.sync.calendar_reader import CalendarReader
from daemon.sync.clock_guard import note_clock, observed_ahead
from daemon.sync.figures_step import derive
from daemon.sync.roster import end_first_run, let_go, save_roster
from daemon.sync.run_values import ConnectorResult, Failure, SyncRun

log = structlog.get_logger()


def run_sync(run: SyncRun, connectors: Iterable[Calendars], *, all_connectors: bool = True) -> list[ConnectorResult]:
    """Reads every calendar of the connectors once and derives the figures that changed.

    `all_connectors`: these are all that the config names, so the calendars of others are no longer read. Raises
    `StoreError` when the store cannot be used; what was committed before stays, and the next run goes on from there.
    """
    connectors = list(connectors)
    observed.forget()
    results = [_run_connector(run, connector) for connector in connectors if not run.stopping()]
    if run.stopping():
        return results
    if all_connectors:
        with run.database.writing() as connection:
            let_others_go(connection, run, [connector.name for connector in connectors])
            end_first_run(connection, run.now)
    ahead = observed_ahead()
    if ahead is None and all_connectors and not any(result.requests or result.failed for result in results):
        ahead = 0.0  # there is nobody to ask, in files alone; what others once found must not stand for ever
    derive(run, note_clock(run.database, ahead))
    return results


def let_others_go(connection: Connection, run: SyncRun, connectors: Iterable[str]) -> None:
    """The calendars of connectors that the config names no more are no longer read."""
    names = set(connectors)
    for calendar in read_calendars(connection):
        if calendar.connector not in names and calendar.left_at is None:
            let_go(connection, run.context, calendar, run.now)


def _run_connector(run: SyncRun, connector: Calendars) -> ConnectorResult:
    """One connector's calendars, side by side. Nothing that fails here stops another connector."""
    began = time.monotonic()
    result = ConnectorResult(name=connector.name)
    calendars = read_roster(run, connector, result)
    if calendars is not None:
        if run.only is not None:
            only = run.only
            calendars = [pair for pair in calendars if pair[0].id in only or pair[0].last_try is None]
        read_side_by_side(run, run.known(), connector, calendars, result)
    result.seconds = round(time.monotonic() - began, 3)
    return result


def read_roster(run: SyncRun, connector: Calendars, result: ConnectorResult) -> list[tuple[Calendar, Person]] | None:
    """Whose calendars there are, brought into the store. None where the connector cannot be read at all.

    Raises `StoreError` only.
    """
    try:
        try:
            roster = connector.people()
        finally:
            result.requests += connector.roster_requests
        with run.database.writing() as connection:
            return save_roster(connection, run.context, connector.name, roster, run.now)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  # a defect in one connector must not stop the others; it is told
        _fail_connector(run, result, error)
    return None


def read_side_by_side(
    run: SyncRun,
    context: ScoringContext,
    connector: Calendars,
    calendars: list[tuple[Calendar, Person]],
    result: ConnectorResult,
) -> None:
    """Reads each of these calendars, `sync.workers` at once. `context` is as the calendars are known by now.

    Raises `StoreError` only.
    """
    result.calendars = len(calendars)
    try:
        reader = CalendarReader(run, connector, context, result)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  # a defect in one connector must not stop the others; it is told
        return _fail_connector(run, result, error)
    with ThreadPoolExecutor(max_workers=run.context.config.sync.workers) as pool:
        tasks = [pool.submit(reader.read, calendar, person) for calendar, person in calendars]
        try:
            for done, task in enumerate(tasks, 1):
                task.result()
                if run.progress is not None:
                    run.progress(connector.name, done, len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fail_connector(run: SyncRun, result: ConnectorResult, raised: Exception) -> None:
    """The whole connector cannot be read: every calendar of it that we know is unread, and says so.

    What is no `ConnectorError` is a defect, and told as one. What ends because the service stops is neither.
    """
    if run.stopping():
        return
    if isinstance(raised, ConnectorError):
        error = raised
    else:
        log.error("connector_defect", connector=result.name, exc_info=raised)
        error = ConnectorError("defect", f"Rapport failed to read its people ({type(raised).__name__})", "Report this.")
    message = sentence(error)
    with run.database.writing() as connection:
        stored = read_calendars(connection, result.name)
        known = [calendar for calendar in stored if calendar.left_at is None and not calendar.standing]
        for calendar in known:
            change_calendar(connection, calendar.id, last_try=run.now, error_code=error.code, error=message)
    result.calendars = len(known)
    addresses = [calendar.address for calendar in known] or ["*"]
    result.failed = [Failure(calendar=address, code=error.code, message=message) for address in addresses]
    log.warning("connector_failed", connector=result.name, error=error.code)
