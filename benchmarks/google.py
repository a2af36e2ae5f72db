"""Google Calendar end to end into SQLite, against a bare loop of requests, json and executemany over the same pages.

The provider is a process that hands out prepared pages, so that it costs the reader as little as can be. A quarter of
the entries have somebody from outside; the others are read and dropped, as in a real calendar.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from benchmarks.measuring import (
    CACHE,
    Figure,
    Stopwatch,
    answer,
    child,
    is_child,
    is_small,
    note,
    peak_megabytes,
    show,
)

_PAGE = 2_500
_ATTENDEES = 5
_OUTSIDERS = 0.25
_CALENDAR_MARK = b"@@calendar@@"


def measure(*, small: bool = False) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed."""
    sizes = ((2, 2_500), (4, 2_500)) if small else ((10, 5_000), (100, 10_000))
    idle = 20 if small else 500
    CACHE.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for calendars, entries in sizes:
        note(f"Google: reading {calendars * entries:,} entries of {calendars} calendars")
        with _provider(entries) as url:
            bare = child("benchmarks.google", "bare", url, str(calendars)) if not found else {}
            found.append({**child("benchmarks.google", "sync", url, str(calendars)), "bare": bare.get("seconds", 0.0)})
    with _provider(0) as url:
        note(f"Google: {idle} calendars in which nothing changes")
        quiet = child("benchmarks.google", "sync", url, str(idle))
    first, second = found[0], found[-1]
    speed, bare_speed = (first["entries"] / first[name] for name in ("seconds", "bare"))
    return [
        Figure("Google: entries/s into SQLite", speed, "1/s"),
        Figure("Google: entries/s, bare requests + json + executemany", bare_speed, "1/s"),
        Figure("Google: the one against the other", speed / bare_speed, "", aim=0.5),
        Figure("Google: share of entries with outsiders", _OUTSIDERS, ""),
        Figure("Google: attendees an entry", _ATTENDEES, ""),
        Figure(f"Google: peak memory, {first['entries']:,} entries", first["megabytes"], "MB"),
        Figure(f"Google: peak memory, {second['entries']:,} entries", second["megabytes"], "MB", aim=200, at_most=True),
        Figure("Google: tokens a person, two passes", quiet["tokens"] / idle, ""),
        Figure("Google: requests an unchanged calendar", quiet["again_requests"] / idle, "", aim=1, at_most=True),
        Figure("Google: CPU an unchanged calendar", 1000 * quiet["again_cpu"] / idle, "ms", aim=5, at_most=True),
        Figure(f"Google: 10,000 unchanged calendars, from {idle}", quiet["again_seconds"] / idle * 10_000, "s"),
    ]


@contextmanager
def _provider(entries: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.google", "--child", "serve", str(entries)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CACHE.parents[1])
    try:
        if process.stdout is None:
            raise RuntimeError("the provider has no output")
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def _pages(entries: int) -> list[bytes]:
    """The pages of one calendar; `_CALENDAR_MARK` stands for its number."""
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
    outside = number % round(1 / _OUTSIDERS) == 0
    guests = [f"p{(number + one) % 400}@northwind.example" for one in range(_ATTENDEES)]
    if outside:
        guests[1:3] = [f"c{number % 300}@client{number % 50}.example", f"d{number % 300}@client{number % 50}.example"]
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
    tokens = 0

    def do_POST(self) -> None:
        import base64

        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = body["assertion"][0].split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "==="))["sub"]
        type(self).tokens += 1
        self._send(json.dumps({"access_token": subject, "expires_in": 3600, "token_type": "Bearer"}).encode())

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if self.path == "/tokens":
            self._send(str(self.tokens).encode())
        elif "syncToken" in asked:
            self._send(b'{"items": [], "nextSyncToken": "token"}')
        else:
            subject = (self.headers["Authorization"] or "bare").rpartition(" ")[2]
            page = self.pages[int(asked.get("pageToken", ["0"])[0])]
            self._send(page.replace(_CALENDAR_MARK, subject.partition("@")[0].encode()))

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve(entries: int) -> None:
    _Provider.pages = _pages(entries)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever).start()


def _sync(url: str, calendars: int) -> dict[str, Any]:
    """The first pass, and one more; `cpu` is this process's alone."""
    import requests

    from connectors.calendars.google import connect
    from daemon.config import load
    from daemon.scope import known_scope
    from daemon.store.engine import Database
    from daemon.store.schema import bring_up_to_date
    from daemon.sync import Pass, run_pass

    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        folder = Path(made)
        _write_company(folder, url, calendars)
        config = load(folder / "config.toml")
        database = Database(config.store_url())
        bring_up_to_date(database)
        connector = connect(config.connectors[0], config.context())  # type: ignore[arg-type]  # the kind's own settings
        seconds, cpu, results = [], [], []
        for _ in range(2):
            with database.reading() as connection:
                scope = known_scope(connection, config)
            work = Pass(database=database, scope=scope, now=datetime(2026, 11, 15, 9, tzinfo=UTC))
            began = time.process_time()
            with Stopwatch() as watch:
                results.append(run_pass(work, [connector])[0])
            seconds.append(watch.seconds)
            cpu.append(time.process_time() - began)
        tokens = int(requests.get(f"{url}/tokens", timeout=10).text)
        database.close()
    if any(result.failed for result in results):
        raise RuntimeError(results[0].failed[:1] or results[1].failed[:1])
    return {
        "entries": results[0].entries,
        "seconds": seconds[0],
        "megabytes": peak_megabytes(),
        "tokens": tokens,
        "again_requests": results[1].requests,
        "again_seconds": seconds[1],
        "again_cpu": cpu[1],
    }


def _write_company(folder: Path, url: str, calendars: int) -> None:
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
    people = json.dumps([f"p{number}@northwind.example" for number in range(calendars)])
    clients = "".join(
        f'\n[[clients]]\nname = "Client {number}"\ndomains = ["client{number}.example"]\n' for number in range(50)
    )
    (folder / "config.toml").write_text(
        '[company]\nname = "Northwind"\ntimezone = "Europe/London"\ndomains = ["northwind.example"]\n'
        f'\n[[connectors]]\nname = "workspace"\nkind = "google"\ncredentials_file = "key.json"\n'
        f'calendars = {people}\napi_endpoint = "{url}"\nrequests_per_minute = 10_000_000\n{clients}'
    )


def _bare(url: str, calendars: int) -> dict[str, Any]:
    """The same pages, and the entries with outsiders put into one table as they are."""
    import requests

    with tempfile.TemporaryDirectory(dir=CACHE) as made, Stopwatch() as watch:
        target = sqlite3.connect(Path(made) / "bare.db", isolation_level=None)
        target.execute("PRAGMA journal_mode = WAL")
        target.execute(
            "CREATE TABLE copies (calendar, entry, uid, starts, ends, people, PRIMARY KEY (calendar, entry))"
        )
        session = requests.Session()
        for number in range(calendars):
            page: str | None = "0"
            target.execute("BEGIN")
            while page is not None:
                headers = {"Authorization": f"Bearer p{number}@northwind.example"}
                found = session.get(f"{url}/x?pageToken={page}", headers=headers, timeout=60).json()
                target.executemany("INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?)", _rows(number, found["items"]))
                page = found.get("nextPageToken")
            target.execute("COMMIT")
    return {"seconds": watch.seconds}


def _rows(calendar: int, items: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for item in items:
        if not all(one["email"].endswith("@northwind.example") for one in item["attendees"]):
            people = " ".join(one["email"] for one in item["attendees"])
            yield calendar, item["id"], item["iCalUID"], item["start"]["dateTime"], item["end"]["dateTime"], people


if __name__ == "__main__":
    if not is_child():
        show(measure(small=is_small()))
    elif sys.argv[2] == "serve":
        _serve(int(sys.argv[3]))
    else:
        answer((_bare if sys.argv[2] == "bare" else _sync)(sys.argv[3], int(sys.argv[4])))
