"""What IT is told by itself: once when it begins, once when it is over (`[alerts]`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.config.load import load
from daemon.service.service import Service
from daemon.store.db.engine import Database
from daemon.store.meta import CLOCK_AHEAD, set_meta
from daemon.store.schema import bring_up_to_date
from tests.e2e.company import Company
from tests.e2e.test_deliveries import CEO, JO, send, states
from tests.e2e.test_service import Clock, one_meeting, until
from tests.fakes.smtp import FakeMail

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
IT = "it@northwind.example"
TICK_SECONDS = 0.05
ALERTS = f'\n[alerts]\nto = ["email:{IT}"]\nafter = "2h"\n[web]\nlisten = ""\n'


@pytest.fixture
def company(mail: FakeMail, tmp_path: Path) -> Company:
    return one_meeting(mail, tmp_path, ALERTS)


class World:
    """A service whose jobs are called one by one."""

    def __init__(self, company: Company) -> None:
        self.config = load(company.folder / "config.toml")
        self.database = Database(self.config.store_url())
        bring_up_to_date(self.database)
        self.clock = Clock(NOW)
        self.service = Service(config=self.config, database=self.database, clock=self.clock, tick_seconds=TICK_SECONDS)

    def read(self) -> None:
        self.service.backend.looks()["sync"]()

    def look(self) -> None:
        self.service.tell_what_is_wrong()


@pytest.fixture
def world(company: Company) -> Iterator[World]:
    made = World(company)
    yield made
    made.service.stop()
    made.database.close()


def told(mail: FakeMail) -> list[tuple[str, str]]:
    """Subject and text of each alert so far."""
    found = [
        message_from_bytes(message.content, policy=policy.default)
        for message in mail.received
        if IT in message.recipients
    ]
    return [(str(message["Subject"]), str(message.get_body(("plain",)).get_content())) for message in found]  # type: ignore[attr-defined]  # its stub


def test_nothing_is_told_while_all_is_well(mail: FakeMail, world: World) -> None:
    world.read()
    world.look()
    assert told(mail) == []


def test_reading_that_has_stopped_is_told_once_and_so_is_its_end(
    mail: FakeMail, company: Company, world: World
) -> None:
    world.read()
    path = company.folder / "calendars" / f"{JO}.ics"
    whole = path.read_bytes()
    path.write_bytes(b"no calendar")
    for hours in (1, 2, 3, 4):
        world.clock.now = NOW + timedelta(hours=hours)
        world.read()
        world.look()
    ((subject, text),) = told(mail)
    assert subject == "Rapport needs you: 1 problem"
    assert f"exports: 1 of 2 calendars were not read for over 2 hours ({JO})" in text
    path.write_bytes(whole)
    world.clock.now = NOW + timedelta(hours=5)
    world.read()
    world.look()
    assert [subject for subject, _ in told(mail)][1:] == ["Rapport: it works again"]


def test_a_trouble_that_grows_is_not_told_again(mail: FakeMail, company: Company, world: World) -> None:
    world.read()
    for hours, owner in ((1, JO), (5, CEO)):
        (company.folder / "calendars" / f"{owner}.ics").write_bytes(b"no calendar")
        for minutes in (0, 180):
            world.clock.now = NOW + timedelta(hours=hours, minutes=minutes)
            world.read()
            world.look()
    assert len(told(mail)) == 1


def test_it_is_not_told_again_after_a_restart(mail: FakeMail, company: Company, world: World) -> None:
    with world.database.writing() as connection:
        set_meta(connection, CLOCK_AHEAD, "1800")
    world.look()
    after = World(company)
    after.look()
    after.service.stop()
    after.database.close()
    assert len(told(mail)) == 1


def test_a_service_that_runs_does_not_try_at_every_tick(mail: FakeMail, company: Company, world: World) -> None:
    """An alert that cannot be sent is tried again, and logged, a minute later."""
    world.read()
    (company.folder / "calendars" / f"{JO}.ics").write_bytes(b"no calendar")
    world.clock.now = NOW + timedelta(hours=3)
    mail.fail("MAIL", "451 4.3.0 later", times=99)
    with capture_logs() as logs:
        world.service.start()
        until(lambda: any(one["event"] == "alert_not_sent" for one in logs))
        time.sleep(30 * TICK_SECONDS)
    assert [one["event"] for one in logs].count("alert_not_sent") == 1
    assert told(mail) == []


def test_a_config_that_was_refused_is_told(mail: FakeMail, world: World) -> None:
    world.read()
    world.service.refuse()
    world.service._note_config()
    world.look()
    ((_, text),) = told(mail)
    assert "so the one before is in force" in text
    world.service.reload(world.config)
    world.service._note_config()
    world.look()
    assert [subject for subject, _ in told(mail)][1:] == ["Rapport: it works again"]


def test_a_delivery_that_nobody_knows_of_is_told(mail: FakeMail, company: Company, world: World) -> None:
    mail.fail("dot", drop=True)
    assert send(company, month="2026-10") == 1
    assert "unknown" in states(company).values()
    world.clock.now = datetime.now(UTC)
    world.look()
    world.look()
    ((_, text),) = told(mail)
    assert "digest leadership of 2026-10 may or may not have gone to email:" in text
    assert "--send --again" in text


def test_a_wrong_clock_is_told_and_digests_wait(mail: FakeMail, world: World) -> None:
    with world.database.writing() as connection:
        set_meta(connection, CLOCK_AHEAD, "1800")
    world.look()
    ((_, text),) = told(mail)
    assert "clock is 30 minutes off" in text


def test_an_alert_that_could_not_be_sent_is_sent_later(mail: FakeMail, world: World) -> None:
    with world.database.writing() as connection:
        set_meta(connection, CLOCK_AHEAD, "1800")
    mail.fail("MAIL", "451 4.3.0 later")
    world.look()
    assert told(mail) == []
    world.look()
    assert len(told(mail)) == 1
