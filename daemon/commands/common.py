"""What commands share: the config found and loaded, the store opened, the moment taken."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.contract import Calendars
from connectors.settings import ConnectorSettings
from daemon.commands.usage import UsageError
from daemon.config.load import find, load
from daemon.config.model import Config
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.output.logs import set_up_logs
from daemon.output.terminal import say
from daemon.store.db.engine import Database
from daemon.store.scale.rate_limits import shared_by_all
from daemon.store.schema import bring_up_to_date
from daemon.sync.connect import connect
from scoring.meetings.address_book import Client
from scoring.months.month import Month, month_from


@dataclass(frozen=True, kw_only=True)
class CommandSession:
    """One command's surroundings."""

    config: Config
    database: Database
    now: datetime

    def context(self) -> ScoringContext:
        """The config with the calendars known now."""
        with self.database.reading() as connection:
            return read_scoring_context(connection, self.config)

    def connect(self, settings: ConnectorSettings) -> Calendars:
        """A connector, which keeps the pace together with the workers where there are any."""
        shared = shared_by_all(self.database) if self.config.scale.workers else None
        return connect(settings, self.config, shared)

    def fresh_context(self) -> ScoringContext:
        """The same, with the figures brought up to what is stored and configured now."""
        context = self.context()
        rescore(self.database, context, self.now)
        return context


@contextmanager
def opened(path: Path | None, *, resolve_secrets: bool = False) -> Iterator[CommandSession]:
    """Loads the config and opens the store, migrated if need be. Raises `ConfigError` and `StoreError`."""
    config = load(find(path))
    set_up_logs(config.log)
    for warning in config.warnings:
        say(f"warning: {warning}")
    if resolve_secrets:
        config.resolve_secrets()
    database = Database(config.store_url())
    try:
        backup = bring_up_to_date(database)
        if backup is not None:
            say(f"The store was brought up to this version; a backup of it is in {backup}.")
        yield CommandSession(config=config, database=database, now=datetime.now(UTC))
    finally:
        database.close()


def month_option(text: str | None) -> Month | None:
    """`--month YYYY-MM`. Raises `UsageError`."""
    if text is None:
        return None
    try:
        return month_from(text)
    except ValueError:
        raise UsageError(f"--month {text!r} is no month. Write it as YYYY-MM, such as 2026-10.") from None


def client_option(name: str | None, context: ScoringContext) -> tuple[Client, ...]:
    """`--client N`: that client, by its name or a former one; all without. Raises `UsageError`."""
    if name is None:
        return context.clients
    for settings, client in zip(context.config.clients, context.clients, strict=True):
        if name.casefold() in {known.casefold() for known in (settings.name, *settings.formerly)}:
            return (client,)
    raise UsageError(_unknown("client", name, [client.name for client in context.clients]))


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"The config has {', '.join(known) or 'none'}."
    return f"there is no {what} {name!r} in the config. {hint}"


def named(what: str, name: str, known: list[str]) -> None:
    """Checks a name from the command line against the config's. Raises `UsageError`."""
    if name not in known:
        raise UsageError(_unknown(what, name, known))
