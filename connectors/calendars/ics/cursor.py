"""What is remembered of a calendar's sources between rounds, as the JSON of the cursor. Holds no address of a feed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from connectors.calendars.ics.feeds import Known
from connectors.calendars.ics.files import Stamp
from scoring.meetings.values import Window


@dataclass(frozen=True, slots=True)
class FileMark:
    """A file as last read; without a stamp it has to be read again to know."""

    hash: str
    stamp: Stamp | None


@dataclass(slots=True)
class Cursor:
    """The sources by key, and what was asked of them. `query` holds the parser's version and the company's zone."""

    query: str = ""
    window: str = ""
    titles_of: str = ""
    files: dict[str, FileMark] = field(default_factory=dict)
    feeds: dict[str, Known] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str | None) -> Cursor:
        """The cursor, an empty one for whatever is none."""
        try:
            return cls._from(json.loads(text or "{}"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()

    @classmethod
    def _from(cls, found: dict[str, object]) -> Cursor:
        files = {key: _file_mark(mark) for key, mark in _mapping(found["files"]).items()}
        feeds = {key: Known(**_texts(mark, Known)) for key, mark in _mapping(found["feeds"]).items()}
        return cls(str(found["query"]), str(found["window"]), str(found["titles_of"]), files, feeds)

    def dump(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def window_text(window: Window) -> str:
    return f"{window.start.isoformat()}/{window.end.isoformat()}"


def _file_mark(found: object) -> FileMark:
    mark = _mapping(found)
    stamp = mark["stamp"]
    return FileMark(str(mark["hash"]), None if stamp is None else _stamp(stamp))


def _stamp(found: object) -> Stamp:
    numbers = {name: value for name, value in _mapping(found).items() if isinstance(value, int)}
    return Stamp(**numbers)


def _texts(found: object, kind: type[Known]) -> dict[str, str]:
    mark = _mapping(found)
    return {one.name: str(mark[one.name]) for one in fields(kind)}


def _mapping(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise TypeError("not a mapping")
    return found
