"""Mail with a provider's token, Slack, and what `rapport check` says of both, with real small servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.company import CONFIG as ICS
from tests.e2e.company import Company
from tests.e2e.test_deliveries import ANA, JO, entry, october
from tests.fakes.google import CONFIG as GOOGLE
from tests.fakes.google import FakeGoogle
from tests.fakes.slack import TOKEN, FakeSlack
from tests.fakes.smtp import FakeMail

ACME = '\n[[clients]]\nname = "Acme"\ndomains = ["acme.example"]\nmanager = "jo@northwind.example"\n'
MAIL = """
[network]
ca_file = "ca.pem"
timeout = "5s"

[email]
host = "localhost"
port = {port}
auth = "{auth}"
from = "Rapport <rapport@northwind.example>"

[[digests]]
name = "leadership"
to = ["email:jo@northwind.example"]
"""
SLACK = """
[slack]
{how}
api_url = "{url}"

[[digests]]
name = "leadership"
to = ["slack:#accounts", "slack:@jo@northwind.example"]
"""
MONTH = ("--month", "2026-10")


def checks(company: Company, subject: str) -> dict[str, tuple[bool, str]]:
    """What `rapport check` says of a subject: for each check, whether it is well and why not."""
    found = company.run("check", "--format", "json").json["checks"]
    return {
        one["check"]: (one["ok"], str(one["cause"] or one["note"] or "")) for one in found if one["subject"] == subject
    }


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = Company(tmp_path)
    made.put(JO, [entry("a", october(6), 60, ANA, title="Review & <plan> *now* <!channel>")])
    return made


class TestGoogleMail:
    @pytest.fixture
    def mail(self, company: Company) -> Iterator[FakeMail]:
        with FakeMail(mechanisms=("XOAUTH2",)) as mail, FakeGoogle() as google:
            google.world.add("admin@northwind.example", admin=True)
            google.world.add(JO)
            google.delegated.add("https://mail.google.com/")
            mail.ca_file(company.folder)
            config = GOOGLE.format(key=google.key_file(company.folder).name, url=google.url)
            company.write_config(config + MAIL.format(port=mail.port, auth="google"))
            self.google = google
            yield mail

    def test_the_mailbox_signs_in_with_a_token_of_the_workspace(self, mail: FakeMail, company: Company) -> None:
        self.google.world.add("rapport@northwind.example")
        mail.tokens = self.google.given
        ran = company.run("digest", "leadership", "--send", *MONTH)
        assert (ran.code, [one.recipients for one in mail.received]) == (0, [(JO,)]), ran.out + ran.err
        assert {one.login for one in mail.received} == {"rapport@northwind.example"}

    def test_a_scope_that_is_not_delegated_is_named(self, mail: FakeMail, company: Company) -> None:
        self.google.delegated.discard("https://mail.google.com/")
        ok, cause = checks(company, "email")["delegation"]
        assert not ok
        assert "does not let the service account" in cause
        assert mail.received == []


class TestSlack:
    @pytest.fixture
    def slack(self) -> Iterator[FakeSlack]:
        with FakeSlack() as made:
            made.add_channel("accounts")
            made.add_person(JO)
            yield made

    def test_a_channel_and_a_person_get_it_once(self, slack: FakeSlack, company: Company) -> None:
        (company.folder / "slack.token").write_text(TOKEN)
        how = 'token = { file = "slack.token" }'
        company.write_config(ICS + ACME + SLACK.format(how=how, url=slack.api_url))
        assert {ok for ok, _ in checks(company, "slack").values()} == {True}
        for _ in range(2):
            ran = company.run("digest", "leadership", "--send", *MONTH)
            assert ran.code == 0, ran.out + ran.err
        assert len({one.channel for one in slack.first}) == len(slack.first) == 2
        assert "<!channel>" not in json.dumps([one.fields for one in slack.posted])
        assert TOKEN not in ran.out + ran.err

    def test_a_webhook_cannot_be_verified_and_says_so(self, slack: FakeSlack, company: Company) -> None:
        (company.folder / "slack.hook").write_text(slack.webhook_url)
        text = SLACK.format(how='webhook_url = { file = "slack.hook" }', url=slack.api_url)
        company.write_config(ICS + ACME + text.replace(', "slack:@jo@northwind.example"', ""))
        assert "cannot be verified" in " ".join(note for _, note in checks(company, "slack").values())
        assert company.run("digest", "leadership", "--send", *MONTH).code == 0
        assert len(slack.posted) == 1


def test_a_mail_server_that_is_not_there_fails_the_check(company: Company) -> None:
    with FakeMail() as gone:
        port = gone.port
        gone.ca_file(company.folder)
    company.write_config(ICS + ACME + MAIL.format(port=port, auth="password"))
    found = checks(company, "email")
    assert not all(ok for ok, _ in found.values())
    assert f"localhost:{port}" in " ".join(cause for _, cause in found.values())
