"""A digest as a message, read back with Python's own parser: parts, headers, and text that means harm."""

from __future__ import annotations

import re
import string
from dataclasses import replace

import pytest

from connectors.contract import RenderedDigest
from connectors.errors import StopConnector, Undeliverable
from connectors.senders.email.message import Mail, compose
from tests.connectors.senders.email.email_world import DIGEST, PNG, envelope, parsed

MAILBOX = "Rapport <rapport@northwind.example>"


def composed(digest: RenderedDigest = DIGEST, mailbox: str = MAILBOX, **fields: object) -> Mail:
    return compose(digest, envelope(**fields), mailbox)  # type: ignore[arg-type]  # fields of the envelope


def tree(content: bytes) -> list[str]:
    return [part.get_content_type() for part in parsed(content).walk()]


def test_parts_stand_as_mail_programs_want_them() -> None:
    content = composed().content
    assert tree(content) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/png",
        "text/csv",
        "application/pdf",
    ]
    related = next(part for part in parsed(content).walk() if part.get_content_type() == "multipart/related")
    assert related.get_param("type") == "text/html"


def test_a_page_without_images_has_no_related_parts() -> None:
    digest = RenderedDigest(subject="x", text="x\n", html="<p>x</p>")
    assert tree(composed(digest).content) == ["multipart/alternative", "text/plain", "text/html"]


def test_text_and_page_come_through_to_the_letter() -> None:
    message = parsed(composed().content)
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().replace("\r\n", "\n") == DIGEST.text
    assert "Zoë" in page.get_content()


def test_page_refers_to_its_images_by_content_id() -> None:
    message = parsed(composed().content)
    page = message.get_body(("html",))
    assert page is not None
    referred = re.findall(r'src="cid:([^"]+)"', page.get_content())
    images = {part["Content-ID"]: part for part in message.walk() if part.get_content_maintype() == "image"}
    assert [f"<{name}>" for name in referred] == list(images)
    assert [part.get_content() for part in images.values()] == [PNG + b"months", PNG + b"trend"]
    assert {part.get_content_disposition() for part in images.values()} == {"inline"}
    assert all(name.endswith("@northwind.example") for name in referred)


def test_content_ids_differ_between_messages() -> None:
    first, second = (re.findall(rb"Content-ID: (\S+)", composed(key=key).content) for key in ("a", "b"))
    assert not set(first) & set(second)


def test_what_the_page_does_not_show_is_attached() -> None:
    attached = {part.get_filename(): part for part in parsed(composed().content).iter_attachments()}
    assert set(attached) == {"digest.csv", "notes.pdf"}
    assert attached["digest.csv"].get_payload(decode=True) == DIGEST.files["digest.csv"]
    assert attached["digest.csv"].get_content_charset() == "utf-8"
    assert attached["digest.csv"].get_content_disposition() == "attachment"


def test_images_that_the_page_does_not_show_stay_at_home() -> None:
    content = composed(replace(DIGEST, html="<p>nothing shown</p>")).content
    assert "image/png" not in tree(content)
    assert "multipart/related" not in tree(content)


def test_text_that_looks_like_an_image_changes_nothing() -> None:
    page = '<p>src="001-acme-months.png" &lt;img src="001-acme-months.png"&gt;</p><img src="other.png">'
    body = parsed(composed(replace(DIGEST, html=page)).content).get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == page


def test_headers_say_who_what_when_and_that_a_machine_wrote_it() -> None:
    message = parsed(composed().content)
    assert str(message["From"]) == MAILBOX
    assert str(message["To"]) == "jo@northwind.example"
    assert message["Date"].datetime.isoformat() == "2026-11-01T08:00:00+00:00"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "<leadership.rapport.northwind.example>"
    assert not {"X-Mailer", "User-Agent", "Return-Receipt-To", "Disposition-Notification-To"} & set(message.keys())


def test_message_id_is_the_deliverys() -> None:
    assert composed().id == composed().id == parsed(composed().content)["Message-ID"]
    assert re.fullmatch(r"<rapport\.[0-9a-f]{32}@northwind\.example>", composed().id)
    assert composed(key="leadership/2026-10/jo/2").id != composed().id


def test_every_line_is_short_ascii_and_ends_as_smtp_wants() -> None:
    digest = replace(
        DIGEST, text="w" * 5000 + "\rx\n", html=f"<p>{'ö' * 5000}</p>\n\n<img src='x'>", subject="名" * 500
    )
    content = composed(digest).content
    assert content.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert max(map(len, content.split(b"\r\n"))) <= 78


HOSTILE = {
    "new headers": "x\r\nBcc: everybody@evil.example\r\n\r\nbody",
    "lone breaks": "x\rBcc: a@evil.example\nCc: b@evil.example\x0b\x0c\x85\u2028\u2029c",
    "turned around": "Acme \u202egnp.exe \u2066\u200f\u061c",
    "controls": "x\x00\x07\x1b[31m\x9b2J",
    "an encoded word": "=?utf-8?q?=0D=0ABcc:=20a@evil.example?=",
    "addresses": '<a@evil.example>, "b" <c@evil.example>; (d)',
    "a lone surrogate": "\ud800x",
    "nothing seen": "\u200b\u200b",
    "very long": "x" * 10_000,
    "very long, wide": "名" * 10_000,
    "very long, of blanks": " \t" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    digest = replace(DIGEST, subject=text, text=text, html=f"<p>{text}</p>")
    mail = composed(digest, topic=text, key=text)
    message = parsed(mail.content)
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "List-Id",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert len(message["From"].addresses) == len(message["To"].addresses) == 1
    assert message["From"].addresses[0].addr_spec == mail.sender == "rapport@northwind.example"
    subject = str(message["Subject"])
    assert len(subject) <= 200
    assert all(letter.isprintable() for letter in subject)
    assert re.fullmatch(r"<[a-z0-9-]+\.rapport\.northwind\.example>", message["List-Id"])
    assert len(message["List-Id"]) < 80


def test_subject_keeps_letters_of_every_script() -> None:
    subject = "Ökotober: می\u200cخواهم 名前 Ж, look at Härröw"
    assert str(parsed(composed(replace(DIGEST, subject=subject)).content)["Subject"]) == subject


@pytest.mark.parametrize(
    "to",
    [
        "", "jo", "@northwind.example", "jo@", "jo@north wind.example", "a@x.example, b@x.example", "a@b@c.example>",
        "jo@northwind.example\r\nRCPT TO:<x@evil.example>", "jo\n@northwind.example", "<jo@northwind.example>",
        "jo@northwind.example>", "jo@..example", "x" * 300 + "@northwind.example", "\ud800@northwind.example",
        'jo"@northwind.example', "jo@[127.0.0.1]", "jo(comment)@northwind.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_undeliverable(to: str) -> None:
    with pytest.raises(Undeliverable) as told:
        composed(to=to)
    assert told.value.code == "bad_address"


@pytest.mark.parametrize(
    "to", ["o'brien+x@northwind.example", "a/b=c@mail.northwind.example", "x_y@xn--bcher-kva.example"]
)
def test_unusual_addresses_are_addresses(to: str) -> None:
    mail = composed(to=to)
    assert mail.recipient == to
    assert parsed(mail.content)["To"].addresses[0].addr_spec == to
    assert not mail.utf8


def test_domains_go_out_in_ascii_and_local_parts_as_they_are() -> None:
    mail = composed(to="zoë@bücher.example", mailbox="Räpport <rapport@bücher.example>")
    assert mail.recipient == "zoë@xn--bcher-kva.example"
    assert mail.sender == "rapport@xn--bcher-kva.example"
    assert mail.utf8
    assert not composed(to="zoe@bücher.example").utf8
    assert composed(to="jo@straße.example").recipient == "jo@xn--strae-oqa.example", "strasse.example is another's"


def test_display_name_is_quoted_where_it_must_be() -> None:
    mail = composed(mailbox='"Räpport, \\"monthly\\"; Northwind" <rapport@northwind.example>')
    (address,) = parsed(mail.content)["From"].addresses
    assert (address.display_name, address.addr_spec) == ('Räpport, "monthly"; Northwind', "rapport@northwind.example")


def test_a_sender_that_is_no_mailbox_stops() -> None:
    with pytest.raises(StopConnector) as told:
        composed(mailbox="Rapport")
    assert told.value.code == "bad_sender"


@pytest.mark.parametrize(
    "domain", [f"{'long-subdomain.' * 8}northwind.example", f"{'x' * 60}.example", f"{'x' * 30}.{'y' * 60}"]
)
def test_identifiers_fit_their_lines_whatever_the_domain(domain: str) -> None:
    mail = composed(mailbox=f"rapport@{domain}", topic="A digest with a name that is rather long")
    message = parsed(mail.content)
    page = message.get_body(("html",))
    assert page is not None
    ids = [part["Content-ID"] for part in message.walk() if part["Content-ID"]]
    assert [f"<{name}>" for name in re.findall(r"cid:([^\"]+)", page.get_content())] == ids
    assert re.findall(rb"Content-ID: (\S+)\r\n", mail.content) == [name.encode() for name in ids]
    assert mail.id == f"<{mail.id.partition('<')[2].partition('@')[0]}@{domain}>"
    assert f"Message-ID: {mail.id}\r\n".encode() in mail.content
    assert re.search(rb"\r\nList-Id: <\S+>\r\n", mail.content)


def test_topics_have_lists_of_their_own() -> None:
    topics = ("leadership", "Leadership", "名前", "名", "a" * 40, "a" * 41, "north & south", "north + south")
    lists = {parsed(composed(topic=topic).content)["List-Id"] for topic in topics}
    assert len(lists) == len(topics)
    assert all(set(name) <= set(string.ascii_lowercase + string.digits + "<>.-") for name in lists)
