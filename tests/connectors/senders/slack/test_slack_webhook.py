"""Digests by an incoming webhook: the message alone, and what its plain answers mean."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.contract import Sender
from connectors.errors import ConnectorError, OutcomeUnknown, RetryLater, Undeliverable, sentence
from tests.fakes import block_kit
from tests.fakes.slack import HOOK, FakeSlack
from tests.fakes.slack_client import ALONE, CONTEXT, DIGEST, envelope, failing, sender


@pytest.fixture
def hook(slack: FakeSlack) -> Iterator[Sender]:
    with sender(slack, webhook_url=slack.webhook_url) as made:
        yield made


def test_first_message_goes_out_and_says_what_is_not_there(slack: FakeSlack, hook: Sender) -> None:
    receipt = hook.send(DIGEST, envelope())
    (posted,) = slack.posted
    *blocks, last = posted.fields["blocks"]
    assert blocks == list(DIGEST.blocks)
    assert "not attached" in last["elements"][0]["text"]
    assert posted.fields["text"].startswith(DIGEST.subject)
    assert slack.files == {}
    assert receipt.where == ("webhook", "#accounts")


def test_nothing_is_missing_from_a_digest_that_is_one_message(slack: FakeSlack, hook: Sender) -> None:
    hook.send(ALONE, envelope())
    assert slack.posted[0].fields["blocks"] == list(ALONE.blocks)


def test_text_alone_can_be_sent(slack: FakeSlack, hook: Sender) -> None:
    hook.send(replace(ALONE, blocks=()), envelope())
    assert slack.posted[0].fields["text"] == "October: 4 of 12 developing\n\nthe text\n"


def test_person_is_beyond_a_webhook(slack: FakeSlack, hook: Sender) -> None:
    assert "slack.token" in sentence(failing(Undeliverable, hook, "@ceo@northwind.example", code="no_persons"))
    assert slack.seen == []


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"),
    [
        (404, "no_service", Undeliverable, "gone"),
        (404, "no_team", Undeliverable, "gone"),
        (404, "channel_not_found", Undeliverable, "not_found"),
        (404, "<html>", Undeliverable, "gone"),
        (410, "channel_is_archived", Undeliverable, "archived"),
        (410, "", Undeliverable, "gone"),
        (403, "action_prohibited", Undeliverable, "restricted"),
        (403, "invalid_token", Undeliverable, "gone"),
        (400, "invalid_payload", Undeliverable, "form"),
        (400, "some_new_code", Undeliverable, "refused"),
        (403, "<html>proxy</html>", RetryLater, "blocked"),
        (302, "", RetryLater, "blocked"),
        (429, "rate_limited", RetryLater, "rate_limit"),
        (500, "rollup_error", OutcomeUnknown, "unknown"),
        (503, "", OutcomeUnknown, "unknown"),
        (200, "<html>hello</html>", OutcomeUnknown, "unknown"),
    ],
)
def test_answer_is_told_by_what_to_do(
    slack: FakeSlack, hook: Sender, status: int, text: str, kind: type[ConnectorError], code: str
) -> None:
    slack.fail("/services/", status=status, body=text.encode(), headers={"Retry-After": "7"})
    error = failing(kind, hook, code=code)
    if isinstance(error, RetryLater) and code == "rate_limit":
        assert error.after_seconds == 7.0
    assert slack.posted == []


@pytest.mark.parametrize(
    "fault", [{"drop": True, "accepted": True}, {"drop": True}, {"cut": True, "status": 200, "body": b"ok"}]
)
def test_connection_lost_leaves_the_outcome_open(slack: FakeSlack, hook: Sender, fault: dict[str, Any]) -> None:
    slack.fail("/services/", **fault)
    failing(OutcomeUnknown, hook)


def test_nothing_went_out_where_nobody_listens(slack: FakeSlack) -> None:
    with sender(slack, webhook_url=f"http://127.0.0.1:9{HOOK}") as lost:
        failing(RetryLater, lost)


def test_slow_answer_leaves_the_outcome_open(slack: FakeSlack) -> None:
    slack.fail("/services/", delay_seconds=0.5, only_delay=True)
    with sender(slack, context=replace(CONTEXT, timeout_seconds=0.1), webhook_url=slack.webhook_url) as hasty:
        failing(OutcomeUnknown, hasty, code="slow")


def test_webhook_that_slack_does_not_know(slack: FakeSlack) -> None:
    with sender(slack, webhook_url=f"{slack.url}/services/T/B/other") as stale:
        assert "Incoming Webhooks" in sentence(failing(Undeliverable, stale, code="gone"))


def test_webhook_cannot_be_verified_and_says_so(slack: FakeSlack, hook: Sender) -> None:
    known, person = hook.probe(["#accounts", "@ceo@northwind.example"])
    assert known.error is None
    assert "cannot be verified" in known.note
    assert person.error is not None
    assert person.error.code == "no_persons"
    assert slack.seen == []


def test_logs_show_no_part_of_the_webhook(slack: FakeSlack, hook: Sender, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):  # less is let through nowhere (`daemon/output/logs.py`)
        hook.send(DIGEST, envelope())
        slack.fail("/services/", drop=True)
        failing(OutcomeUnknown, hook)
    assert HOOK.rpartition("/")[2] not in caplog.text


def test_fake_refuses_what_slack_refuses() -> None:
    """The fake's own strictness, on which the tests of the rendering rest."""
    good = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    assert block_kit.problems([good]) == []
    bad: list[Any] = [
        [],
        [good] * 51,
        [{**good, "colour": "red"}],
        [{"type": "carousel"}],
        [{"type": "section"}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}],
        [{"type": "section", "fields": [good["text"]] * 11}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "context", "elements": [good["text"]] * 11}],
        [{"type": "context", "elements": []}],
    ]
    assert [blocks for blocks in bad if not block_kit.problems(blocks)] == []
