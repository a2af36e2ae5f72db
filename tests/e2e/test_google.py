"""`rapport sync` with a Google connector, as a process, against a fake of Google over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.company import Company
from tests.fakes.google import CONFIG, FakeGoogle
from tests.fakes.google_client import meeting

ADMIN, JO, KIM = "admin@northwind.example", "jo@northwind.example", "kim@northwind.example"
LAST_MONTH = (datetime.now(UTC).replace(day=1, hour=9, minute=0, second=0, microsecond=0) - timedelta(days=10)).replace(
    day=6
)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        fake.world.add(ADMIN, admin=True)
        for address in (JO, KIM):
            calendar = fake.world.add(address)
            calendar.now = LAST_MONTH
            calendar.put(meeting("one", LAST_MONTH, 60, iCalUID="one@google.com", organizer={"email": JO}))
        fake.world.calendar(JO).put_series("weekly", meeting("", LAST_MONTH + timedelta(days=1), 30), 2)
        yield fake


@pytest.fixture
def company(google: FakeGoogle, tmp_path: Path) -> Company:
    made = Company(tmp_path)
    made.write_config(CONFIG.format(key=google.key_file(tmp_path).name, url=google.url))
    return made


def hours(company: Company) -> float:
    found: float = company.report(f"{LAST_MONTH:%Y-%m}")["Acme"]["man_hours"]
    return found


def test_a_workspace_from_the_directory_to_the_figures(google: FakeGoogle, company: Company) -> None:
    """Jo and Kim met Ana together for an hour, and Jo had her twice for half an hour: two hours, each meeting once."""
    ran = company.run("sync", "--format", "json")
    assert ran.code == 0, ran.err
    (told,) = ran.json["connectors"]
    assert {"calendars": 3, "synced": 3, "failed": [], "requests": 4, "entries": 4}.items() <= told.items()
    assert hours(company) == 2.0
    google.world.calendar(JO).cancel(next(one for one in google.world.calendar(JO).items if one.startswith("weekly")))
    ran = company.run("sync", "--format", "json")
    (told,) = ran.json["connectors"]
    assert (told["requests"], told["entries"]) == (4, 1)
    assert hours(company) == 1.5


def test_one_persons_failure_touches_no_other_and_shows(google: FakeGoogle, company: Company) -> None:
    google.fail(status=403, reason="notACalendarUser", subject=KIM, times=99)
    ran = company.run("sync", "--format", "json")
    assert ran.code == 1
    (told,) = ran.json["connectors"]
    assert told["synced"] == 2
    assert [(one["calendar"], one["error"]) for one in told["failed"]] == [(KIM, "no_calendar")]
    assert hours(company) == 2.0
    states = {one["calendar"]: one for one in company.run("status", "--format", "json").json["calendars"]}
    assert states[KIM]["state"] == "unreadable"
    assert "admin.google.com" in states[KIM]["reason"]


def test_without_delegation_the_way_out_is_told(google: FakeGoogle, company: Company) -> None:
    google.delegated.clear()
    ran = company.run("sync")
    assert ran.code == 1
    assert "Domain-wide delegation" in ran.out + ran.err
    assert "PRIVATE KEY" not in ran.out + ran.err


def test_who_leaves_is_kept_and_no_longer_asked(google: FakeGoogle, company: Company) -> None:
    company.run("sync")
    user = google.world.find(KIM)
    assert user is not None
    user.suspended = True
    google.seen.clear()
    company.run("sync")
    company.run("sync")
    assert hours(company) == 2.0


def test_a_config_without_an_admin_is_refused_at_once(google: FakeGoogle, company: Company) -> None:
    text = (company.folder / "config.toml").read_text("utf-8").replace(f'admin = "{ADMIN}"', "")
    company.write_config(text)
    ran = company.run("sync")
    assert ran.code == 2
    assert "admin" in ran.err
    assert google.seen == []


class TestCheck:
    """`rapport check`: what can it read, and does it work?"""

    def _lines(self, company: Company, code: int) -> dict[str, dict[str, object]]:
        ran = company.run("check", "--format", "json")
        assert (ran.code, ran.json["ok"]) == (code, code == 0), ran.out
        return {one["check"]: one for one in ran.json["checks"] if one["subject"] == "workspace"}

    def test_people_and_one_calendar_are_tried(self, company: Company) -> None:
        lines = self._lines(company, 0)
        assert set(lines) == {"people", "calendar"}
        assert lines["people"]["note"] == "3 calendars"

    def test_a_calendar_that_must_be_refused_is_proven_to_be(self, google: FakeGoogle, company: Company) -> None:
        text = (company.folder / "config.toml").read_text("utf-8")
        company.write_config(text.replace('kind = "google"', f'kind = "google"\ncheck_denied = "{KIM}"'))
        failed = self._lines(company, 1)["denied"]
        assert KIM in str(failed["cause"])
        google.fail(status=403, reason="forbidden", subject=KIM, times=99)
        assert self._lines(company, 0)["denied"]["ok"] is True

    def test_a_missing_delegation_is_named(self, google: FakeGoogle, company: Company) -> None:
        google.delegated.clear()
        assert "Domain-wide delegation" in str(self._lines(company, 1)["delegation"]["remedy"])

    def test_an_api_that_is_off_is_named(self, google: FakeGoogle, company: Company) -> None:
        google.fail(status=403, reason="accessNotConfigured", times=99)
        assert "Enable it" in str(self._lines(company, 1)["api"]["remedy"])

    def test_a_key_file_that_is_missing_is_named(self, company: Company) -> None:
        (company.folder / "google-service-account.json").unlink()
        ran = company.run("check", "--format", "json")
        assert ran.code == 1
        assert "google-service-account.json" in str([one for one in ran.json["checks"] if not one["ok"]])
