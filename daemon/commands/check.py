"""`rapport check`: everything that must work, tried for real, a line each with the cause and the next click."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import ConnectorError
from connectors.settings import SecretMissing
from daemon.admin.checks import Check, check_clock, check_connector, check_sender, check_store
from daemon.config.load import find, load
from daemon.config.model import Config
from daemon.config.problems import ConfigError
from daemon.digests.audience import MANAGER
from daemon.digests.senders import EMAIL, SLACK, Senders, service_of
from daemon.output.csv_cells import print_csv
from daemon.output.logs import set_up_logs
from daemon.output.terminal import Format, Table, print_json
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.schema import bring_up_to_date
from daemon.sync.clock_guard import observed_ahead
from daemon.sync.connect import connect

_COLUMNS = ("subject", "check", "ok", "cause", "remedy", "note")


def check(path: Path | None, *, form: Format) -> int:
    """Shows every check; 1 if one fails. A config that cannot be read at all ends as everywhere, with 2."""
    config = load(find(path))
    set_up_logs(config.log)
    found = list(_checks(config))
    ok = all(result.ok for result in found)
    if form is Format.JSON:
        print_json({"ok": ok, "checks": [result.as_json() for result in found]})
    elif form is Format.CSV:
        print_csv((result.as_json() for result in found), _COLUMNS)
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
    if config.connectors:
        yield check_clock(observed_ahead())
    yield from _check_senders(config)


def _check_senders(config: Config) -> Iterator[Check]:
    """Mail and Slack, where the config has them, for everybody to whom it sends."""
    wanted = [recipient for digest in config.digests for recipient in digest.to if recipient != MANAGER]
    wanted += config.alerts.to
    if any(MANAGER in digest.to for digest in config.digests):
        wanted += [f"{EMAIL}:{client.manager}" for client in config.clients if client.manager]
    hosts: dict[str, str] = {}
    if config.email is not None:
        hosts[EMAIL] = config.email.host
    if config.slack is not None:
        hosts[SLACK] = ""
    with Senders(config) as senders:
        for service, host in hosts.items():
            whom = {whom for kind, whom in map(service_of, wanted) if kind == service}
            try:
                yield from check_sender(service, senders.of(service), sorted(whom), host)
            except ConnectorError as error:
                remedy = error.remedy or "Try again in a while."
                yield Check(subject=service, check="settings", ok=False, cause=error.what, remedy=remedy)
            except SecretMissing as error:
                yield Check(subject=service, check="secrets", ok=False, cause=str(error), remedy="Set it.")


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
    for result in found:
        text = result.note if result.ok else f"{result.cause}. {result.remedy}"
        table.add("OK" if result.ok else "FAILED", result.subject, result.check, text)
    table.print()
