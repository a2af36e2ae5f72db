"""Digests on their way: which is due, whether its calendars are read, and its delivery. For whoever does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from connectors.net.clock_skew import observed
from daemon.config.model import Config
from daemon.config.schema.tables import Digest
from daemon.digests.editions import editions_of
from daemon.digests.outbox import NO_SEND, Outbox, sending_is_off
from daemon.digests.senders import NoSender, Senders
from daemon.figures.history import NothingRead, UnknownMonth, known_months, reach_of
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import Scope, known_scope
from daemon.service.backend import Around
from daemon.service.schedule import digest_due, is_planned, month_due, next_after, set_digest_due
from daemon.service.status import stale_for
from daemon.store.calendars import Calendar
from daemon.store.deliveries import State, read_deliveries
from daemon.sync.clock_guard import note_clock
from scoring.months.history import missing
from scoring.months.month import Month

log = structlog.get_logger()

CatchUp = Callable[[Sequence[Calendar], datetime], bool]
"""Has calendars read that a digest still needs; False while calendars are being read for somebody else. Told of none
when a digest lacks nothing any more."""


class Dispatch:
    """One config's digests."""

    def __init__(self, around: Around, config: Config, catch_up: CatchUp) -> None:
        self._around = around
        self._database = around.database
        self._config = config
        self._catch_up = catch_up

    def plan(self) -> None:
        """Writes down when each digest is due next, where nothing is planned yet."""
        now = self._around.clock()
        with self._database.writing() as connection:
            scope = known_scope(connection, self._config)
            for digest in self._config.digests:
                set_digest_due(connection, digest, digest_due(connection, digest, scope, now))

    def send_what_is_due(self) -> None:
        """Each digest that is due, and what waits for another try."""
        for digest in self._config.digests:
            if self._around.stopping.is_set():
                return
            self.look_after(digest)

    def look_after(self, digest: Digest) -> None:
        """Sends one digest if it is due and its month is complete, or was waited for long enough."""
        now = self._around.clock()
        scope = self._scope()
        due, waiting = self._settle_due(digest, scope, now)
        if due <= now and not self._waits_for_clock() and self._can_go(digest, due, now):
            self._deliver(digest, month_due(digest, due, now, scope))
            with self._database.writing() as connection:
                set_digest_due(connection, digest, next_after(digest.schedule, now, scope))
        elif waiting and not self._waits_for_clock():
            self._deliver(digest, max(waiting))

    def _settle_due(self, digest: Digest, scope: Scope, now: datetime) -> tuple[datetime, set[Month]]:
        """When it is due, which is written down if the clock was set back; and the months of which deliveries wait."""
        with self._database.reading() as connection:
            due = digest_due(connection, digest, scope, now)
            planned = is_planned(connection, digest, due)
            waiting = {
                one.month
                for one in read_deliveries(connection, digest.name)
                if one.state is State.WAITING and one.next_try <= now
            }
        if not planned:
            with self._database.writing() as connection:
                set_digest_due(connection, digest, due)
        return due, waiting

    def _waits_for_clock(self) -> bool:
        return note_clock(self._database, observed.seconds()) != 0

    def _can_go(self, digest: Digest, due: datetime, now: datetime) -> bool:
        """Whether the month's calendars are all read, or were waited for long enough (`digests.wait`)."""
        month = month_due(digest, due, now, self._scope())
        stale = stale_for(self._scope(), now, month)
        if stale and not self._catch_up(stale, now):
            return now >= due + digest.wait
        scope = self._scope()
        lacks = missing(month, [reach_of(one, scope) for one in scope.calendars], scope.zone)
        if not lacks:
            self._catch_up((), now)
        return not lacks or now >= due + digest.wait

    def _deliver(self, digest: Digest, month: Month) -> None:
        if sending_is_off():
            log.warning("sending_is_off", because=NO_SEND, digest=digest.name, month=month)
            return
        now = self._around.clock()
        scope = self._scope()
        rescore(self._database, scope, now)
        with self._database.reading() as connection:
            try:
                known = known_months(connection, scope, now)
                editions = editions_of(connection, scope, digest, known.check(month), known, now)
            except (NothingRead, UnknownMonth) as error:
                log.warning("nothing_to_tell", digest=digest.name, month=month, problem=str(error))
                return
        with Senders(self._config) as senders:
            outbox = Outbox(
                database=self._database, senders=senders, digest=digest.name, month=month, clock=self._around.clock
            )
            try:
                deliveries = outbox.deliver(editions, patient=True)
            except NoSender as error:
                log.error("no_sender", digest=digest.name, problem=str(error))
                return
        for one in deliveries:
            self._around.listener.delivered(one.state)

    def _scope(self) -> Scope:
        with self._database.reading() as connection:
            return known_scope(connection, self._config)
