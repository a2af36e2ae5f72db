"""What a calendar and a sender promise, and the values that pass between them and the service.

A package in `connectors/calendars/` is a `kind`: its name. It hands on

- `Settings`, a pydantic model of its `[[connectors]]` table (built on `connectors.settings.ConnectorSettings`), and
- `connect(settings, context) -> Calendars`.

`shared`, which hands on neither, is no kind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from connectors.errors import ConnectorError
from scoring.meetings.values import Copy, Window


class Allowance(Protocol):
    """Requests that may be made, given out one by one."""

    def take(self) -> float:
        """Takes one, and answers how many seconds to wait before using it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What every connector is given: where relative paths begin, the company's zone, and how to reach the network.

    `shared` is asked, by a connector's name and its requests a minute, for the allowance that it has together with
    other processes; None where this process is alone.
    """

    folder: Path
    zone: ZoneInfo
    company_domains: tuple[str, ...] = ()
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    timeout_seconds: float = 30.0
    shared: Callable[[str, int], Allowance] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whose calendar can be read. `id` stays when the address changes; the first address is the primary."""

    id: str
    addresses: tuple[str, ...]

    @property
    def address(self) -> str:
        return self.addresses[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Whose calendars are to be read, those that never can be (with the reason), and the groups that are nobody.

    `excluded` are addresses whose calendars are erased if they were read before (R2). `from_directory`: a directory or
    a group named the people, so an answer that lacks over a tenth of them is not believed for a day (docs/design.md 3).
    """

    people: tuple[Person, ...]
    unreadable: tuple[tuple[Person, str], ...] = ()
    excluded: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    from_directory: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """An entry that could not be read: where it stands and why. Names no title and no person.

    `entry` is its id where it has one: it is there, so what is held of it stays.
    """

    where: str
    reason: str
    entry: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of a round. `removed` are tombstones; `erased` may no longer be kept (private, no meeting at all)."""

    copies: tuple[Copy, ...] = ()
    removed: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    entries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The end of a complete, error-free round of one calendar, always the last that `pull` yields.

    `full`: everything in `window` was listed, so what was not listed is gone (docs/design.md 3). `read_through` is the
    moment up to which the calendar is now known (R11); None leaves it as it was.
    """

    cursor: str
    full: bool
    window: Window
    read_through: datetime | None
    requests: int = 0


def anybody(addresses: Iterable[str]) -> bool:  # noqa: ARG001  # what `Reading.may_keep` says unless told otherwise
    """Every meeting may be kept, whoever takes part."""
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a round is asked for. `cursor` is from the last `Done`, None when there is none that can be gone on from.

    `full`: list everything, as `Done.full` says, even where the cursor still holds (the scheduled reconciliation, or a
    listing that has to agree with one before). `held` answers with the entries of this calendar that are kept as live,
    for a provider whose tombstones say too little. `titles_of` changes when another set of titles may be kept; a
    calendar that costs nothing to read again should. `may_keep` says whether a meeting with these people (addresses as
    `normalise_address` leaves them) may be kept at all: one without outsiders need not be read further, and is erased.
    """

    cursor: str | None
    window: Window
    now: datetime
    full: bool = False
    held: Callable[[], Collection[str]] = tuple
    may_keep: Callable[[Iterable[str]], bool] = anybody
    titles_of: str = ""


class Calendars(Protocol):
    """A connector: knows whose calendars there are, and reads each of them, as often as asked, from several threads.

    Errors are those of `connectors.errors`; anything else is a defect. `requests` of a round are counted by `Done`,
    those for the roster by `roster_requests`.
    """

    name: str
    roster_requests: int

    def query(self) -> str:
        """A fingerprint of what is asked for. When it changes, every calendar is listed in full."""
        ...

    def people(self) -> Roster:
        """Whose calendars are to be read now. Raises `StopConnector` or `RetryLater`."""
        ...

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        """One round of one calendar: pages, then `Done`, full if `reading.full` is or `reading.cursor` is None.

        Raises `CursorExpired` (list again in full), `SkipCalendar`, `RetryLater` or `StopConnector`; what was yielded
        before is then discarded. Copies come with a title whatever the config says; the service drops it.
        """
        ...

    def close(self) -> None:
        """Lets go of connections and helpers."""
        ...


Block = Mapping[str, Any]
"""A block of Slack's Block Kit, as JSON has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedDigest:
    """A digest ready to go: its subject, its text, its HTML, and files by name (charts, CSV).

    `blocks` is the message for Slack and `thread` what follows below it, message by message; `attached` names the files
    that go there too, each with what it shows. `headline` is the verdict in a sentence, for a notification.
    """

    subject: str
    text: str
    html: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    thread: tuple[tuple[Block, ...], ...] = ()
    attached: Mapping[str, str] = field(default_factory=dict)
    headline: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """To whom a message goes, and as which one.

    `to` is a recipient as in `[[digests]] to`, without its service: an address, `#channel`, `@address`. `key` names the
    delivery: the same at every try, another one for `--again`. `topic` is the digest's name, for those who sort mail.
    `at` is when it is sent.
    """

    to: str
    key: str
    topic: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Where a digest went: an address and the message's id, a channel and its message, or the paths written."""

    where: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One thing that was tried for `rapport check`: `error` is None when it works, `note` says what was seen."""

    check: str
    note: str = ""
    error: ConnectorError | None = None


class Sender(Protocol):
    """Takes a rendered digest to one recipient.

    A module in `connectors/senders/` holds `connect(settings, context) -> Sender` and its `Settings`.
    """

    def send(self, digest: RenderedDigest, envelope: Envelope) -> Receipt:
        """Sends it once, without trying again.

        Raises `RetryLater` or `StopConnector` when it certainly did not go out, `Undeliverable` when it never will,
        `OutcomeUnknown` when it may have gone out.
        """
        ...

    def probe(self, recipients: Collection[str]) -> Iterator[Probe]:
        """Tries what sending to these recipients needs (signing in, permissions, channels), sending nothing."""
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
