"""The schedule against the providers' quotas, simulated for 100 to a million calendars (`benchmarks.simulated`).

Seeded, so every run says the same. What stands here as a constant is measured, documented or assumed, as it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from math import ceil

from benchmarks.measuring import Figure, is_small, note, show
from benchmarks.simulated import SHARED_MARGIN, THREADS, Company, Costs, Provider, Simulation

COSTS = Costs(
    # Measured by `benchmarks.growth` and by passes over `benchmarks.google` into PostgreSQL, eight threads, 2 cores
    # (docs/scaling.md): CPU of an unchanged round, of a token, of an entry listed again; and how long the writer's turn
    # is held, waits for the interpreter included.
    cpu_round=0.0035,
    cpu_token=0.003,
    cpu_entry=0.000_029,
    write_round=0.009,
    write_entry=0.000_037,
    # Assumed: half of the answers within 0.15 s, one of a hundred after 1 s.
    answer=0.15,
    answer_sigma=0.8,
)
GOOGLE = Provider(name="Google", per_minute=10_000, page=2_500, token_seconds=3_600)  # docs/providers.md A6, A1, D
GRAPH = Provider(name="Graph", per_minute=780_000, page=200, token_seconds=None)  # docs/providers.md B6; our page size
QUARTER_HOUR = timedelta(minutes=15)
LATE = 60.0
"""Seconds after a batch's moment that are nobody's trouble."""
_HOUR = 3_600.0
_RECONCILED = 5.25 * 24 * _HOUR  # between two full listings, on average (`sync.reconcile` of 7 days, spread)


def company(calendars: int, every: timedelta = QUARTER_HOUR) -> Company:
    """Assumed of each calendar: 3,000 entries in the window, a change with outsiders in one of twenty quarter hours."""
    quarters = every / QUARTER_HOUR
    return Company(
        calendars=calendars,
        every=every,
        entries=3_000,
        changed=min(1.0, 0.05 * quarters),
        listed=every.total_seconds() / _RECONCILED,
        gaining=min(1.0, every / timedelta(days=1)),
    )


def measure(*, small: bool = False) -> list[Figure]:
    """Ordinary rounds, an outage, a killed worker, and where each quota ends."""
    sizes = (100, 1_000) if small else (100, 10_000, 100_000)
    found = [one for size in sizes for one in ordinary(company(size), GOOGLE)]
    if not small:
        found += ordinary(company(100_000), GRAPH)
        found += ordinary(company(1_000_000), GOOGLE, workers=20)
        found += ordinary(company(1_000_000, interval_for(1_000_000, GOOGLE)), GOOGLE)
        found += ordinary(company(1_000_000), GRAPH)
    for size in sizes[1:]:
        found += [*outage(company(size), GOOGLE), *killed(company(size), GOOGLE)]
    found += outage(company(sizes[-1]), GOOGLE, lost=True)
    return [*found, *ends()]


def workers_for(company: Company, provider: Provider) -> int:
    """Enough for three times what a round takes: by CPU, or by waiting for answers. One can do without, two cannot."""
    tokens = 0.0 if provider.token_seconds is None else min(1.0, company.every.total_seconds() / provider.token_seconds)
    cpu = COSTS.cpu_round + tokens * COSTS.cpu_token + company.listed * company.entries * COSTS.cpu_entry
    waiting = (company.requests(provider) + tokens) * COSTS.answer * 1.4 / (3 * THREADS)
    return max(2, ceil(3 * company.calendars * max(cpu, waiting) / company.every.total_seconds()))


def sustained(provider: Provider) -> float:
    """Requests a minute that are granted for ever: a tenth of a quota is kept for bursts (`TokenBucket`)."""
    return 0.9 * SHARED_MARGIN * provider.per_minute


def most_calendars(provider: Provider, every: timedelta) -> int:
    """How many calendars a quota allows, read so often."""
    minutes = every.total_seconds() / 60
    return int(sustained(provider) * minutes / company(1, every).requests(provider))


def quota_round(company: Company, provider: Provider) -> float:
    """Seconds in which the quota grants a round of everybody."""
    return 60 * company.calendars * company.requests(provider) / sustained(provider)


def interval_for(calendars: int, provider: Provider) -> timedelta:
    """The shortest `sync.every`, in quarter hours, within the quota and with a tenth of it to spare."""
    quarters = 1
    while most_calendars(provider, quarters * QUARTER_HOUR) * 0.9 < calendars:
        quarters += 1
    return quarters * QUARTER_HOUR


def ordinary(company: Company, provider: Provider, workers: int | None = None) -> Iterator[Figure]:
    """A round to settle, then two more; a round takes as long as the quota makes it."""
    name = _name(company, provider)
    note(f"simulating {name}")
    workers = workers or workers_for(company, provider)
    fits = company.calendars <= most_calendars(provider, company.every)
    round_ = company.every.total_seconds() if fits else quota_round(company, provider)
    seen = Simulation(company, provider, COSTS, workers).run(3 * round_)
    between = seen.between(round_)
    yield Figure(f"{name}: workers", workers, "")
    yield Figure(f"{name}: a worker's core used", 100 * seen.cpu_seconds / (3 * round_ * workers), "%")
    yield Figure(f"{name}: the writer's turn taken", 100 * seen.writer_seconds / (3 * round_), "%")
    yield Figure(f"{name}: requests in the busiest minute", seen.busiest(round_), "", provider.per_minute, at_most=True)
    yield Figure(f"{name}: late, half", seen.late_by(0.5, round_), "s")
    yield Figure(f"{name}: late, 99 of 100", seen.late_by(0.99, round_), "s", LATE if fits else None, at_most=True)
    yield Figure(f"{name}: late, the latest", seen.late_by(1.0, round_), "s")
    yield Figure(f"{name}: between two readings, on average", sum(between) / len(between) / 60, "min")
    yield Figure(f"{name}: between two readings, at most", between[-1] / 60, "min")


def outage(company: Company, provider: Provider, *, lost: bool = False) -> Iterator[Figure]:
    """Two hours of nothing, and no cursor is good afterwards: every calendar is asked for in vain and then listed.

    `lost`: the store is too, so that every entry is written in the writer's turn (at least as long as comparing takes);
    else a listing is compared before it, and what does not differ takes none.
    """
    name = f"{_name(company, provider)}, 2 h outage" + (", the store lost" if lost else "")
    note(f"simulating {name}")
    costs = COSTS if lost else replace(COSTS, write_entry=0.0)
    simulation = Simulation(company, provider, costs, workers_for(company, provider))
    simulation.run(company.every.total_seconds())
    simulation.go_silent(2 * _HOUR)
    simulation.run(2 * _HOUR)
    over = simulation.now
    while simulation.unread:
        simulation.run(10)
    caught_up = simulation.now - over
    seen = simulation.run(2 * company.every.total_seconds())
    restored = max((one.at for one in seen.reads if one.late > LATE), default=over) - over
    yield Figure(f"{name}: all listed again after", caught_up / 60, "min")
    yield Figure(f"{name}: back in their own slots after", restored / 60, "min")
    yield Figure(f"{name}: requests in the busiest minute", seen.busiest(), "", provider.per_minute, at_most=True)
    yield Figure(f"{name}: of which the writer's turn", seen.writer_seconds / 60, "min")


def killed(company: Company, provider: Provider) -> Iterator[Figure]:
    """One worker ends in the middle of a round without a word."""
    name = f"{_name(company, provider)}, a worker killed"
    note(f"simulating {name}")
    workers = workers_for(company, provider)
    simulation = Simulation(company, provider, COSTS, workers)
    simulation.run(1.5 * company.every.total_seconds())
    tokens, at = simulation.seen.tokens, simulation.now
    simulation.kill()
    seen = simulation.run(company.every.total_seconds())
    yield Figure(f"{name}: late, the latest", seen.late_by(1.0, at), "s", LATE, at_most=True)
    yield Figure(f"{name}: tokens in the round after", seen.tokens - tokens, "")


def ends() -> Iterator[Figure]:
    """Where each quota ends. Reckoned, and the simulation agrees: tests/test_simulation.py."""
    for provider in (GOOGLE, GRAPH):
        for minutes in (15, 60):
            name = f"{provider.name} every {minutes} min: calendars within the quota"
            yield Figure(name, most_calendars(provider, timedelta(minutes=minutes)), "")
    for calendars in (100_000, 1_000_000):
        every = interval_for(calendars, GOOGLE)
        yield Figure(f"Google, {calendars:,} calendars: sync.every at least", every.total_seconds() / 60, "min")


def _name(company: Company, provider: Provider) -> str:
    minutes = round(company.every.total_seconds() / 60)
    return f"simulated {company.calendars:,} calendars, {provider.name}, every {minutes} min"


if __name__ == "__main__":
    show(measure(small=is_small()))
