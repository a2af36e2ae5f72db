"""The tables. Facts (calendars, copies, addresses) are the record; figures are derived and can be thrown away.

`table=True` models do not validate; what is written here has been validated at the edge.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from daemon.store.db.types import Moment

_ID = BigInteger().with_variant(Integer, "sqlite")


class Meta(SQLModel, table=True):
    """Single values about the store as a whole."""

    __tablename__ = "meta"

    key: str = Field(primary_key=True)
    value: str


class CalendarRow(SQLModel, table=True):
    """One calendar of one connector: whose it is, and which batch of calendars it is read with.

    `joined` is the month from which it is in scope (R11), `left_at` when it was last found missing from the roster.
    """

    __tablename__ = "calendars"
    __table_args__ = (UniqueConstraint("connector", "key"),)

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True))
    connector: str
    key: str
    address: str
    aliases: str = ""
    joined: str
    left_at: datetime | None = Field(default=None, sa_type=Moment)
    batch_id: int | None = Field(default=None, sa_column=Column(_ID, nullable=True, index=True))


class CalendarState(SQLModel, table=True):
    """How far a calendar has been read, and with what it goes on: written in every listing, so the row is narrow.

    `turn` counts its changes: a listing that began at another turn is too late. `cursor` is a secret. `held_at`: a
    listing that removed too much awaits one that agrees (`docs/design.md` 3). `kills` counts the workers that ended
    while they read this calendar alone; it is not read before `again_at`.
    """

    __tablename__ = "calendar_state"
    __table_args__ = (
        Index(
            "calendar_state_asked_back",
            "again_at",
            sqlite_where=text("again_at IS NOT NULL"),
            postgresql_where=text("again_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    calendar_id: int = Field(
        sa_column=Column(_ID, ForeignKey("calendars.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    )
    turn: int = Field(sa_type=BigInteger)
    last_try: datetime | None = Field(default=None, sa_type=Moment)
    last_success: datetime | None = Field(default=None, sa_type=Moment)
    read_through: datetime | None = Field(default=None, sa_type=Moment)
    last_full: datetime | None = Field(default=None, sa_type=Moment)
    held_at: datetime | None = Field(default=None, sa_type=Moment)
    error_code: str | None = None
    error: str | None = Field(default=None, sa_type=Text)
    standing: bool = False
    cursor: str | None = Field(default=None, sa_type=Text)
    query: str | None = None
    window_start: datetime | None = Field(default=None, sa_type=Moment)
    window_end: datetime | None = Field(default=None, sa_type=Moment)
    again_at: datetime | None = Field(default=None, sa_type=Moment)
    kills: int = 0


class AddressRow(SQLModel, table=True):
    """An e-mail address that stands in copies, once."""

    __tablename__ = "addresses"

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True))
    address: str = Field(unique=True)


class CopyRow(SQLModel, table=True):
    """A copy. `participants` are packed as `12a 15n`: the address's number and the response's first letter.

    `series` and `meeting` stand for the UID and the occurrence (R1); the UID itself is not kept. `digest` tells whether
    a copy read again has changed. No body, link or location is kept, a title only where `docs/design.md` 7 allows.
    """

    __tablename__ = "copies"
    __table_args__ = (
        UniqueConstraint("calendar_id", "entry"),
        Index("copies_by_meeting", "meeting"),
        Index("copies_by_start", "starts_at"),
        Index(
            "copies_by_date_only",
            "series",
            "occurrence_on",
            sqlite_where=text("occurrence_at IS NULL AND occurrence_on IS NOT NULL"),
            postgresql_where=text("occurrence_at IS NULL AND occurrence_on IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True))
    calendar_id: int = Field(sa_column=Column(_ID, ForeignKey("calendars.id", ondelete="CASCADE"), nullable=False))
    entry: str
    series: bytes = Field(sa_type=LargeBinary)
    meeting: bytes = Field(sa_type=LargeBinary)
    occurrence_at: datetime | None = Field(default=None, sa_type=Moment)
    occurrence_on: date | None = Field(default=None, sa_type=Date)
    state: str
    starts_at: datetime = Field(sa_type=Moment)
    ends_at: datetime = Field(sa_type=Moment)
    all_day: bool
    organiser_id: int | None = Field(default=None, sa_column=Column(_ID, nullable=True))
    participants: str = Field(sa_type=Text)
    response: str
    setting: str
    title: str | None = Field(default=None, sa_type=Text)
    changed_at: datetime = Field(sa_type=Moment)
    read_at: datetime = Field(sa_type=Moment)
    flaws: str
    digest: bytes = Field(sa_type=LargeBinary)


class FiguresRow(SQLModel, table=True):
    """A client's month (R6, R7), whole seconds and counts; the zero months are not kept."""

    __tablename__ = "figures"

    client: str = Field(primary_key=True)
    month: str = Field(primary_key=True, index=True)
    phone: int
    short_one: int
    long_one: int
    short_many: int
    long_many: int
    confirmed_phone: int
    confirmed_short_one: int
    confirmed_long_one: int
    confirmed_short_many: int
    confirmed_long_many: int
    man_seconds: int = Field(sa_type=BigInteger)
    confirmed_seconds: int = Field(sa_type=BigInteger)
    phone_seconds: int = Field(sa_type=BigInteger)
    our_seconds: int = Field(sa_type=BigInteger)
    client_people: int
    our_people: int
    largest_seconds: int = Field(sa_type=BigInteger)
    set_aside: str
    next_end: datetime | None = Field(default=None, sa_type=Moment, index=True)


class StaleMonth(SQLModel, table=True):
    """A month whose copies have changed since its figures were derived. `mark` is another one after every change."""

    __tablename__ = "stale_months"

    month: str = Field(primary_key=True)
    mark: int = Field(sa_type=BigInteger)


class DeliveryRow(SQLModel, table=True):
    """The outbox: one attempt to get a month's digest to a recipient (`docs/design.md` 6).

    `state` is waiting, claimed, sent, failed or unknown. `claimed_by` names the process that is sending it. `place` is
    where it went, `reason` why it did not. A further attempt is a row of its own, made by `--again` alone.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("digest", "month", "recipient", "attempt"),)

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True))
    digest: str
    month: str
    recipient: str
    attempt: int
    state: str
    tries: int
    created_at: datetime = Field(sa_type=Moment)
    next_try: datetime = Field(sa_type=Moment)
    claimed_at: datetime | None = Field(default=None, sa_type=Moment)
    claimed_by: str | None = None
    settled_at: datetime | None = Field(default=None, sa_type=Moment)
    reason: str | None = Field(default=None, sa_type=Text)
    place: str | None = Field(default=None, sa_type=Text)


class ToldRow(SQLModel, table=True):
    """A client's month as a digest told it, and the month of that digest; `meetings` is JSON and names nobody."""

    __tablename__ = "told"

    digest: str = Field(primary_key=True)
    client: str = Field(primary_key=True)
    month: str = Field(primary_key=True)
    told_in: str = Field(primary_key=True)
    told_at: datetime = Field(sa_type=Moment)
    score: int
    man_seconds: int = Field(sa_type=BigInteger)
    verdict: str
    meetings: str = Field(sa_type=Text)
    rules: str


class ForgottenRow(SQLModel, table=True):
    """An address or a domain that must never come back, as a keyed hash with its key (`docs/design.md` 7)."""

    __tablename__ = "forgotten"

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    key: bytes = Field(sa_type=LargeBinary)
    forgotten_at: datetime = Field(sa_type=Moment)


class FrozenFigures(SQLModel, table=True):
    """A client's closed month whose figures stay as they are: somebody who was in it has been forgotten."""

    __tablename__ = "frozen_figures"

    client: str = Field(primary_key=True)
    month: str = Field(primary_key=True)


class PeopleRow(SQLModel, table=True):
    """Who met in a client's month (R12). `theirs` and `ours` are packed columns of integers (`daemon.store.people`)."""

    __tablename__ = "people"

    client: str = Field(primary_key=True)
    month: str = Field(primary_key=True, index=True)
    theirs: bytes = Field(sa_type=LargeBinary)
    ours: bytes = Field(sa_type=LargeBinary)
    meetings: int
    called: int


class InsightRow(SQLModel, table=True):
    """A client's stage and signals (R13, R14) as of the end of a month, as JSON. Missing ones are worked out again."""

    __tablename__ = "insights"

    client: str = Field(primary_key=True)
    month: str = Field(primary_key=True)
    content: str = Field(sa_type=Text)


class BatchRow(SQLModel, table=True):
    """Calendars of one connector that one job reads. `worker` read them last, and has their tokens."""

    __tablename__ = "batches"

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True))
    connector: str
    due_at: datetime = Field(sa_type=Moment, index=True)
    worker: str | None = None


class WorkerRow(SQLModel, table=True):
    """A process that does queued work, when it was last seen, for how long that is good, and why it takes no jobs."""

    __tablename__ = "workers"

    name: str = Field(primary_key=True)
    host: str
    process: int
    began_at: datetime = Field(sa_type=Moment)
    seen_at: datetime = Field(sa_type=Moment)
    lease_seconds: float
    idle_because: str | None = Field(default=None, sa_type=Text)


class PaceRow(SQLModel, table=True):
    """A token bucket that all machines share: how many requests may be made at once, as of when (database seconds)."""

    __tablename__ = "paces"

    name: str = Field(primary_key=True)
    level: float
    filled_at: float
