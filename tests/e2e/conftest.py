"""What several whole runs need: a mail server to which Rapport signs in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.smtp import FakeMail


@pytest.fixture
def mail() -> Iterator[FakeMail]:
    with FakeMail(users={"rapport": "s3cret"}) as made:
        yield made
