"""Does it work? Config, store and every connector tried for real: the roster, one calendar, one that must be refused.

Nothing is stored of what is read here.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from connectors.contract import Calendars, Person, Reading, Roster, Sender
from connectors.errors import ConnectorError, SkipCalendar
from connectors.settings import ConnectorSettings
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from scoring.meetings.address_book import normalise_address
from scoring.meetings.values import Window

_LEAST_FREE_BYTES = 200_000_000
_TRIES = 3  # calendars tried until one can be read: a single person may have none


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One line of `rapport check`. `cause` and `remedy` are None when it is well; `note` says what was seen."""

    subject: str
    check: str
    ok: bool
    note: str = ""
    cause: str | None = None
    remedy: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As `rapport check --format json` has it (docs/interface.md)."""
        return {
            "subject": self.subject,
            "check": self.check,
            "ok": self.ok,
            "cause": self.cause,
            "remedy": self.remedy,
            "note": self.note or None,
        }


def check_store(database: Database) -> Iterator[Check]:
    """Whether the store can be written, and whether its disk has room."""
    try:
        with database.writing():
            pass
    except StoreError as error:
        yield Check(subject="store", check="write", ok=False, cause=error.what, remedy=error.remedy)
        return
    yield Check(subject="store", check="write", ok=True, note=database.url.get_backend_name())
    if database.file is not None:
        free = shutil.disk_usage(database.file.parent).free
        enough = free >= _LEAST_FREE_BYTES
        yield Check(
            subject="store",
            check="disk",
            ok=enough,
            note=f"{free // 1_000_000:,} MB free",
            cause=None if enough else f"only {free // 1_000_000} MB are free on the store's disk",
            remedy=None if enough else "Free some space, or move the store (store.url) to another disk.",
        )


def check_clock(ahead_seconds: float | None) -> Check:
    """Whether the clock agrees with those of the providers that were just asked; None if none of them told the time."""
    if ahead_seconds is None:
        return Check(subject="config", check="clock", ok=True, note="not known: nobody who was asked told the time")
    if not ahead_seconds:
        return Check(subject="config", check="clock", ok=True, note="within five minutes of what was asked")
    word = "ahead of" if ahead_seconds > 0 else "behind"
    return Check(
        subject="config",
        check="clock",
        ok=False,
        cause=f"this machine's clock is {abs(ahead_seconds) / 60:.0f} minutes {word} the providers'",
        remedy="Set it, by NTP for instance; until then digests, retention and the end of booked meetings wait.",
    )


def check_connector(connector: Calendars, settings: ConnectorSettings, now: datetime) -> Iterator[Check]:
    """The roster, one real calendar, and the calendar that must be refused."""
    try:
        roster = connector.people()
    except ConnectorError as error:
        yield _failed(connector.name, "people", error)
        return
    count = len(roster.people)
    yield Check(subject=connector.name, check="people", ok=True, note=f"{count} calendar{'' if count == 1 else 's'}")
    for person, reason in roster.unreadable:
        yield Check(subject=connector.name, check="people", ok=True, note=f"never read: {person.address}: {reason}")
    yield _one_calendar(connector, roster, now)
    if settings.check_denied:
        yield _denied(connector, settings.check_denied, roster, now)


def _one_calendar(connector: Calendars, roster: Roster, now: datetime) -> Check:
    """The first calendars are tried in turn; the last trouble is told when none of them can be read."""
    failed = Check(
        subject=connector.name,
        check="calendar",
        ok=False,
        cause="there is nobody whose calendar could be read",
        remedy="Check the connector's calendars, files or feeds.",
    )
    for person in roster.people[:_TRIES]:
        try:
            _read_a_little(connector, person, now)
        except ConnectorError as error:
            failed = _failed(connector.name, "calendar", error)
        else:
            return Check(subject=connector.name, check="calendar", ok=True, note=f"read {person.address}")
    return failed


def _denied(connector: Calendars, address: str, roster: Roster, now: datetime) -> Check:
    """The provider itself must refuse it; that we do not list it proves nothing."""
    wanted = normalise_address(address) or address
    known = (person for person in roster.people if wanted in person.addresses)
    person = next(known, Person(id=wanted, addresses=(wanted,)))
    try:
        _read_a_little(connector, person, now)
    except SkipCalendar as error:
        return Check(subject=connector.name, check="denied", ok=True, note=f"{address} is refused: {error.what}")
    except ConnectorError as error:
        return _failed(connector.name, "denied", error)
    return Check(
        subject=connector.name,
        check="denied",
        ok=False,
        cause=f"the calendar of {address} can be read, though check_denied says that it must not",
        remedy="Limit the app's access in the provider's console; the connector's own list limits nothing there.",
    )


def check_sender(subject: str, sender: Sender, recipients: Collection[str], about: str = "") -> Iterator[Check]:
    """What sending to these recipients needs, tried without sending. `about` stands before what was seen."""
    for probe in sender.probe(recipients):
        if probe.error is not None:
            yield _failed(subject, probe.check, probe.error)
        else:
            note = ": ".join(filter(None, (about, probe.note)))
            yield Check(subject=subject, check=probe.check, ok=True, note=note)


def _read_a_little(connector: Calendars, person: Person, now: datetime) -> None:
    window = Window(start=now - timedelta(days=1), end=now + timedelta(days=1))
    for _ in islice(connector.pull(person, Reading(cursor=None, window=window, now=now)), 1):
        return


_NAMED = {
    "credentials": "credentials",
    "clock": "credentials",
    "token": "credentials",
    "no_app": "credentials",
    "no_tenant": "credentials",
    "wrong_cloud": "credentials",
    "consent": "permissions",
    "unauthorized_client": "delegation",
    "not_delegated": "delegation",
    "policy": "delegation",
    "insufficient": "scopes",
    "api_off": "api",
    "not_admin": "directory",
    "no_admin": "directory",
    "no_group": "directory",
}
"""What an error's code is about, wherever it showed: the line is named after what has to be put right."""


def _failed(subject: str, check: str, error: ConnectorError) -> Check:
    named = _NAMED.get(error.code, check)
    return Check(
        subject=subject, check=named, ok=False, cause=error.what, remedy=error.remedy or "Try again in a while."
    )
