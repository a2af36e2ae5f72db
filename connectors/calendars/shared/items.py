"""What every provider's events become, and what their parsers share: times, zones, texts, a page's last words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from connectors.contract import Page, Person, Problem, Reading, anybody
from scoring.meetings.values import Copy
from scoring.months.steps import TITLE_LIMIT

# With half a surrogate pair, which JSON may hold and no database takes (`docs/providers.md` B5).
_UNTAMED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Whose calendar is read, by id and addresses (the primary first), over which connector and when (UTC).

    `may_keep` is as in `Reading`.
    """

    connector: str
    calendar: str
    addresses: tuple[str, ...]
    read_at: datetime
    may_keep: Callable[[Iterable[str]], bool] = anybody

    @classmethod
    def of(cls, connector: str, person: Person, reading: Reading) -> Self:
        return cls(
            connector=connector,
            calendar=person.id,
            addresses=person.addresses,
            read_at=reading.now,
            may_keep=reading.may_keep,
        )


class Removed(NamedTuple):
    """A tombstone: it has been deleted, or this occurrence called off."""

    entry: str


class Erased(NamedTuple):
    """Private, no meeting, or nobody from outside (R2 to R4): it may not be kept, nor stay if it was."""

    entry: str


Found = Copy | Removed | Erased | Problem


class Unreadable(Exception):
    """An item that lacks what every event has. Its text is the reason."""


def read_or_problem(provider: str, entry: str, read: Callable[[], Found]) -> Found:
    """What `read` makes of an item that has this entry; a problem where the item is not as it should be."""
    try:
        return read()
    except Unreadable as error:
        reason = str(error)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        reason = f"it is not as {provider} documents entries"
    return Problem(where=f"entry {entry[:100]}", reason=reason, entry=entry)


def page_of(found: Iterable[Found], *, entries: int) -> Page:
    """Items as a page. Of one that stands twice, the form that was changed last counts, else the later."""
    latest: dict[str, Copy | Removed | Erased] = {}
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Problem):
            problems.append(item)
        elif not _is_older(item, latest.get(entry := item.entry)):
            latest[entry] = item
    read = latest.values()
    return Page(
        copies=tuple([item for item in read if isinstance(item, Copy)]),
        removed=tuple([item.entry for item in read if isinstance(item, Removed)]),
        erased=tuple([item.entry for item in read if isinstance(item, Erased)]),
        problems=tuple(problems),
        entries=entries,
    )


def _is_older(item: Found, known: Found | None) -> bool:
    return isinstance(known, Copy) and isinstance(item, Copy) and item.changed_at < known.changed_at


class Newest:
    """Drops from a listing's pages what an earlier page of it had in a newer form.

    Only an event that changed while it was listed can come in two forms, so few need to be remembered.
    """

    def __init__(self, now: datetime) -> None:
        self._since = now - timedelta(hours=1)
        self._recent: dict[str, datetime] = {}

    def of(self, page: Page) -> Page:
        """The page without those."""
        newest = tuple(
            copy
            for copy in page.copies
            if copy.entry not in self._recent or copy.changed_at >= self._recent[copy.entry]
        )
        self._recent.update((copy.entry, copy.changed_at) for copy in newest if copy.changed_at > self._since)
        return page if len(newest) == len(page.copies) else replace(page, copies=newest)


def moment_of(text: str) -> datetime:
    """A time with an offset, in UTC and whole seconds."""
    return whole(datetime.fromisoformat(text))


def whole(moment: datetime) -> datetime:
    """The moment in UTC and whole seconds."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=0) if moment.microsecond else moment


def midnight(text: str) -> datetime:
    """A date as midnight UTC, which stands for the day in whatever zone."""
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@lru_cache(maxsize=1_000)
def zone_of(name: str) -> ZoneInfo | None:
    """A zone by its IANA name; None for what is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return None


def text_of(value: Any) -> str:
    """A text for people, without control characters and half ones, and cut where titles are (`docs/design.md` 12)."""
    return _UNTAMED.sub(" ", value[: 2 * TITLE_LIMIT]).strip()[:TITLE_LIMIT] if isinstance(value, str) else ""
