"""What the benchmarks of web calendars share: a provider in a process of its own, two passes over it, and the figures.

The first pass lists everything into SQLite; the second finds nothing changed. A bare loop reads the same pages. The
provider hands out prepared pages, so that it costs the reader as little as can be.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import requests

from benchmarks.measuring import Figure, Stopwatch, folder, in_child, note, peak_megabytes, serving
from benchmarks.world import config_text
from daemon.commands.common import opened
from daemon.sync.run import run_sync
from daemon.sync.run_values import SyncRun
from tests.fakes.http_fake import Answer, HttpFake

MARK = "@@calendar@@"
"""Stands in prepared pages for whose calendar it is."""
Item = dict[str, Any]


class Web(NamedTuple):
    """What differs from provider to provider; functions of a module, so that they can be sent to a process."""

    name: str
    serve: Callable[..., None]
    """Of a pipe for the URL, and how many entries each calendar has."""
    write_company: Callable[[Path, str, list[str], Item], str]
    """Of a folder, the provider's URL, whose calendars, and what the provider tells of itself: the config's lines."""
    link: Callable[[str, str, Item | None], str | None]
    """Of the provider's URL, whose calendar, and its page before: where a bare loop finds the next."""
    items: str
    uid: str
    address: Callable[[Item], str]
    """What a page has for its entries, an entry for its UID, an attendee for the address."""


def measure_calendars(web: Web, *, small: bool) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed."""
    name, found, bare = web.name, [], 0.0
    for calendars, entries in ((2, 2_500), (4, 2_500)) if small else ((10, 5_000), (100, 10_000)):
        note(f"{name}: reading {calendars * entries:,} entries of {calendars} calendars")
        with serving(web.serve, entries) as url:
            bare = bare or in_child(_bare_loop, web, url, calendars)
            found.append(in_child(two_passes, web, url, calendars))
    idle = 20 if small else 500
    with serving(web.serve, 0) as url:
        note(f"{name}: {idle} calendars in which nothing changes")
        quiet = in_child(two_passes, web, url, idle)
    first, second = found
    speed, scored = (first["entries"] / first[key] for key in ("seconds", "scored_seconds"))
    bare_speed = first["entries"] / bare
    return [
        Figure(f"{name}: entries/s into SQLite", speed, "1/s"),
        Figure(f"{name}: entries/s, bare requests + json + executemany", bare_speed, "1/s"),
        Figure(f"{name}: the one against the other", speed / bare_speed, at_least=0.5),
        Figure(f"{name}: entries/s into SQLite and scored", scored, "1/s"),
        Figure(f"{name}: entries/s into SQLite, {second['entries']:,}", second["entries"] / second["seconds"], "1/s"),
        Figure(f"{name}: peak memory, {first['entries']:,} entries", first["megabytes"], "MB"),
        Figure(f"{name}: peak memory, {second['entries']:,} entries", second["megabytes"], "MB", at_most=200),
        Figure(f"{name}: tokens a person, two passes", quiet["tokens"] / idle),
        Figure(f"{name}: requests an unchanged calendar", quiet["again_requests_each"], at_most=1),
        Figure(f"{name}: CPU an unchanged calendar", quiet["again_cpu_each"], "ms", at_most=5),
        Figure(f"{name}: 10,000 unchanged calendars, from {idle}", quiet["again_seconds"] / idle * 10_000, "s"),
    ]


class Pages(HttpFake):
    """Hands out prepared pages. At `/about` is what there is to know: at least how many `tokens` were given."""

    packed_from_bytes = sys.maxsize

    def __init__(self, late_seconds: float = 0.0) -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"
        self._late_seconds = late_seconds
        self._pages: list[bytes] = []

    def serve_to(self, pipe: Connection, pages: list[Item]) -> None:
        """Tells its URL and serves these, the last of which is for when nothing has changed."""
        self._pages = [json.dumps(page).encode() for page in pages]
        pipe.send(self.url)
        self.serve()

    def page(self, number: int, owner: str) -> Answer:
        """With the calendar's owner put in."""
        time.sleep(self._late_seconds)
        return Answer(200, self._pages[number].replace(MARK.encode(), owner.encode()))


def items_of(entries: int, item: Callable[[int, list[str], datetime], Item], page: int) -> list[list[Item]]:
    """So many entries in pages; one page at least. Half an hour apart, over the last 300 days.

    Each has five attendees; in a quarter of them two come from a client.
    """
    start = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=300)
    items = []
    for number in range(entries):
        guests = [address_of((number + guest) % 400) for guest in range(5)]
        if number % 4 == 0:
            guests[1:3] = [f"{who}{number % 300}@client{number % 50:03}.example" for who in "cd"]
        items.append(item(number, guests, start + timedelta(minutes=30 * (number % 14_000))))
    return [items[first : first + page] for first in range(0, max(entries, 1), page)]


def address_of(calendar: int) -> str:
    return f"p{calendar}@northwind.example"


def about(url: str) -> Item:
    """What a provider tells of itself."""
    found: Item = requests.get(f"{url}/about", timeout=10).json()
    return found


def write_config(made: Path, web: Web, url: str, calendars: int, more: str = "") -> None:
    """A company with so many calendars at this provider, and 50 clients."""
    connector = web.write_company(made, url, [address_of(number) for number in range(calendars)], about(url))
    connector += "\nrequests_per_minute = 10_000_000\n"
    (made / "config.toml").write_text(config_text(clients=50, connectors=connector + more))


def two_passes(web: Web, url: str, calendars: int, more: str = "") -> dict[str, Any]:
    """What the first pass takes, and one more: seconds, and milliseconds of CPU for each calendar."""
    with folder() as made:
        write_config(made, web, url, calendars, more)
        with opened(made / "config.toml", resolve_secrets=True) as session:
            connector = session.connect(session.config.connectors[0])
            connector.people()  # the libraries are loaded before anything is timed, as they are for the bare loop
            watches, results = [Stopwatch(), Stopwatch()], []
            for watch in watches:
                run = SyncRun(database=session.database, context=session.context(), now=session.now)
                with watch:
                    results += run_sync(run, [connector])
    if any(result.failed for result in results):
        raise RuntimeError([result.failed[:1] for result in results])
    return {
        "entries": results[0].entries,
        "seconds": results[0].seconds,
        "scored_seconds": watches[0].seconds,
        "megabytes": peak_megabytes(),
        "tokens": about(url)["tokens"],
        "again_requests_each": (results[1].requests - connector.roster_requests) / calendars,
        "again_seconds": watches[1].seconds,
        "cpu": watches[0].cpu,
        "again_cpu": watches[1].cpu,
        "again_cpu_each": 1000 * watches[1].cpu / calendars,
    }


def _bare_loop(web: Web, url: str, calendars: int) -> float:
    """Seconds for the same pages, the entries with outsiders put into one table as they are."""
    gc.collect()
    gc.freeze()  # a bare program has none of this one's modules among which to search for cycles
    session = requests.Session()
    columns = "calendar, entry, uid, starts, ends, people"
    with folder() as made, Stopwatch() as watch:
        target = sqlite3.connect(made / "bare.db", isolation_level=None)
        target.execute("PRAGMA journal_mode = WAL")
        target.execute(f"CREATE TABLE copies ({columns}, PRIMARY KEY (calendar, entry))")
        for owner in map(address_of, range(calendars)):
            target.execute("BEGIN")
            link = web.link(url, owner, None)
            while link is not None:
                page = session.get(link, timeout=60).json()
                target.executemany("INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?)", _rows(web, owner, page))
                link = web.link(url, owner, page)
            target.execute("COMMIT")
    return watch.seconds


def _rows(web: Web, owner: str, page: Item) -> Iterator[tuple[str, ...]]:
    for item in page[web.items]:
        people = [web.address(attendee) for attendee in item["attendees"]]
        if not all(address.endswith("@northwind.example") for address in people):
            bounds = item["start"]["dateTime"], item["end"]["dateTime"]
            yield owner, item["id"], item[web.uid], *bounds, " ".join(people)
