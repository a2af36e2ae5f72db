"""`rapport check` of Slack: signing in, scopes, and each recipient, with nothing posted."""

from __future__ import annotations

import pytest

from connectors.contract import Probe, Sender
from connectors.errors import sentence
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_client import keeps_secrets

BOTH = ["@ceo@northwind.example", "#accounts"]


def probed(bot: Sender, recipients: list[str]) -> dict[str, Probe]:
    found = {probe.check: probe for probe in bot.probe(recipients)}
    for probe in found.values():
        if probe.error is not None:
            keeps_secrets(probe.error)
    return found


def told(probe: Probe) -> str:
    assert probe.error is not None
    return sentence(probe.error)


def test_all_is_well_and_nothing_is_posted(slack: FakeSlack, bot: Sender) -> None:
    found = probed(bot, BOTH)
    assert list(found) == ["credentials", "scopes", "#accounts", "@ceo@northwind.example"]
    assert [probe.error for probe in found.values()] == [None] * 4
    assert found["credentials"].note == "signed in as rapport of Northwind"
    assert slack.posted == []
    assert slack.asked("conversations.open") == []


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive"])
def test_token_that_is_no_good_ends_it(slack: FakeSlack, bot: Sender, code: str) -> None:
    slack.token_error = code
    found = probed(bot, BOTH)
    assert list(found) == ["credentials"]
    assert "api.slack.com/apps" in told(found["credentials"])


def test_token_of_a_person_is_refused(slack: FakeSlack, bot: Sender) -> None:
    slack.is_bot = False
    assert "Bot User OAuth Token" in told(probed(bot, BOTH)["credentials"])


@pytest.mark.parametrize(
    ("recipients", "scopes", "missing"),
    [
        (["#accounts"], "chat:write,channels:read,groups:read", "files:write"),
        (["#accounts"], "chat:write,files:write,channels:read", "groups:read"),
        (["#accounts"], "files:write,channels:read,groups:read", "chat:write"),
        (["@ceo@northwind.example"], "chat:write,files:write,users:read,users:read.email", "im:write"),
        (["@ceo@northwind.example"], "chat:write,files:write,users:read,im:write", "users:read.email"),
    ],
)
def test_missing_scope_is_named(
    slack: FakeSlack, bot: Sender, recipients: list[str], scopes: str, missing: str
) -> None:
    slack.scopes = scopes
    assert f"lacks {missing} (it has {scopes.replace(',', ', ')})" in told(probed(bot, recipients)["scopes"])


def test_scopes_that_no_recipient_needs_are_not_asked_for(slack: FakeSlack, bot: Sender) -> None:
    slack.scopes = "chat:write,files:write,channels:read,groups:read"
    assert probed(bot, ["#accounts"])["scopes"].error is None


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("#gone", None, "shows the app no channel #gone"),
        ("#old", {"is_archived": True}, "no channel #old"),  # archived ones are not listed
        ("#others", {"is_member": False}, "/invite @rapport"),
        ("#secret", {"is_member": False, "is_private": True}, "no channel #secret"),
        ("#partners", {"is_ext_shared": True}, "shared with another company"),
    ],
)
def test_channel_that_cannot_be_posted_to_is_told(
    slack: FakeSlack, bot: Sender, name: str, facts: dict[str, bool] | None, words: str
) -> None:
    if facts is not None:
        slack.add_channel(name[1:], **facts)
    found = probed(bot, [name, "#accounts"])
    assert words in told(found[name])
    assert found["#accounts"].error is None


def test_archived_channel_named_by_its_id_is_told(slack: FakeSlack, bot: Sender) -> None:
    known = slack.add_channel("old", is_archived=True)
    assert "archived" in told(probed(bot, [f"#{known}"])[f"#{known}"])


def test_public_channel_without_the_app_is_fine_with_the_scope_for_it(slack: FakeSlack, bot: Sender) -> None:
    slack.add_channel("others", is_member=False)
    slack.scopes += ",chat:write.public"
    assert probed(bot, ["#others"])["#others"].error is None


def test_guest_and_nobody_are_told(slack: FakeSlack, bot: Sender) -> None:
    slack.add_person("guest@northwind.example", is_ultra_restricted=True)
    found = probed(bot, ["@guest@northwind.example", "@nobody@northwind.example"])
    assert "is a guest" in told(found["@guest@northwind.example"])
    assert "nobody in Slack has this address" in told(found["@nobody@northwind.example"])


def test_one_recipients_trouble_does_not_hide_the_others(slack: FakeSlack, bot: Sender) -> None:
    slack.fail("users.lookupByEmail", status=500)
    found = probed(bot, BOTH)
    assert found["@ceo@northwind.example"].error is not None
    assert found["#accounts"].error is None


def test_names_from_slack_are_made_harmless(slack: FakeSlack, bot: Sender) -> None:
    body = '{"ok":true,"bot_id":"B","user":"ev\\u001b[31mil","team":"\\u202eNorth' + "d" * 500 + '"}'
    slack.fail("auth.test", status=200, body=body.encode())
    note = probed(bot, [])["credentials"].note
    assert note.isprintable()
    assert len(note) < 200
