"""Small builders for the rules' values: each fills in what a test is not about.

Northwind is ours (Jo, Sam and Kim), Acme and Beta are clients. Times are written `2026-10-05 09:00` and mean UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scoring.meetings.address_book import AddressBook, Client, Company
from scoring.meetings.identity import identify
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Copy, CopyState, Identity, Meeting, Participant, Response, Setting
from scoring.months.counting import Judged, Reason, judge
from scoring.months.figures import Figures
from scoring.months.history import History
from scoring.months.month import Month
from scoring.months.steps import Rules, Step

JO = "jo@northwind.example"
SAM = "sam@northwind.example"
KIM = "kim@northwind.example"
ANA = "ana@acme.example"
BEN = "ben@acme.example"
CAT = "cat@acme.example"
BEA = "bea@beta.example"
PAT = "pat@mail.example"
ROOM = "no-reply@rooms.example"

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
RULES = Rules()
COMPANY = Company(domains=("northwind.example",))
ACME = Client(name="Acme", domains=("acme.example",), manager=JO, tier="key")
BETA = Client(name="Beta", domains=("beta.example",), manager=SAM, tier="key")
BOOK = AddressBook(COMPANY, [ACME, BETA], owners=[JO, SAM, KIM])

People = Mapping[str, str] | Iterable[str]
"""Addresses with their responses, or addresses that have all accepted."""


def at(text: str) -> datetime:
    """`2026-10-05 09:00`, or `2026-10-05`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def people(listed: People) -> tuple[Participant, ...]:
    """Participants; an address on its own has accepted."""
    pairs = listed.items() if isinstance(listed, Mapping) else [(one, "accepted") for one in listed]
    return tuple(Participant(address, Response(response)) for address, response in pairs)


def copy(
    owner: str = JO,
    listed: People = (JO, ANA),
    *,
    response: str = "accepted",
    organiser: str | None = JO,
    uid: str = "m1@northwind.example",
    original: str | None = None,
    state: CopyState = CopyState.LIVE,
    start: str = "2026-10-05 09:00",
    minutes: float = 60,
    changed: str = "2026-09-01 12:00",
    read: str = "2026-11-30 12:00",
    connector: str = "workspace",
    calendar: str | None = None,
    entry: str = "e1",
    **fields: Any,
) -> Copy:
    """A copy in Jo's calendar of an hour with Ana that Jo called, unless told otherwise."""
    begins = at(start)
    return Copy(
        connector=connector,
        calendar=calendar or owner,
        entry=entry,
        owner=owner,
        identity=identify(uid, at=at(original) if original else None),
        state=state,
        start=begins,
        end=begins + timedelta(minutes=minutes),
        organiser=organiser,
        participants=people(listed),
        response=Response(response),
        changed_at=at(changed),
        read_at=at(read),
        **fields,
    )


def all_day_copy(owner: str = JO, *, on: str, until: str, **fields: Any) -> Copy:
    """A copy of an all-day entry; `until` is the first day after it."""
    days = at(until) - at(on)
    return copy(owner, start=on, minutes=days.total_seconds() / 60, all_day=True, **fields)


def merged(*copies: Copy, book: AddressBook = BOOK, zone: ZoneInfo = LONDON) -> Meeting:
    """The one meeting that the copies make."""
    (found,) = meetings_of(copies, canonical=book.canonical, zone=zone)
    return found


def responses(found: Meeting) -> dict[str, str]:
    """The participants of a meeting with their responses."""
    return {one.address: one.response.value for one in found.participants}


def meeting(
    listed: People = (JO, ANA),
    *,
    start: str = "2026-10-05 09:00",
    minutes: float = 60,
    organiser: str | None = JO,
    cancelled: bool = False,
    all_day: bool = False,
    setting: Setting | None = None,
    title: str | None = None,
    key: bytes | None = None,
    calendars: tuple[str, ...] = (JO,),
    flaws: tuple[str, ...] = (),
) -> Meeting:
    """An hour of Jo with Ana, both accepted, unless told otherwise."""
    begins = at(start)
    participants = people(listed)
    return Meeting(
        identity=Identity(series=key or repr((start, minutes, participants, title)).encode()),
        start=begins,
        end=begins + timedelta(minutes=minutes),
        all_day=all_day,
        cancelled=cancelled,
        organiser=organiser,
        participants=participants,
        setting=setting or Setting(),
        title=title,
        calendars=calendars,
        flaws=flaws,
    )


def judged(found: Meeting, client: str = "Acme", *, rules: Rules = RULES, now: datetime = NOW) -> Judged:
    """The meeting as a client's."""
    (one,) = (one for one in judge(found, BOOK, rules, now) if one.client == client)
    return one


def figures(
    month: str,
    hours: float = 0,
    *,
    client: str = "Acme",
    steps: Mapping[Step, int] | None = None,
    confirmed: Mapping[Step, int] | None = None,
    phone: int = 0,
    seconds: int | None = None,
    largest: float = 0,
    booked: int = 0,
    **fields: Any,
) -> Figures:
    """A month's figures. Hours without steps come from one long meeting with one person."""
    man_seconds = round(hours * 3600) if seconds is None else seconds
    found = dict(steps) if steps is not None else ({Step.LONG_ONE: 1} if man_seconds else {})
    if phone:
        found[Step.PHONE] = phone
    return Figures(
        client=client,
        month=Month(month),
        steps=found,
        confirmed_steps=found if confirmed is None else confirmed,
        man_seconds=man_seconds,
        largest_seconds=round(largest * 3600),
        set_aside={Reason.NOT_YET: booked} if booked else {},
        **fields,
    )


def history(
    *months: Figures,
    begins: str = "2024-11",
    running: str = "2026-11",
    quarterly: bool = False,
    first_met: str | None = "found",
    client: str = "Acme",
    rules: Rules = RULES,
) -> History:
    """A client's kept months; the first month met is found in them unless told otherwise."""
    met = min((one.month for one in months if one.meetings), default=None)
    return History(
        client=client,
        quarterly=quarterly,
        begins=Month(begins),
        running=Month(running),
        months={one.month: one for one in months},
        first_met=met if first_met == "found" else Month(first_met) if first_met else None,
        rules=rules,
    )


def day(text: str) -> date:
    """`2026-10-05`."""
    return date.fromisoformat(text)


def local(text: str, zone: ZoneInfo) -> datetime:
    """A wall clock's time in a zone, as the instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def midnight(text: str, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins in a zone."""
    return datetime.combine(day(text), time(), zone).astimezone(UTC)
