"""Listing one calendar: whether any of its sources changed since the cursor, and if so the bytes of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from connectors.calendars.ics.feed_addresses import Network
from connectors.calendars.ics.feeds import FeedMark, FeedSource, fetch_feed
from connectors.calendars.ics.files import FileSource, Stamp, look, read_file
from connectors.contract import Reading
from scoring.meetings.values import Window

Sources = tuple[FileSource | FeedSource, ...]


@dataclass(frozen=True, slots=True)
class FileMark:
    """A file as last read: the hash of its bytes; with `stamp` None it has to be read again to know."""

    hash: str
    stamp: Stamp | None


@dataclass(slots=True)
class Cursor:
    """What is remembered of the sources, by key, and what was asked of them; no address of a feed is in it.

    `query` holds the parser's version and the company's zone, `window` its ends in ISO 8601, `titles_of` is as in
    `connectors.contract.Reading`.
    """

    query: str = ""
    window: str = ""
    titles_of: str = ""
    files: dict[str, FileMark] = field(default_factory=dict)
    feeds: dict[str, FeedMark] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str | None) -> Cursor:
        """The cursor, an empty one for whatever is none."""
        try:
            return msgspec.convert(json.loads(text or "{}"), cls)
        except (ValueError, RecursionError):
            return cls()

    def dump(self) -> str:
        """As JSON, in which a file's name may hold what no UTF-8 has."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def window_text(window: Window) -> str:
    """A window, to compare."""
    return f"{window.start.isoformat()}/{window.end.isoformat()}"


@dataclass(frozen=True, slots=True)
class SourceRead:
    """A source's bytes. `kind` (file or feed) and `where` name it to people.

    `reaches` is the moment up to which it tells what happened (R11).
    """

    key: str
    kind: str
    where: str
    data: bytes
    reaches: datetime


class Listing:
    """Looks first, as cheaply as it can, and reads after. `cursor` and `read_through` are true once that is done."""

    def __init__(self, sources: Sources, reading: Reading, query: str, folder: Path, network: Network) -> None:
        self._sources = sources
        self._now = reading.now
        self._folder = folder
        self._network = network
        self._known = Cursor.load(None if reading.full else reading.cursor)
        self._held: dict[str, SourceRead] = {}
        self.cursor = Cursor(query, window_text(reading.window), reading.titles_of)
        self.read_through = reading.now
        self.requests = 0

    def has_changed(self) -> bool:
        """Whether anything has to be read. Raises `SkipCalendar` or `RetryLater`."""
        changed = self._is_asked_anew()
        for source in self._sources:
            if isinstance(source, FileSource):
                changed = changed or self._file_changed(source)
        for source in self._sources:
            if isinstance(source, FeedSource):
                changed = changed or self._feed_changed(source)
        return changed

    def sources(self) -> Iterator[SourceRead]:
        """Every source, whole, one at a time in memory if possible. Raises as `has_changed`."""
        for source in self._sources:
            held = self._held.pop(source.key, None)
            if held is not None:
                yield held
            elif isinstance(source, FileSource):
                yield self._read_file(source)
            else:
                yield self._read_feed(source)

    def _is_asked_anew(self) -> bool:
        """Another window, parser, zone or set of sources; for titles only what costs nothing is read again."""
        known, now = self._known, self.cursor
        files = {source.key for source in self._sources if isinstance(source, FileSource)}
        feeds = {source.key for source in self._sources if isinstance(source, FeedSource)}
        return (
            (known.query, known.window) != (now.query, now.window)
            or (set(known.files), set(known.feeds)) != (files, feeds)
            or (bool(files) and known.titles_of != now.titles_of)
        )

    def _file_changed(self, source: FileSource) -> bool:
        mark = self._known.files[source.key]
        stamp = look(source)
        if stamp == mark.stamp:
            self._mark(source, mark.hash, stamp)
            return False
        read = self._read_file(source)
        if self.cursor.files[source.key].hash == mark.hash:
            return False
        self._held[source.key] = read
        return True

    def _feed_changed(self, source: FeedSource) -> bool:
        known = self._known.feeds[source.key]
        feed = fetch_feed(source, known, self._folder, self._network)
        self.requests += feed.requests
        self.cursor.feeds[source.key] = feed.mark
        if feed.data is None:
            return False
        self._held[source.key] = self._from_feed(source, feed.host, feed.data)
        return True

    def _read_file(self, source: FileSource) -> SourceRead:
        found = read_file(source)
        self._mark(source, found.hash, found.stamp)
        return SourceRead(source.key, "file", source.name, found.data, min(found.stamp.modified, self._now))

    def _read_feed(self, source: FeedSource) -> SourceRead:
        feed = fetch_feed(source, None, self._folder, self._network)
        self.requests += feed.requests
        self.cursor.feeds[source.key] = feed.mark
        return self._from_feed(source, feed.host, feed.data or b"")

    def _from_feed(self, source: FeedSource, host: str, data: bytes) -> SourceRead:
        return SourceRead(source.key, "feed", f"at {host}", data, self._now)

    def _mark(self, source: FileSource, content: str, stamp: Stamp) -> None:
        self.cursor.files[source.key] = FileMark(content, stamp if stamp.settled(self._now) else None)
        self.read_through = min(self.read_through, stamp.modified)
