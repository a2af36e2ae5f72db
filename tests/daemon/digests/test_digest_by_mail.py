"""A rendered digest through a real mail server: what arrives is what the preview in a folder shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.senders.folder import Folder
from daemon.render import render
from scoring.months.history import Verdict
from tests.connectors.senders.email.email_world import envelope, parsed, sender
from tests.daemon.render.test_render import digest_of, line, many
from tests.fakes.smtp import FakeMail


@pytest.mark.parametrize("clients", [1, 300])
def test_what_arrives_is_what_the_preview_shows(tmp_path: Path, clients: int) -> None:
    names = ("Acme", "Zoë & Söhne", "名前", "<b>x</b>")
    lines = [line(name, Verdict.NOT_DEVELOPING, 20, 30) for name in names[:clients]]
    rendered = render(many(digest_of(*lines), clients))
    folder = Path(Folder(tmp_path / "out").send(rendered).where[-1]).parent
    with FakeMail() as mail:
        sender(mail, tmp_path).send(rendered, envelope())
    message = parsed(mail.received[0].content)
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().replace("\r\n", "\n") == (folder / "digest.txt").read_text(encoding="utf-8")
    images = {part["Content-ID"][1:-1]: part for part in message.walk() if part.get_content_maintype() == "image"}
    shown = re.sub(r"cid:([^\"]+)", lambda match: images[match[1]].get_filename() or "", page.get_content())
    assert shown.replace("\r\n", "\n").strip() == (folder / "digest.html").read_text(encoding="utf-8").strip()
    assert len(images) == 2 * min(clients, 25)
    for part in images.values():
        assert part.get_content() == (folder / str(part.get_filename())).read_bytes()
    (attached,) = message.iter_attachments()
    assert attached.get_payload(decode=True) == (folder / "digest.csv").read_bytes()
    assert len(mail.received[0].content) < 1_000_000
