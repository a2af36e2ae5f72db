"""Whose relationship goes how. Who stands in `cast.CLIENTS` and not here is never met."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from daemon.demo import cast, rising, stalling
from daemon.demo.entry import Entry
from daemon.demo.timeline import Timeline

STORIES: dict[cast.Client, Callable[[Timeline], Iterator[Entry]]] = {
    cast.ACME: rising.climbs,
    cast.BRIGHTWATER: stalling.fades,
    cast.CALDER: rising.hangs_on_one,
    cast.DUNMORE: stalling.only_phones,
    cast.FAIRHOLM: rising.double_books,
    cast.GRANTA: rising.changes_clocks,
    cast.HARROW: stalling.weekly,
    cast.IVYBRIDGE: rising.quarterly,
    cast.JUNIPER: stalling.calls_off,
    cast.KESTREL: stalling.stays_the_same,
    cast.LARKFIELD: rising.is_new,
    cast.MOSSBANK: stalling.declines,
}
