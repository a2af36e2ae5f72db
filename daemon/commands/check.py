"""`rapport check`: everything that must work, tried for real, a line each with the cause and the next click."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from daemon.checks import Check, check_connector, check_store
from daemon.commands.sync import connect
from daemon.config import Config, ConfigError, find, load
from daemon.logs import set_up_logs
from daemon.output import Format, Table, print_csv, print_json
from daemon.store.engine import Database
from daemon.store.errors import StoreError
from daemon.store.schema import bring_up_to_date

_COLUMNS = ("subject", "check", "ok", "cause", "remedy", "note")


def check(path: Path | None, *, form: Format) -> int:
    """Shows every check; 1 if one fails. A config that cannot be read at all ends as everywhere, with 2."""
    config = load(find(path))
    set_up_logs(config.log)
    found = list(_checks(config))
    ok = all(one.ok for one in found)
    if form is Format.JSON:
        print_json({"ok": ok, "checks": [one.as_json() for one in found]})
    elif form is Format.CSV:
        print_csv((one.as_json() for one in found), _COLUMNS)
    else:
        _show(found)
    return 0 if ok else 1


def _checks(config: Config) -> Iterator[Check]:
    yield from _check_config(config)
    yield from _check_store(config)
    for settings in config.connectors:
        connector = connect(settings, config)
        try:
            yield from check_connector(connector, settings, datetime.now(UTC))
        finally:
            connector.close()


def _check_config(config: Config) -> Iterator[Check]:
    try:
        config.resolve_secrets()
    except ConfigError as error:
        for problem in error.problems:
            remedy = "Set it, or correct the reference in the config."
            yield Check(subject="config", check="secrets", ok=False, cause=str(problem), remedy=remedy)
    else:
        yield Check(subject="config", check="secrets", ok=True, note=f"read {config.path.name}; every secret is there")
    for warning in config.warnings:
        yield Check(subject="config", check="warning", ok=True, note=warning)


def _check_store(config: Config) -> Iterator[Check]:
    try:
        database = Database(config.store_url())
    except ConfigError as error:
        yield Check(subject="store", check="address", ok=False, cause=str(error), remedy="Correct store.url.")
        return
    try:
        bring_up_to_date(database)
        yield from check_store(database)
    except StoreError as error:
        yield Check(subject="store", check="open", ok=False, cause=error.what, remedy=error.remedy)
    finally:
        database.close()


def _show(found: list[Check]) -> None:
    table = Table("", "Subject", "Check", "", whole=("Subject", "Check"))
    for one in found:
        text = one.note if one.ok else f"{one.cause}. {one.remedy}"
        table.add("OK" if one.ok else "FAILED", one.subject, one.check, text)
    table.print()
