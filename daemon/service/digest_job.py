"""Digests on their way: which is due, whether its calendars are read, and its delivery. For whoever does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.digests.editions import editions_apart
from daemon.digests.month_data import load_month
from daemon.digests.outbox import NO_SEND, Outbox, sending_is_off
from daemon.digests.senders import Senders, service_of
from daemon.figures.history import NothingRead, UnknownMonth, coverage_of
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.service.backend import Backoff, Runtime
from daemon.service.schedule import (
    digest_due,
    digest_held,
    is_planned,
    month_due,
    next_after,
    set_digest_due,
    set_digest_held,
)
from daemon.service.status import stale_for
from daemon.store.calendars import Calendar
from daemon.store.db.errors import StoreError
from daemon.store.db.types import from_millis, to_millis
from daemon.store.deliveries import State, fail_waiting, read_deliveries
from daemon.sync.clock_guard import note_clock, observed_ahead
from scoring.months.history import missing
from scoring.months.month import Month

log = structlog.get_logger()

_NO_DIGEST = "the config has no digest of this name any more"
_NOTHING_READ = "No calendar has been read yet."
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
        self._pauses = {digest.name: Backoff() for digest in config.digests}

    def plan(self) -> None:
        """Writes down when each digest is due next, where nothing is planned yet; what waits of others fails."""
        now = self._runtime.clock()
        with self._database.writing() as connection:
            context = read_scoring_context(connection, self._config)
            for digest in self._config.digests:
                set_digest_due(connection, digest, digest_due(connection, digest, context, now))
                set_digest_held(connection, digest, None)  # another config may let it go
            names = {digest.name for digest in self._config.digests}
            for name in {delivery.digest for delivery in read_deliveries(connection)} - names:
                fail_waiting(connection, now, _NO_DIGEST, digest=name)

    def send_what_is_due(self) -> None:
        """Each digest that is due, and what waits for another try."""
        for digest in self._config.digests:
            if self._runtime.stopping.is_set():
                return
            self.look_after(digest)

    def look_after(self, digest: DigestTable) -> None:
        """Sends one digest if it is due and its month is complete, or was waited for long enough.

        What keeps it from being dealt with, a defect too, is written down and told; it is looked at again after a
        growing pause, and other digests are not touched. Raises `StoreError`.
        """
        pauses = self._pauses[digest.name]
        if not pauses.over():
            return
        try:
            held = self._look(digest)
        except StoreError:
            raise
        except Exception as error:  # a defect must not keep other digests waiting
            log.error("defect", during="digest", digest=digest.name, exc_info=True)
            held = f"Rapport failed while making it ({type(error).__name__}). Report this."
        if held is None:
            pauses.end()
        else:
            pauses.lengthen()
        with self._database.reading() as connection:
            known = digest_held(connection, digest)
        if known != held:
            with self._database.writing() as connection:
                set_digest_held(connection, digest, held)

    def _look(self, digest: DigestTable) -> str | None:
        """Does what is due and what waits for another try; answers why something that is due could not be done."""
        now = self._runtime.clock()
        context = self._context()
        due, waiting = self._settle_due(digest, context, now)
        if (due > now and not waiting) or self._waits_for_clock():
            return None
        if sending_is_off():
            log.warning("sending_is_off", because=NO_SEND, digest=digest.name)
            return f"{NO_SEND} is set, so nothing is sent."
        held = None
        if due <= now and self._can_go(digest, due, now):
            month = month_due(digest, due, now, context)
            waiting.discard(month)
            held = self._deliver(digest, month)
            if held is None:  # the month was dealt with, and only then the next one comes up
                with self._database.writing() as connection:
                    set_digest_due(connection, digest, next_after(digest.schedule, now, context))
        for month in sorted(waiting):
            held = self._deliver(digest, month) or held
        return held

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

    def _deliver(self, digest: DigestTable, month: Month) -> str | None:
        """Sends a month's digest; None if it was dealt with (each delivery is on its own way), else why not."""
        now = self._runtime.clock()
        rescore(self._database, self._context(), now)
        try:
            with self._database.reading() as connection:
                data = load_month(connection, self._config, digest, month, now)
        except NothingRead:
            log.warning("nothing_to_tell", digest=digest.name, month=month, problem=_NOTHING_READ)
            return _NOTHING_READ
        except UnknownMonth as error:  # it never will be known
            log.warning("nothing_to_tell", digest=digest.name, month=month, problem=str(error))
            with self._database.writing() as connection:
                fail_waiting(connection, now, f"{error}.", digest=digest.name, month=month)
            return None
        made, unmade = editions_apart(data)
        with Senders(self._config) as senders:
            outbox = Outbox(
                database=self._database, senders=senders, digest=digest.name, month=month, clock=self._runtime.clock
            )
            deliveries = outbox.deliver(made, unmade, patient=True)
            recipients = [recipient for edition in made for recipient in edition.recipients]
            recipients += [recipient for edition in unmade for recipient in edition.recipients]
            missing = senders.missing(sorted({service_of(recipient)[0] for recipient in recipients}))
        began = from_millis(to_millis(now))  # as the store keeps it
        for delivery in deliveries:
            if delivery.claimed_at is not None and delivery.claimed_at >= began:  # tried in this look
                self._runtime.observer.delivered(delivery.state)
        for service, problem in missing.items():
            log.error("no_sender", digest=digest.name, service=service, problem=problem)
        return " ".join(missing.values()) or None

    def _context(self) -> ScoringContext:
        with self._database.reading() as connection:
            return read_scoring_context(connection, self._config)
