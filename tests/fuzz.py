"""Answers of both providers with anything in place of anything: no pass ends early, others are read, it is told why.

`python -m tests.fuzz [--seconds 1800] [--seed 1]` goes on until the time is over, and ends at the first case that
breaks a promise, with its seed. `tests/test_fuzz.py` runs some of them.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import structlog

from connectors.contract import Calendars
from connectors.net.retry import Patience
from daemon.config.model import Config
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.schema import bring_up_to_date
from tests.daemon.worlds import JO, KIM, NOW, config_of, hours, make_copy, sync
from tests.fakes import google_client, microsoft_client
from tests.fakes.google import FakeGoogle
from tests.fakes.http_fake import Answer, HttpFake
from tests.fakes.memory import MemoryCalendars
from tests.fakes.microsoft import FakeMicrosoft

_IMPATIENT = Patience(tries=1, seconds=1.0, first_wait_seconds=0.01)
_ADMIN = "admin@northwind.example"
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7.5, 10**30, 1e300, "", "x", " ", [], {}, [[]], [{}], {"": None}),
    *("\ud800", "a\ud83d", "\x00", "a\x00b@acme.example", "\ud800@acme.example", "ana@\udfff.example", "\u202e\u009b"),
    *("0001-01-01", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59"),
    *("0000-00-00", "4500-06-01T10:00:00Z", "1500-06-01T10:00:00+14:00", "2026-11-10", "2026-11-10T09:00:00"),
    *("https://elsewhere.example/", "/", "://", "x" * 5000, "04000000", "Nowhere/Zone", "private", "cancelled"),
    json.loads("[" * 200 + "]" * 200),
    [{"email": JO}] * 300,
)
Hits = Callable[[str, Message], bool]
"""Whether a request, by its path and headers, is one whose answer is spoilt."""
_WAITS = ("-1", "nan", "inf", "1000000000000", "1e300", "x", "Fri, 31 Dec 9999 23:59:59 GMT", "", "\x1f")


class Spoiler:
    """Puts odd values into the answers that it hits, or refuses with an odd `Retry-After`."""

    def __init__(self, hits: Hits, chance: random.Random) -> None:
        self._hits = hits
        self._chance = chance

    def __call__(self, path: str, headers: Message, answer: Answer) -> Answer:
        if not self._hits(path, headers):
            return answer
        chance = self._chance
        if chance.random() < 0.1:
            status = chance.choice([429, 503, 403])
            return Answer(status, answer.body, {"Retry-After": chance.choice(_WAITS)})
        spoilt = json.loads(answer.body)
        for _ in range(chance.choice([1, 1, 1, 3])):
            spoilt = self._spoilt(spoilt)
        body = json.dumps(spoilt).encode()
        return Answer(answer.status, body[: chance.randrange(len(body) + 1)] if chance.random() < 0.02 else body)

    def _spoilt(self, value: Any) -> Any:
        places = list(_places(value))
        if not places or self._chance.random() < 0.02:
            return self._chance.choice(_ODD)
        holder, key = self._chance.choice(places)
        if self._chance.random() < 0.1:
            del holder[key]
        else:
            holder[key] = self._chance.choice(_ODD)
        return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(value, dict | list):
        return
    for key, held in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        yield from _places(held)


def _under(part: str) -> Hits:
    return lambda path, _headers: part in path


@contextmanager
def _google(folder: Path) -> Iterator[tuple[HttpFake, Calendars, dict[str, Hits]]]:
    with FakeGoogle() as fake:
        fake.world.add(_ADMIN, admin=True)
        for address in (JO, KIM):
            calendar = fake.world.add(address)
            for number in range(3):
                calendar.put(google_client.meeting(f"e{number}", NOW - timedelta(days=20 + number)))

        def is_jos(path: str, headers: Message) -> bool:
            return "/calendar/" in path and headers.get("Authorization", "").endswith(fake.given.get(JO, "?"))

        connector = google_client.workspace(fake, folder, patience=_IMPATIENT, calendars=["*"], admin=_ADMIN)
        yield fake, connector, {"people": _under("/users"), "calendar": is_jos, "token": _under("/token")}
        connector.close()


@contextmanager
def _microsoft(folder: Path) -> Iterator[tuple[HttpFake, Calendars, dict[str, Hits]]]:
    with FakeMicrosoft() as fake:
        for address in (JO, KIM):
            mailbox = fake.world.add(address)
            for number in range(3):
                mailbox.put(microsoft_client.meeting(f"e{number}", NOW - timedelta(days=20 + number)))
        root = "/users/" + next(user.id for user in fake.world.users.values() if user.upn == JO)
        connector = microsoft_client.tenant(fake, folder, patience=_IMPATIENT, calendars=["*"])
        yield fake, connector, {"people": _under("/users?"), "calendar": _under(root), "token": _under("/oauth2/")}
        connector.close()


def _check(
    store: Database, config: Config, connector: Calendars, other: MemoryCalendars, number: int, what: str
) -> None:
    """One pass over a spoilt connector and, after it, a sound one."""
    now = NOW + timedelta(minutes=15 * number)
    other.account("lee@northwind.example").put(make_copy(f"m{number}", owner="lee@northwind.example"))
    results = sync(store, config, connector, other, now=now, full=number % 3 == 0)
    assert [result.name for result in results] == [connector.name, other.name]
    spoilt, sound = results
    assert (sound.failed, sound.changed) == ([], 1)
    assert spoilt.synced + len(spoilt.failed) in (spoilt.calendars, max(spoilt.calendars, 1)), spoilt
    for failure in spoilt.failed:
        assert failure.code
        assert failure.message
        assert failure.code != "defect", f"{failure.message} ({what})"
    if what == "calendar":
        with store.reading() as connection:
            read = {row.address: row.last_success for row in read_calendars(connection, connector.name)}
        assert read[KIM] == now


def run(seed: int, cases: int = 12) -> None:
    """So many passes over one provider's answers, spoilt at one kind of place; then what is sound counts again."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = config_of(folder)
        store = Database(f"sqlite:///{folder}/rapport.db")
        bring_up_to_date(store)
        try:
            with chance.choice([_google, _microsoft])(folder) as (fake, connector, paths):
                other = MemoryCalendars()
                sync(store, config, connector, other)
                what = chance.choice(["people", "calendar", "calendar", "calendar", "token"])
                for number in range(1, cases + 1):
                    fake.spoil = Spoiler(paths[what], chance)
                    _check(store, config, connector, other, number, what)
                del fake.spoil
                for number in (cases + 1, cases + 2, cases + 200):
                    sync(store, config, connector, other, now=NOW + timedelta(minutes=15 * number), full=True)
                assert hours(store, config, now=NOW + timedelta(minutes=15 * (cases + 200))) > 0
        finally:
            store.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800.0, help="how long (default: half an hour)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the first one")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    seed, until = given.seed, time.monotonic() + given.seconds
    while time.monotonic() < until:
        try:
            run(seed)
        except BaseException:
            sys.stderr.write(f"broken by --seed {seed}\n")
            raise
        seed += 1
    sys.stderr.write(f"{seed - given.seed} runs, nothing broken; the first was --seed {given.seed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
