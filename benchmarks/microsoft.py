"""Microsoft 365 end to end into SQLite, against a bare loop of requests, json and executemany over the same pages.

The provider is a process that hands out prepared pages as Graph's delta writes them: whole items with their bodies, as
many on a page as the connector asks for. Tokens come over TLS, since msal takes nothing else; pages do not.
"""

from __future__ import annotations

import json
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

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

_PAGE = 200
_TENANT = "00000000-0000-0000-0000-000000000001"
_BODY = "<html><body>" + "Agenda and how to dial in. " * 40 + "</body></html>"
_DELTA = "/v1.0/users/x/calendarView/delta"


def measure(*, small: bool = False) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed."""
    return measure_calendars("benchmarks.microsoft", "Microsoft", small=small)


def _pages(entries: int, root: str) -> list[bytes]:
    """The pages of one calendar; `CALENDAR_MARK` stands for its number."""
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    items = [_item(number, start + timedelta(minutes=30 * (number % 14_000))) for number in range(entries)]
    chunks = [items[first : first + _PAGE] for first in range(0, max(entries, 1), _PAGE)]
    pages = []
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        path = f"{root}/v1.0/users/{CALENDAR_MARK.decode()}/calendarView/delta"
        link = (
            {"@odata.deltaLink": f"{path}?$deltatoken=x"}
            if last
            else {"@odata.nextLink": f"{path}?$skiptoken={number + 1}"}
        )
        pages.append(json.dumps({"@odata.context": "Collection(event)", **link, "value": chunk}).encode())
    return pages


def _item(number: int, start: datetime) -> dict[str, Any]:
    guests = guests_of(number)
    uid = "040000008200E00074C5B7101A82E0080000000028CEBE04293FD301000000000000000010000000"
    return {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": 'W/"+T8RDneHMkKe2BGYEaQZ4wAA5a9Acw=="',
        "id": f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{'x' * 90}/{CALENDAR_MARK.decode()}{number}+A=",
        "createdDateTime": "2026-09-01T09:00:00.1234567Z",
        "lastModifiedDateTime": "2026-10-01T09:00:00.1234567Z",
        "changeKey": "+T8RDneHMkKe2BGYEaQZ4wAA5a9Acw==",
        "categories": [],
        "originalStartTimeZone": "GMT Standard Time",
        "originalEndTimeZone": "GMT Standard Time",
        "iCalUId": f"{uid}{number:032X}",
        "hasAttachments": False,
        "subject": f"Meeting {number}",
        "bodyPreview": _BODY[12:200],
        "body": {"contentType": "text", "content": _BODY},
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isDraft": False,
        "isOrganizer": False,
        "hideAttendees": False,
        "seriesMasterId": None,
        "showAs": "busy",
        "type": "singleInstance",
        "webLink": "https://outlook.example/owa/?itemid=x",
        "isOnlineMeeting": True,
        "onlineMeetingProvider": "teamsForBusiness",
        "onlineMeeting": {"joinUrl": "https://teams.example/l/meetup-join/x"},
        "recurrence": None,
        "responseStatus": {"response": "accepted", "time": "2026-09-02T09:00:00Z"},
        "start": {"dateTime": start.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"},
        "end": {"dateTime": (start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"},
        "location": {"displayName": "Microsoft Teams Meeting", "locationType": "default", "uniqueIdType": "unknown"},
        "locations": [{"displayName": "Microsoft Teams Meeting", "locationType": "default"}],
        "attendees": [
            {
                "type": "required",
                "status": {"response": "none", "time": "0001-01-01T00:00:00Z"},
                "emailAddress": {"name": one.partition("@")[0], "address": one},
            }
            for one in guests
        ],
        "organizer": {"emailAddress": {"name": "p", "address": guests[0]}},
    }


class _Provider(BaseHTTPRequestHandler):
    """A page is prepared bytes with the calendar's address put in. The directory may not be read."""

    protocol_version = "HTTP/1.1"
    pages: ClassVar[list[bytes]] = []
    empty: ClassVar[bytes] = b""
    authority: ClassVar[str] = ""
    ca_file: ClassVar[str] = ""
    tokens = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).tokens += 1
        self._send(json.dumps({"access_token": "a.b.c", "expires_in": 3600, "token_type": "Bearer"}).encode())

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if parts.path == "/about":
            about = {"tokens": self.tokens, "authority": self.authority, "ca_file": self.ca_file}
            self._send(json.dumps(about).encode())
        elif parts.path.endswith("/openid-configuration"):
            names = ("authorization_endpoint", "token_endpoint")
            self._send(json.dumps({name: f"{self.authority}/{name}" for name in names}).encode())
        elif not parts.path.endswith("/calendarView/delta"):
            self._send(b'{"error": {"code": "Authorization_RequestDenied"}}', 403)
        else:
            owner = unquote(parts.path).split("/")[3].encode()
            page = self.empty if "$deltatoken" in asked else self.pages[int(asked.get("$skiptoken", ["0"])[0])]
            self._send(page.replace(CALENDAR_MARK, owner))

    def _send(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve(entries: int) -> None:
    import trustme

    folder = Path(tempfile.mkdtemp())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    signing_in = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    signing_in.socket = context.wrap_socket(signing_in.socket, server_side=True)
    graph = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    root = f"http://127.0.0.1:{graph.server_port}"
    _Provider.authority = f"https://localhost:{signing_in.server_port}/{_TENANT}"
    _Provider.ca_file = str(folder / "ca.pem")
    _Provider.pages = _pages(entries, root)
    _Provider.empty = json.dumps({"value": [], "@odata.deltaLink": f"{root}{_DELTA}?$deltatoken=x"}).encode()
    sys.stdout.write(f"{root}\n")
    sys.stdout.flush()
    for server in (signing_in, graph):
        threading.Thread(target=server.serve_forever).start()


def _sync(url: str, calendars: int) -> dict[str, Any]:
    import requests

    def about() -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{url}/about", timeout=10).json()
        return found

    return two_passes(
        "microsoft365",
        lambda folder: _write_company(folder, url, calendars, about()),
        lambda: int(about()["tokens"]),
    )


def _write_company(folder: Path, url: str, calendars: int, about: dict[str, Any]) -> None:
    people = json.dumps(people_of(calendars))
    (folder / "config.toml").write_text(
        f'{COMPANY}\n[network]\nca_file = "{about["ca_file"]}"\n'
        f'\n[[connectors]]\nname = "m365"\nkind = "microsoft365"\ntenant_id = "{_TENANT}"\nclient_id = "app"\n'
        f'client_secret = "secret"\ncalendars = {people}\nauthority = "{about["authority"]}"\n'
        f'graph_endpoint = "{url}/v1.0"\nrequests_per_minute = 10_000_000\n{CLIENTS}'
    )


def _bare(url: str, calendars: int) -> dict[str, Any]:
    import requests

    session = requests.Session()

    def pages(number: int) -> Iterator[Iterator[tuple[Any, ...]]]:
        link: str | None = f"{url}/v1.0/users/p{number}@northwind.example/calendarView/delta"
        while link is not None:
            found = session.get(link, timeout=60).json()
            yield _rows(number, found["value"])
            link = found.get("@odata.nextLink")

    return bare_loop(calendars, pages)


def _rows(calendar: int, items: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for item in items:
        people = [one["emailAddress"]["address"] for one in item["attendees"]]
        if not all(one.endswith("@northwind.example") for one in people):
            bounds = item["start"]["dateTime"], item["end"]["dateTime"]
            yield calendar, item["id"], item["iCalUId"], *bounds, " ".join(people)


if __name__ == "__main__":
    if not is_child():
        show(measure(small=is_small()))
    elif sys.argv[2] == "serve":
        _serve(int(sys.argv[3]))
    else:
        answer((_bare if sys.argv[2] == "bare" else _sync)(sys.argv[3], int(sys.argv[4])))
