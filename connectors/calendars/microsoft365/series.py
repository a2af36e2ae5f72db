"""The series that a full listing met, until it is complete: only then is it known what has to be asked for.

Occurrences often come as stubs (`docs/providers.md` B2); they wait here, small, for what their series tells. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from connectors.calendars.microsoft365.events import is_complete, of_master, of_part, read_page
from connectors.calendars.shared.items import Origin
from connectors.contract import Page

_CHUNK = 500
_BARE = frozenset({"id", "type", "seriesMasterId", "start", "end"})

Bare = tuple[str, str, str, str]
"""A stub that tells its id, its start and end, and their zone."""


@dataclass(slots=True)
class _Series:
    """What a listing told of one series. `occurs`: an occurrence of it can be read, complete or with its master."""

    master: dict[str, Any] | None = None
    bare: list[Bare] = field(default_factory=list)
    partial: list[dict[str, Any]] = field(default_factory=list)
    occurs: bool = False


class Series:
    """All series of a listing by the ids of their masters."""

    def __init__(self) -> None:
        self._known: dict[str, _Series] = {}

    def take(self, item: Mapping[str, Any]) -> bool:
        """Takes a master, or an occurrence that does not say everything; what it leaves can be read at once."""
        number, master = item.get("id"), item.get("seriesMasterId")
        if item.get("type") == "seriesMaster":
            if isinstance(number, str):
                self._of(number).master = of_master(item)
            return True
        if not isinstance(master, str) or not isinstance(number, str):
            return False
        series = self._of(master)
        series.occurs = series.occurs or item.get("type") != "exception"
        if is_complete(item):
            return False
        bare = _bare(item)
        if bare is not None:
            series.bare.append(bare)
        else:
            series.partial.append(of_part(item))
        return True

    def _of(self, number: str) -> _Series:
        return self._known.setdefault(number, _Series())

    def unclear(self) -> Iterator[str]:
        """The masters of series whose instances have to be listed: nothing else tells what they are."""
        for number, series in self._known.items():
            waits = series.bare or series.partial
            if not series.occurs or (waits and series.master is None):
                yield number

    def pages(self, origin: Origin) -> Iterator[Page]:
        """The stubs of all other series, with what their masters tell."""
        unclear = set(self.unclear())
        items = (
            {**series.master, **part}
            for number, series in self._known.items()
            if series.master is not None and number not in unclear
            for part in (*(_whole(number, bare) for bare in series.bare), *series.partial)
        )
        while chunk := list(islice(items, _CHUNK)):
            yield read_page(chunk, origin)


def _bare(item: Mapping[str, Any]) -> Bare | None:
    """A stub made small; None for one that tells more."""
    told = of_part(item)
    if told.keys() - _BARE or told.get("type") != "occurrence":
        return None
    try:
        start, end = told["start"], told["end"]
        zone = start["timeZone"]
        return (told["id"], start["dateTime"], end["dateTime"], zone) if end["timeZone"] == zone else None
    except (KeyError, TypeError):
        return None


def _whole(master: str, bare: Bare) -> dict[str, Any]:
    number, start, end, zone = bare
    return {
        "id": number,
        "type": "occurrence",
        "seriesMasterId": master,
        "start": {"dateTime": start, "timeZone": zone},
        "end": {"dateTime": end, "timeZone": zone},
    }
