"""A digest that is due: dealt with or still due, with the reason told; what is wrong with one touches no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.config.load import load
from daemon.digests.editions import Edition, Unmade, editions
from daemon.digests.month_data import load_month
from daemon.digests.outbox import Outbox
from daemon.digests.senders import Senders
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import read_scoring_context
from daemon.service.alerts import problems_of
from daemon.service.service import Service
from daemon.service.status import status_json
from daemon.store.db.engine import Database
from daemon.store.deliveries import Delivery, read_deliveries
from daemon.store.schema import bring_up_to_date
from daemon.store.told import save_told
from scoring.digest.restatement import Told
from scoring.months.history import Verdict
from scoring.months.month import Month
from tests.e2e.company import CONFIG, Company
from tests.e2e.test_deliveries import ANA, BO, CEO, JO, KIM, REST, entry, october
from tests.e2e.test_service import FIRST, OCTOBER_END, Clock, touch
from tests.fakes.smtp import FakeMail

OCTOBER = Month("2026-10")
DUE = datetime(2026, 11, 1, 8, tzinfo=UTC)


class World:
    """A service whose looks are called one by one, on a company with two digests to two people each."""

    def __init__(self, mail: FakeMail, folder: Path) -> None:
        self.company = Company(folder)
        mail.ca_file(folder)
        (folder / "smtp.password").write_text("s3cret")
        (folder / "smtp.password").chmod(0o600)
        self.text = CONFIG + REST.format(port=mail.port) + '\n[web]\nlisten = ""\n'
        self.company.write_config(self.text)
        self.company.put(JO, [entry("a", october(6), 60, ANA)])
        self.company.put(KIM, [entry("g", october(7), 30, BO, organiser=KIM)])
        self.company.put(CEO, [])
        touch(self.company, FIRST)
        self.config = load(folder / "config.toml")
        self.database = Database(self.config.store_url())
        bring_up_to_date(self.database)
        self.clock = Clock(OCTOBER_END)
        self.service = Service(config=self.config, database=self.database, clock=self.clock)
        self.service.backend.plan(self.config)

    def read(self) -> None:
        self.service.backend.looks()["sync"]()

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.service.backend.looks()["digests"]()

    def configure(self, text: str) -> None:
        """Another config, taken at once; what was held up is looked at again."""
        self.company.write_config(text)
        self.config = load(self.company.folder / "config.toml")
        self.service.reload(self.config)
        self.read()

    def without(self, table: str) -> str:
        """The config without one of its tables."""
        before, _, rest = self.text.partition(table)
        return before + rest[rest.index("[[digests]]") :].replace(', "email:board@partner.example"', "")

    def status(self, name: str = "leadership") -> tuple[str, str | None]:
        """When a digest is due, and why it is held up."""
        with self.database.reading() as connection:
            found = status_json(connection, read_scoring_context(connection, self.config), self.clock.now)
        return next((task["at"], task["reason"]) for task in found["due"] if task["what"] == f"digest {name}")

    def problems(self) -> dict[str, str]:
        with self.database.reading() as connection:
            return problems_of(connection, read_scoring_context(connection, self.config), self.clock.now)

    def deliveries(self, name: str = "leadership") -> dict[str, Delivery]:
        with self.database.reading() as connection:
            return {found.recipient: found for found in read_deliveries(connection, name)}

    def states(self, name: str = "leadership") -> dict[str, str]:
        return {recipient: found.state.value for recipient, found in self.deliveries(name).items()}


@pytest.fixture
def world(mail: FakeMail, tmp_path: Path) -> Iterator[World]:
    made = World(mail, tmp_path)
    yield made
    made.service.stop()
    made.database.close()


class TestStillDue:
    """The due moment moves on when the month was dealt with, and not before (`docs/design.md` 10)."""

    def test_a_service_that_is_configured_later_sends_what_was_due(self, mail: FakeMail, world: World) -> None:
        world.read()
        world.configure(world.without("[email]"))
        world.clock.now = FIRST
        with capture_logs() as logs:
            world.look(20)
        assert len([line for line in logs if line["event"] == "no_sender"]) == 2, "once for each digest, then a pause"
        at, reason = world.status()
        assert (at, world.states()) == (f"{DUE:%Y-%m-%dT%H:%M:%SZ}", {})
        assert reason is not None
        assert "no [email]" in reason
        assert "no [email]" in world.problems()["held leadership"]
        assert "no [email]" in world.company.run("status").out
        world.configure(world.text)
        world.look(2)
        assert len(mail.received) == 4
        assert world.status() == ("2026-12-01T08:00:00Z", None)
        assert world.problems() == {}

    def test_whoever_gets_theirs_by_another_service_does_not_wait_for_it(self, mail: FakeMail, world: World) -> None:
        world.read()
        both = world.text.replace('"email:board@partner.example"', '"slack:#accounts"')
        world.configure(both)
        world.clock.now = FIRST
        for _ in range(3):
            world.look()
            world.configure(both)
        assert world.states() == {f"email:{CEO}": "sent"}
        assert len(mail.received) == 3
        world.look()
        assert world.status()[0] == f"{DUE:%Y-%m-%dT%H:%M:%SZ}"

    def test_a_digest_waits_until_something_was_read(self, mail: FakeMail, world: World) -> None:
        world.clock.now = FIRST
        world.look(20)
        assert world.status() == (f"{DUE:%Y-%m-%dT%H:%M:%SZ}", "No calendar has been read yet.")
        world.configure(world.text)
        world.look()
        assert len(mail.received) == 4

    def test_a_drill_costs_no_month(self, mail: FakeMail, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RAPPORT_NO_SEND", "1")
        world.read()
        world.clock.now = FIRST
        with capture_logs() as logs:
            world.look(20)
        assert len([line for line in logs if line["event"] == "sending_is_off"]) == 2
        assert world.status()[1] == "RAPPORT_NO_SEND is set, so nothing is sent."
        monkeypatch.delenv("RAPPORT_NO_SEND")
        world.configure(world.text)
        world.look()
        assert len(mail.received) == 4


class TestWaiting:
    """A delivery that waits for another try ends in any case."""

    def test_one_whose_recipient_left_the_config_fails_with_that_reason(self, mail: FakeMail, world: World) -> None:
        mail.fail("RCPT", "451 4.3.0 come back later", times=99)
        world.read()
        world.clock.now = FIRST
        world.look()
        assert set(world.states().values()) == {"waiting"}
        world.configure(world.text.replace('"email:ceo@northwind.example", ', ""))
        world.clock.now = FIRST + timedelta(minutes=10)
        world.look()
        assert world.states() == {f"email:{CEO}": "failed", "email:board@partner.example": "waiting"}
        assert "does not send this digest there any more" in (world.deliveries()[f"email:{CEO}"].reason or "")

    def test_one_whose_digest_left_the_config_does_too(self, mail: FakeMail, world: World) -> None:
        mail.fail("RCPT", "451 4.3.0 come back later", times=99)
        world.read()
        world.clock.now = FIRST
        world.look()
        world.configure(world.text.replace('name = "leadership"', 'name = "board"'))
        assert set(world.states().values()) == {"failed"}
        assert set(world.states("managers").values()) == {"waiting"}

    def test_one_whose_service_left_the_config_is_given_up_in_the_end(self, mail: FakeMail, world: World) -> None:
        mail.fail("RCPT", "451 4.3.0 come back later", times=99)
        world.read()
        world.clock.now = FIRST
        world.look()
        for days in (1, 4):
            world.clock.now = FIRST + timedelta(days=days)
            world.configure(world.without("[email]"))
            world.look()
        found = world.deliveries()[f"email:{CEO}"]
        assert found.state.value == "failed"
        assert "no [email]" in (found.reason or "")


class TestDefects:
    """What is wrong with one digest or edition is told, and tried again after a pause; others go on."""

    def test_a_digest_that_cannot_be_made_keeps_no_other_waiting(self, world: World) -> None:
        world.read()
        with world.database.writing() as connection:
            september = Told(
                client="Acme",
                month=Month("2026-09"),
                score=99,
                man_seconds=1,
                verdict=Verdict.STEADY,
                meetings={},
                rules="r",
            )
            save_told(connection, "leadership", Month("2026-09"), [september], OCTOBER_END)
            connection.exec_driver_sql("UPDATE told SET verdict = 'no verdict that there is'")
        world.clock.now = FIRST
        with capture_logs() as logs:
            world.look(20)
        assert [line["digest"] for line in logs if line["event"] == "defect"] == ["leadership"]
        assert set(world.states("managers").values()) == {"sent"}
        assert world.status() == (
            f"{DUE:%Y-%m-%dT%H:%M:%SZ}",
            "Rapport failed while making it (ValueError). Report this.",
        )
        assert "ValueError" in world.problems()["held leadership"]
        with world.database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM told")
        world.configure(world.text)
        world.look()
        assert set(world.states().values()) == {"sent"}

    def made(self, world: World, name: str) -> list[Edition]:
        world.read()
        world.clock.now = FIRST
        with world.database.reading() as connection:
            context = read_scoring_context(connection, world.config)
        rescore(world.database, context, FIRST)
        settings = next(digest for digest in world.config.digests if digest.name == name)
        with world.database.reading() as connection:
            return editions(load_month(connection, world.config, settings, OCTOBER, FIRST))

    def deliver(self, world: World, *given: Any, patient: bool = True) -> None:
        with Senders(world.config) as senders:
            outbox = Outbox(
                database=world.database, senders=senders, digest="managers", month=OCTOBER, clock=world.clock
            )
            outbox.deliver(*given, patient=patient)

    def test_an_edition_that_cannot_be_rendered_keeps_no_recipient_waiting(self, mail: FakeMail, world: World) -> None:
        jo, kim = self.made(world, "managers")
        broken = Edition(digest=None, told=(), recipients=jo.recipients, manager=jo.manager)  # type: ignore[arg-type]  # the defect
        for minutes in (0, 0, 0, 1, 1):
            world.clock.now = FIRST + timedelta(minutes=minutes)
            with capture_logs() as logs:
                self.deliver(world, [broken, kim])
            assert len([line for line in logs if line["event"] == "edition_defect"]) <= 1
        assert world.states("managers") == {f"email:{JO}": "waiting", f"email:{KIM}": "sent"}
        waiting = world.deliveries("managers")[f"email:{JO}"]
        assert (waiting.tries, len(mail.received)) == (2, 1)
        assert "Rapport failed while making it (AttributeError)" in (waiting.reason or "")
        world.clock.now = FIRST + timedelta(days=4)
        self.deliver(world, [broken, kim])
        assert world.states("managers")[f"email:{JO}"] == "failed"

    def test_one_that_could_not_be_made_waits_as_well(self, world: World) -> None:
        jo, kim = self.made(world, "managers")
        self.deliver(world, [kim], [Unmade(recipients=jo.recipients, defect="KeyError")])
        assert world.states("managers") == {f"email:{JO}": "waiting", f"email:{KIM}": "sent"}
        world.clock.now = FIRST + timedelta(minutes=2)
        self.deliver(world, [jo, kim])
        assert set(world.states("managers").values()) == {"sent"}
