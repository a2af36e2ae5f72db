"""Digests by a bot's token: where they go, what stands there, and what each of Slack's answers means."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Context, RenderedDigest, Sender
from connectors.errors import ConnectorError, OutcomeUnknown, RetryLater, StopConnector, Undeliverable, sentence
from connectors.senders.slack import Settings, connect
from tests.fakes.slack import SCOPES, TOKEN, FakeSlack
from tests.fakes.slack_client import ALONE, CONTEXT, DIGEST, envelope, failing, keeps_secrets, section, sender


def channel_of(slack: FakeSlack, name: str = "accounts") -> str:
    return next(known for known, channel in slack.channels.items() if channel["name"] == name)


# what stands in Slack


def test_message_goes_to_the_channel_with_a_notice_and_nothing_unfurled(slack: FakeSlack, bot: Sender) -> None:
    receipt = bot.send(ALONE, envelope())
    (posted,) = slack.posted
    assert receipt.where == (channel_of(slack), posted.ts)
    assert posted.channel == channel_of(slack)
    assert posted.fields["blocks"] == list(DIGEST.blocks)
    assert posted.fields["text"] == "October: 4 of 12 developing\nOctober: 4 of 12 relationships are developing"
    assert posted.fields["unfurl_links"] is False
    assert posted.fields["unfurl_media"] is False


def test_thread_and_files_follow_below_the_message(slack: FakeSlack, bot: Sender) -> None:
    receipt = bot.send(DIGEST, envelope())
    first, *replies = slack.posted
    assert [reply.thread for reply in replies] == [first.ts, first.ts]
    assert [reply.fields["blocks"] for reply in replies] == [list(blocks) for blocks in DIGEST.thread]
    files = [(file.name, file.data, file.title, file.alt) for file in slack.files.values()]
    assert files == [
        ("digest.csv", b"a,b\r\n", "Every client's figures", "Every client's figures"),
        ("001-acme-months.png", b"\x89PNG1", "Acme: man-hours by month", "Acme: man-hours by month"),
    ]
    assert {(file.channel, file.thread) for file in slack.files.values()} == {(first.channel, first.ts)}
    assert receipt.where == (first.channel, first.ts)


def test_files_that_are_empty_or_not_there_are_left_out(slack: FakeSlack, bot: Sender) -> None:
    bot.send(replace(ALONE, files={"a.csv": b""}, attached={"a.csv": "a", "b.csv": "b"}), envelope())
    assert slack.files == {}
    assert len(slack.posted) == 1


def test_text_without_blocks_is_posted_as_it_stands(slack: FakeSlack, bot: Sender) -> None:
    alert = RenderedDigest(subject="Reading <has> stopped", text="*m365* & <!channel>\n" + "&" * 50_000, html="")
    bot.send(alert, envelope())
    (posted,) = slack.posted
    assert posted.fields["text"].startswith("Reading &lt;has&gt; stopped\n\n∗m365∗ &amp; &lt;!channel&gt;\n")
    assert len(posted.fields["text"]) < 4_000
    assert posted.fields["mrkdwn"] is False
    assert "blocks" not in posted.fields


def test_person_is_found_by_address_and_written_to(slack: FakeSlack, bot: Sender) -> None:
    receipt = bot.send(ALONE, envelope("@ceo@northwind.example"))
    (posted,) = slack.posted
    assert posted.channel.startswith("D")
    assert receipt.where[0] == posted.channel


def test_colleague_of_another_workspace_of_the_organisation_is_one(slack: FakeSlack, bot: Sender) -> None:
    slack.add_person("sam@northwind.example", team_id="T02OTHER", enterprise_user={"enterprise_id": "E01"})
    failing(Undeliverable, bot, "@sam@northwind.example", code="not_a_colleague")
    slack.enterprise = "E01"
    with sender(slack) as other:
        assert other.send(ALONE, envelope("@sam@northwind.example")).where


# finding channels


def test_channel_is_found_page_by_page_and_only_once(slack: FakeSlack, bot: Sender) -> None:
    for number in range(25):
        slack.add_channel(f"other-{number}")
    wanted = slack.add_channel("leadership", is_private=True)
    slack.page_size = 10
    for _ in range(2):
        bot.send(ALONE, envelope("#leadership"))
    assert [message.channel for message in slack.posted] == [wanted, wanted]
    assert len(slack.asked("conversations.list")) == 3


def test_channel_by_its_id_is_taken_as_it_is(slack: FakeSlack, bot: Sender) -> None:
    bot.send(ALONE, envelope(f"#{channel_of(slack)}"))
    assert slack.asked("conversations.list") == []
    assert len(slack.posted) == 1


def test_name_of_a_channel_is_compared_without_case(slack: FakeSlack, bot: Sender) -> None:
    bot.send(ALONE, envelope("#Accounts"))
    assert len(slack.posted) == 1


def test_renamed_channel_is_kept_by_its_id(slack: FakeSlack, bot: Sender) -> None:
    bot.send(ALONE, envelope())
    slack.channels[channel_of(slack)] |= {"name": "clients", "name_normalized": "clients"}
    slack.add_channel("accounts")
    bot.send(ALONE, envelope())
    assert {message.channel for message in slack.posted} == {channel_of(slack, "clients")}


def test_list_of_channels_without_end_is_given_up(slack: FakeSlack, bot: Sender) -> None:
    slack.fail("conversations.list", times=9, status=200, body=b'{"ok":true,"response_metadata":{"next_cursor":"a"}}')
    failing(Undeliverable, bot, "#nowhere", code="not_found")
    assert len(slack.asked("conversations.list")) == 2


@pytest.mark.parametrize("sign", ["is_ext_shared", "is_pending_ext_shared"])
def test_channel_shared_outside_gets_nothing(slack: FakeSlack, bot: Sender, sign: str) -> None:
    slack.channels[channel_of(slack)][sign] = True
    error = failing(Undeliverable, bot, code="shared_outside")
    assert "another company" in sentence(error)
    assert slack.posted == []


def test_channel_that_becomes_shared_gets_nothing_more(slack: FakeSlack, bot: Sender) -> None:
    bot.send(ALONE, envelope())
    slack.channels[channel_of(slack)]["is_ext_shared"] = True
    failing(Undeliverable, bot, code="shared_outside")
    assert len(slack.posted) == 1


def test_channel_shared_within_the_organisation_is_fine(slack: FakeSlack, bot: Sender) -> None:
    slack.channels[channel_of(slack)] |= {"is_org_shared": True, "is_shared": True, "is_ext_shared": False}
    assert bot.send(ALONE, envelope()).where


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"is_restricted": True}, "a guest"),
        ({"is_ultra_restricted": True}, "a guest"),
        ({"is_bot": True}, "a bot"),
        ({"deleted": True}, "deactivated"),
        ({"is_stranger": True}, "of another company"),
        ({"team_id": "T99ELSEWHERE"}, "of another company"),
    ],
)
def test_only_colleagues_are_written_to(slack: FakeSlack, bot: Sender, facts: dict[str, Any], word: str) -> None:
    slack.add_person("pat@northwind.example", **facts)
    assert word in sentence(failing(Undeliverable, bot, "@pat@northwind.example", code="not_a_colleague"))
    assert slack.posted == []


# what Slack's answers mean


@pytest.mark.parametrize(
    ("code", "kind", "named", "click"),
    [
        ("invalid_auth", StopConnector, "credentials", "OAuth & Permissions"),
        ("token_revoked", StopConnector, "credentials", "Install App"),
        ("account_inactive", StopConnector, "credentials", "Install App"),
        ("team_access_not_granted", StopConnector, "credentials", "administrator"),
        ("channel_not_found", Undeliverable, "not_found", "/invite @rapport"),
        ("not_in_channel", Undeliverable, "not_member", "/invite @rapport"),
        ("is_archived", Undeliverable, "archived", "Unarchive"),
        ("restricted_action", Undeliverable, "restricted", "administrator"),
        ("messages_tab_disabled", Undeliverable, "restricted", "Messages Tab"),
        ("msg_blocks_too_long", Undeliverable, "form", "report it"),
        ("some_new_code", Undeliverable, "refused", "some_new_code"),
        ("ratelimited", RetryLater, "rate_limit", ""),
        ("service_unavailable", RetryLater, "unavailable", ""),
        ("internal_error", OutcomeUnknown, "unknown", "--again"),  # a part may have succeeded, Slack says
        ("fatal_error", OutcomeUnknown, "unknown", "--again"),
    ],
)
def test_refusal_is_told_by_what_to_do(
    slack: FakeSlack, bot: Sender, code: str, kind: type[ConnectorError], named: str, click: str
) -> None:
    slack.fail(error=code)
    error = failing(kind, bot, code=named)
    assert click in sentence(error)
    assert slack.posted == []


@pytest.mark.parametrize("status", [500, 502, 503])
def test_failing_before_acceptance_in_slacks_words_is_retried(slack: FakeSlack, bot: Sender, status: int) -> None:
    slack.fail(status=status, error="service_unavailable")
    failing(RetryLater, bot, code="unavailable")


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_failing_without_slacks_words_may_have_posted(slack: FakeSlack, bot: Sender, status: int) -> None:
    slack.fail(status=status, body=b"<html>bad gateway</html>", accepted=True)
    failing(OutcomeUnknown, bot)
    assert len(slack.posted) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b'"ok"', b"[" * 100_000, b"\xff\xfe"])
def test_answer_that_is_not_slacks_leaves_the_outcome_open(slack: FakeSlack, bot: Sender, body: bytes) -> None:
    slack.fail(status=200, body=body)
    failing(OutcomeUnknown, bot, code="garbled")


@pytest.mark.parametrize("status", [302, 307, 403, 407])
def test_proxy_that_answers_instead_has_not_posted(slack: FakeSlack, bot: Sender, status: int) -> None:
    slack.fail(status=status, body=b"<html>sign in</html>", headers={"Location": "http://127.0.0.1:9/"})
    assert "proxy" in sentence(failing(RetryLater, bot, code="blocked"))


@pytest.mark.parametrize("body", [b"", b'{"ok":false,"error":"ratelimited"}'])
def test_slower_says_when(slack: FakeSlack, bot: Sender, body: bytes) -> None:
    slack.fail(status=429, body=body, headers={"Retry-After": "30"})
    assert failing(RetryLater, bot, code="rate_limit").after_seconds == 30.0
    assert len(slack.asked("chat.postMessage")) == 1


def test_missing_scope_names_it_and_what_there_is(slack: FakeSlack, bot: Sender) -> None:
    slack.scopes = "channels:read,groups:read"
    told = sentence(failing(StopConnector, bot, code="scopes"))
    assert "lacks chat:write (it has channels:read, groups:read)" in told
    assert "Reinstall to Workspace" in told


@pytest.mark.parametrize("accepted", [True, False])
def test_dropped_connection_leaves_the_outcome_open(slack: FakeSlack, bot: Sender, accepted: bool) -> None:
    slack.fail(drop=True, accepted=accepted)
    failing(OutcomeUnknown, bot)
    assert len(slack.posted) == int(accepted)


def test_answer_that_breaks_off_leaves_the_outcome_open(slack: FakeSlack, bot: Sender) -> None:
    slack.fail(cut=True, accepted=True, status=200, body=b'{"ok":true,"ts":"1"}')
    failing(OutcomeUnknown, bot)


def test_slow_answer_leaves_the_outcome_open(slack: FakeSlack) -> None:
    slack.fail(delay_seconds=0.5, only_delay=True)
    with sender(slack, context=replace(CONTEXT, timeout_seconds=0.1)) as hasty:
        failing(OutcomeUnknown, hasty, code="slow")


def test_answer_without_end_leaves_the_outcome_open(slack: FakeSlack) -> None:
    slack.fail(status=200, endless=True, accepted=True)
    began = time.monotonic()
    with sender(slack, context=replace(CONTEXT, timeout_seconds=0.2)) as hasty:
        failing(OutcomeUnknown, hasty)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("api_url", ["http://127.0.0.1:9/api/", "https://slack.example/api/"])
def test_nothing_went_out_where_nobody_listens(slack: FakeSlack, api_url: str) -> None:
    with sender(slack, token=TOKEN, api_url=api_url) as lost:
        failing(RetryLater, lost)


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 200, "body": b"[]"}, {"cut": True}])
def test_question_that_fails_is_asked_again_later(slack: FakeSlack, bot: Sender, fault: dict[str, Any]) -> None:
    slack.fail("conversations.list", **fault)
    failing(RetryLater, bot)
    assert slack.posted == []


def test_question_over_the_limit_waits_as_told(slack: FakeSlack, bot: Sender) -> None:
    slack.fail("conversations.info", status=429, headers={"Retry-After": "0"}, times=2)
    assert bot.send(ALONE, envelope()).where
    slack.fail("conversations.info", status=429, headers={"Retry-After": "0"}, times=9)
    failing(RetryLater, bot, code="rate_limit")


def test_untrusted_certificate_stops(tmp_path: Path) -> None:
    import ssl

    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FakeSlack(context=server) as slack:
        with sender(slack) as doubting:
            failing(StopConnector, doubting, code="certificate")
        with sender(slack, context=replace(CONTEXT, ca_file=tmp_path / "ca.pem")) as trusting:
            trusting.send(DIGEST, envelope())
        assert len(slack.files) == 2


# after the first message


@pytest.mark.parametrize(
    "fault",
    [
        {"error": "internal_error"},
        {"drop": True, "accepted": True},
        {"drop": True},
        {"status": 500},
        {"status": 429, "headers": {"Retry-After": "900"}},
        {"error": "invalid_auth"},
    ],
)
def test_trouble_in_the_thread_is_noted_and_no_failure(slack: FakeSlack, bot: Sender, fault: dict[str, Any]) -> None:
    slack.fail(after=1, **fault)
    receipt = bot.send(DIGEST, envelope())
    assert len(slack.first) == 1
    (note,) = receipt.where[2:]
    assert note.startswith("the thread is not whole: ")
    assert {file.channel for file in slack.files.values()} == {slack.first[0].channel}
    assert len([message for message in slack.posted if message.fields.get("blocks") == [section("Acme")]]) <= 1


def test_limit_within_the_thread_is_waited_out(slack: FakeSlack, bot: Sender) -> None:
    slack.fail(after=1, status=429, headers={"Retry-After": "0"})
    assert len(bot.send(DIGEST, envelope()).where) == 2
    assert len(slack.posted) == 3


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("files.getUploadURLExternal", {"error": "internal_error"}),
        ("files.getUploadURLExternal", {"status": 200, "body": b'{"ok":true}'}),
        (
            "files.getUploadURLExternal",
            {"status": 200, "body": b'{"ok":true,"upload_url":"http://x.example/","file_id":"F"}'},
        ),
        ("/upload/", {"status": 500}),
        ("/upload/", {"drop": True}),
        ("files.completeUploadExternal", {"drop": True}),
        ("files.completeUploadExternal", {"status": 200, "body": b'{"ok":true}'}),
    ],
)
def test_files_that_do_not_go_are_noted_and_told(
    slack: FakeSlack, bot: Sender, path: str, fault: dict[str, Any]
) -> None:
    slack.fail(path, **fault)
    receipt = bot.send(DIGEST, envelope())
    (note,) = receipt.where[2:]
    assert note.startswith("the files are not attached: ")
    assert slack.posted[-1].fields["text"] == "The files could not be attached."
    assert slack.posted[-1].thread == slack.first[0].ts


def test_files_go_by_https_only(slack: FakeSlack, bot: Sender) -> None:
    answer = b'{"ok":true,"upload_url":"http://files.example/","file_id":"F"}'
    slack.fail("files.getUploadURLExternal", status=200, body=answer, times=2)
    (note,) = bot.send(DIGEST, envelope()).where[2:]
    assert "is not https" in note


def test_token_is_not_sent_to_the_address_for_files(slack: FakeSlack, bot: Sender) -> None:
    bot.send(DIGEST, envelope())
    uploads = [request for request in slack.seen if request.path.startswith("/upload/")]
    assert [upload.token for upload in uploads] == ["", ""]


def test_redirect_is_not_followed_with_the_token(slack: FakeSlack, bot: Sender) -> None:
    with FakeSlack() as elsewhere:
        slack.fail(status=307, headers={"Location": f"{elsewhere.api_url}chat.postMessage"})
        failing(RetryLater, bot)
        assert elsewhere.seen == []


# secrets


def test_settings_show_no_secret() -> None:
    assert TOKEN not in repr(Settings(token=TOKEN, webhook_url=""))
    assert "hooks" not in repr(Settings(webhook_url="https://hooks.slack.example/services/T/B/X"))
    with pytest.raises(ValueError, match="exactly one"):
        Settings()
    with pytest.raises(ValueError, match="exactly one") as both:
        Settings(token=TOKEN, webhook_url="https://hooks.slack.example/services/T/B/X")
    keeps_secrets(both.value)


def test_logs_show_no_secret(slack: FakeSlack, bot: Sender, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):  # less is let through nowhere (`daemon/output/logs.py`)
        bot.send(DIGEST, envelope())
        slack.fail(drop=True)
        failing(OutcomeUnknown, bot)
    assert TOKEN not in caplog.text
    assert [record.name for record in caplog.records if record.name.startswith(("slack", "urllib3"))] == []


def test_environments_proxy_is_not_used_for_this_machine(slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with sender(slack) as bot:
        assert bot.send(DIGEST, envelope()).where


def test_unreachable_proxy_has_let_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    through: Context = replace(CONTEXT, proxy="http://someone:hidden@127.0.0.1:9")
    made = connect(Settings(token=TOKEN, api_url="https://slack.example/api/"), through)
    error = failing(RetryLater, made)
    assert "proxy" in sentence(error)
    assert "hidden" not in sentence(error)
    made.close()


def test_scopes_of_the_manifest_are_enough(slack: FakeSlack, bot: Sender) -> None:
    manifest = (Path(__file__).parents[4] / "docs" / "slack.md").read_text("utf-8")
    assert all(f"- {scope}\n" in manifest for scope in SCOPES.split(","))
