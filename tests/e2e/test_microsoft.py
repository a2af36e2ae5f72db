"""`rapport` with a Microsoft 365 connector, as a process, against a fake of Microsoft over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.company import Company
from tests.fakes.microsoft import FakeMicrosoft, config
from tests.fakes.microsoft_items import at, guest

JO, KIM, ANA = "jo@northwind.example", "kim@northwind.example", "ana@acme.example"
LAST_MONTH = (datetime.now(UTC).replace(day=1, hour=9, minute=0, second=0, microsecond=0) - timedelta(days=10)).replace(
    day=6
)


def item(name: str, start: datetime = LAST_MONTH, minutes: int = 60, **more: Any) -> dict[str, Any]:
    """Jo's meeting with Ana, and with Kim."""
    rows = [guest(JO, "accepted"), guest(KIM, "accepted"), guest(ANA, "accepted")]
    organiser = {"emailAddress": {"name": "Jo", "address": JO}}
    end = start + timedelta(minutes=minutes)
    return {"id": name, "start": at(start), "end": at(end), "attendees": rows, "organizer": organiser, **more}


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        for address in (JO, KIM):
            mailbox = fake.world.add(address)
            mailbox.now = LAST_MONTH
            mailbox.put(item("one"))
        rows = [guest(ANA, "accepted")]
        weekly = item("", LAST_MONTH + timedelta(days=1), 30, attendees=rows)
        fake.world.mailbox(JO).put_series("weekly", weekly, 2)
        fake.world.add("guest_acme.example#EXT#@northwind.example", user_type="Guest")
        fake.world.add("left@northwind.example", enabled=False)
        yield fake


@pytest.fixture
def company(graph: FakeMicrosoft, tmp_path: Path) -> Company:
    made = Company(tmp_path)
    made.write_config(config(graph, tmp_path))
    return made


def change_config(company: Company, old: str, new: str) -> None:
    text = (company.folder / "config.toml").read_text("utf-8")
    assert old in text
    company.write_config(text.replace(old, new))


def hours(company: Company) -> float:
    found: float = company.report(f"{LAST_MONTH:%Y-%m}")["Acme"]["man_hours"]
    return found


def synced(company: Company, code: int = 0) -> dict[str, Any]:
    ran = company.run("sync", "--format", "json")
    assert ran.code == code, ran.err
    (told,) = ran.json["connectors"]
    return dict(told)


def states(company: Company) -> dict[str, dict[str, Any]]:
    return {one["calendar"]: one for one in company.run("status", "--format", "json").json["calendars"]}


def test_a_tenant_from_the_directory_to_the_figures(graph: FakeMicrosoft, company: Company) -> None:
    """Jo and Kim met Ana together for an hour, and Jo had her twice for half an hour: two hours, each meeting once."""
    told = synced(company)
    assert (told["calendars"], told["synced"], told["failed"]) == (2, 2, [])
    assert hours(company) == 2.0
    jo = graph.world.mailbox(JO)
    jo.delete_occurrence(next(one for one in jo.items if "weekly/" in one))
    assert synced(company)["failed"] == []
    assert hours(company) == 1.5
    jo.delete(next(one for one, found in jo.items.items() if found["type"] == "seriesMaster"))
    synced(company)
    assert hours(company) == 1.0
    graph.seen.clear()
    synced(company)
    assert len(graph.listings()) == 2  # one request for each mailbox that has not changed
    assert all('IdType="ImmutableId"' in one.prefer for one in graph.listings())


def test_the_meetings_are_explained(company: Company) -> None:
    synced(company)
    ran = company.run("explain", "--client", "Acme", "--month", f"{LAST_MONTH:%Y-%m}", "--format", "json")
    meetings = ran.json["meetings"]
    assert [(one["man_hours"], sorted(one["calendars"])) for one in meetings] == [
        (1.0, [JO, KIM]),
        (0.5, [JO]),
        (0.5, [JO]),
    ]
    assert {one["title"] for one in meetings} == {"Steering group"}


def test_nothing_of_the_body_is_kept_or_told(graph: FakeMicrosoft, company: Company) -> None:
    graph.roles.add("Calendars.Read")
    ran = company.run("sync")
    assert "493021" not in ran.out + ran.err
    assert not [path for path in company.folder.glob("rapport.db*") if b"493021" in path.read_bytes()]


def test_one_persons_failure_touches_no_other_and_shows(graph: FakeMicrosoft, company: Company) -> None:
    graph.world.mailbox(KIM).refusal = (404, "MailboxNotEnabledForRESTAPI", "The mailbox is inactive.")
    told = synced(company, 1)
    assert told["synced"] == 1
    assert [(one["calendar"], one["error"]) for one in told["failed"]] == [(KIM, "no_mailbox")]
    assert hours(company) == 2.0
    assert states(company)[KIM]["state"] == "unreadable"
    assert "admin.microsoft.com" in states(company)[KIM]["reason"]


def test_a_group_with_groups_in_it(graph: FakeMicrosoft, company: Company) -> None:
    graph.world.add_group("inner@northwind.example", [KIM])
    graph.world.add_group("managers@northwind.example", ["inner@northwind.example", "left@northwind.example"])
    change_config(company, 'calendars = ["*"]', 'calendars = ["group:managers@northwind.example"]')
    assert synced(company)["calendars"] == 1
    assert hours(company) == 1.0


def test_who_leaves_is_kept(graph: FakeMicrosoft, company: Company) -> None:
    """One of two people is over a tenth: the directory is not believed for a day, and what was read stays anyway."""
    synced(company)
    user = graph.world.find(KIM)
    assert user is not None
    user.enabled = False
    assert synced(company)["failed"] == []
    assert hours(company) == 2.0


@pytest.mark.parametrize("form", ["pem", "pfx"])
def test_a_certificate_instead_of_a_secret(graph: FakeMicrosoft, tmp_path: Path, form: str) -> None:
    if form == "pem":
        named = f'certificate_file = "{graph.certificate(tmp_path).name}"'
    else:
        (tmp_path / "pfx.password").write_text("pw", "utf-8")
        (tmp_path / "pfx.password").chmod(0o600)
        path = graph.pfx(tmp_path, "pw")
        named = f'certificate_file = "{path.name}"\ncertificate_password = {{ file = "pfx.password" }}'
    company = Company(tmp_path)
    company.write_config(config(graph, tmp_path, named))
    assert synced(company)["synced"] == 2


class TestCheck:
    """`rapport check`: what can it read, and does it work?"""

    def _lines(self, company: Company, code: int) -> dict[str, dict[str, object]]:
        ran = company.run("check", "--format", "json")
        assert (ran.code, ran.json["ok"]) == (code, code == 0), ran.out
        assert SECRET not in ran.out + ran.err
        return {one["check"]: one for one in ran.json["checks"] if one["subject"] == "m365"}

    def _trouble(self, company: Company) -> str:
        return " ".join(f"{one['cause']} {one['remedy']}" for one in self._lines(company, 1).values() if not one["ok"])

    def test_people_and_one_calendar_are_tried(self, company: Company) -> None:
        lines = self._lines(company, 0)
        assert set(lines) == {"people", "calendar"}
        assert lines["people"]["note"] == "2 calendars"

    def test_a_calendar_that_must_be_refused_is_proven_to_be(self, graph: FakeMicrosoft, company: Company) -> None:
        """With RBAC for Applications the token holds no permission for calendars, and the mailbox decides."""
        change_config(company, 'kind = "microsoft365"', f'kind = "microsoft365"\ncheck_denied = "{KIM}"')
        change_config(company, 'calendars = ["*"]', f'calendars = ["{JO}"]')
        assert KIM in str(self._lines(company, 1)["denied"]["cause"])
        graph.roles.clear()
        graph.graph.scoped.add(JO)
        lines = self._lines(company, 0)
        assert lines["denied"]["ok"] is True
        graph.roles.add("Calendars.ReadBasic.All")  # the trap: what Entra grants is added to it
        assert self._lines(company, 1)["denied"]["ok"] is False

    def test_a_wrong_secret_is_named(self, company: Company) -> None:
        (company.folder / "m365.secret").write_text("0" * 40, "utf-8")
        assert "AADSTS7000215" in self._trouble(company)

    def test_an_expired_secret_is_named(self, graph: FakeMicrosoft, company: Company) -> None:
        graph.tokens.secret_expired = True
        assert "AADSTS7000222" in self._trouble(company)

    def test_a_tenant_that_does_not_exist_is_named(self, graph: FakeMicrosoft, company: Company) -> None:
        text = (company.folder / "config.toml").read_text("utf-8")
        company.write_config(text.replace(graph.tenant_id, "00000000-0000-0000-0000-000000000000"))
        assert "AADSTS90002" in self._trouble(company)

    @pytest.mark.parametrize("missing", ["User.Read.All", "Calendars.ReadBasic.All"])
    def test_a_missing_permission_is_named(self, graph: FakeMicrosoft, company: Company, missing: str) -> None:
        graph.roles.discard(missing)
        trouble = self._trouble(company)
        assert missing in trouble
        assert "Grant admin consent" in trouble

    def test_a_group_without_the_permission_for_groups(self, graph: FakeMicrosoft, company: Company) -> None:
        graph.world.add_group("managers@northwind.example", [KIM])
        change_config(company, 'calendars = ["*"]', 'calendars = ["group:managers@northwind.example"]')
        graph.roles.discard("GroupMember.Read.All")
        assert "GroupMember.Read.All" in self._trouble(company)

    def test_a_ca_that_is_missing_is_named(self, company: Company) -> None:
        change_config(company, 'ca_file = "ca.pem"', "")
        assert "network.ca_file" in self._trouble(company)


SECRET = "fake~Q"
