"""When a digest comes up, and which month it is about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.figures.scoring_context import ScoringContext
from daemon.service.schedule import month_due

FIRST, FIFTEENTH, QUARTERLY, EVERY_MONDAY = "0 8 1 * *", "0 8 15 * *", "0 8 1 1,4,7,10 *", "0 8 * * 1"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "due", "now", "month"),
    [
        (FIRST, "2026-11-01 08:00", "2026-11-01 08:00", "2026-10"),  # at its very moment
        (FIRST, "2026-11-01 08:00", "2026-11-30 23:00", "2026-10"),  # late, but none has come since
        (FIRST, "2026-11-01 08:00", "2026-12-01 07:59", "2026-10"),  # the next one has not come yet
        (FIRST, "2026-11-01 08:00", "2026-12-01 08:00", "2026-11"),  # it has: the one before is left out
        (FIRST, "2026-08-01 08:00", "2026-11-20 12:00", "2026-10"),  # of four that were missed the last
        (FIFTEENTH, "2026-09-15 08:00", "2026-11-10 12:00", "2026-09"),  # October's is the last that came
        (FIFTEENTH, "2026-09-15 08:00", "2026-11-15 08:00", "2026-10"),
        (QUARTERLY, "2026-07-01 08:00", "2026-12-20 12:00", "2026-09"),  # no moment in November or December
        (EVERY_MONDAY, "2026-10-26 08:00", "2026-11-01 12:00", "2026-09"),  # no Monday in November yet
        (EVERY_MONDAY, "2026-10-26 08:00", "2026-11-02 08:00", "2026-10"),
    ],
)
def test_a_digest_is_about_the_month_before_the_last_moment_that_came(
    config: Config, schedule: str, due: str, now: str, month: str
) -> None:
    digest = DigestTable(name="leadership", to=("email:ceo@northwind.example",), schedule=schedule)
    assert month_due(digest, moment(due), moment(now), ScoringContext(config, ())) == month
