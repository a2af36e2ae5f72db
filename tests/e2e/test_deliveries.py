"""Digests on their way: to each recipient once, whatever fails, with a real mail server and `rapport digest --send`."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import time_machine
from icalendar import Event, vCalAddress

from daemon.commands import digest as command
from daemon.commands.common import opened
from daemon.commands.sync import sync
from daemon.commands.usage import UsageError
from daemon.output.terminal import Format
from daemon.service.status import status_json
from tests.e2e.company import CONFIG, Company
from tests.fakes.smtp import FakeMail

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
CEO, JO, KIM, ANA, BO = (
    "ceo@northwind.example",
    "jo@northwind.example",
    "kim@northwind.example",
    "ana@acme.example",
    "bo@globex.example",
)
REST = """
[[clients]]
name = "Acme"
domains = ["acme.example"]
manager = "jo@northwind.example"

[[clients]]
name = "Globex"
domains = ["globex.example"]
manager = "kim@northwind.example"

[network]
ca_file = "ca.pem"
timeout = "5s"

[email]
host = "localhost"
port = {port}
username = "rapport"
password = {{ file = "smtp.password" }}
outside = ["board@partner.example"]
from = "Rapport <rapport@northwind.example>"

[[digests]]
name = "leadership"
to = ["email:ceo@northwind.example", "email:board@partner.example"]

[[digests]]
name = "managers"
to = ["manager"]
"""


def entry(uid: str, start: datetime, minutes: int, *people: str, organiser: str = JO, title: str = "Review") -> Event:
    """A meeting of `organiser` with these people, who accepted."""
    made = Event()
    made.add("uid", uid)
    made.add("summary", title)
    made.add("dtstart", start)
    made.add("dtend", start + timedelta(minutes=minutes))
    made.add("dtstamp", start)
    made.add("organizer", vCalAddress(f"mailto:{organiser}"))
    for one in (organiser, *people):
        attendee = vCalAddress(f"mailto:{one}")
        attendee.params["PARTSTAT"] = "ACCEPTED"
        made.add("attendee", attendee)
    return made


def october(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


@pytest.fixture
def company(mail: FakeMail, tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    mail.ca_file(tmp_path)
    (tmp_path / "smtp.password").write_text("s3cret")
    (tmp_path / "smtp.password").chmod(0o600)
    made.write_config(CONFIG + REST.format(port=mail.port))
    made.put(JO, [entry("a", october(6), 60, ANA), entry("n", october(6) + timedelta(days=30), 90, ANA)])
    made.put(KIM, [entry("g", october(7), 30, BO, organiser=KIM)])
    made.put(CEO, [])
    with time_machine.travel(NOW, tick=True):
        yield made


def send(company: Company, name: str = "leadership", *, at: datetime | None = None, **options: Any) -> int:
    """`rapport digest NAME --send`, here and now or at another time."""
    path = company.folder / "config.toml"
    given = {"month": None, "out": None, "send": True, **options}
    if at is None:
        return command.digest(path, name=name, **given)
    with time_machine.travel(at, tick=True):
        return command.digest(path, name=name, **given)


def states(company: Company, name: str = "leadership") -> dict[str, str]:
    """How each delivery of a digest stands, by recipient, as `rapport status` says."""
    with opened(company.folder / "config.toml") as session, session.database.reading() as connection:
        found = status_json(connection, session.context(), session.now)
    return {one["recipient"]: one["state"] for one in found["deliveries"] if one["digest"] == name}


def messages(mail: FakeMail) -> list[EmailMessage]:
    return [message_from_bytes(one.content, policy=policy.default) for one in mail.received]  # type: ignore[misc]  # its stub


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


class TestOnce:
    def test_each_recipient_gets_a_digest_once(self, mail: FakeMail, company: Company) -> None:
        assert send(company) == 0
        assert send(company) == 0
        assert sorted(one.recipients for one in mail.received) == [("board@partner.example",), (CEO,)]
        assert states(company) == {f"email:{CEO}": "sent", "email:board@partner.example": "sent"}

    def test_again_sends_once_more_as_another_message(self, mail: FakeMail, company: Company) -> None:
        send(company)
        assert send(company, again=True) == 0
        assert len(mail.received) == 4
        assert len({one["Message-ID"] for one in messages(mail)}) == 4

    def test_what_is_previewed_is_what_is_sent(self, mail: FakeMail, company: Company, tmp_path: Path) -> None:
        send(company, out=tmp_path / "preview")
        text = (tmp_path / "preview" / "digest.txt").read_text("utf-8")
        assert {text_of(one) for one in messages(mail)} == {text}
        assert (tmp_path / "preview" / "digest.csv").exists()

    def test_two_processes_at_once_send_once(self, mail: FakeMail, company: Company) -> None:
        running = [
            subprocess.Popen(
                company.command("digest", "leadership", "--send", "--month", "2026-10"),
                cwd=company.folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(3)
        ]
        for one in running:
            one.wait()
        assert sorted(one.recipients for one in mail.received) == [("board@partner.example",), (CEO,)]

    def test_nothing_is_sent_while_sending_is_off(
        self, mail: FakeMail, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RAPPORT_NO_SEND", "1")
        assert send(company) == 0
        assert send(company, send=False, to=CEO) == 0
        assert (mail.received, states(company)) == ([], {})
        monkeypatch.delenv("RAPPORT_NO_SEND")
        assert send(company) == 0
        assert len(mail.received) == 2

    def test_a_test_goes_to_one_address_and_counts_as_nothing(self, mail: FakeMail, company: Company) -> None:
        assert send(company, send=False, to="jo@northwind.example") == 0
        (message,) = messages(mail)
        assert (message["To"], message["Subject"][:6], states(company)) == (JO, "Test: ", {})
        with pytest.raises(UsageError):
            send(company, send=False, to="somebody@elsewhere.example")

    def test_a_test_goes_alone_also_where_send_was_said(self, mail: FakeMail, company: Company) -> None:
        assert send(company, to="jo@northwind.example") == 0
        (message,) = messages(mail)
        assert (message["To"], states(company)) == (JO, {})


class TestTrouble:
    def test_passing_trouble_is_tried_again_and_touches_nobody_else(self, mail: FakeMail, company: Company) -> None:
        mail.fail("RCPT", "451 4.3.0 come back later")
        assert send(company) == 1
        assert sorted(states(company).values()) == ["sent", "waiting"]
        assert send(company) == 0
        assert len(mail.received) == 2

    def test_it_is_given_up_after_three_days(self, mail: FakeMail, company: Company) -> None:
        mail.fail("MAIL", "451 4.3.0 come back later", times=99)
        assert send(company) == 1
        assert set(states(company).values()) == {"waiting"}
        assert send(company, at=NOW + timedelta(days=3)) == 1
        assert set(states(company).values()) == {"failed"}
        mail.faults.clear()
        assert send(company, at=NOW + timedelta(days=3, hours=1)) == 1
        assert mail.received == []

    def test_a_refused_recipient_is_told_and_not_tried_again(self, mail: FakeMail, company: Company) -> None:
        mail.fail("RCPT", "550 5.1.1 no such user")
        assert send(company) == 1
        assert sorted(states(company).values()) == ["failed", "sent"]
        assert send(company) == 1
        assert len(mail.received) == 1
        assert send(company, again=True) == 0
        assert len(mail.received) == 3

    def test_a_wrong_password_waits_until_it_is_put_right(self, mail: FakeMail, company: Company) -> None:
        mail.users["rapport"] = "changed"
        assert send(company) == 1
        assert set(states(company).values()) == {"waiting"}
        (company.folder / "smtp.password").write_text("changed")
        assert send(company) == 0
        assert len(mail.received) == 2

    def test_an_outcome_that_nobody_knows_is_never_repeated_by_itself(self, mail: FakeMail, company: Company) -> None:
        mail.fail("dot", drop=True)
        assert send(company) == 1
        assert sorted(states(company).values()) == ["sent", "unknown"]
        assert send(company) == 1
        assert len(mail.received) == 2, "one of them was received though nobody said so"
        assert send(company, again=True) == 0
        assert set(states(company).values()) == {"sent"}

    def test_a_process_killed_while_sending_leaves_it_unknown(self, mail: FakeMail, company: Company) -> None:
        mail.fail("dot", silent=True)
        arguments = ("digest", "leadership", "--send", "--month", "2026-10")
        process = subprocess.Popen(
            company.command(*arguments), cwd=company.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while not mail.received and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        ran = company.run(*arguments)
        assert ran.code == 1
        assert "UNKNOWN" in ran.out
        assert sorted(one.recipients for one in mail.received) == [("board@partner.example",), (CEO,)]
        deliveries = company.run("status", "--format", "json").json["deliveries"]
        assert sorted(one["state"] for one in deliveries) == ["sent", "unknown"]

    def test_what_a_killed_process_may_have_told_counts_as_told(self, mail: FakeMail, company: Company) -> None:
        mail.fail("dot", silent=True)
        arguments = ("digest", "managers", "--send", "--month", "2026-10")
        process = subprocess.Popen(
            company.command(*arguments), cwd=company.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while not mail.received and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert sorted(states(company, "managers").values()) == ["waiting", "waiting"], "one is claimed still"
        company.run("status")
        company.put(JO, [entry("a", october(6), 30, ANA)])
        company.run("sync")
        assert company.report("2026-10")["Acme"]["restated"] == {
            "score": 3,
            "man_hours": 1.0,
            "why": "one meeting changed",
        }
        assert company.report("2026-10")["Globex"]["restated"] is None, "Kim has been told nothing"

    def test_nobody_to_send_to_and_nothing_to_send_with_are_config_errors(self, company: Company) -> None:
        text = (company.folder / "config.toml").read_text("utf-8")
        company.write_config(text.replace('"email:board@partner.example"', '"slack:#accounts"'))
        ran = company.run("digest", "leadership", "--send", "--month", "2026-10")
        assert (ran.code, states(company)) == (2, {})
        assert "[slack]" in ran.err


class TestWhoGetsWhat:
    def test_each_manager_gets_their_own_clients(self, mail: FakeMail, company: Company, tmp_path: Path) -> None:
        assert send(company, "managers", out=tmp_path / "preview") == 0
        texts = {str(one["To"]): text_of(one) for one in messages(mail)}
        assert set(texts) == {JO, KIM}
        shown = {whom: {name for name in ("Acme", "Globex") if name in text} for whom, text in texts.items()}
        assert shown == {JO: {"Acme"}, KIM: {"Globex"}}
        assert (tmp_path / "preview" / KIM / "digest.txt").read_text("utf-8") == texts[KIM]

    def test_who_has_left_gets_nothing_and_leadership_is_told(self, mail: FakeMail, company: Company) -> None:
        send(company)
        (company.folder / "calendars" / f"{KIM}.ics").unlink()
        assert company.run("sync").code == 0
        mail.received.clear()
        assert send(company, "managers", month="2026-10") == 0
        assert [str(one["To"]) for one in messages(mail)] == [JO]
        send(company, again=True, month="2026-10")
        assert KIM in text_of(messages(mail)[-1])
        config = (company.folder / "config.toml").read_text("utf-8")
        company.write_config(f"{config}\n[privacy]\nshow_ours = false\n")
        send(company, again=True, month="2026-10")
        assert "No digest went to 1 manager" in text_of(messages(mail)[-1])
        assert KIM not in text_of(messages(mail)[-1])


class TestWhatIsTold:
    def test_booked_meetings_of_the_next_month(self, mail: FakeMail, company: Company) -> None:
        send(company)
        text = text_of(messages(mail)[0])
        assert "BOOKED IN NOVEMBER" in text
        assert "5 Nov Review, 1 person, 1 h 30" in text

    def test_late_edits_are_told_in_the_next_digest_and_in_the_report(self, mail: FakeMail, company: Company) -> None:
        send(company)
        company.put(JO, [entry("a", october(6), 60, ANA), entry("b", october(8), 120, ANA, title="Late")])
        december = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
        mail.received.clear()
        assert send(company, at=december) == 0
        text = " ".join(text_of(messages(mail)[0]).split())
        assert "Acme: October was 1.0 h, now 3.0: one meeting added." in text
        ran = company.run("report", "--month", "2026-10", "--format", "json")
        acme = next(one for one in ran.json["months"][0]["clients"] if one["client"] == "Acme")
        assert acme["restated"] is None, "the last digest has told it"

    @pytest.mark.parametrize(
        ("fault", "state", "told"),
        [
            ({"step": "dot", "drop": True}, "unknown", True),
            ({"step": "RCPT", "reply": "550 5.1.1 no such user"}, "failed", False),
            ({"step": "RCPT", "reply": "451 4.3.0 come back later"}, "waiting", False),
        ],
        ids=["may have been read", "refused", "still to be sent"],
    )
    def test_what_may_have_been_read_counts_as_told_and_nothing_else(
        self, mail: FakeMail, company: Company, fault: dict[str, Any], state: str, told: bool
    ) -> None:
        mail.fail(**fault, times=2)
        assert send(company) == 1
        assert set(states(company).values()) == {state}
        mail.faults.clear()
        company.put(JO, [entry("a", october(6), 30, ANA)])
        company.run("sync")
        restated = {"score": 3, "man_hours": 1.0, "why": "one meeting changed"} if told else None
        assert company.report("2026-10")["Acme"]["restated"] == restated
        mail.received.clear()
        assert send(company, month="2026-11", at=datetime(2026, 12, 1, 8, 0, tzinfo=UTC)) == 0
        text = " ".join(text_of(messages(mail)[0]).split())
        assert ("Acme: October was 1.0 h, now 0.5: one meeting changed." in text) is told

    def test_until_then_the_report_says_what_was_told(self, company: Company) -> None:
        send(company)
        company.put(JO, [entry("a", october(6), 30, ANA)])
        company.run("sync")
        rows = company.report("2026-10")
        assert rows["Acme"]["restated"] == {"score": 3, "man_hours": 1.0, "why": "one meeting changed"}
        assert rows["Globex"]["restated"] is None

    def test_other_points_are_named_as_the_reason(self, company: Company) -> None:
        send(company)
        text = (company.folder / "config.toml").read_text("utf-8")
        company.write_config(text + "\n[scoring]\npoints = { short_one = 4 }\n")
        rows = company.report("2026-10")
        assert rows["Acme"]["restated"] == {"score": 3, "man_hours": 1.0, "why": "the scoring rules changed"}

    def test_what_is_stale_is_read_first(self, mail: FakeMail, company: Company) -> None:
        assert sync(company.folder / "config.toml", connector=None, full=False, form=Format.JSON) == 0
        company.put(KIM, [entry("g", october(7), 120, BO, organiser=KIM)])
        send(company, at=NOW + timedelta(hours=2))
        assert "Globex gave 2.0 h" in text_of(messages(mail)[0])
