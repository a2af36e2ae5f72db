"""Getting a digest to its recipients once each (`docs/design.md` 6): claimed, sent, marked; told when nobody can know.

A delivery is claimed by a conditional update, so that of two processes one sends it. What cannot be sent for now waits
and is tried again; what may have gone out is never repeated by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from connectors.contract import Envelope, RenderedDigest
from connectors.errors import ConnectorError, OutcomeUnknown, RetryLater, StopConnector, sentence
from daemon.digests.claims import settle_abandoned, this_process
from daemon.digests.editions import Edition, Unmade
from daemon.digests.senders import EMAIL, Senders, service_of
from daemon.render import render
from daemon.store.db.engine import Database
from daemon.store.deliveries import (
    Delivery,
    State,
    claim,
    fail_waiting,
    open_deliveries,
    read_deliveries,
    settle_delivery,
)
from daemon.store.told import keep_telling, settle_telling
from scoring.months.month import Month

log = structlog.get_logger()

NO_SEND = "RAPPORT_NO_SEND"
_PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240)]
_GIVEN_UP_AFTER = timedelta(days=3)
_NO_LONGER = "the config does not send this digest there any more"


def sending_is_off() -> bool:
    """Whether the environment turns every delivery off (drills, staging)."""
    return os.environ.get(NO_SEND, "") not in ("", "0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbox:
    """Sends editions of one digest for a month. `clock` answers with the time of each step."""

    database: Database
    senders: Senders
    digest: str
    month: Month
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def deliver(
        self,
        editions: Sequence[Edition],
        unmade: Sequence[Unmade] = (),
        *,
        again: bool = False,
        patient: bool = False,
    ) -> list[Delivery]:
        """Sends what has not been sent yet, each to each of its recipients; answers with how all deliveries stand.

        What waits for somebody who is not among the recipients any more fails. What could not be made (`unmade`) waits
        for another try. `patient` leaves alone what is not to be tried again yet, and who gets theirs by a service that
        cannot be used as the config is now (`Senders.missing`). One recipient's trouble touches no other. Raises
        `StoreError`; without `patient`, also what is wrong with a service (`NoSender`, …), before anything is sent.
        """
        recipients = [recipient for edition in editions for recipient in edition.recipients]
        recipients += [recipient for edition in unmade for recipient in edition.recipients]
        by_recipient = self._open(recipients, again=again, patient=patient)
        now = self.clock()
        due = {
            recipient: delivery
            for recipient, delivery in by_recipient.items()
            if delivery.state is State.WAITING and not (patient and delivery.next_try > now)
        }
        for edition in editions:
            rendered = Renderings(edition)
            for recipient in edition.recipients:
                if recipient in due:
                    self._send(edition, rendered, due[recipient])
        for lacking in unmade:
            for recipient in lacking.recipients:
                if recipient in due:
                    self._put_off(due[recipient], _defect(lacking.defect))
        with self.database.reading() as connection:
            stand = read_deliveries(connection, self.digest, self.month)
        return [delivery for delivery in stand if delivery.recipient in recipients]

    def _open(self, recipients: Sequence[str], *, again: bool, patient: bool) -> dict[str, Delivery]:
        """Deliveries whose service can be used, by recipient. What waits for the settings of another is put off."""
        services = {service_of(recipient)[0] for recipient in recipients}
        if not patient:
            for service in services:
                self.senders.of(service)
        missing = self.senders.missing(services) if patient else {}
        served = [recipient for recipient in recipients if service_of(recipient)[0] not in missing]
        settle_abandoned(self.database, self.clock())
        now = self.clock()
        with self.database.writing() as connection:
            fail_waiting(connection, now, _NO_LONGER, digest=self.digest, month=self.month, but=recipients)
            opened = open_deliveries(connection, self.digest, self.month, served, now, again=again)
            known = read_deliveries(connection, self.digest, self.month)
        for delivery in known:
            reason = missing.get(service_of(delivery.recipient)[0])
            if reason is not None and delivery.state is State.WAITING and delivery.next_try <= now:
                self._put_off(delivery, reason)
        return {delivery.recipient: delivery for delivery in opened}

    def _put_off(self, delivery: Delivery, reason: str) -> None:
        """What could not even be begun waits for another try, and fails after three days like anything else."""
        claimant, now = this_process(), self.clock()
        state, reason, next_try = self._after_a_pause(delivery, reason)
        with self.database.writing(durable=True) as connection:
            if claim(connection, delivery, claimant, now):
                settle_delivery(connection, delivery, claimant, state, now, reason=reason, next_try=next_try)

    def _send(self, edition: Edition, rendered: Renderings, delivery: Delivery) -> None:
        service, whom = service_of(delivery.recipient)
        try:
            message = rendered.of(service)  # before it is claimed: what fails here has not gone out
        except Exception as error:
            log.error("edition_defect", digest=self.digest, month=self.month, delivery=delivery.id, exc_info=True)
            self._put_off(delivery, _defect(type(error).__name__))
            return
        claimant = this_process()
        with self.database.writing(durable=True) as connection:
            if not claim(connection, delivery, claimant, self.clock()):
                return
            keep_telling(connection, delivery.id, self.digest, self.month, edition.told)
        envelope = Envelope(to=whom, key=delivery.key, topic=self.digest, at=self.clock())
        try:
            receipt = self.senders.of(service).send(message, envelope)
        except ConnectorError as error:
            self._settle(delivery, claimant, error)
        except Exception as error:  # a defect: nobody can tell how far it came
            log.error("delivery_defect", digest=self.digest, month=self.month, exc_info=True)
            unknown = OutcomeUnknown("defect", f"Rapport failed while sending ({type(error).__name__})", "Report this.")
            self._settle(delivery, claimant, unknown)
        else:
            self._mark(delivery, claimant, State.SENT, place=" ".join(receipt.where))
        log.info("delivery", digest=self.digest, month=self.month, delivery=delivery.id)

    def _settle(self, delivery: Delivery, claimant: str, error: ConnectorError) -> None:
        """What an error means for a delivery. Wrong credentials wait as well: somebody will put them right."""
        reason = sentence(error)
        if isinstance(error, OutcomeUnknown):
            self._mark(delivery, claimant, State.UNKNOWN, reason=reason)
        elif not isinstance(error, RetryLater | StopConnector):
            self._mark(delivery, claimant, State.FAILED, reason=reason)
        else:
            after = error.after_seconds if isinstance(error, RetryLater) else None
            state, reason, next_try = self._after_a_pause(delivery, reason, after)
            self._mark(delivery, claimant, state, reason=reason, next_try=next_try)

    def _after_a_pause(
        self, delivery: Delivery, reason: str, after_seconds: float | None = None
    ) -> tuple[State, str, datetime | None]:
        """State, reason and next try of what is to be tried again: it waits, or is given up."""
        next_try = self.clock() + pause_before(delivery.tries + 1, after_seconds)
        if next_try - delivery.created_at > _GIVEN_UP_AFTER:
            return State.FAILED, f"{reason} Given up after three days.", None
        return State.WAITING, reason, next_try

    def _mark(
        self,
        delivery: Delivery,
        claimant: str,
        state: State,
        *,
        reason: str | None = None,
        place: str | None = None,
        next_try: datetime | None = None,
    ) -> None:
        """Says what became of it, and with it what was told: what may have been read counts as told."""
        now = self.clock()
        with self.database.writing(durable=True) as connection:
            marked = settle_delivery(
                connection, delivery, claimant, state, now, reason=reason, place=place, next_try=next_try
            )
            if marked:
                settle_telling(connection, delivery.id, now, was_told=state in (State.SENT, State.UNKNOWN))


class Renderings:
    """An edition as each service takes it, made when it is first asked for."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._made: dict[str, RenderedDigest] = {}

    def of(self, service: str) -> RenderedDigest:
        """What goes to recipients of a service. A mail refers to its own parts, a page to the files beside it."""
        if service not in self._made:
            digest = self._edition.digest
            self._made[service] = (
                render(digest, image_src=lambda file: f"cid:{file}") if service == EMAIL else render(digest)
            )
        return self._made[service]


def _defect(kind: str) -> str:
    return f"Rapport failed while making it ({kind}). Report this."


def pause_before(tries: int, after_seconds: float | None) -> timedelta:
    """How long to wait after so many tries; longer where the other side said so."""
    pause = _PAUSES[min(tries, len(_PAUSES)) - 1]
    return pause if after_seconds is None else max(pause, timedelta(seconds=after_seconds))
