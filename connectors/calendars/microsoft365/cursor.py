"""How far a mailbox is known: delta links, and the window that was baked into each (`docs/providers.md` B1). Pure.

A link's window never moves. So it reaches beyond what is read now, and a new round replaces it before that is used up;
both lengths differ from person to person, so that few mailboxes are listed anew on the same day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from scoring.meetings.values import Window

VERSION = 1
DAY = timedelta(days=1)  # dates begin at another time in every zone
_MARGIN = timedelta(days=24)
_MARGIN_SPREAD = timedelta(days=14)
_RENEWED = timedelta(days=1)
_RENEWED_SPREAD = timedelta(days=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A delta link and its window."""

    link: str = field(repr=False)
    window: Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """The links, one unless the tenant refuses long windows, and up to where everything in the window was told.

    What begins after `listed` was told by a link when it was no concern of ours, and will not be told again.
    """

    parts: tuple[Part, ...]
    listed: datetime

    @property
    def window(self) -> Window:
        """All that the links cover."""
        return Window(start=min(one.window.start for one in self.parts), end=max(one.window.end for one in self.parts))

    def covers(self, window: Window, person: str) -> bool:
        """Whether rounds over this window may go on from it, with days to spare."""
        ahead = _RENEWED + _share(person, "renewed") * _RENEWED_SPREAD
        return self.window.start <= window.start and window.end + ahead <= self.window.end

    def dump(self) -> str:
        """As it is stored. A secret."""
        parts = [[one.link, one.window.start.isoformat(), one.window.end.isoformat()] for one in self.parts]
        return json.dumps({"v": VERSION, "parts": parts, "listed": self.listed.isoformat()})


def load(text: str | None) -> Cursor | None:
    """A cursor of ours; None where there is none, or none of this version."""
    if text is None:
        return None
    try:
        found = json.loads(text)
        parts = tuple(
            Part(link=str(link), window=Window(start=_moment(start), end=_moment(end)))
            for link, start, end in found["parts"]
        )
        return Cursor(parts=parts, listed=_moment(found["listed"])) if parts and found["v"] == VERSION else None
    except (ValueError, KeyError, TypeError):
        return None


def window_of_links(window: Window, person: str) -> Window:
    """What new links are asked to cover, so that `window` can move on for weeks."""
    margin = _MARGIN + _share(person, "margin") * _MARGIN_SPREAD
    return Window(start=window.start - DAY, end=(window.end + DAY + margin).replace(microsecond=0))


def halves(window: Window) -> tuple[Window, Window]:
    """A window in two; what lies across is in both."""
    middle = (window.start + (window.end - window.start) / 2).replace(microsecond=0)
    return Window(start=window.start, end=middle), Window(start=middle, end=window.end)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _share(person: str, what: str) -> float:
    """A number from 0 to 1 that a person keeps."""
    return int.from_bytes(blake2b(f"{what} {person}".encode(), digest_size=2).digest(), "big") / 65_536
