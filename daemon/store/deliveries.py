"""The outbox: which digests are to go to whom, who is sending one at this moment, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from daemon.store.db.bulk import table_of
from daemon.store.db.tables import DeliveryRow
from scoring.months.month import Month

_DELIVERIES = table_of(DeliveryRow)
_RECENT = timedelta(days=92)


class State(StrEnum):
    """How far a delivery is. `unknown`: it may have gone out, and nobody can tell; it is never repeated by itself."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One attempt to get a month's digest to a recipient (`email:…`, `slack:…`)."""

    id: int
    digest: str
    month: Month
    recipient: str
    attempt: int
    state: State
    tries: int
    created_at: datetime
    next_try: datetime
    claimed_at: datetime | None
    claimed_by: str | None
    settled_at: datetime | None
    reason: str | None
    place: str | None

    @property
    def key(self) -> str:
        """What this attempt is known by outside: the same at every try."""
        return f"{self.digest}|{self.month}|{self.recipient}|{self.attempt}"


def read_deliveries(connection: Connection, digest: str | None = None, month: Month | None = None) -> list[Delivery]:
    """The last attempt for each recipient of each month's digest, the newest months first."""
    statement = select(_DELIVERIES).order_by(
        _DELIVERIES.c.month.desc(), _DELIVERIES.c.digest, _DELIVERIES.c.recipient, _DELIVERIES.c.attempt
    )
    if digest is not None:
        statement = statement.where(_DELIVERIES.c.digest == digest)
    if month is not None:
        statement = statement.where(_DELIVERIES.c.month == month)
    found: dict[tuple[str, str, str], Delivery] = {}
    for row in connection.execute(statement).mappings():
        values = {**row, "month": Month(row["month"]), "state": State(row["state"])}
        found[row["digest"], row["month"], row["recipient"]] = Delivery(**values)
    return list(found.values())


def open_deliveries(
    connection: Connection, digest: str, month: Month, recipients: Iterable[str], now: datetime, *, again: bool
) -> list[Delivery]:
    """The deliveries of a month's digest to these recipients, made where there are none; `again` makes further ones."""
    last = {delivery.recipient: delivery for delivery in read_deliveries(connection, digest, month)}
    wanted = list(dict.fromkeys(recipients))
    for recipient in wanted:
        known = last.get(recipient)
        if known is not None and (not again or known.state in (State.WAITING, State.CLAIMED)):
            continue
        connection.execute(
            insert(_DELIVERIES).values(
                digest=digest,
                month=month,
                recipient=recipient,
                attempt=1 if known is None else known.attempt + 1,
                state=State.WAITING.value,
                tries=0,
                created_at=now,
                next_try=now,
            )
        )
    return [delivery for delivery in read_deliveries(connection, digest, month) if delivery.recipient in wanted]


def claim(connection: Connection, delivery: Delivery, claimant: str, now: datetime) -> bool:
    """Takes a waiting delivery for this process; False where another one was quicker or it is settled."""
    result = connection.execute(
        update(_DELIVERIES)
        .where(
            _DELIVERIES.c.id == delivery.id,
            _DELIVERIES.c.state == State.WAITING.value,
            _DELIVERIES.c.tries == delivery.tries,
        )
        .values(state=State.CLAIMED.value, claimed_at=now, claimed_by=claimant, tries=delivery.tries + 1)
    )
    return result.rowcount == 1


def settle_delivery(
    connection: Connection,
    delivery: Delivery,
    claimant: str,
    state: State,
    now: datetime,
    *,
    reason: str | None = None,
    place: str | None = None,
    next_try: datetime | None = None,
) -> bool:
    """Says what became of a delivery claimed by `claimant`; False where it is no longer theirs."""
    values: dict[str, object] = {"state": state.value, "reason": reason, "place": place, "claimed_by": None}
    if state is not State.WAITING:
        values["settled_at"] = now
    if next_try is not None:
        values["next_try"] = next_try
    result = connection.execute(
        update(_DELIVERIES)
        .where(
            _DELIVERIES.c.id == delivery.id,
            _DELIVERIES.c.state == State.CLAIMED.value,
            _DELIVERIES.c.claimed_by == claimant,
        )
        .values(**values)
    )
    return result.rowcount == 1


def claimed_deliveries(connection: Connection) -> list[tuple[int, str, datetime]]:
    """What is being sent: number, claimant, since when."""
    rows = connection.execute(
        select(_DELIVERIES.c.id, _DELIVERIES.c.claimed_by, _DELIVERIES.c.claimed_at).where(
            _DELIVERIES.c.state == State.CLAIMED.value
        )
    )
    return [(number, claimant, since) for number, claimant, since in rows]


def give_up_claim(connection: Connection, number: int, claimant: str, now: datetime, reason: str) -> bool:
    """Nobody can tell any more what became of a claimed delivery; False where somebody could by now."""
    result = connection.execute(
        update(_DELIVERIES)
        .where(
            _DELIVERIES.c.id == number,
            _DELIVERIES.c.state == State.CLAIMED.value,
            _DELIVERIES.c.claimed_by == claimant,
        )
        .values(state=State.UNKNOWN.value, claimed_by=None, settled_at=now, reason=reason)
    )
    return result.rowcount == 1


def recent_deliveries(connection: Connection, now: datetime) -> list[Delivery]:
    """What people want to know of: all of the last three months' making, and whatever is not settled."""
    since = now - _RECENT
    return [
        delivery
        for delivery in read_deliveries(connection)
        if delivery.created_at >= since or delivery.settled_at is None
    ]


def doubt_open(
    connection: Connection, now: datetime, reason: str, *, digest: str | None = None, month: Month | None = None
) -> int:
    """Whatever is waiting or being sent, of one month's digest or of all, is unknown from now on; answers how many."""
    statement = update(_DELIVERIES).where(_DELIVERIES.c.state.in_((State.WAITING.value, State.CLAIMED.value)))
    if digest is not None:
        statement = statement.where(_DELIVERIES.c.digest == digest)
    if month is not None:
        statement = statement.where(_DELIVERIES.c.month == month)
    result = connection.execute(
        statement.values(state=State.UNKNOWN.value, claimed_by=None, settled_at=now, reason=reason)
    )
    return result.rowcount


def fail_waiting(
    connection: Connection,
    now: datetime,
    reason: str,
    *,
    digest: str,
    month: Month | None = None,
    but: Iterable[str] = (),
) -> int:
    """What waits of a digest, of one month or of all, will not be sent, but to these recipients; answers how many."""
    statement = update(_DELIVERIES).where(
        _DELIVERIES.c.state == State.WAITING.value,
        _DELIVERIES.c.digest == digest,
        _DELIVERIES.c.recipient.not_in(set(but)),
    )
    if month is not None:
        statement = statement.where(_DELIVERIES.c.month == month)
    result = connection.execute(statement.values(state=State.FAILED.value, settled_at=now, reason=reason))
    return result.rowcount


def doubt(
    connection: Connection, digest: str, month: Month, recipients: Iterable[str], now: datetime, reason: str
) -> int:
    """A month's digest may have gone to these recipients, of which there is no record; answers to how many."""
    known = {delivery.recipient for delivery in read_deliveries(connection, digest, month)}
    unknown = [recipient for recipient in dict.fromkeys(recipients) if recipient not in known]
    open_deliveries(connection, digest, month, unknown, now, again=False)
    doubt_open(connection, now, reason, digest=digest, month=month)
    return len(unknown)


def newest_moment(connection: Connection) -> datetime | None:
    """When a delivery was last worked on."""
    columns = (_DELIVERIES.c.created_at, _DELIVERIES.c.claimed_at, _DELIVERIES.c.settled_at)
    found = connection.execute(select(*(func.max(column) for column in columns))).one()
    return max((moment for moment in found if moment is not None), default=None)
