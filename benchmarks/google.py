"""Google Calendar end to end into SQLite, against a bare loop of requests, json and executemany over the same pages.

The provider is a process that hands out prepared pages, so that it costs the reader as little as can be. A quarter of
the entries have somebody from outside; the others are read and dropped, as in a real calendar.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from benchmarks.measuring import Figure, answer, is_child, is_small, show
from benchmarks.pulling import (
    CALENDAR_MARK,
    CLIENTS,
    COMPANY,
    bare_loop,
    guests_of,
    measure_calendars,
    people_of,
    two_passes,
)

_PAGE = 2_500


def measure(*, small: bool = False) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed."""
    return measure_calendars("benchmarks.google", "Google", small=small)


def _pages(entries: int) -> list[bytes]:
    """The pages of one calendar; `CALENDAR_MARK` stands for its number."""
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    items = [_item(number, start + timedelta(minutes=30 * (number % 14_000))) for number in range(entries)]
    chunks = [items[first : first + _PAGE] for first in range(0, max(entries, 1), _PAGE)]
    pages = []
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        token = {"nextSyncToken": "token"} if last else {"nextPageToken": str(number + 1)}
        pages.append(json.dumps({"kind": "calendar#events", "items": chunk, **token}).encode())
    return pages


def _item(number: int, start: datetime) -> dict[str, Any]:
    guests = guests_of(number)
    return {
        "id": f"e{number}",
        "status": "confirmed",
        "iCalUID": f"{number}-@@calendar@@@google.com",
        "updated": "2026-10-01T09:00:00.000Z",
        "summary": f"Meeting {number}",
        "start": {"dateTime": start.isoformat()},
        "end": {"dateTime": (start + timedelta(hours=1)).isoformat()},
        "organizer": {"email": guests[0]},
        "attendees": [{"email": one, "responseStatus": "accepted"} for one in guests],
    }


class _Provider(BaseHTTPRequestHandler):
    """Tokens are their subject's name; a page is prepared bytes with the calendar's number put in."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every small answer takes 40 ms
    pages: ClassVar[list[bytes]] = []
    late_seconds: ClassVar[float] = 0.0
    tokens = 0

    def do_POST(self) -> None:
        import base64

        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = body["assertion"][0].split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "==="))["sub"]
        type(self).tokens += 1
        self._send(json.dumps({"access_token": subject, "expires_in": 3600, "token_type": "Bearer"}).encode())

    def do_GET(self) -> None:
        time.sleep(self.late_seconds)
        asked = parse_qs(urlsplit(self.path).query)
        if self.path == "/tokens":
            self._send(str(self.tokens).encode())
        elif "syncToken" in asked:
            self._send(b'{"items": [], "nextSyncToken": "token"}')
        else:
            subject = (self.headers["Authorization"] or "bare").rpartition(" ")[2]
            page = self.pages[int(asked.get("pageToken", ["0"])[0])]
            self._send(page.replace(CALENDAR_MARK, subject.partition("@")[0].encode()))

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve(entries: int, late_seconds: float = 0.0) -> None:
    _Provider.pages, _Provider.late_seconds = _pages(entries), late_seconds
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever).start()


def _sync(url: str, calendars: int, store: str = "") -> dict[str, Any]:
    import requests

    return two_passes(
        "google",
        lambda folder: write_company(folder, url, calendars, store),
        lambda: int(requests.get(f"{url}/tokens", timeout=10).text),
    )


def write_company(folder: Path, url: str, calendars: int, store: str = "") -> None:
    """A company with so many calendars at this provider, with a store of its own or the one named."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = {
        "type": "service_account",
        "private_key_id": "k",
        "private_key": key.decode(),
        "client_email": "rapport@project.example",
        "client_id": "1",
        "token_uri": f"{url}/token",
    }
    (folder / "key.json").write_text(json.dumps(info))
    (folder / "key.json").chmod(0o600)
    people = json.dumps(people_of(calendars))
    stored = f'\n[store]\nurl = "{store}"\n' if store else ""
    (folder / "config.toml").write_text(
        f'{COMPANY}{stored}\n[[connectors]]\nname = "workspace"\nkind = "google"\ncredentials_file = "key.json"\n'
        f'calendars = {people}\napi_endpoint = "{url}"\nrequests_per_minute = 10_000_000\n{CLIENTS}'
    )


def _bare(url: str, calendars: int) -> dict[str, Any]:
    import requests

    session = requests.Session()

    def pages(number: int) -> Iterator[Iterator[tuple[Any, ...]]]:
        page: str | None = "0"
        while page is not None:
            headers = {"Authorization": f"Bearer p{number}@northwind.example"}
            found = session.get(f"{url}/x?pageToken={page}", headers=headers, timeout=60).json()
            yield _rows(number, found["items"])
            page = found.get("nextPageToken")

    return bare_loop(calendars, pages)


def _rows(calendar: int, items: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for item in items:
        if not all(one["email"].endswith("@northwind.example") for one in item["attendees"]):
            people = " ".join(one["email"] for one in item["attendees"])
            yield calendar, item["id"], item["iCalUID"], item["start"]["dateTime"], item["end"]["dateTime"], people


if __name__ == "__main__":
    if not is_child():
        show(measure(small=is_small()))
    elif sys.argv[2] == "serve":
        _serve(int(sys.argv[3]), *map(float, sys.argv[4:]))
    else:
        url, calendars = sys.argv[3], int(sys.argv[4])
        answer(_bare(url, calendars) if sys.argv[2] == "bare" else _sync(url, calendars, *sys.argv[5:]))
