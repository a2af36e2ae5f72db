"""All pages of a list, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.paging import MOST_SECONDS, all_pages, most_pages
from connectors.errors import RetryLater
from scoring.meetings.values import Window

ENDLESS = RetryLater("endless", "the list does not end")


@pytest.mark.parametrize(("seconds", "pages"), [(0.1, 5), (MOST_SECONDS / 2, 3), (MOST_SECONDS * 2, 1)])
def test_a_list_that_does_not_end_is_given_up_by_its_pages_and_by_its_time(seconds: float, pages: int) -> None:
    counter = RequestCounter()
    found: list[int] = []

    def ask(place: int) -> tuple[int, int | None]:
        counter.seconds += seconds
        found.append(place)
        return place, place + 1

    with pytest.raises(RetryLater):
        list(all_pages(ask, 0, 5, counter, ENDLESS))
    assert found == list(range(pages))


def test_what_a_window_can_hold() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert most_pages(Window(start=start, end=start + timedelta(days=800))) == 900
