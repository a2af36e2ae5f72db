"""The values that the rules work on: a copy as one calendar holds it, and the meeting that copies make.

Values are frozen and refuse what cannot be. This module knows no provider, no store and no clock. Numbers such as R2
are the rules of `docs/rules.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum


class Response(StrEnum):
    """What a participant answered to an invitation; `NONE` is no answer yet, and not that none is known."""

    DECLINED = "declined"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    NONE = "none"


_DECIDEDNESS = {Response.DECLINED: 3, Response.ACCEPTED: 2, Response.TENTATIVE: 1, Response.NONE: 0}


def most_decided(one: Response, other: Response) -> Response:
    """Of a person's two responses the one that counts (R2): declined before accepted before tentative before none."""
    return one if _DECIDEDNESS[one] >= _DECIDEDNESS[other] else other


class CopyState(StrEnum):
    """What has become of a copy (R2): live, removed by its owner, or called off by the organiser."""

    LIVE = "live"
    DELETED = "deleted"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    """How people met (R5)."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    PHONE = "phone"


class Conference(StrEnum):
    """What is attached to an entry: nothing, a conference with video, or one with phone entry points only."""

    NONE = "none"
    VIDEO = "video"
    PHONE = "phone"


class LocationKind(StrEnum):
    """What the location says, reduced to what R5 asks; the text itself is not kept."""

    EMPTY = "empty"
    PHONE = "phone"
    VIDEO = "video"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a copy tells about how people met (R5). `phone_title` is whether the title matched `phone_titles`."""

    room: bool = False
    conference: Conference = Conference.NONE
    place: LocationKind = LocationKind.EMPTY
    phone_title: bool = False


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody invited or organising: an address as `normalise_address` leaves it, and their response."""

    address: str
    response: Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Which meeting a copy is of (R1).

    `series` is a digest of the UID, 16 bytes. `at` is the occurrence's original start, in UTC and whole seconds; `on`
    its date in the series' zone, alone where only that is known. Both None: the meeting does not recur.
    """

    series: bytes
    at: datetime | None = None
    on: date | None = None

    def __post_init__(self) -> None:
        if self.at is not None:
            _require_aware(self.at, "the occurrence's original start")


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """One calendar's record of a meeting.

    `connector` is its name in the config, `calendar` and `entry` the provider's ids, `owner` whose calendar it is.
    `start` and `end` are UTC in whole seconds; of an all-day entry they are midnight UTC of its dates (end exclusive)
    and mean days, in whatever zone the company is. `organiser` is None where the entry names none. `participants` is
    the invitation's list without rooms, equipment and what is no e-mail address. `response` is the owner's own. `title`
    is None where there is none or none may be kept. `changed_at` is the provider's time of the last change, `read_at`
    ours of reading, both with a zone. `flaws` are codes of what the data lacks (R1, R3). `last_reading` is None while
    the calendar is read, and then the moment up to which it was (R2).
    """

    connector: str
    calendar: str
    entry: str
    owner: str
    identity: Identity
    state: CopyState = CopyState.LIVE
    start: datetime
    end: datetime
    all_day: bool = False
    organiser: str | None
    participants: tuple[Participant, ...]
    response: Response
    setting: Setting = Setting()
    title: str | None = None
    changed_at: datetime
    read_at: datetime
    flaws: tuple[str, ...] = ()
    last_reading: datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.start, self.end, self.changed_at, self.read_at):
            if moment.tzinfo is not UTC:
                _require_aware(moment, "a copy's time")

    @property
    def changed(self) -> datetime:
        """When it was last changed (R2); a change later than our reading counts as the time of reading."""
        return min(self.changed_at, self.read_at)

    @property
    def invited(self) -> tuple[str, ...]:
        """The addresses of everybody on the list, and of the organiser."""
        addresses = [participant.address for participant in self.participants]
        return (*addresses, self.organiser) if self.organiser else tuple(addresses)


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """One gathering, merged from its copies (R2).

    `start` and `end` are UTC; of an all-day one they are the midnights of its days in the company's zone. `organiser`
    and `participants` are canonical addresses, each once; no copy names an organiser: None. `title` is None where there
    is none or none was kept. `calendars` are the owners whose copies it was merged from. `flaws`: those of its copies.
    """

    identity: Identity
    start: datetime
    end: datetime
    all_day: bool
    cancelled: bool
    organiser: str | None
    participants: tuple[Participant, ...]
    setting: Setting
    title: str | None
    calendars: tuple[str, ...]
    flaws: tuple[str, ...] = ()

    @property
    def length(self) -> timedelta:
        """Elapsed time, true across clock changes (R8)."""
        return self.end.astimezone(UTC) - self.start.astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The span that is read: entries that end after `start` and start before `end`, both with a zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _require_aware(self.start, "a window's start")
        _require_aware(self.end, "a window's end")
        if self.end <= self.start:
            raise ValueError("a window ends after it starts")

    def holds(self, start: datetime, end: datetime) -> bool:
        """Whether an entry lies in the window; one without duration counts at its start."""
        return start < self.end and (end > self.start or start >= self.start)


def _require_aware(moment: datetime, what: str) -> None:
    if moment.tzinfo is not UTC and moment.utcoffset() is None:
        raise ValueError(f"{what} needs a zone")
