"""What the parent asks of the child process that reads calendars. Imports nothing, so that the parent stays small."""

from __future__ import annotations

from dataclasses import dataclass

PAGE = 500
VERSION = 1
"""Of what is read from a calendar and how; a change lists every calendar again."""


@dataclass(frozen=True, slots=True)
class Request:
    """Whose calendar, which source, the window in seconds since 1970, the company's zone, how many bytes follow."""

    owner: str
    source: str
    start: int
    end: int
    zone: str
    size: int
