"""What the tests of the ICS connector share: calendars written as text, and read through the connector itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.calendars.ics import Settings
from connectors.calendars.ics.connector import IcsCalendars
from connectors.contract import Context, Done, Page, Person, Problem, Reading
from scoring.meetings.values import Copy, Window

SAMPLES = Path(__file__).parents[2] / "samples" / "ics"
OWNER = "jo@northwind.example"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WINDOW = Window(start=datetime(2024, 11, 1, tzinfo=UTC), end=datetime(2027, 1, 20, tzinfo=UTC))
ALWAYS = Window(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2030, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Found:
    """A round, its pages put together."""

    pages: tuple[Page, ...]
    done: Done

    @property
    def copies(self) -> list[Copy]:
        return [copy for page in self.pages for copy in page.copies]

    @property
    def copy(self) -> Copy:
        (copy,) = self.copies
        return copy

    @property
    def erased(self) -> list[str]:
        return [entry for page in self.pages for entry in page.erased]

    @property
    def problems(self) -> list[Problem]:
        return [problem for page in self.pages for problem in page.problems]

    @property
    def reasons(self) -> list[str]:
        return [problem.reason for problem in self.problems]

    @property
    def starts(self) -> list[str]:
        return sorted(copy.start.strftime("%Y-%m-%d %H:%M") for copy in self.copies)


def event(*lines: str, uid: str | None = "one", start: str = ":20250310T100000Z", end: str = "DURATION:PT1H") -> str:
    """A VEVENT; `start` is what follows DTSTART."""
    head = [] if uid is None else [f"UID:{uid}"]
    tail = [end] if end else []
    return "\r\n".join(["BEGIN:VEVENT", *head, *([f"DTSTART{start}"] if start else []), *tail, *lines, "END:VEVENT"])


def calendar(*events: str, head: tuple[str, ...] = ()) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *head, *events, "END:VCALENDAR", ""]).encode()


def connector(folder: Path, zone: str = "Europe/London", **settings: object) -> IcsCalendars:
    given = settings or {"files": ["*.ics"]}
    context = Context(folder=folder, zone=ZoneInfo(zone), timeout_seconds=2.0)
    return IcsCalendars(Settings.model_validate({"name": "exports", "kind": "ics", **given}), context)


def pull(
    calendars: IcsCalendars,
    person: Person,
    cursor: str | None = None,
    window: Window = WINDOW,
    now: datetime = NOW,
    titles_of: str = "",
) -> Found:
    *pages, done = calendars.pull(person, Reading(cursor=cursor, window=window, now=now, titles_of=titles_of))
    assert isinstance(done, Done)
    assert all(isinstance(page, Page) for page in pages)
    return Found(tuple(page for page in pages if isinstance(page, Page)), done)


class Desk:
    """Reads calendar texts, each as the one file of an owner."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calendars: dict[str, IcsCalendars] = {}

    def read(
        self, data: bytes | str, *, owner: str = OWNER, zone: str = "Europe/London", window: Window = WINDOW
    ) -> Found:
        calendars = self._calendars.setdefault(zone, connector(self._folder, zone))
        path = self._folder / f"{owner}.ics"
        path.write_bytes(data if isinstance(data, bytes) else calendar(data))
        try:
            (person,) = calendars.people().people
            return pull(calendars, person, window=window)
        finally:
            path.unlink()

    def close(self) -> None:
        for calendars in self._calendars.values():
            calendars.close()


@contextmanager
def desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        opened = Desk(Path(folder))
        try:
            yield opened
        finally:
            opened.close()
