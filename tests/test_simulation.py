"""The laws of the simulated schedule (`benchmarks/simulation.py`): its figures are worth what these are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.measuring import exponent
from benchmarks.simulated import Company, Read, Simulation
from benchmarks.simulation import COSTS, GOOGLE, GRAPH, LATE, interval_for, most_calendars, quota_round
from daemon.store.scale.batches import MOST_CALENDARS

SMALL = replace(GOOGLE, per_minute=2_000)
"""A quota that is soon used up: by 26,000 calendars every quarter of an hour."""
EVERY = 900.0


def moments(reads: Iterable[Read]) -> dict[int, set[int]]:
    """The second within `every` at which each batch was due."""
    found: dict[int, set[int]] = {}
    for read in reads:
        found.setdefault(read.batch, set()).add(round((read.at - read.late) % EVERY) % 900)
    return found


def test_every_batch_is_read_once_in_each_interval_at_its_own_moment() -> None:
    seen = Simulation(Company(5_000), GOOGLE, COSTS, workers=2).run(5 * EVERY)

    counts = Counter(read.batch for read in seen.reads)
    assert len(counts) == 5_000 / MOST_CALENDARS
    assert set(counts.values()) <= {4, 5}  # the first interval has begun for some
    assert all(len(found) == 1 for found in moments(seen.reads).values())
    assert seen.late_by(1.0) < LATE


def test_the_same_seed_tells_the_same() -> None:
    first, second, other = (
        Simulation(Company(1_000), GOOGLE, COSTS, workers=2, seed=seed).run(EVERY) for seed in (1, 1, 2)
    )

    assert first == second
    assert first != other


@pytest.mark.parametrize("calendars", [1_000, 20_000])
def test_the_quota_is_kept_whatever_there_is_to_do(calendars: int) -> None:
    simulation = Simulation(Company(calendars), SMALL, COSTS, workers=3)
    simulation.run(EVERY)
    simulation.go_silent(2 * EVERY)
    seen = simulation.run(4 * EVERY)

    assert 0 < seen.busiest() <= SMALL.per_minute


def test_just_below_the_quota_everybody_is_read_in_time() -> None:
    ours = Company(int(most_calendars(SMALL, timedelta(seconds=EVERY)) * 0.9))
    seen = Simulation(ours, SMALL, COSTS, workers=4).run(6 * EVERY)

    assert seen.late_by(0.99, EVERY) < LATE


def test_above_the_quota_all_of_it_is_used_and_nobody_is_passed_over() -> None:
    ours = Company(int(most_calendars(SMALL, timedelta(seconds=EVERY)) * 1.5))
    granted = quota_round(ours, SMALL)
    seen = Simulation(ours, SMALL, COSTS, workers=4).run(6 * granted)

    between = seen.between(2 * granted)
    assert granted == pytest.approx(1.5 * EVERY, rel=0.01)
    assert sum(between) / len(between) == pytest.approx(granted, rel=0.1)
    assert between[-1] < 2 * granted


def test_the_interval_that_is_told_is_long_enough() -> None:
    every = interval_for(60_000, SMALL)

    assert timedelta(seconds=EVERY) < every < timedelta(hours=1)
    seen = Simulation(Company(60_000, every), SMALL, COSTS, workers=4).run(2 * every.total_seconds())
    assert seen.late_by(0.99, every.total_seconds()) < LATE


def test_after_an_outage_everything_is_listed_again_and_comes_back_to_its_own_moment() -> None:
    simulation = Simulation(Company(2_000), GOOGLE, COSTS, workers=2)
    before = moments(simulation.run(2 * EVERY).reads)
    simulation.go_silent(8 * EVERY)
    assert simulation.unread == 2_000
    back = simulation.now + 8 * EVERY
    while simulation.unread:
        simulation.run(10)
    caught_up = simulation.now
    seen = simulation.run(3 * EVERY)

    assert not [read for read in seen.reads if back - 8 * EVERY < read.at < back]
    assert caught_up - back < EVERY
    assert moments(read for read in seen.reads if read.at > caught_up + EVERY) == before
    assert seen.late_by(1.0, caught_up + EVERY) < LATE


def test_a_killed_worker_loses_nobody() -> None:
    simulation = Simulation(Company(5_000), GOOGLE, COSTS, workers=2)
    simulation.run(1.5 * EVERY)
    simulation.kill()
    at = simulation.now
    seen = simulation.run(2 * EVERY)

    after = [read for read in seen.reads if read.at > at]
    assert len({read.batch for read in after}) == 5_000 / MOST_CALENDARS
    assert 20 < max(read.late for read in after) < LATE
    assert seen.late_by(1.0, at + EVERY) < 20


def test_tokens_last_an_hour_with_the_worker_that_has_them() -> None:
    ours = Company(2_000)
    seen = Simulation(ours, GOOGLE, COSTS, workers=2).run(8 * EVERY)

    assert seen.tokens == pytest.approx(2 * 2_000, rel=0.1)
    assert Simulation(ours, GRAPH, COSTS, workers=2).run(EVERY).tokens == 0


@pytest.mark.parametrize(
    ("costs", "power"),
    [
        ([1.0, 10.0, 100.0], 1.0),
        ([5.0, 5.0, 5.0], 0.0),
        ([1.0, 100.0, 10_000.0], 2.0),
        ([1.0, 1.0, 10.0], 0.5),  # flat at first: that is why the last step is told by itself
    ],
)
def test_exponents(costs: list[float], power: float) -> None:
    assert exponent([10, 100, 1_000], costs) == pytest.approx(power)
