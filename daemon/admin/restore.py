"""Going back to a backup (`docs/design.md` 7, 10): nothing is sent twice, whoever was forgotten since stays so.

The backup is copied and made ready beside the store first; then it takes the store's place in one step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from daemon.admin.backup import copy_portable, service_stopped
from daemon.admin.forget import erase_and_freeze
from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.digests.audience import MANAGER, portfolio
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.service.schedule import digest_due, next_after, set_digest_due
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError, StoreNewer
from daemon.store.deliveries import claimed_deliveries, doubt, doubt_open, newest_moment
from daemon.store.figures import bring_frozen, frozen_figures
from daemon.store.files.known_backups import backups_written, remember_backup
from daemon.store.files.sqlite_file import (
    compact,
    copy_connected,
    copy_of,
    discard,
    held_alone,
    is_damaged,
    make_private,
    move_aside,
    put_in_place,
    replace_contents,
    stamped,
    store_in,
    unfinished,
)
from daemon.store.files.transfer import copy_rows, erase_rows
from daemon.store.forgotten import NOBODY, Forgotten, read_forgotten, save_forgotten
from daemon.store.schema import REVISIONS, bring_up_to_date, check_revision, migrate
from daemon.store.told import settle_telling
from scoring.months.figures import Figures
from scoring.months.month import Month, begins, month_of, shift

_DOUBT = "the store was restored from an older backup, so it may have gone out since; `--again` sends it once more"


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedOver:
    """What the store that is replaced still has to say: whom it has forgotten, the figures that are frozen for it, and
    where its backups are."""

    forgotten: Forgotten = NOBODY
    backups: tuple[Path, ...] = ()
    frozen: Mapping[Month, Mapping[str, Figures | None]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came of it. `as_of` is when anything was last done in the backup (UTC), None where nothing ever was.

    `doubted` counts deliveries that are unknown now, `forgotten_again` rows. `replaced` is where the store is that was
    replaced, None where there was none.

    `knows_forgotten` is False where the replaced store could not be read, and so whom it has forgotten is not known.
    """

    as_of: datetime | None
    doubted: int
    forgotten_again: int
    replaced: Path | None
    knows_forgotten: bool = True


def restore(database: Database, config: Config, backup: Path, now: datetime) -> Restored:
    """Puts a backup in the store's place. Raises `StoreError`, also while another process has the store open."""
    if database.file is None:
        return _into_server(database, config, backup, now)
    file = database.file
    if file.exists() and backup.exists() and file.samefile(backup):
        raise StoreError(f"{backup} is the store itself", "Name a backup.")
    with _copied(backup, unfinished(file)) as copy:
        if not file.exists():
            restored = _prepared(copy, config, CarriedOver(), now)
            put_in_place(copy, file)
            return replace(restored, knows_forgotten=False)
        if is_damaged(file):
            restored = _prepared(copy, config, CarriedOver(), now)
            aside = move_aside(file)
            put_in_place(copy, file)
            return replace(restored, replaced=aside, knows_forgotten=False)
        return _into_file(database, config, copy, now)


def _into_file(database: Database, config: Config, copy: Path, now: datetime) -> Restored:
    """The store is held alone from before it is copied aside until it holds the backup."""
    file = database.file
    assert file is not None  # noqa: S101  # for the type checker
    _refuse_others(database)
    with service_stopped(database):
        database.close()  # our own connections would be others too
        with held_alone(file) as held:
            aside = stamped(file, "replaced")
            copy_connected(held, aside)
            known = _carried_over_from(aside)
            restored = _prepared(copy, config, known or CarriedOver(), now)
            replace_contents(copy, held)
    return replace(restored, replaced=aside, knows_forgotten=known is not None)


def _refuse_others(database: Database) -> None:
    """A newer version's store may be replaced by an older one, but somebody else's database may not."""
    with suppress(StoreNewer):
        check_revision(database)


def _into_server(database: Database, config: Config, backup: Path, now: datetime) -> Restored:
    """The same in one transaction of the server; what is replaced is kept as a file beside the backup."""
    bring_up_to_date(database)
    aside = stamped(backup.with_name("rapport.db"), "replaced")
    with (
        service_stopped(database),
        tempfile.TemporaryDirectory(prefix="rapport-") as folder,
        _copied(backup, Path(folder) / "rapport.db") as copy,
    ):
        copy_portable(database, aside)
        with database.writing() as target:
            known = _carried_over(target, aside)
            restored = _prepared(copy, config, known, now)
            erase_rows(target)
            ready = store_in(copy)
            try:
                with ready.reading() as source:
                    copy_rows(source, target)
            finally:
                ready.close()
    return replace(restored, replaced=aside)


@contextmanager
def _copied(backup: Path, place: Path) -> Iterator[Path]:
    """A copy of the backup in a file of ours alone, gone at the end unless it has become the store."""
    try:
        make_private(place)
        copy_of(backup, place)
        yield place
    finally:
        discard(place)


def _carried_over(connection: Connection, *more: Path) -> CarriedOver:
    return CarriedOver(
        forgotten=read_forgotten(connection),
        backups=(*backups_written(connection), *more),
        frozen=frozen_figures(connection),
    )


def _carried_over_from(aside: Path) -> CarriedOver | None:
    """None for a store that another version wrote in a way that cannot be read here."""
    replaced = store_in(aside)
    try:
        with replaced.reading() as connection:
            return _carried_over(connection)
    except StoreError:
        return None
    finally:
        replaced.close()


def _prepared(copy: Path, config: Config, known: CarriedOver, now: datetime) -> Restored:
    """Makes the copied backup ready: of this version, without the forgotten, nothing due that may have gone out."""
    store = store_in(copy)
    try:
        found = check_revision(store)
        if found is None:
            raise StoreError("the backup holds no store", "Name another backup; nothing was changed.")
        if found != REVISIONS[-1]:
            migrate(store)
        again = _forget_again(store, config, known, now)
        with store.writing() as connection:
            for backup in known.backups:
                remember_backup(connection, backup)
            context = read_scoring_context(connection, config)
            as_of = _as_of(connection)
            doubted = _doubt_what_was_due(connection, context, as_of or now, now)
        if again:
            compact(store)
    finally:
        store.close()
    return Restored(as_of=as_of, doubted=doubted, forgotten_again=again, replaced=None)


def _forget_again(store: Database, config: Config, known: CarriedOver, now: datetime) -> int:
    """How many rows named those who were forgotten since; the figures frozen for them come with them."""
    with store.reading() as connection:
        new = known.forgotten.hashes - read_forgotten(connection).hashes
        context = read_scoring_context(connection, config)
    if not new and not known.frozen:
        return 0
    with store.writing() as connection:
        bring_frozen(connection, known.frozen)
    rescore(store, context, now)
    with store.writing() as connection:
        save_forgotten(connection, known.forgotten)
        found = erase_and_freeze(connection, config, known.forgotten, now)
    return sum(found.counts().values())


def _as_of(connection: Connection) -> datetime | None:
    """When anything was last done with the store."""
    tries = [calendar.last_try for calendar in read_calendars(connection) if calendar.last_try is not None]
    return max([*tries, *filter(None, [newest_moment(connection)])], default=None)


def _doubt_what_was_due(connection: Connection, context: ScoringContext, since: datetime, now: datetime) -> int:
    """Every delivery that was open in the backup, or has become due since, is unknown (`docs/design.md` 10)."""
    for number, _, _ in claimed_deliveries(connection):
        settle_telling(connection, number, now, was_told=True)
    doubted = doubt_open(connection, now, _DOUBT)
    for digest in context.config.digests:
        at = digest_due(connection, digest, context, since)
        while at <= now:
            month = month_of(at, context.zone)
            doubted += doubt(connection, digest.name, shift(month, -1), _recipients(digest, context), now, _DOUBT)
            at = next_after(digest.schedule, max(at, begins(shift(month, 1), context.zone)), context)
        set_digest_due(connection, digest, next_after(digest.schedule, now, context))
    return doubted


def _recipients(digest: DigestTable, context: ScoringContext) -> list[str]:
    """Whoever the config sends it to."""
    named = [recipient for recipient in digest.to if recipient != MANAGER]
    managers = (
        [client.manager for client in portfolio(context, digest.clients) if client.manager]
        if MANAGER in digest.to
        else []
    )
    return [*named, *(f"email:{manager}" for manager in dict.fromkeys(managers))]
