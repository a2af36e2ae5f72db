"""What a calendar and a sender promise, and the values that pass between them and the service.

A package in `connectors/calendars/` that exports these two is a `kind`, by its folder's name:

- `Settings`, a pydantic model of its `[[connectors]]` table (built on `connectors.settings.ConnectorSettings`), and
- `connect(settings, context) -> Calendars`.

Every moment that passes here is aware of its zone; what is kept of it is the instant.
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
    """What every connector is given: where relative paths begin (`folder`), the company's zone, and the network.

    `company_domains` are lower-case and in ASCII. `ca_file` is PEM, None for the system's CAs alone; `proxy` an
    address, None for what the environment says. `timeout_seconds` bounds one step of a request; a whole answer has
    twice that. `shared` is asked, by a connector's name and its requests a minute, for the allowance that it has
    together with other processes; None where this process is alone.
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
    """Somebody whose calendar can be read. `id` is the provider's, and stays when the address changes.

    `addresses` has at least one, the primary first, as `normalise_address` leaves them.
    """

    id: str
    addresses: tuple[str, ...]

    @property
    def address(self) -> str:
        """The primary one."""
        return self.addresses[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Whose calendars are to be read, those that never can be (with the reason), and the groups that are nobody.

    `groups` are addresses that stand for several people. `excluded` are addresses whose calendars are erased if they
    were read before (R2). `from_directory`: a directory or
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

    `entry` is its id in its calendar, None where it cannot be told: it is there, so what is held of it stays.
    """

    where: str
    reason: str
    entry: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of what is listed of one calendar; all ids are those of `Copy.entry`.

    `removed` are tombstones; `erased` may no longer be kept (private, no meeting at all). `entries` is how many were
    looked at for this page, whatever became of them.
    """

    copies: tuple[Copy, ...] = ()
    removed: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    entries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The end of a complete listing of one calendar without an error, always the last that `pull` yields.

    `cursor` is the connector's own text, for the next `Reading`; it holds no secret. `window` is what was asked for.

    `full`: everything in `window` was listed, so what was not listed is gone (docs/design.md 3). `read_through` is the
    moment up to which the calendar is now known (R11); None leaves it as it was. `requests` is how many it took.
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
    """What is asked of one calendar: what lies in `window`, seen from `now`, the moment that the run began.

    `cursor` is from the last `Done`, None when there is none that can be gone on from.

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

    Errors are those of `connectors.errors`; anything else is a defect. `name` is that of its `[[connectors]]` table.
    Requests for a calendar are counted by `Done`; `roster_requests` are those of the last `people`.
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
        """Lists one calendar: pages, then `Done`, full if `reading.full` is or `reading.cursor` is None.

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
    """A digest ready to go: its subject, its text, its HTML, and files by name (charts, CSV; no path).

    `blocks` is the message for Slack and `thread` what follows below it, message by message; `attached` names the files
    that go there too, each with what it shows. `headline` is the verdict in a sentence, for a notification; empty
    where there is none, as `blocks`, `thread` and `attached` are for a message that is text alone.
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
    """One thing that was tried for `rapport check`: a short stable word, or the recipient that was looked at.

    `error` is None when it works; `note` says what was seen, and may be empty.
    """

    check: str
    note: str = ""
    error: ConnectorError | None = None


class Sender(Protocol):
    """Takes a rendered digest to one recipient.

    A package in `connectors/senders/` exports `connect(settings, context) -> Sender` and its `Settings`.
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
