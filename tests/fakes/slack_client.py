"""What the tests of the Slack sender share: a digest to send, the sender over the fake, and errors as they are told."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from connectors.contract import Context, Envelope, RenderedDigest, Sender
from connectors.errors import ConnectorError, sentence
from connectors.senders.slack import Settings, connect
from tests.fakes.slack import HOOK, TOKEN, FakeSlack

E = TypeVar("E", bound=ConnectorError)

CONTEXT = Context(folder=Path(), zone=ZoneInfo("Europe/London"), timeout_seconds=5.0)


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


DIGEST = RenderedDigest(
    subject="October: 4 of 12 developing",
    headline="October: 4 of 12 relationships are developing",
    text="the text\n",
    html="<p>the page</p>",
    files={"digest.csv": b"a,b\r\n", "001-acme-months.png": b"\x89PNG1", "001-acme-trend.png": b"\x89PNG2"},
    blocks=(section("first"),),
    thread=((section("Acme"),), (section("Brightwater"),)),
    attached={"digest.csv": "Every client's figures", "001-acme-months.png": "Acme: man-hours by month"},
)
ALONE = replace(DIGEST, thread=(), attached={})


def envelope(to: str = "#accounts") -> Envelope:
    return Envelope(to=to, key="leadership-2026-10", topic="leadership", at=datetime(2026, 11, 1, 8, tzinfo=UTC))


@contextmanager
def sender(slack: FakeSlack, *, context: Context = CONTEXT, **settings: str) -> Iterator[Sender]:
    """By token, unless the settings say otherwise."""
    given = settings or {"token": TOKEN}
    made = connect(Settings(**{"api_url": slack.api_url, **given}), context)
    try:
        yield made
    finally:
        made.close()


def failing(
    expected: type[E], made: Sender, to: str = "#accounts", digest: RenderedDigest = ALONE, code: str | None = None
) -> E:
    """The error that sending ends with: of exactly this kind, with a remedy, and no secret in it or behind it."""
    with pytest.raises(ConnectorError) as caught:
        made.send(digest, envelope(to))
    error = caught.value
    assert isinstance(error, expected), f"{error!r}: {sentence(error)}"
    assert code is None or error.code == code
    keeps_secrets(error)
    return error


def keeps_secrets(error: BaseException) -> None:
    """Neither the error nor anything in its chain shows the token or the webhook."""
    told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    if isinstance(error, ConnectorError):
        told += sentence(error)
    assert TOKEN not in told
    assert HOOK.rpartition("/")[2] not in told
    assert "Bearer" not in told
