"""What a listing changes in the store: compared with what is stored, page by page. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from connectors.contract import Done, Page
from daemon.store.calendar_writes import PageChanges, Plan
from daemon.store.calendars import Calendar
from daemon.store.copies import StoredCopy
from daemon.store.forgotten import Forgotten
from daemon.store.packing import copy_digest
from scoring.meetings.values import CopyState, Window
from scoring.months.month import month_of


class Comparison:
    """A calendar's listing against its stored copies. Pages are given in their order; what came last counts.

    An entry outside of `window` is taken only if it is stored already: then it has moved out.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._planned: dict[str, StoredCopy | None] = {}  # by the pages before: an entry may come again in one listing
        self._named: set[str] = set()  # those that stay as they are

    def changes(self, page: Page, stored: Mapping[str, StoredCopy]) -> PageChanges:
        """What is new, changed or gone with this page. `stored` holds those of its entries that are stored."""
        before = {entry: self._planned.get(entry, stored.get(entry)) for entry in entries_of(page)}
        new, changed = [], []
        for copy in {copy.entry: copy for copy in page.copies}.values():
            known = before[copy.entry]
            if known is None and not self._window.holds(copy.start, copy.end):
                continue
            digest = copy_digest(copy)
            if known is None:
                new.append((copy, digest))
            elif known.digest != digest:
                changed.append((copy, digest))
            else:
                self._named.add(copy.entry)
        found = PageChanges(
            new=tuple(new),
            changed=tuple(changed),
            removed=tuple(entry for entry in page.removed if _is_live(before[entry])),
            erased=tuple(entry for entry in page.erased if before[entry] is not None),
        )
        self._planned.update((copy.entry, StoredCopy(digest, copy.state)) for copy, digest in (*new, *changed))
        self._planned.update((entry, StoredCopy(b"", CopyState.DELETED)) for entry in found.removed)
        self._planned.update((entry, None) for entry in found.erased)
        self._named.update(problem.entry for problem in page.problems if problem.entry is not None)
        return found

    def unlisted(self, live: Iterable[str]) -> frozenset[str]:
        """Which of the `live` entries no page has named; one that cannot be read is there nevertheless."""
        return frozenset(entry for entry in live if entry not in self._planned and entry not in self._named)


def is_suspicious(unlisted: int, live: int) -> bool:
    """Whether a full listing lacks so many of the live entries that a second one must agree (`docs/design.md` 3)."""
    return unlisted > 0 and (unlisted >= live or (unlisted > 20 and unlisted * 2 > live))


def entries_of(page: Page) -> list[str]:
    """The entries of which a page says anything that could be stored."""
    return [*(copy.entry for copy in page.copies), *page.removed, *page.erased]


def _is_live(copy: StoredCopy | None) -> bool:
    return copy is not None and copy.state is CopyState.LIVE


def plan(
    calendar: Calendar,
    done: Done,
    changes: Iterable[PageChanges],
    unlisted: Iterable[str],
    *,
    query: str,
    now: datetime,
    zone: tzinfo,
    forgotten: Forgotten,
) -> Plan:
    """What a complete listing that began at `now` stores: its changes, and that the calendar is read so far."""
    state: dict[str, object] = {
        "cursor": done.cursor,
        "query": query,
        "last_try": now,
        "last_success": now,
        "held_at": None,
        "error_code": None,
        "error": None,
        "standing": False,
        "again_at": None,
        "kills": 0,
    }
    if done.read_through is not None:
        state["read_through"] = done.read_through
    if done.full:
        state |= {"last_full": now, "window_start": done.window.start, "window_end": done.window.end}
    return Plan(
        calendar_id=calendar.id,
        turn=calendar.turn,
        state=state,
        read_at=now,
        zone=zone,
        forgotten=forgotten,
        changes=changes,
        unlisted=frozenset(unlisted),
        history_begins=month_of(done.window.start, zone) if done.full else None,
    )
