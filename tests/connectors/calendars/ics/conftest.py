"""Connectors over a test's own folder, closed after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.calendars.ics.connector import IcsCalendars
from tests.connectors.calendars.ics.ics_support import connector


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., IcsCalendars]]:
    made: list[IcsCalendars] = []

    def start(**settings: object) -> IcsCalendars:
        made.append(connector(tmp_path, **settings))  # type: ignore[arg-type]  # never the zone
        return made[-1]

    yield start
    for calendars in made:
        calendars.close()
