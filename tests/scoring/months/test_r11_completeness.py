"""R11: whether a month's figures are complete, and whose calendars they lack."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from scoring.months.history import Coverage, missing
from scoring.months.month import Month
from tests.scoring.builders import JO, KIM, LONDON, SAM, at

OCTOBER = Month("2026-10")


def reach(
    read: str | None = "2026-11-01 00:00",
    *,
    joined: str = "2024-11",
    left: str | None = None,
    never: str | None = None,
    calendar: str = JO,
) -> Coverage:
    return Coverage(
        calendar=calendar,
        joined=Month(joined),
        left=Month(left) if left else None,
        read_through=at(read) if read else None,
        never_read=never,
    )


@pytest.mark.parametrize(
    ("one", "lacks"),
    [
        pytest.param(reach("2026-11-15 08:00"), False, id="read later"),
        pytest.param(reach("2026-11-01 00:00"), False, id="read at the moment the month ended"),
        pytest.param(reach("2026-10-31 23:59:59"), True, id="read a second before it ended"),
        pytest.param(reach("2026-10-15 08:00"), True, id="read in the middle of it"),
        pytest.param(reach(None), True, id="in scope, but not read yet"),
        pytest.param(reach(None, joined="2026-10"), True, id="joined in the month"),
        pytest.param(reach(None, joined="2026-11"), False, id="joined in a later month"),
        pytest.param(
            reach("2026-10-15 08:00", left="2026-10"), True, id="left in the month: in scope on its first day"
        ),
        pytest.param(reach("2026-09-15 08:00", left="2026-09"), False, id="left in an earlier month"),
        pytest.param(reach("2026-11-15 08:00", left="2026-11"), False, id="left later, read after the month ended"),
        pytest.param(reach("2026-10-15 08:00", left="2026-11"), True, id="left later, not read after the month ended"),
        pytest.param(reach(None, never="no mailbox"), False, id="a standing reason makes nothing incomplete"),
    ],
)
def test_r11_a_month_lacks_the_calendars_not_read_after_it_ended(one: Coverage, lacks: bool) -> None:
    assert missing(OCTOBER, [one], LONDON) == ((JO,) if lacks else ())


@pytest.mark.parametrize(
    ("zone", "read", "lacks"),
    [
        ("Pacific/Auckland", "2026-10-31 11:00", False),
        ("Pacific/Auckland", "2026-10-31 10:59", True),
        ("America/New_York", "2026-11-01 04:00", False),
        ("America/New_York", "2026-11-01 03:59", True),
    ],
)
def test_r11_a_month_ends_by_the_companys_clock(zone: str, read: str, lacks: bool) -> None:
    assert bool(missing(OCTOBER, [reach(read)], ZoneInfo(zone))) is lacks


def test_r11_the_calendars_are_named_once_each_in_order() -> None:
    """The same person may be read over two connectors."""
    calendars = [reach(None, calendar=one) for one in (SAM, KIM, JO, SAM)]
    assert missing(OCTOBER, calendars, LONDON) == (JO, KIM, SAM)


def test_r11_without_calendars_nothing_is_missing() -> None:
    assert missing(OCTOBER, [], LONDON) == ()
