"""The schedule against the providers' quotas, simulated for 100 to a million calendars (`benchmarks.simulated`).

Seeded, so every run says the same. What stands there as a constant is measured, documented or assumed, as it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from math import ceil

from benchmarks.measuring import Figure, note
from benchmarks.simulated import LISTED, SHARED_MARGIN, THREADS, Company, Costs, Provider, Simulation

COSTS = Costs()
GOOGLE = Provider("Google", per_minute=10_000, page=2_500, token_seconds=3_600)  # docs/providers.md A6, A1, D
GRAPH = Provider("Graph", per_minute=780_000, page=200, token_seconds=None)  # docs/providers.md B6; our page size
LATE = 60.0
"""Seconds after a batch's moment that are nobody's trouble."""
_OUTAGE = 7_200.0


def measure(*, small: bool = False) -> list[Figure]:
    """Ordinary rounds, an outage, a killed worker, and where each quota ends."""
    sizes = (100, 1_000) if small else (100, 10_000, 100_000)
    found = [figure for size in sizes for figure in ordinary(Company(size), GOOGLE)]
    if not small:
        found += ordinary(Company(100_000), GRAPH)
        found += ordinary(Company(1_000_000), GOOGLE, workers=20)
        found += ordinary(Company(1_000_000, interval_for(1_000_000, GOOGLE)), GOOGLE)
        found += ordinary(Company(1_000_000), GRAPH)
    for size in sizes[1:]:
        found += [*outage(Company(size), GOOGLE), *killed(Company(size), GOOGLE)]
    return [*found, *outage(Company(sizes[-1]), GOOGLE, lost=True), *ends()]


def workers_for(company: Company, provider: Provider) -> int:
    """Enough for three times what a round takes: by CPU, or by waiting for answers. One can do without, two cannot."""
    tokens = 0.0 if provider.token_seconds is None else min(1.0, company.seconds / provider.token_seconds)
    cpu = COSTS.cpu_round + tokens * COSTS.cpu_token + company.share(LISTED) * company.entries * COSTS.cpu_entry
    waiting = (company.requests(provider) + tokens) * COSTS.answer * 1.4 / (3 * THREADS)
    return max(2, ceil(3 * company.calendars * max(cpu, waiting) / company.seconds))


def sustained(provider: Provider) -> float:
    """Requests a minute that are granted for ever: a tenth of a quota is kept for bursts (`TokenBucket`)."""
    return 0.9 * SHARED_MARGIN * provider.per_minute


def most_calendars(provider: Provider, every: timedelta) -> int:
    """How many calendars a quota allows, read so often."""
    return int(sustained(provider) * (every / timedelta(minutes=1)) / Company(1, every).requests(provider))


def quota_round(company: Company, provider: Provider) -> float:
    """Seconds in which the quota grants a round of everybody."""
    return 60 * company.calendars * company.requests(provider) / sustained(provider)


def interval_for(calendars: int, provider: Provider) -> timedelta:
    """The shortest `sync.every`, in quarter hours, within the quota and with a tenth of it to spare."""
    intervals = (timedelta(minutes=15 * quarters) for quarters in count(1))
    return next(every for every in intervals if most_calendars(provider, every) * 0.9 >= calendars)


def ordinary(company: Company, provider: Provider, workers: int | None = None) -> Iterator[Figure]:
    """A round to settle, then two more; a round takes as long as the quota makes it."""
    name = _named(company, provider)
    workers = workers or workers_for(company, provider)
    fits = company.calendars <= most_calendars(provider, company.every)
    round_ = company.seconds if fits else quota_round(company, provider)
    seen = Simulation(company, provider, COSTS, workers).run(3 * round_)
    between = seen.between(round_)
    yield Figure(f"{name}: workers", workers)
    yield Figure(f"{name}: a worker's core used", 100 * seen.cpu_seconds / (3 * round_ * workers), "%")
    yield Figure(f"{name}: the writer's turn taken", 100 * seen.writer_seconds / (3 * round_), "%")
    yield Figure(f"{name}: requests in the busiest minute", seen.busiest(round_), at_most=provider.per_minute)
    yield Figure(f"{name}: late, half", seen.late_by(0.5, round_), "s")
    yield Figure(f"{name}: late, 99 of 100", seen.late_by(0.99, round_), "s", at_most=LATE if fits else None)
    yield Figure(f"{name}: late, the latest", seen.late_by(1.0, round_), "s")
    yield Figure(f"{name}: between two readings, on average", sum(between) / len(between) / 60, "min")
    yield Figure(f"{name}: between two readings, at most", between[-1] / 60, "min")


def outage(company: Company, provider: Provider, *, lost: bool = False) -> Iterator[Figure]:
    """Two hours of nothing, and no cursor is good afterwards: every calendar is asked for in vain and then listed.

    `lost`: the store is too, so that every entry is written in the writer's turn (at least as long as comparing takes);
    else a listing is compared before it, and what does not differ takes none.
    """
    name = _named(company, provider, ", 2 h outage" + (", the store lost" if lost else ""))
    costs = COSTS if lost else replace(COSTS, write_entry=0.0)
    simulation = Simulation(company, provider, costs, workers_for(company, provider))
    simulation.run(company.seconds)
    simulation.go_silent(_OUTAGE)
    simulation.run(_OUTAGE)
    over = simulation.now
    while simulation.unread:
        simulation.run(10)
    caught_up = simulation.now - over
    seen = simulation.run(2 * company.seconds)
    restored = max((read.at for read in seen.reads if read.late > LATE), default=over) - over
    yield Figure(f"{name}: all listed again after", caught_up / 60, "min")
    yield Figure(f"{name}: back in their own slots after", restored / 60, "min")
    yield Figure(f"{name}: requests in the busiest minute", seen.busiest(), at_most=provider.per_minute)
    yield Figure(f"{name}: of which the writer's turn", seen.writer_seconds / 60, "min")


def killed(company: Company, provider: Provider) -> Iterator[Figure]:
    """One worker ends in the middle of a round without a word."""
    name = _named(company, provider, ", a worker killed")
    simulation = Simulation(company, provider, COSTS, workers_for(company, provider))
    simulation.run(1.5 * company.seconds)
    tokens, at = simulation.seen.tokens, simulation.now
    simulation.kill()
    seen = simulation.run(company.seconds)
    yield Figure(f"{name}: late, the latest", seen.late_by(1.0, at), "s", at_most=LATE)
    yield Figure(f"{name}: tokens in the round after", seen.tokens - tokens)


def ends() -> Iterator[Figure]:
    """Where each quota ends. Reckoned, and the simulation agrees: tests/test_simulation.py."""
    for provider in (GOOGLE, GRAPH):
        for minutes in (15, 60):
            name = f"{provider.name} every {minutes} min: calendars within the quota"
            yield Figure(name, most_calendars(provider, timedelta(minutes=minutes)))
    for calendars in (100_000, 1_000_000):
        every = interval_for(calendars, GOOGLE) / timedelta(minutes=1)
        yield Figure(f"Google, {calendars:,} calendars: sync.every at least", every, "min")


def _named(company: Company, provider: Provider, what: str = "") -> str:
    name = f"simulated {company.calendars:,} calendars, {provider.name}, every {company.seconds / 60:.0f} min{what}"
    note(f"simulating {name}")
    return name
