"""Slack, and a sender by a bot's token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.contract import Sender
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_client import sender


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


@pytest.fixture
def bot(slack: FakeSlack) -> Iterator[Sender]:
    with sender(slack) as made:
        yield made
