"""Calendar files and feeds (iCalendar, RFC 5545): the kind `ics`.

A calendar is one owner's, by address, from as many files and feeds as there are of that owner. A listing reads all of
them, or, when none has changed, none. What is read is hostile: it is taken apart in a child process within bounds
(`parser.main`), and a feed is asked for with care (`feed_http`).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from math import inf
from typing import Annotated

from pydantic import AfterValidator, model_validator

from connectors.calendars.ics.copies import Origin, page_of
from connectors.calendars.ics.feed_addresses import Network
from connectors.calendars.ics.feeds import FeedSource
from connectors.calendars.ics.files import FileSource, find_files
from connectors.calendars.ics.listing import Listing, SourceRead, Sources
from connectors.calendars.ics.parser.request import VERSION, Request
from connectors.calendars.ics.process import Reader
from connectors.contract import Calendars, Context, Done, Page, Person, Reading, Roster
from connectors.errors import SkipCalendar, StopConnector
from connectors.settings import ConnectorSettings, Secret, SettingsModel
from scoring.meetings.address_book import normalise_address

_FRESH_SECONDS = 10.0  # for so long the files that were found are taken to be all


def _owner(text: str) -> str:
    address = normalise_address(text)
    if address is None:
        raise ValueError("is no e-mail address")
    return address


def _pattern(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    if any("**" in part and part != "**" for part in text.split("/")):
        raise ValueError('"**" stands alone between slashes')
    return text


Address = Annotated[str, AfterValidator(_owner)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class Feed(SettingsModel):
    """A calendar's secret address, and whose calendar it is."""

    owner: Address
    url: Secret


class Settings(ConnectorSettings):
    """`files` are paths and patterns from the config's folder on; `exclude` are owners who are never read."""

    files: tuple[Pattern, ...] = ()
    feeds: tuple[Feed, ...] = ()
    exclude: tuple[Address, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> Settings:
        if not self.files and not self.feeds:
            raise ValueError("needs files or feeds")
        return self


def connect(settings: Settings, context: Context) -> Calendars:
    """The connector. Opens nothing yet."""
    return IcsCalendars(settings, context)


class IcsCalendars:
    """The calendars of files and feeds; see `connectors.contract.Calendars`."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self.name = settings.name
        self.roster_requests = 0
        self._settings = settings
        self._context = context
        self._reader = Reader()
        self._sources: dict[str, Sources] = {}
        self._found_at = -inf
        self._lock = threading.Lock()
        self._network = Network(
            ca_file=context.ca_file,
            proxy=context.proxy,
            timeout_seconds=context.timeout_seconds,
            own_domains=context.company_domains,
        )

    def query(self) -> str:
        text = f"ics {VERSION} {self._context.zone.key}"
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def people(self) -> Roster:
        sources = self._find()
        self._know(sources)
        people = tuple(Person(id=owner, addresses=(owner,)) for owner in sources)
        return Roster(people=people, excluded=self._settings.exclude)

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        listing = Listing(self._sources_of(person), reading, self.query(), self._context.folder, self._network)
        full = listing.has_changed()
        if full:
            for read in listing.sources():
                yield from self._pages(read, person, reading)
        yield Done(
            cursor=listing.cursor.dump(),
            full=full,
            window=reading.window,
            read_through=listing.read_through,
            requests=listing.requests,
        )

    def _pages(self, read: SourceRead, person: Person, reading: Reading) -> Iterator[Page]:
        origin = Origin(
            connector=self.name, owner=person.id, where=read.where, written=read.reaches, read_at=reading.now
        )
        request = Request(
            owner=person.id,
            source=read.key,
            start=int(reading.window.start.timestamp()),
            end=int(reading.window.end.timestamp()),
            zone=self._context.zone.key,
            size=len(read.data),
        )
        for line in self._reader.read(request, read.data, f"the {read.kind} {read.where}"):
            yield page_of(line, origin)

    def _sources_of(self, person: Person) -> Sources:
        with self._lock:
            fresh = time.monotonic() - self._found_at < _FRESH_SECONDS
            known = self._sources.get(person.id) if fresh else None
        if known is None:
            known = self._know(self._find()).get(person.id)
        if known is None:
            raise SkipCalendar("missing", "its calendar has no file and no feed any more", "Export the calendar again.")
        return known

    def _know(self, sources: dict[str, Sources]) -> dict[str, Sources]:
        with self._lock:
            self._sources, self._found_at = sources, time.monotonic()
        return sources

    def _find(self) -> dict[str, Sources]:
        """The sources by owner, without those who are excluded. Raises `StopConnector` when there are none at all."""
        files = find_files(self._settings.files, self._context.folder)
        if not files and not self._settings.feeds:
            raise StopConnector(
                "no_files",
                "no file matches the connector's files",
                "Check the paths, and that their folder can be read.",
            )
        found: dict[str, Sources] = {}
        sources: list[FileSource | FeedSource] = [*files, *_feeds(self._settings)]
        for source in sources:
            if source.person not in self._settings.exclude:
                found[source.person] = (*found.get(source.person, ()), source)
        return found

    def close(self) -> None:
        self._reader.close()


def _feeds(settings: Settings) -> Iterator[FeedSource]:
    numbers: dict[str, int] = {}
    for feed in settings.feeds:
        numbers[feed.owner] = numbers.get(feed.owner, 0) + 1
        yield FeedSource(feed.owner, feed.url, numbers[feed.owner])
