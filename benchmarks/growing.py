"""A cost at several sizes, and with which power of the size it grows: 1 is linear, 0 is flat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

from benchmarks.measuring import Figure

LINEAR = 1.1
FLAT = 0.1
"""Aims for a power: measured ones differ a little from run to run."""
_LAST_STEP = 0.15
"""So much more is granted to the last step: two sizes say less, and what is large misses the processor's caches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What something costs at each size, of which there are so many `of` something.

    `grows_at_most` is the power aimed at, None where none is.
    """

    name: str
    unit: str
    of: str
    values: Mapping[int, float]
    grows_at_most: float | None = LINEAR


def figures_of(cost: Cost) -> list[Figure]:
    """A figure for each size, and with which power of it the cost grows: over all sizes, and in the last step.

    Every cost begins with a part that does not grow; it would hide what bends upwards at the end.
    """
    found = [Figure(f"{cost.name}, {size:,} {cost.of}", value, cost.unit) for size, value in cost.values.items()]
    if cost.grows_at_most is None:
        return found
    for what, few, more in (("over all sizes", len(cost.values), 0.0), ("in the last step", 2, _LAST_STEP)):
        power = exponent(list(cost.values)[-few:], list(cost.values.values())[-few:])
        found.append(Figure(f"{cost.name}: exponent {what}", power, "", aim=cost.grows_at_most + more, at_most=True))
    return found


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of the best line through the logarithms (least squares). Needs two sizes; a cost is above zero."""
    across = [log10(size) for size in sizes]
    up = [log10(cost) for cost in costs]
    middle, height = sum(across) / len(across), sum(up) / len(up)
    rise = sum((x - middle) * (y - height) for x, y in zip(across, up, strict=True))
    return rise / sum((x - middle) ** 2 for x in across)
