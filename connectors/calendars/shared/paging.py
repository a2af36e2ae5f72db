"""All pages of a list. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from connectors.errors import ConnectorError

PageT = TypeVar("PageT")
PlaceT = TypeVar("PlaceT")
MOST_DIRECTORY_PAGES = 10_000
MOST_CALENDAR_PAGES = 100_000


def all_pages(
    ask: Callable[[PlaceT], tuple[PageT, PlaceT | None]], first: PlaceT, most: int, endless: ConnectorError
) -> Iterator[PageT]:
    """Each page; `ask` answers one and where the next is, None behind the last. An empty page says nothing about that.

    Raises `endless` when a page leads to itself, or there are more than `most`.
    """
    place = first
    for _ in range(most):
        page, following = ask(place)
        yield page
        if following is None:
            return
        if following == place:
            break
        place = following
    raise endless
