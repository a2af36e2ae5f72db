"""`python -m benchmarks [--small]`: every benchmark, and one table of figures, aims, and which were reached."""

from __future__ import annotations

from benchmarks import (
    digest,
    google,
    growth,
    ics,
    insights,
    microsoft,
    postgres,
    report,
    rescore,
    simulation,
    upserts,
    workers,
)
from benchmarks.measuring import Figure, Stopwatch, is_small, machine, note, show


def main() -> None:
    note(machine())
    figures: list[Figure] = []
    with Stopwatch() as watch:
        for one in (
            upserts,
            postgres,
            ics,
            google,
            microsoft,
            rescore,
            insights,
            report,
            digest,
            growth,
            simulation,
            workers,
        ):
            figures += one.measure(small=is_small())
    note(f"took {watch.seconds:.0f} s")
    show(figures)


main()
