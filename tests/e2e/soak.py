"""A soak: the service runs while calendars change and everything around it misbehaves. `python -m tests.e2e.soak`.

Google and Microsoft answer with faults, mail is refused or lost, the store is locked, the disk full, the process is
killed, paused and started again. At the end the figures must be those that a new store derives from the same calendars,
nobody may have been sent a digest twice, and memory must be flat. The same seed makes the same events, not the same
moments.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from tests.e2e.company import Company
from tests.fakes import google_world, microsoft_items
from tests.fakes.google import FakeGoogle
from tests.fakes.microsoft import FakeMicrosoft, config
from tests.fakes.smtp import FakeMail

PEOPLE = [f"person{number}@northwind.example" for number in range(4)]
OUTSIDE = ["ana@acme.example", "bo@acme.example", "x@other.example"]
REST = """
[[connectors]]
name = "workspace"
kind = "google"
credentials_file = "{key}"
calendars = {google}
api_endpoint = "{url}"

[sync]
every = "1s"

[network]
ca_file = "both.pem"
timeout = "3s"

[web]
listen = ""

[email]
host = "localhost"
port = {port}
from = "Rapport <rapport@northwind.example>"

[[digests]]
name = "leadership"
to = ["email:ceo@northwind.example", "email:coo@northwind.example"]
wait = "1s"
schedule = "* * * * *"
"""


@dataclass
class Figures:
    """What a soak came to."""

    seconds: float = 0.0
    changes: int = 0
    faults: int = 0
    kills: int = 0
    pauses: int = 0
    locks: int = 0
    full: int = 0
    differences: list[str] = field(default_factory=list)
    twice: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    first_megabytes: float = 0.0
    last_megabytes: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s: {self.changes} changes, {self.faults} faults, {self.kills} kills, "
            f"{self.pauses} pauses, {self.locks} locks, {self.full} full disks; "
            f"{self.messages} digests received, {len(self.twice)} twice; "
            f"{len(self.differences)} differences; {self.first_megabytes:.0f} MB at first, "
            f"{self.last_megabytes:.0f} MB at last"
        )


class Soak:
    """The world and the service in it."""

    def __init__(self, folder: Path, google: FakeGoogle, graph: FakeMicrosoft, mail: FakeMail, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # no secret
        self.google, self.graph, self.mail = google, graph, mail
        self.company = Company(folder)
        self.found = Figures()
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        for address in PEOPLE[:2]:
            google.world.add(address).now = datetime.now(UTC)
        for address in PEOPLE[2:]:
            graph.world.add(address).now = datetime.now(UTC)
        self._write_config(folder)

    def _write_config(self, folder: Path) -> None:
        text = config(self.graph, folder)
        ca = folder / "both.pem"
        ca.write_bytes(self.graph.ca_file.read_bytes() + self.mail.ca_file(folder).read_bytes())
        text = "\n".join(line for line in text.splitlines() if not line.startswith(("[network]", "ca_file")))
        key = self.google.key_file(folder).name
        rest = REST.format(key=key, google=json.dumps(PEOPLE[:2]), url=self.google.url, port=self.mail.port)
        self.company.write_config(text + "\n" + rest)

    def start(self) -> None:
        with (self.company.folder / "log").open("ab") as told:
            self._process = subprocess.Popen(
                self.company.command("run"), cwd=self.company.folder, stdout=subprocess.DEVNULL, stderr=told
            )

    def stop(self) -> int:
        """Told to stop; answers with the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(15)

    def supervise(self) -> None:
        """Starts the service again when it has ended by itself, as systemd would: with a full disk it cannot begin."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def disturb(self) -> None:
        """One random thing."""
        self.supervise()
        events: list[tuple[Callable[[], None], int]] = [
            (self._change, 60),
            (self._fault, 25),
            (self._expire, 4),
            (self._kill, 4),
            (self._pause, 3),
            (self._lock, 4),
            (self._fill, 4),
        ]
        event = self.random.choices([one for one, _ in events], [weight for _, weight in events])[0]
        event()

    def _change(self) -> None:
        """A meeting is added, moved, declined or deleted."""
        self.found.changes += 1
        whose = self.random.choice(PEOPLE)
        is_google = whose in PEOPLE[:2]
        calendar: Any = self.google.world.calendar(whose) if is_google else self.graph.world.mailbox(whose)
        calendar.now = datetime.now(UTC)
        live = [one for one, item in calendar.items.items() if self._is_single(item)]
        start = self._began - timedelta(days=self.random.randrange(1, 60), hours=self.random.randrange(6))
        end = start + timedelta(minutes=self.random.choice([15, 45, 60, 90]))
        how = self.random.random()
        at = google_world.at if is_google else microsoft_items.at
        if live and how < 0.25:
            chosen = self.random.choice(live)
            calendar.change(chosen, start=at(start), end=at(end))
        elif live and how < 0.45:
            chosen = self.random.choice(live)
            calendar.cancel(chosen) if is_google else calendar.delete(chosen)
        else:
            self._number += 1
            self._put(calendar, whose, is_google, at(start), at(end))

    @staticmethod
    def _is_single(item: dict[str, Any]) -> bool:
        return item.get("status") != "cancelled" and item.get("type") in (None, "singleInstance")

    def _put(self, calendar: Any, whose: str, is_google: bool, start: Any, end: Any) -> None:
        guests = self.random.sample(OUTSIDE, self.random.randrange(1, 3))
        if is_google:
            rows = [{"email": one, "self": one == whose, "responseStatus": "accepted"} for one in (whose, *guests)]
            calendar.put({"id": f"e{self._number}", "start": start, "end": end, "attendees": rows})
        else:
            people = [microsoft_items.guest(one, "accepted") for one in guests]
            calendar.put({"id": f"e{self._number}", "start": start, "end": end, "attendees": people})

    def _fault(self) -> None:
        """A provider or the mail server goes wrong a few times."""
        self.found.faults += 1
        times = self.random.randrange(1, 4)
        how: dict[str, Any] = self.random.choice(
            [{"status": 503}, {"status": 429}, {"drop": True}, {"cut": True}, {"status": 200, "body": b"{"}]
        )
        where = self.random.random()
        if where < 0.4:
            self.google.fail(times=times, **how)
        elif where < 0.8:
            self.graph.fail(times=times, **how)
        elif not any(fault.times for ones in self.mail.faults.values() for fault in ones):  # mail is seldom sent
            step, reply = self.random.choice([("RCPT", "451 later"), ("MAIL", "421 busy"), ("dot", "")])
            self.mail.fail(step, reply, drop=not reply)

    def _expire(self) -> None:
        self.found.faults += 1
        for address in PEOPLE[:2]:
            self.google.world.calendar(address).expire_tokens()
        for address in PEOPLE[2:]:
            self.graph.world.mailbox(address).expire_tokens()

    def _kill(self) -> None:
        assert self._process is not None
        self.found.kills += 1
        self._process.kill()
        self._process.wait()
        self.start()

    def _pause(self) -> None:
        """The machine is asleep for a moment."""
        assert self._process is not None
        self.found.pauses += 1
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        self._process.send_signal(signal.SIGCONT)

    def _lock(self) -> None:
        """Somebody else holds the store for a moment."""
        self.found.locks += 1
        other = sqlite3.connect(self.company.folder / "rapport.db", timeout=1, isolation_level=None)
        with closing(other), suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            time.sleep(0.5)
            other.execute("ROLLBACK")

    def _fill(self) -> None:
        """The disk is full for a moment: no file of the service can grow."""
        assert self._process is not None
        self.found.full += 1
        with suppress(ProcessLookupError):
            before = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (1_000, before[1]))
            time.sleep(1)
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, before)

    def megabytes(self) -> float:
        """What the service takes of memory now."""
        assert self._process is not None
        with suppress(OSError):
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
        return 0.0

    def settle(self) -> None:
        """Everything works again, until all calendars have been read after that."""
        self.google.faults.clear()
        self.graph.faults.clear()
        self.mail.faults.clear()
        since = datetime.now(UTC)
        until = time.monotonic() + 90
        while time.monotonic() < until:
            self.supervise()
            ran = self.company.run("status", "--format", "json")
            read = [one["last_success"] for one in ran.json["calendars"]] if ran.code in (0, 1) and ran.out else []
            if len(read) == len(PEOPLE) and all(one and datetime.fromisoformat(one) > since for one in read):
                return
            time.sleep(1)
        self.found.differences.append("the calendars were not all read again")

    def compare(self) -> None:
        """With what a new store makes of the same calendars, and what was received with once each."""
        fresh = self.company.folder / "fresh"
        fresh.mkdir()
        for path in self.company.folder.iterdir():
            if path.is_file() and not path.name.startswith(("rapport.db", "log")):
                (fresh / path.name).write_bytes(path.read_bytes())
                (fresh / path.name).chmod(0o600)
        other = Company(fresh)
        ran = other.run("sync", "--format", "json")
        if ran.code != 0:
            self.found.differences.append(f"the fresh store could not read: {ran.err[-300:]}")
            return
        ours, truth = (
            one.run("report", "--months", "4", "--month", f"{datetime.now(UTC):%Y-%m}", "--format", "json").json[
                "months"
            ]
            for one in (self.company, other)
        )
        for mine, theirs in zip(ours, truth, strict=True):
            for row, true in zip(mine["clients"], theirs["clients"], strict=True):
                if _comparable(row) != _comparable(true):
                    self.found.differences.append(f"{mine['month']}: {row} instead of {true}")

    def count_messages(self) -> None:
        received = Counter(
            (one.recipients, str(message_from_bytes(one.content, policy=policy.default)["Subject"]).split(":")[0])
            for one in self.mail.received
        )
        self.found.messages = sum(received.values())
        self.found.twice = {str(key): count for key, count in received.items() if count > 1}


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Without what a new store cannot know: what was told, and meetings that were there once and are deleted (R2)."""
    aside = {reason: count for reason, count in row["set_aside"].items() if reason != "cancelled"}
    return {**row, "restated": None, "set_aside": aside}


def soak(seconds: float, seed: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs one and answers with what it came to."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-soak-")))
        world = Soak(
            folder,
            stack.enter_context(FakeGoogle()),
            stack.enter_context(FakeMicrosoft()),
            stack.enter_context(FakeMail()),
            seed,
        )
        began = time.monotonic()
        world.start()
        try:
            time.sleep(3)
            world.found.first_megabytes = world.megabytes()
            while time.monotonic() - began < seconds:
                world.disturb()
                time.sleep(world.random.uniform(0.02, 0.3))
                if world.found.changes % 100 == 99:
                    say(f"{world.found}, {world.megabytes():.0f} MB now")
            world.settle()
            world.found.last_megabytes = world.megabytes()
            if world.stop() != 0:
                world.found.differences.append("the service did not end with 0")
        finally:
            if world._process is not None:
                world._process.kill()
        world.compare()
        world.count_messages()
        world.found.seconds = time.monotonic() - began
        return world.found


def main() -> None:
    """`--seconds`, `--seed`; exits 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)  # noqa: T201  # what the command is for
    found = soak(chosen.seconds, chosen.seed, lambda text: print(text, flush=True))  # noqa: T201  # as above
    print(found)  # noqa: T201  # as above
    for one in found.differences:
        print(one)  # noqa: T201  # as above
    sys.exit(1 if found.differences or found.twice else 0)


if __name__ == "__main__":
    main()
