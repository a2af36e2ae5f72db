"""What every provider's entries become, and what their parsers share: times, texts, a page's last words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from connectors.contract import Page, Problem, anybody
from scoring.meetings.values import Copy
from scoring.months.steps import TITLE_LIMIT

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Whose calendar is read, by id and addresses (the primary first), over which connector and when."""

    connector: str
    calendar: str
    addresses: tuple[str, ...]
    read_at: datetime
    may_keep: Callable[[Iterable[str]], bool] = anybody


class Removed(NamedTuple):
    """A tombstone: it has been deleted, or this occurrence called off."""

    entry: str


class Erased(NamedTuple):
    """Private, no meeting, or nobody from outside (R2 to R4): it may not be kept, nor stay if it was."""

    entry: str


Found = Copy | Removed | Erased | Problem


class Unreadable(Exception):
    """An item that lacks what every entry has. Its text is the reason."""


def page_of(found: Iterable[Found], *, entries: int) -> Page:
    """Items as a page. Of one that stands twice, the form that was changed last counts, else the later."""
    latest: dict[str, Copy | Removed | Erased] = {}
    problems: list[Problem] = []
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        elif not _is_older(one, latest.get(entry := one.entry)):
            latest[entry] = one
    read = latest.values()
    return Page(
        copies=tuple([one for one in read if isinstance(one, Copy)]),
        removed=tuple([one.entry for one in read if isinstance(one, Removed)]),
        erased=tuple([one.entry for one in read if isinstance(one, Erased)]),
        problems=tuple(problems),
        entries=entries,
    )


def _is_older(one: Found, other: Found | None) -> bool:
    return isinstance(other, Copy) and isinstance(one, Copy) and one.changed_at < other.changed_at


class Newest:
    """Drops from a round's pages what an earlier page of it had in a newer form.

    Only an entry that changed while it was listed can come in two forms, so few need to be remembered.
    """

    def __init__(self, now: datetime) -> None:
        self._since = now - timedelta(hours=1)
        self._recent: dict[str, datetime] = {}

    def of(self, page: Page) -> Page:
        """The page without those."""
        newest = tuple(
            one for one in page.copies if one.entry not in self._recent or one.changed_at >= self._recent[one.entry]
        )
        self._recent.update((one.entry, one.changed_at) for one in newest if one.changed_at > self._since)
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


def text_of(value: Any) -> str:
    """A text for people, without control characters and cut where titles are (`docs/design.md` 12)."""
    return _CONTROL.sub(" ", value[: 2 * TITLE_LIMIT]).strip()[:TITLE_LIMIT] if isinstance(value, str) else ""
