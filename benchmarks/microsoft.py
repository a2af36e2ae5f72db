"""Microsoft 365 end to end into SQLite, against a bare loop of requests, json and executemany over the same pages.

Pages are as Graph's delta writes them: whole items with their bodies, as many on a page as the connector asks for.
Tokens are the tests' fake's, over TLS, since msal takes nothing else; pages come without.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.message import Message
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.measuring import Figure
from benchmarks.pulling import MARK, Item, Pages, Web, items_of, measure_calendars
from tests.fakes.http_fake import Answer, json_answer
from tests.fakes.microsoft import CLIENT_ID, SECRET, TENANT_ID, FakeMicrosoft
from tests.fakes.microsoft_items import at, complete, guest, native_uid

_PAGE = 200
_BODY = "<html><body>" + "Agenda and how to dial in. " * 40 + "</body></html>"


def measure(*, small: bool = False) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed."""
    return measure_calendars(MICROSOFT, small=small)


class _Graph(Pages):
    """The directory may not be read."""

    def __init__(self, signing_in: FakeMicrosoft) -> None:
        super().__init__()
        self._signing_in = signing_in

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:  # noqa: ARG002  # as any fake
        parts = urlsplit(target)
        if target == "/about":
            known = {"ca": self._signing_in.ca_file.read_text(), "authority": self._signing_in.authority}
            return json_answer(200, {"tokens": self._signing_in.tokens.given, **known})
        if not parts.path.endswith("/calendarView/delta"):
            return json_answer(403, {"error": {"code": "Authorization_RequestDenied"}})
        asked = parse_qs(parts.query)
        number = -1 if "$deltatoken" in asked else int(asked.get("$skiptoken", "0")[0])
        return self.page(number, unquote(parts.path).split("/")[3])


def serve(pipe: Connection, entries: int) -> None:
    """A provider with so many entries in every calendar."""
    pages = items_of(entries, _item, _PAGE)
    with FakeMicrosoft() as signing_in:
        graph = _Graph(signing_in)
        signing_in.tokens.audience = graph.url
        delta = _link(graph.url, MARK, None)
        links = [{"@odata.nextLink": f"{delta}?$skiptoken={number}"} for number in range(1, len(pages))]
        links += [{"@odata.deltaLink": f"{delta}?$deltatoken=x"}] * 2
        graph.serve_to(pipe, [{**link, "value": page} for page, link in zip([*pages, []], links, strict=True)])


def _item(number: int, guests: list[str], start: datetime) -> Item:
    item = {
        "id": f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{'x' * 90}/{MARK}{number}+A=",
        "iCalUId": native_uid(str(number)),
        "subject": f"Meeting {number}",
        "bodyPreview": _BODY[12:200],
        "body": {"contentType": "text", "content": _BODY},
        "start": at(start),
        "end": at(start + timedelta(hours=1)),
        "attendees": [guest(address) for address in guests],
        "organizer": {"emailAddress": {"name": "p", "address": guests[0]}},
    }
    return complete(item, MARK, datetime(2026, 10, 1, 9, tzinfo=UTC))


def _write_company(folder: Path, url: str, people: list[str], about: Item) -> str:
    (folder / "ca.pem").write_text(about["ca"])
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    return (
        '\n[network]\nca_file = "ca.pem"\n'
        f'\n[[connectors]]\nname = "m365"\nkind = "microsoft365"\ntenant_id = "{TENANT_ID}"\n'
        f'client_id = "{CLIENT_ID}"\nclient_secret = {{ file = "secret" }}\ncalendars = {json.dumps(people)}\n'
        f'authority = "{about["authority"]}"\ngraph_endpoint = "{url}/v1.0"'
    )


def _link(url: str, owner: str, page: Item | None) -> str | None:
    return f"{url}/v1.0/users/{owner}/calendarView/delta" if page is None else page.get("@odata.nextLink")


def _address(attendee: Item) -> str:
    return str(attendee["emailAddress"]["address"])


MICROSOFT = Web("Microsoft", serve, _write_company, _link, "value", "iCalUId", _address)
