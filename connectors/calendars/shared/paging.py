"""All pages of a list, within what it can hold and what time may be spent on it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from connectors.calendars.shared.calendars import RequestCounter
from connectors.errors import ConnectorError
from scoring.meetings.values import Window

PageT = TypeVar("PageT")
PlaceT = TypeVar("PlaceT")
MOST_DIRECTORY_PAGES = 2_000  # a million people, of five hundred a page
MOST_SECONDS = 1_800.0
_PAGES_A_DAY = 1  # of two hundred items and more: nobody has that many appointments
_MORE_PAGES = 100  # some are empty, and a list of changes knows no window


def most_pages(window: Window) -> int:
    """More pages than a calendar's list over this window can have."""
    return _MORE_PAGES + _PAGES_A_DAY * (window.end - window.start).days


def all_pages(
    ask: Callable[[PlaceT], tuple[PageT, PlaceT | None]],
    first: PlaceT,
    most: int,
    counter: RequestCounter,
    endless: ConnectorError,
) -> Iterator[PageT]:
    """Each page; `ask` answers one and where the next is, None behind the last. An empty page says nothing about that.

    Raises `endless` when a page leads to itself, there are more than `most`, or they took the provider longer than
    `MOST_SECONDS`, with whatever else was counted by `counter`: others wait meanwhile.
    """
    place = first
    for _ in range(most):
        page, following = ask(place)
        yield page
        if following is None:
            return
        if following == place or counter.seconds > MOST_SECONDS:
            break
        place = following
    raise endless
