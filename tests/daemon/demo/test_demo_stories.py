"""The demo shows each signal and each stage at least once, whatever the day on which it is made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.contract import Calendars
from daemon.config.load import load
from daemon.demo import write_company
from daemon.figures.insights import Insight, insights_of
from daemon.figures.rescore import rescore
from daemon.store.db.engine import Database
from daemon.store.schema import bring_up_to_date
from daemon.sync.connect import connect
from scoring.insights.stage import Stage
from scoring.months.month import month_of, shift
from tests.daemon.worlds import scoring_context_of, sync

TODAY = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Insight]:
    """What is known of each of the demo's clients as of October 2026."""
    folder = tmp_path_factory.mktemp("demo")
    write_company(folder, TODAY.date())
    config = load(folder / "config.toml")
    database = Database(f"sqlite:///{folder / 'rapport.db'}")
    bring_up_to_date(database)
    connectors: list[Calendars] = [connect(one, config) for one in config.connectors]
    try:
        sync(database, config, *connectors, now=TODAY)
        context = scoring_context_of(database, config)
        rescore(database, context, TODAY)
        month = shift(month_of(TODAY, context.zone), -1)
        with database.reading() as connection:
            return {client: one for (client, _), one in insights_of(connection, [month]).items()}
    finally:
        for one in connectors:
            one.close()
        database.close()


@pytest.mark.parametrize(
    ("signal", "client"),
    [
        ("single_threaded", "Calder Foods"),
        ("one_buying_centre", "Calder Foods"),
        ("one_of_ours", "Dunmore"),
        ("no_new_people", "Kestrel Insurance"),
        ("gone_quiet", "Juniper"),
        ("not_met", "Eastgate Council"),
        ("falling", "Brightwater"),
        ("unconfirmed", "Harrow Rail"),
        ("we_push", "Brightwater"),
        ("new_people", "Larkfield"),
        ("new_executive", "Acme"),
        ("new_buying_centre", "Acme"),
        ("client_invites", "Fairholm"),
    ],
)
def test_a_client_shows_the_signal(signal: str, client: str, seen: dict[str, Insight]) -> None:
    assert signal in {one.name for one in seen[client].signals}


def test_every_stage_is_shown(seen: dict[str, Insight]) -> None:
    assert {one.stage for one in seen.values()} == {stage.value for stage in Stage}
    assert (seen["Acme"].stage, seen["Larkfield"].stage) == ("interconnected", "exploratory")


@pytest.mark.parametrize(
    ("finding", "client"),
    [
        ("believed_above", "Brightwater"),
        ("evidence_ahead", "Acme"),
        ("moved_up", "Acme"),
        ("too_long", "Kestrel Insurance"),
    ],
)
def test_what_we_believe_is_held_against_the_evidence(finding: str, client: str, seen: dict[str, Insight]) -> None:
    assert finding in {one.name for one in seen[client].findings}
