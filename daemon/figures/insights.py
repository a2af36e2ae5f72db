"""What the pattern of meetings says of each client (R12 to R14), worked out when its people or figures change.

Kept in the store for every ended month, so that a report over years reads them like figures. They depend on the
config, the running month and what is kept of people; what is out of date after a change is worked out again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import Connection

from daemon.figures.profiles import Profiles
from daemon.figures.scoring_context import ScoringContext
from daemon.store.db.engine import Database
from daemon.store.figures import first_met
from daemon.store.insights import INSIGHTS_OF, drop_insights, insights_kept, read_insights, save_insights
from daemon.store.meta import get_meta, set_meta
from daemon.store.people import first_month_of_people, read_people
from scoring.insights.circle import Circle
from scoring.insights.findings import Finding, most_important
from scoring.insights.signals import View, signals_of
from scoring.insights.stage import Account, Stage, Standing, standing_text, standings_of
from scoring.meetings.address_book import Client
from scoring.months.history import History
from scoring.months.month import Month, month_of

_AT_ONCE = 25  # clients a transaction: writers need not wait long


class InsightParts(msgspec.Struct, frozen=True):
    """The stage, and the list of signals as JSON."""

    stage: str
    signals: msgspec.Raw


@dataclass(frozen=True)
class Insight:
    """A client as of the end of a month. `kept` is as JSON shows it, and as the store has it (docs/interface.md).

    Reports over years hold thousands of these and show parts of them as they stand, so it is parsed when asked.
    """

    kept: str

    @cached_property
    def written(self) -> Mapping[str, Any]:
        """All of it."""
        found: Mapping[str, Any] = json.loads(self.kept)
        return found

    @cached_property
    def parts(self) -> InsightParts:
        """Its parts as they stand."""
        return msgspec.json.decode(self.kept, type=InsightParts)

    @property
    def stage(self) -> str:
        return self.parts.stage

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What the stage rests on, what the next one lacks, what we believe."""
        found: Mapping[str, Any] = self.written["stage_evidence"]
        return found

    @property
    def text(self) -> str:
        """The stage with its evidence and what the next one lacks."""
        found: str = self.evidence["sentence"]
        return found

    @property
    def signals(self) -> tuple[Finding, ...]:
        return tuple(_finding(signal, "signal") for signal in self.written["signals"])

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the stage says against what was and what we believe."""
        return tuple(_finding(finding, "finding") for finding in self.evidence["findings"])

    def told(self) -> tuple[str, ...]:
        """The sentences of what is most important (at most three)."""
        return tuple(finding.sentence for finding in most_important((*self.signals, *self.findings)))


@dataclass(frozen=True)
class Study:
    """All that is known of some clients: their people, their figures, and what the config says of them."""

    context: ScoringContext
    circles: Mapping[str, Circle]
    histories: Mapping[str, History]

    @cached_property
    def _settings(self) -> Mapping[str, Any]:
        return {client.name: client for client in self.context.config.clients}

    def account(self, client: str) -> Account:
        """What the config says."""
        found = self._settings[client]
        return Account(tier=found.tier, since=found.since, believed=Stage(found.stage) if found.stage else None)

    def view(self, client: str, month: Month) -> View:
        """A client as of the end of a month."""
        config = self.context.config
        return View(
            history=self.histories[client],
            circle=self.circles[client],
            month=month,
            thresholds=config.signals.thresholds(),
            name_ours=config.privacy.show_ours,
        )

    def insights(self, client: str, months: Sequence[Month], wanted: Collection[Month]) -> dict[Month, Insight]:
        """Of the months wanted; `months` follow one another from the first that is known."""
        standings = standings_of(
            self.account(client), self.circles[client], months, self.context.config.stages.thresholds()
        )
        return {month: _insight(standings[month], signals_of(self.view(client, month))) for month in wanted}


def study(connection: Connection, context: ScoringContext, clients: Sequence[Client], now: datetime) -> Study | None:
    """Everything kept of these clients; None before the first calendar was read."""
    from daemon.figures.history import NothingRead, known_months, read_histories

    try:
        known = known_months(connection, context, now)
    except NothingRead:
        return None
    people = read_people(connection, [client.name for client in clients])
    begins = _people_begin(connection, known.begins)
    found = read_histories(connection, context, known, known.begins, clients)
    histories = {history.client: history for history in found}
    profiles = Profiles(context)
    circles = {
        client.name: Circle(
            months=people.get(client.name, {}),
            begins=begins,
            profile=profiles.profile_of(client.name),
            centres=profiles.centres_of(client.name),
        )
        for client in clients
    }
    return Study(context, circles, histories)


def _people_begin(connection: Connection, begins: Month) -> Month:
    """From when on people are known: with history, but where figures are older than what was kept of people."""
    first = first_month_of_people(connection)
    if first is None or first <= min(first_met(connection).values(), default=first):
        return begins
    return max(begins, first)


def refresh(database: Database, context: ScoringContext, now: datetime) -> None:
    """Works out what is missing. Costs one small query when nothing is."""
    of = f"{context.seen_with()} {month_of(now, context.zone)}"
    with database.reading() as connection:
        if get_meta(connection, INSIGHTS_OF) == of:
            return
        fingerprint, _, _ = (get_meta(connection, _SEEN_WITH) or "").partition(" ")
    if fingerprint != context.seen_with():
        with database.writing() as connection:
            drop_insights(connection)
            set_meta(connection, _SEEN_WITH, context.seen_with())
    while True:
        with database.writing() as connection:
            if not _some(connection, context, now):
                set_meta(connection, INSIGHTS_OF, of)
                return


_SEEN_WITH = "insights_seen_with"


def _some(connection: Connection, context: ScoringContext, now: datetime) -> bool:
    """Works out the insights of some clients that lack any; whether there were any."""
    months = _ended_months(connection, context, now)
    kept = insights_kept(connection)
    lacking = [client for client in context.clients if any((client.name, month) not in kept for month in months)][
        :_AT_ONCE
    ]
    found = study(connection, context, lacking, now) if lacking else None
    if found is None:
        return False
    contents: dict[tuple[str, Month], str] = {}
    for client in lacking:
        missing = [month for month in months if (client.name, month) not in kept]
        for month, insight in found.insights(client.name, months, missing).items():
            contents[client.name, month] = insight.kept
    save_insights(connection, contents)
    return True


def _ended_months(connection: Connection, context: ScoringContext, now: datetime) -> list[Month]:
    from daemon.figures.affected_months import months_between
    from daemon.figures.history import NothingRead, known_months

    try:
        known = known_months(connection, context, now)
    except NothingRead:
        return []
    return months_between(known.begins, known.last) if known.begins <= known.last else []


def insights_of(connection: Connection, months: Iterable[Month]) -> dict[tuple[str, Month], Insight]:
    """What is kept of these months, by client and month. The running one has none."""
    return {key: Insight(text) for key, text in read_insights(connection, months).items()}


def _insight(standing: Standing, signals: Iterable[Finding]) -> Insight:
    evidence = standing.evidence
    written = {
        "stage": standing.stage.value,
        "stage_evidence": {
            **{name: getattr(evidence, name) for name in evidence.__slots__},
            "since": standing.since,
            "next": standing.next.value if standing.next else None,
            "lacks": list(standing.lacks),
            "believed": standing.believed.value if standing.believed else None,
            "sentence": standing_text(standing),
            "findings": [_written(finding, "finding") for finding in standing.findings],
        },
        "signals": [_written(signal, "signal") for signal in signals],
    }
    return Insight(json.dumps(written, ensure_ascii=False))


def _written(finding: Finding, what: str) -> dict[str, Any]:
    return {what: finding.name, "numbers": finding.numbers, "sentence": finding.sentence, "good": finding.good}


def _finding(written: Mapping[str, Any], what: str) -> Finding:
    return Finding(name=written[what], numbers=written["numbers"], sentence=written["sentence"], good=written["good"])
