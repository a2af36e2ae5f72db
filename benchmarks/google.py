"""Google Calendar end to end into SQLite, against a bare loop of requests, json and executemany over the same pages.

A quarter of the entries have somebody from outside; the others are read and dropped, as in a real calendar.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from email.message import Message
from multiprocessing.connection import Connection
from operator import itemgetter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.measuring import Figure
from benchmarks.pulling import MARK, Item, Pages, Web, items_of, measure_calendars
from tests.fakes.google import FakeGoogle
from tests.fakes.http_fake import Answer, json_answer

_PAGE = 2_500


def measure(*, small: bool = False) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed."""
    return measure_calendars(GOOGLE, small=small)


class _Google(Pages):
    """Tokens are their subject's name. A bare loop, which has none, names the owner in the path."""

    tokens = 0

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        if target == "/about":
            return json_answer(200, {"tokens": self.tokens})
        if method == "POST":
            self.tokens += 1
            claims = parse_qs(body.decode())["assertion"][0].split(".")[1]
            subject = json.loads(base64.urlsafe_b64decode(claims + "==="))["sub"]
            return json_answer(200, {"access_token": subject, "expires_in": 3600, "token_type": "Bearer"})
        parts = urlsplit(target)
        asked = parse_qs(parts.query)
        owner = headers.get("Authorization", parts.path[1:]).removeprefix("Bearer ")
        return self.page(-1 if "syncToken" in asked else int(asked.get("pageToken", "0")[0]), owner)


def serve(pipe: Connection, entries: int, late_seconds: float = 0.0) -> None:
    """A provider with so many entries in every calendar; each answer is so late."""
    pages = items_of(entries, _item, _PAGE)
    tokens = [{"nextPageToken": str(number)} for number in range(1, len(pages))] + [{"nextSyncToken": "token"}] * 2
    listed = [{"items": page, **token} for page, token in zip([*pages, []], tokens, strict=True)]
    _Google(late_seconds).serve_to(pipe, listed)


def _item(number: int, guests: list[str], start: datetime) -> Item:
    return {
        "id": f"e{number}",
        "status": "confirmed",
        "iCalUID": f"{number}-{MARK}@google.com",
        "updated": "2026-10-01T09:00:00.000Z",
        "summary": f"Meeting {number}",
        "start": {"dateTime": start.isoformat()},
        "end": {"dateTime": (start + timedelta(hours=1)).isoformat()},
        "organizer": {"email": guests[0]},
        "attendees": [{"email": guest, "responseStatus": "accepted"} for guest in guests],
    }


def _write_company(folder: Path, url: str, people: list[str], _about: Item) -> str:
    key = FakeGoogle().key_file(folder, token_uri=f"{url}/token")
    return (
        f'\n[[connectors]]\nname = "workspace"\nkind = "google"\ncredentials_file = "{key.name}"\n'
        f'calendars = {json.dumps(people)}\napi_endpoint = "{url}"'
    )


def _link(url: str, owner: str, page: Item | None) -> str | None:
    number = 0 if page is None else page.get("nextPageToken")
    return None if number is None else f"{url}/{owner}?pageToken={number}"


GOOGLE = Web("Google", serve, _write_company, _link, "items", "iCalUID", itemgetter("email"))
