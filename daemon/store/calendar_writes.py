"""What one listing changes in a calendar (`Plan`), and the one call that stores it with the calendar's cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection

from daemon.store.calendars import note_listing
from daemon.store.copy_writer import CopyWriter, Digested
from daemon.store.db.engine import Database
from daemon.store.figures import mark_stale
from daemon.store.forgotten import Forgotten, read_forgotten
from daemon.store.meta import HISTORY_BEGINS, get_meta, set_meta
from scoring.months.month import Month, touched_months


class StaleListing(Exception):
    """Somebody else has read the calendar since this listing began, or it is erased: what was read is of no use."""


class ForgottenMeanwhile(Exception):
    """People have been forgotten since the plan was made, so it may hold them: it has to be made again."""

    def __init__(self, forgotten: Forgotten) -> None:
        super().__init__()
        self.forgotten = forgotten


@dataclass(frozen=True, kw_only=True, slots=True)
class PageChanges:
    """What one page of a listing changes, by entry; what it holds twice stands here once.

    Of `new` the calendar holds nothing, of `changed` another form. `removed` are kept as deleted (R2), `erased` go
    without a trace. They are stored in this order, a page after the other.
    """

    new: tuple[Digested, ...] = ()
    changed: tuple[Digested, ...] = ()
    removed: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed or self.erased)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What one complete listing changes in the store. Holds for the calendar as it is at `turn`, and for nothing later.

    `state` are columns of the calendar's state, the cursor among them. `changes` is read once, and false where nothing
    differs; `unlisted` are live entries that a full listing lacks. `read_at` is when the listing began (UTC).
    `history_begins` is the first month of a full listing, None for one that covers no window; `zone` is the company's.
    """

    calendar_id: int
    turn: int
    state: Mapping[str, object]
    read_at: datetime
    zone: tzinfo
    forgotten: Forgotten
    changes: Iterable[PageChanges] = ()
    unlisted: frozenset[str] = frozenset()
    history_begins: Month | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """How many copies were stored, marked or erased, and the months that are to be scored again for it."""

    changed: int = 0
    months: frozenset[Month] = frozenset()


def apply(database: Database, plan: Plan) -> Applied:
    """Stores a listing with its cursor, in one transaction (`docs/design.md` 2); without changes it waits for nobody.

    Raises `StaleListing`, `ForgottenMeanwhile` and `StoreError`; nothing is stored then.
    """
    if not (plan.changes or plan.unlisted):
        with database.noting() as connection:
            _save_state(connection, plan)
        return Applied()
    with database.writing() as connection:
        _save_state(connection, plan)
        forgotten = read_forgotten(connection)
        if forgotten != plan.forgotten:
            raise ForgottenMeanwhile(forgotten)
        writer = CopyWriter(connection, plan.calendar_id)
        for page in plan.changes:
            writer.upsert(page.new, page.changed)
            writer.mark_deleted(page.removed, plan.read_at)
            writer.erase(page.erased)
        writer.mark_deleted(plan.unlisted, plan.read_at)
        months = touched_months(writer.touched(), plan.zone)
        mark_stale(connection, months)
    return Applied(changed=writer.count, months=frozenset(months))


def _save_state(connection: Connection, plan: Plan) -> None:
    if plan.history_begins is not None:
        begins = get_meta(connection, HISTORY_BEGINS)
        if begins is None or plan.history_begins < begins:
            set_meta(connection, HISTORY_BEGINS, plan.history_begins)
    if not note_listing(connection, plan.calendar_id, plan.turn, **plan.state):
        raise StaleListing
