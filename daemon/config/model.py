"""The config as the rest of the service takes it: checked, complete, and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from connectors.contract import Context
from connectors.known_secrets import remember
from connectors.settings import ConnectorSettings, Secret, SecretMissing
from daemon.config.problems import ConfigError, ConfigProblem, by_line
from daemon.config.schema.insight_tables import AssessmentRow, PersonRow, SignalsTable, StagesTable
from daemon.config.schema.secret_refs import secrets_in, store_problem, store_url_of
from daemon.config.schema.tables import (
    AlertsTable,
    ClientTable,
    CompanyTable,
    DigestTable,
    EmailTable,
    LogTable,
    NetworkTable,
    PrivacyTable,
    ScaleTable,
    ScoringTable,
    SlackTable,
    StoreTable,
    SyncTable,
    WebTable,
)
from daemon.config.source import dotted
from daemon.config.toml_lines import KeyLines, KeyPath
from scoring.months.steps import Rules


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """A valid config: the tables of `daemon.config.schema`, paths absolute, secrets still as references.

    `email` and `slack` are None without such a table, the three files where none is named. `clients` are those of the
    file and of `clients_file` together. `warnings` are sentences for whoever starts a command.
    """

    path: Path
    folder: Path
    company: CompanyTable
    store: StoreTable
    sync: SyncTable
    connectors: tuple[ConnectorSettings, ...]
    clients: tuple[ClientTable, ...]
    scoring: ScoringTable
    email: EmailTable | None
    slack: SlackTable | None
    network: NetworkTable
    digests: tuple[DigestTable, ...]
    alerts: AlertsTable
    privacy: PrivacyTable
    web: WebTable
    scale: ScaleTable
    log: LogTable
    signals: SignalsTable
    stages: StagesTable
    people: tuple[PersonRow, ...]
    assessments: tuple[AssessmentRow, ...]
    clients_file: Path | None
    people_file: Path | None
    assessments_file: Path | None
    warnings: tuple[str, ...] = ()
    _lines: KeyLines = field(compare=False)

    def __repr__(self) -> str:
        """Short on purpose: a config in a log is a risk and no help."""
        return f"<Config {self.path}: {len(self.connectors)} connectors, {len(self.clients)} clients>"

    def rules(self) -> Rules:
        """`[scoring]` as the rules take it."""
        return self.scoring.rules()

    def context(self) -> Context:
        """What every connector is given."""
        if self.network.proxy is not None and "@" in self.network.proxy:
            remember(self.network.proxy)
        return Context(
            folder=self.folder,
            zone=self.company.timezone,
            company_domains=self.company.domains,
            ca_file=self.network.ca_file,
            proxy=self.network.proxy,
            timeout_seconds=self.network.timeout.total_seconds(),
        )

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Every secret reference of the file with its dotted key."""
        for path, secret in self._secrets():
            yield self._key(path), secret

    def resolve_secrets(self) -> None:
        """Finds a missing secret now, not on the first of the month. Raises `ConfigError` naming each."""
        problems = []
        for path, secret in self._secrets():
            try:
                value = secret.resolve(self.folder)
            except SecretMissing as error:
                problems.append(self._problem(path, str(error)))
                continue
            wrong = store_problem(value, self.scale.workers) if path == ("store", "url") else None
            if wrong is not None:
                problems.append(self._problem(path, wrong))
        if problems:
            raise ConfigError(sorted(problems, key=by_line))

    def store_url(self) -> str:
        """The store's address for SQLAlchemy, a SQLite file with its absolute path. Raises `ConfigError`."""
        try:
            value, wrong = self.store.url.resolve(self.folder), None
        except SecretMissing as error:
            value, wrong = "", str(error)
        wrong = wrong or store_problem(value, self.scale.workers)
        if wrong is not None:
            raise ConfigError([self._problem(("store", "url"), wrong)])
        return store_url_of(value, self.folder)

    def _secrets(self) -> Iterator[tuple[KeyPath, Secret]]:
        yield from secrets_in(self.store, ("store",))
        for number, connector in enumerate(self.connectors):
            yield from secrets_in(connector, ("connectors", number))
        yield from secrets_in(self.email, ("email",))
        yield from secrets_in(self.slack, ("slack",))
        yield from secrets_in(self.web, ("web",))

    def _key(self, path: KeyPath) -> str:
        return dotted({"connectors": [{"name": connector.name} for connector in self.connectors]}, path)

    def _problem(self, path: KeyPath, what: str) -> ConfigProblem:
        return ConfigProblem(file=self.path.name, line=self._lines.of(path), key=self._key(path), allowed=what)
