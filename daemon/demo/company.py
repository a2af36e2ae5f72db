"""Writes the made-up company: a calendar file for each of our people, the config, and what people know beside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from daemon.demo import cast, rising, stalling
from daemon.demo.config_text import ASSESSMENTS_FILE, PEOPLE_FILE, assessments_text, config_text, people_text
from daemon.demo.entry import DOMAIN, DemoEntry, dice
from daemon.demo.everyday import everyday
from daemon.demo.files import calendar_file, event_text
from daemon.demo.timeline import LAST, Timeline

STORIES: dict[cast.DemoClient, Callable[[Timeline], Iterator[DemoEntry]]] = {
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
"""Whose relationship goes how. Who stands in `cast.CLIENTS` and not here is never met."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCompany:
    """What was written. `stories` are (client, what its relationship shows), in the config's order."""

    folder: Path
    config: Path
    calendars: tuple[Path, ...]
    stories: tuple[tuple[str, str], ...]
    entries: int


def write_company(folder: Path, today: date) -> DemoCompany:
    """Writes the config, its lists and `calendars/<owner>.ics` into the folder; the same day gives the same bytes."""
    entries = _entries(Timeline(today))
    texts = _texts(entries, today)
    calendars = folder / "calendars"
    calendars.mkdir(parents=True, exist_ok=True)
    paths = []
    for owner in sorted(f"{name}@{DOMAIN}" for name in cast.OURS):
        path = calendars / f"{owner}.ics"
        path.write_bytes(calendar_file(owner, texts[owner]))
        paths.append(path)
    config = folder / "config.toml"
    for path, text in (
        (config, config_text(today)),
        (folder / PEOPLE_FILE, people_text()),
        (folder / ASSESSMENTS_FILE, assessments_text(Timeline(today))),
    ):
        path.write_text(text, encoding="utf-8", newline="\n")
    return DemoCompany(
        folder=folder,
        config=config,
        calendars=tuple(paths),
        stories=tuple((client.name, client.story) for client in cast.CLIENTS),
        entries=sum(len(text) for text in texts.values()),
    )


def _entries(timeline: Timeline) -> list[DemoEntry]:
    told = [entry for story in STORIES.values() for entry in story(timeline)]
    told += everyday(timeline)
    kept = (entry for entry in told if timeline.holds(entry.start) and _took_place(entry, timeline))
    return sorted(kept, key=lambda entry: (entry.first_day, entry.uid))


def _took_place(entry: DemoEntry, timeline: Timeline) -> bool:
    """One meeting in nine came to nothing, as in life; big days, series and the last three months did not."""
    if entry.repeats is not None or entry.first_day >= timeline.month(LAST - 2):
        return True
    return entry.length >= timedelta(hours=5) or dice("life", entry.uid) % 9 > 0


def _texts(entries: list[DemoEntry], today: date) -> dict[str, list[bytes]]:
    """Each owner's entries as text. An entry is the same in all calendars but for who marked it private."""
    texts: dict[str, list[bytes]] = defaultdict(list)
    for entry in entries:
        made: dict[bool, bytes] = {}
        for owner in entry.owners():
            private = owner in entry.private_for
            if private not in made:
                made[private] = event_text(entry, today, private=private)
            texts[owner].append(made[private])
    return texts
