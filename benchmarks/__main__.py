"""`python -m benchmarks [--small] [NAME …]`: all benchmarks or those named, and one table of figures and their aims.

`--small` is a quick trial; its figures say little.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from benchmarks.measuring import Figure, Stopwatch, machine, note, table

_NAMES = ("upserts", "postgres", "ics", "google", "microsoft", "meetings", "calendars", "simulation", "workers")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_NAMES), default=_NAMES)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    note(machine())
    figures: list[Figure] = []
    with Stopwatch() as watch:
        for name in given.names:
            figures += import_module(f"benchmarks.{name}").measure(small=given.small)
    note(f"took {watch.seconds:.0f} s")
    print(machine())
    print(table(figures))


if __name__ == "__main__":  # children are spawned from here too, and import no more than what they do
    main()
