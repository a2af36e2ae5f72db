"""A digest for each of those who get one: the whole portfolio, or a manager's part of it. Pure; reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from daemon.digests.audience import MANAGER, has_left
from daemon.digests.month_data import MonthData, tells_next_steps
from daemon.figures.history import coverage_of
from daemon.figures.profiles import Profiles
from daemon.reporting.next_steps import next_steps
from daemon.reporting.working_days import working_days
from scoring.digest.build import Material, build_digest
from scoring.digest.lines import STRIP_MONTHS
from scoring.digest.restatement import Told, told_of
from scoring.digest.sections import Aside
from scoring.digest.value import Digest
from scoring.insights.circle import QUARTER
from scoring.insights.stage import portfolio_texts
from scoring.meetings.address_book import Client
from scoring.months.history import missing
from scoring.months.month import shift
from scoring.wording import count_text

log = structlog.get_logger()

T = TypeVar("T")
_MET_OFTEN = 3  # meetings in the month from which an outside domain is named


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """A digest as some recipients get it. `told` is what it tells of this month and, of others, what it corrects.

    `recipients` are as the config has them (`email:…`, `slack:…`). `manager` is the address of whoever's clients it is
    about, None for the digest's whole portfolio.
    """

    digest: Digest
    told: tuple[Told, ...]
    recipients: tuple[str, ...]
    manager: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmade:
    """An edition that a defect (the exception's kind) kept from being made; `recipients` as `Edition` has them."""

    recipients: tuple[str, ...]
    defect: str


_Plan = tuple[tuple[str, ...], Callable[[], Edition]]
"""An edition's recipients, and what makes it."""


def editions(data: MonthData) -> list[Edition]:
    """One for everybody whom the config names, and one for each manager if it names managers."""
    return [make() for _, make in _plans(data)]


def editions_apart(data: MonthData) -> tuple[list[Edition], list[Unmade]]:
    """The same, for whoever sends them: a defect in making one touches no other, and is told in the log."""
    made, unmade = [], []
    for recipients, make in _plans(data):
        try:
            made.append(make())
        except Exception as error:
            log.error("edition_defect", digest=data.digest.name, month=data.month, exc_info=True)
            unmade.append(Unmade(recipients=recipients, defect=type(error).__name__))
    return made, unmade


def _plans(data: MonthData) -> list[_Plan]:
    material = _material(data)
    named = tuple(recipient for recipient in data.digest.to if recipient != MANAGER)
    to_managers = MANAGER in data.digest.to
    found: list[_Plan] = []
    if named or not to_managers:
        found.append((named, lambda: _edition(data, replace(material, aside=_of_all(data)), named)))
    if to_managers:
        found += _of_managers(data, material)
    return found


def _of_managers(data: MonthData, material: Material) -> list[_Plan]:
    """Those with clients here, without those who have left."""

    profiles = Profiles(data.context)

    def made_for(manager: str) -> Edition:
        clients = [client for client in data.clients if client.manager == manager]
        steps: Mapping[str, Sequence[str]] = {}
        if tells_next_steps(data.digest, data.month, data.known):
            steps = next_steps(data.context, clients, data.histories, data.month, data.coming, data.people, profiles)
        aside = Aside(booked=_of(clients, data.coming), next_steps=_of(clients, steps))
        part = replace(material, clients=clients, aside=aside)
        return _edition(data, part, (f"email:{manager}",), manager=manager)

    present = [manager for manager in _managers(data) if not has_left(manager, data.context.calendars)]
    return [((f"email:{manager}",), partial(made_for, manager)) for manager in present]


def _edition(data: MonthData, material: Material, recipients: tuple[str, ...], manager: str | None = None) -> Edition:
    """The digest of the material's clients, with what was restated of them."""
    names = {client.name for client in material.clients}
    restated = [(then, now) for then, now in data.restated if then.client in names]
    aside = replace(material.aside, restated=[then for then, _ in restated])
    return Edition(
        digest=build_digest(replace(material, aside=aside)),
        told=(*_told(data, material.clients), *(now for _, now in restated)),
        recipients=recipients,
        manager=manager,
    )


def _told(data: MonthData, clients: Iterable[Client]) -> list[Told]:
    """Each client's month as told now; a running month is told by no figure that could be restated."""
    if data.month >= data.known.running:
        return []
    rules = data.context.told_with()
    return [
        told_of(data.histories[client.name].row(data.month), data.meetings.get(client.name, ()), rules)
        for client in clients
    ]


def _material(data: MonthData) -> Material:
    """What all editions share."""
    context, month, company = data.context, data.month, data.context.config.company
    coverage = [coverage_of(calendar, context) for calendar in context.calendars]
    strip = (shift(month, -back) for back in range(STRIP_MONTHS))
    lacking = {past: found for past in strip if (found := missing(past, coverage, context.zone))}
    return Material(
        name=data.digest.name,
        company=company.name,
        timezone=context.zone.key,
        month=month,
        running=data.known.running,
        now=data.now,
        clients=data.clients,
        histories=data.histories,
        meetings=data.meetings,
        coverage=coverage,
        missing=lacking.get(month, ()) if month < data.known.running else (),
        incomplete=frozenset(lacking),
        working_days=partial(working_days, country=company.country, region=company.region),
        show_ours=context.config.privacy.show_ours,
        findings={client: insight.told() for client, insight in data.insights.items()},
    )


def _of_all(data: MonthData) -> Aside:
    """What is told beside the whole portfolio."""
    return Aside(
        booked=_of(data.clients, data.coming),
        strangers=[(domain.domain, domain.meetings) for domain in data.strangers if domain.meetings >= _MET_OFTEN],
        without_digest=_without_digest(data),
        portfolio=_portfolio(data),
    )


def _portfolio(data: MonthData) -> tuple[str, ...]:
    """R14 over the digest's clients, by the hours of the last three months."""
    months = [shift(data.month, -back) for back in range(QUARTER)]
    seconds = [sum(history.figures(month).man_seconds for month in months) for history in data.histories.values()]
    return portfolio_texts([client.tier for client in data.clients], seconds, data.context.config.stages.thresholds())


def _without_digest(data: MonthData) -> list[str]:
    """Managers to whom a digest would go, and whose calendars are gone; how many, where ours are not named."""
    if not any(MANAGER in digest.to for digest in data.context.config.digests):
        return []
    gone = [manager for manager in _managers(data) if has_left(manager, data.context.calendars)]
    if gone and not data.context.config.privacy.show_ours:
        return [count_text(len(gone), "manager", "managers")]
    return gone


def _managers(data: MonthData) -> list[str]:
    """Whoever manages clients of this digest, each once, in the config's order."""
    return list(dict.fromkeys(client.manager for client in data.clients if client.manager))


def _of(clients: Iterable[Client], by_client: Mapping[str, T]) -> dict[str, T]:
    return {client.name: by_client[client.name] for client in clients if client.name in by_client}
