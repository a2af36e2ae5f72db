"""How costs grow with the meetings that are stored and the calendars that are read, and with which power of each."""

from __future__ import annotations

from benchmarks import growth_calendars, growth_meetings
from benchmarks.growing import figures_of
from benchmarks.measuring import Figure, is_small, show


def measure(*, small: bool = False) -> list[Figure]:
    """Every cost at every size, and the powers."""
    costs = [*growth_meetings.costs(small=small), *growth_calendars.costs(small=small)]
    return [figure for cost in costs for figure in figures_of(cost)]


if __name__ == "__main__":
    show(measure(small=is_small()))
