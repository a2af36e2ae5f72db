"""A rendered digest as a message: its parts, its headers, its bytes. Knows no server.

multipart/mixed[ multipart/alternative[ text, multipart/related[ HTML, charts ] ], sheet ]. Nothing in it is fetched
from elsewhere, and nothing tells us whether it was read.
"""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from itertools import islice

from connectors.contract import Envelope, RenderedDigest
from connectors.errors import StopConnector, Undeliverable
from scoring.meetings.address_book import ascii_domain

SUBJECT_LIMIT = 200
_NAME_LIMIT = 80
_ID_DOMAIN_LIMIT = 30  # a Content-ID must fit on a line: Python encodes a longer one, and no reader finds it then
_TOPIC_LIMIT = 26
_JOINERS = "\u200c\u200d"
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?")
_IMAGE = re.compile(r'(<img\b[^>]*?\ssrc=")(?:cid:)?([^"]*)(")', re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A message ready for the wire. `content` has CRLF lines of ASCII; `utf8`: an address needs SMTPUTF8."""

    id: str
    sender: str
    recipient: str
    content: bytes
    utf8: bool


def one_line(text: str, limit: int) -> str:
    """A text for a header: no control characters, none that turn its direction, one line, cut at the limit."""
    shown = "".join(letter if letter.isprintable() or letter in _JOINERS else " " for letter in islice(text, 8 * limit))
    line = " ".join(shown.split()).replace("=?", "= ?")  # Python would decode an encoded word, line breaks and all
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def compose(digest: RenderedDigest, envelope: Envelope, mailbox: str) -> Mail:
    """The message to one recipient. The same digest and envelope give the same Message-ID.

    Raises `Undeliverable` for what is no address, `StopConnector` for a sender that is none.
    """
    sender = _sender(mailbox)
    recipient = _address(envelope.to)
    if recipient is None:
        raise Undeliverable("bad_address", "what is given as a recipient is no e-mail address", "Correct it.")
    utf8 = not f"{sender.addr_spec}{recipient.addr_spec}".isascii()
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit", utf8=utf8))
    message_id = f"<rapport.{_digest_of(envelope.key)}@{sender.domain}>"
    for name, value in _headers(digest, envelope, sender, recipient, message_id):
        message[name] = value
    _fill(message, digest, key=envelope.key, domain=_short(sender.domain))
    return Mail(
        id=message_id,
        sender=sender.addr_spec,
        recipient=recipient.addr_spec,
        content=message.as_bytes(),
        utf8=utf8,
    )


def sender_address(mailbox: str) -> str:
    """The address alone of `Rapport <rapport@northwind.example>`. Raises `StopConnector`."""
    return _sender(mailbox).addr_spec


def _headers(
    digest: RenderedDigest, envelope: Envelope, sender: Address, recipient: Address, message_id: str
) -> Iterator[tuple[str, str | Address]]:
    """Addresses and times; then what keeps machines from answering (RFC 3834, Exchange) and helps people to sort."""
    yield "From", sender
    yield "To", recipient
    yield "Subject", one_line(digest.subject, SUBJECT_LIMIT)
    yield "Date", format_datetime(envelope.at)
    yield "Message-ID", message_id
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "All"
    yield "List-Id", f"<{_slug(envelope.topic)}.rapport.{_short(sender.domain)}>"


def _fill(message: EmailMessage, digest: RenderedDigest, *, key: str, domain: str) -> None:
    """Text, page with the images it shows, and every other file as an attachment; other images are not for mail.

    Quoted-printable throughout: no server has to know 8BITMIME, and no line is too long for one.
    """
    used = set(_images(digest.html, digest.files))
    ids = {name: f"{_digest_of(f'{key}/{name}')[:24]}@{domain}" for name in digest.files if name in used}
    message.set_content(_encodable(digest.text), cte="quoted-printable")
    message.add_alternative(_encodable(_referring(digest.html, ids)), subtype="html", cte="quoted-printable")
    page = list(message.iter_parts())[1]
    for name, content_id in ids.items():
        kind, _, subkind = _type_of(name).partition("/")
        page.add_related(digest.files[name], kind, subkind, cid=f"<{content_id}>", filename=name, disposition="inline")
    if ids:
        page.set_param("type", "text/html")  # RFC 2387 asks for it
    for name, data in digest.files.items():
        kind, _, subkind = _type_of(name).partition("/")
        if kind != "image":
            message.add_attachment(
                data, kind, subkind, filename=name, params={"charset": "utf-8"} if kind == "text" else None
            )


def _images(page: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """The files that the page shows."""
    for match in _IMAGE.finditer(page):
        name = html.unescape(match[2])
        if name in files and _type_of(name).startswith("image/"):
            yield name


def _referring(page: str, ids: Mapping[str, str]) -> str:
    """The page with its images by Content-ID, whether they stood there as `NAME` or as `cid:NAME`."""

    def referred(match: re.Match[str]) -> str:
        content_id = ids.get(html.unescape(match[2]))
        return match[0] if content_id is None else f"{match[1]}cid:{content_id}{match[3]}"

    return _IMAGE.sub(referred, page)


def _sender(mailbox: str) -> Address:
    name, spec = parseaddr(mailbox)
    address = _address(spec)
    if address is None:
        raise StopConnector("bad_sender", "email.from is no mailbox", 'Write "Rapport <rapport@northwind.example>".')
    return Address(one_line(name, _NAME_LIMIT), address.username, address.domain)


def _address(spec: str) -> Address | None:
    """An address that can stand in a header and in a command, its domain in ASCII; None for anything else."""
    local, at, domain = spec.rpartition("@")
    if not at or not local or len(spec) > 254 or not spec.isprintable() or re.search(r"[\s<>,;:\\\"@()\[\]]", local):
        return None
    try:
        folded = ascii_domain(domain)
        return Address(username=local, domain=folded) if _DOMAIN.fullmatch(folded) else None
    except ValueError:
        return None


def _short(domain: str) -> str:
    """The domain, or as much of its end as fits an identifier."""
    while len(domain) > _ID_DOMAIN_LIMIT and "." in domain:
        domain = domain.partition(".")[2]
    return domain if len(domain) <= _ID_DOMAIN_LIMIT else "rapport.invalid"


def _slug(topic: str) -> str:
    """A digest's name as a label, which stays another one for another name."""
    label = re.sub(r"[^a-z0-9]+", "-", topic[:1000].lower()).strip("-")
    if label and label == topic and len(label) <= _TOPIC_LIMIT:
        return label
    return f"{label[: _TOPIC_LIMIT - 9]}-{_digest_of(topic)[:8]}".strip("-")


def _type_of(name: str) -> str:
    kind, _ = mimetypes.guess_type(name)
    return "text/csv" if name.endswith(".csv") else kind or "application/octet-stream"


def _digest_of(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _encodable(text: str) -> str:
    """Without lone surrogates, which no encoding has."""
    return text.encode("utf-8", "replace").decode("utf-8")
