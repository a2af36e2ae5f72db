"""A sender for the fake mail server, and digests to send by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Context, Envelope, RenderedDigest
from connectors.senders.email import Email, Settings, connect
from tests.fakes.smtp import HOST, FakeMail

PNG = b"\x89PNG\r\n\x1a\n"
DIGEST = RenderedDigest(
    subject="October: 4 of 12 developing",
    text="Zoë\n.\n..two dots\nFrom the start\n",
    html='<p>Zoë <img src="001-acme-months.png" alt="x"> <IMG alt="y" src="cid:001-acme-trend.png"></p>',
    files={
        "digest.csv": "\ufeffclient\r\nZoë\r\n".encode(),
        "001-acme-months.png": PNG + b"months",
        "001-acme-trend.png": PNG + b"trend",
        "notes.pdf": b"%PDF",
    },
)


def envelope(to: str = "jo@northwind.example", **fields: Any) -> Envelope:
    values: dict[str, Any] = {
        "key": "leadership/2026-10/jo/1",
        "topic": "leadership",
        "at": datetime(2026, 11, 1, 8, tzinfo=UTC),
    }
    return Envelope(to=to, **(values | fields))


def sender(
    mail: FakeMail | None,
    folder: Path,
    *,
    token: Callable[[], str] | None = None,
    timeout_seconds: float = 10.0,
    trusted: bool = True,
    **fields: Any,
) -> Email:
    """The connector for this server; without one, the settings have to say where to."""
    if mail is not None:
        fields = {"host": HOST, "port": mail.port, "security": mail.security} | fields
    settings = Settings(**({"sender": "Rapport <rapport@northwind.example>"} | fields))
    ca_file = mail.ca_file(folder) if mail is not None and trusted else None
    context = Context(folder=folder, zone=ZoneInfo("Europe/London"), ca_file=ca_file, timeout_seconds=timeout_seconds)
    return connect(settings, context, token=token)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message
