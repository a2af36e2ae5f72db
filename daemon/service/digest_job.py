"""Digests on their way: which is due, whether its calendars are read, and its delivery. For whoever does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.digests.editions import editions
from daemon.digests.month_data import load_month
from daemon.digests.outbox import NO_SEND, Outbox, sending_is_off
from daemon.digests.senders import NoSender, Senders
from daemon.figures.history import NothingRead, UnknownMonth, coverage_of
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.service.backend import Runtime
from daemon.service.schedule import digest_due, is_planned, month_due, next_after, set_digest_due
from daemon.service.status import stale_for
from daemon.store.calendars import Calendar
from daemon.store.deliveries import State, read_deliveries
from daemon.sync.clock_guard import note_clock, observed_ahead
from scoring.months.history import missing
from scoring.months.month import Month

log = structlog.get_logger()

CatchUp = Callable[[Sequence[Calendar], datetime], bool]
"""Has calendars read that a digest still needs; False while calendars are being read for somebody else. Told of none
when a digest lacks nothing any more."""


class DigestJob:
    """One config's digests."""

    def __init__(self, runtime: Runtime, config: Config, catch_up: CatchUp) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._config = config
        self._catch_up = catch_up

    def plan(self) -> None:
        """Writes down when each digest is due next, where nothing is planned yet."""
        now = self._runtime.clock()
        with self._database.writing() as connection:
            context = read_scoring_context(connection, self._config)
            for digest in self._config.digests:
                set_digest_due(connection, digest, digest_due(connection, digest, context, now))

    def send_what_is_due(self) -> None:
        """Each digest that is due, and what waits for another try."""
        for digest in self._config.digests:
            if self._runtime.stopping.is_set():
                return
            self.look_after(digest)

    def look_after(self, digest: DigestTable) -> None:
        """Sends one digest if it is due and its month is complete, or was waited for long enough."""
        now = self._runtime.clock()
        context = self._context()
        due, waiting = self._settle_due(digest, context, now)
        if due <= now and not self._waits_for_clock() and self._can_go(digest, due, now):
            self._deliver(digest, month_due(digest, due, now, context))
            with self._database.writing() as connection:
                set_digest_due(connection, digest, next_after(digest.schedule, now, context))
        elif waiting and not self._waits_for_clock():
            self._deliver(digest, max(waiting))

    def _settle_due(self, digest: DigestTable, context: ScoringContext, now: datetime) -> tuple[datetime, set[Month]]:
        """When it is due, which is written down if the clock was set back; and the months of which deliveries wait."""
        with self._database.reading() as connection:
            due = digest_due(connection, digest, context, now)
            planned = is_planned(connection, digest, due)
            waiting = {
                delivery.month
                for delivery in read_deliveries(connection, digest.name)
                if delivery.state is State.WAITING and delivery.next_try <= now
            }
        if not planned:
            with self._database.writing() as connection:
                set_digest_due(connection, digest, due)
        return due, waiting

    def _waits_for_clock(self) -> bool:
        return note_clock(self._database, observed_ahead()) != 0

    def _can_go(self, digest: DigestTable, due: datetime, now: datetime) -> bool:
        """Whether the month's calendars are all read, or were waited for long enough (`digests.wait`)."""
        month = month_due(digest, due, now, self._context())
        stale = stale_for(self._context(), now, month)
        if stale and not self._catch_up(stale, now):
            return now >= due + digest.wait
        context = self._context()
        lacks = missing(month, [coverage_of(calendar, context) for calendar in context.calendars], context.zone)
        if not lacks:
            self._catch_up((), now)
        return not lacks or now >= due + digest.wait

    def _deliver(self, digest: DigestTable, month: Month) -> None:
        if sending_is_off():
            log.warning("sending_is_off", because=NO_SEND, digest=digest.name, month=month)
            return
        now = self._runtime.clock()
        rescore(self._database, self._context(), now)
        try:
            with self._database.reading() as connection:
                data = load_month(connection, self._config, digest, month, now)
        except (NothingRead, UnknownMonth) as error:
            log.warning("nothing_to_tell", digest=digest.name, month=month, problem=str(error))
            return
        with Senders(self._config) as senders:
            outbox = Outbox(
                database=self._database, senders=senders, digest=digest.name, month=month, clock=self._runtime.clock
            )
            try:
                deliveries = outbox.deliver(editions(data), patient=True)
            except NoSender as error:
                log.error("no_sender", digest=digest.name, problem=str(error))
                return
        for delivery in deliveries:
            self._runtime.observer.delivered(delivery.state)

    def _context(self) -> ScoringContext:
        with self._database.reading() as connection:
            return read_scoring_context(connection, self._config)
