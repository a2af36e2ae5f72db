"""Digests put together from the store: whose clients, which month, what is known of the calendars, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from daemon.config.schema.tables import Digest as DigestSettings
from daemon.digests.audience import MANAGER, has_left, portfolio
from daemon.figures.derive import meetings_in
from daemon.figures.history import Known, coverage_of, read_histories
from daemon.figures.insights import insights_of
from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.meetings import credited_meetings, read_meetings
from daemon.reporting.next_steps import next_steps
from daemon.reporting.restatements import restated_months
from daemon.reporting.suggestions import suggest_from
from daemon.reporting.working_days import working_days
from daemon.store.told import read_told
from scoring.digest.build import Material, build_digest
from scoring.digest.restatement import Restated, Told, told_of
from scoring.digest.sections import Aside
from scoring.digest.value import Digest
from scoring.insights.people import QUARTER
from scoring.insights.stage import portfolio_texts
from scoring.meetings.address_book import Client
from scoring.months.history import History, missing
from scoring.months.month import Month, shift
from scoring.wording import count_text

T = TypeVar("T")
_YEARS_BACK = 37  # months: a strip of 24, and a year earlier than its first three
_MET_OFTEN = 3  # meetings in the month from which an outside domain is named


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """A digest as some recipients get it. `told` is what it tells of this month and, of others, what it corrects.

    `manager` is whose clients it is about, None for the digest's whole portfolio.
    """

    digest: Digest
    told: tuple[Told, ...]
    recipients: tuple[str, ...]
    manager: str | None = None


def editions_of(
    connection: Connection, context: ScoringContext, settings: DigestSettings, month: Month, known: Known, now: datetime
) -> list[Edition]:
    """All editions of a digest for a month."""
    return Newsroom(connection, context, settings, month, known, now).editions()


class Newsroom:
    """Makes the editions of one digest for a month. What they share is read once, from one state of the store."""

    def __init__(
        self,
        connection: Connection,
        context: ScoringContext,
        settings: DigestSettings,
        month: Month,
        known: Known,
        now: datetime,
    ) -> None:
        self._context = context
        self._settings = settings
        self._month = month
        self._known = known
        self._now = now
        self._clients = portfolio(context, settings.clients)
        self._reach = [coverage_of(one, context) for one in context.calendars]
        strip = [shift(month, -back) for back in range(24)]
        self._missing = {one: missing(one, self._reach, context.zone) for one in strip}
        self._told_with = context.told_with()
        found = read_histories(connection, context, known, shift(month, -_YEARS_BACK), self._clients)
        self._histories: Mapping[str, History] = {one.client: one for one in found}
        meetings = tuple(meetings_in(connection, context, month))
        self._meetings = credited_meetings(meetings, context, now)
        self._booked = read_meetings(connection, context, shift(month, 1), now)
        strangers = suggest_from([(month, meetings)], context, now)
        self._insights = insights_of(connection, [month])
        to_managers = MANAGER in settings.to and shift(month, 1) == known.running
        self._next_steps = (
            next_steps(connection, context, self._clients, self._histories, month, self._booked) if to_managers else {}
        )
        told = read_told(connection, digest=settings.name, before=month)
        self._restated = restated_months(connection, context, self._histories, told, now, apart_from=month)
        self._strangers = [(one.domain, one.meetings) for one in strangers if one.meetings >= _MET_OFTEN]

    def editions(self) -> list[Edition]:
        """One for everybody whom the config names, and one for each manager if it names managers."""
        named = tuple(one for one in self._settings.to if one != MANAGER)
        managers = MANAGER in self._settings.to
        found = [self.edition(named)] if named or not managers else []
        if managers:
            found += [self.edition((f"email:{one}",), manager=one) for one in self._managers()]
        return found

    def edition(self, recipients: tuple[str, ...], manager: str | None = None) -> Edition:
        """The digest for these recipients: the whole portfolio, or one manager's part of it."""
        clients = [one for one in self._clients if manager is None or one.manager == manager]
        names = {one.name for one in clients}
        restated = [(before, now) for before, now in self._restated if before.client in names]
        digest = build_digest(self._material(clients, [one for one, _ in restated], whole=manager is None))
        told = [] if self._month >= self._known.running else [self._told(one) for one in clients]
        return Edition(
            digest=digest,
            told=(*told, *(now for _, now in restated)),
            recipients=recipients,
            manager=manager,
        )

    def _managers(self) -> list[str]:
        """Those with clients here, without those who have left."""
        named = dict.fromkeys(one.manager for one in self._clients if one.manager)
        return [one for one in named if not has_left(one, self._context.calendars)]

    def _told(self, client: Client) -> Told:
        row = self._histories[client.name].row(self._month)
        return told_of(row, self._meetings.get(client.name, ()), self._told_with)

    def _material(self, clients: Sequence[Client], restated: Sequence[Restated], *, whole: bool) -> Material:
        context, month, company = self._context, self._month, self._context.config.company
        return Material(
            name=self._settings.name,
            company=company.name,
            timezone=context.zone.key,
            month=month,
            running=self._known.running,
            now=self._now,
            clients=clients,
            histories=self._histories,
            meetings=self._meetings,
            reach=self._reach,
            missing=self._missing[month] if month < self._known.running else (),
            incomplete=frozenset(one for one, calendars in self._missing.items() if calendars),
            working_days=lambda one: working_days(one, company.country, company.region),
            show_ours=context.config.privacy.show_ours,
            findings={client: one.told() for (client, _), one in self._insights.items()},
            aside=Aside(
                restated=restated,
                booked=_of(clients, self._booked),
                strangers=self._strangers if whole else (),
                without_digest=self._without_digest() if whole else (),
                next_steps={} if whole else _of(clients, self._next_steps),
                portfolio=self._portfolio() if whole else (),
            ),
        )

    def _portfolio(self) -> tuple[str, ...]:
        """R14 over the digest's clients, by the hours of the last three months."""
        months = [shift(self._month, -back) for back in range(QUARTER)]
        seconds = [sum(history.figures(month).man_seconds for month in months) for history in self._histories.values()]
        return portfolio_texts([one.tier for one in self._clients], seconds, self._context.config.stages.thresholds())

    def _without_digest(self) -> list[str]:
        """Managers to whom a digest would go, and whose calendars are gone; how many, where ours are not named."""
        if not any(MANAGER in one.to for one in self._context.config.digests):
            return []
        managers = dict.fromkeys(one.manager for one in self._clients if one.manager)
        gone = [one for one in managers if has_left(one, self._context.calendars)]
        if gone and not self._context.config.privacy.show_ours:
            return [count_text(len(gone), "manager", "managers")]
        return gone


def _of(clients: Iterable[Client], by_client: Mapping[str, T]) -> dict[str, T]:
    return {one.name: by_client[one.name] for one in clients if one.name in by_client}
