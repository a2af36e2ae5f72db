"""A company whose work is done by several processes: PostgreSQL, a fake of Google, one `rapport run`, some workers.

Everything is real but Google: processes are started, killed and paused as machines and administrators do it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from tests.e2e.company import Company
from tests.fakes.google import FakeGoogle
from tests.fakes.google_client import meeting

START = (datetime.now(UTC).replace(day=1, hour=9, minute=0, second=0, microsecond=0) - timedelta(days=10)).replace(
    day=6
)
MONTH = f"{START:%Y-%m}"
CONFIG = """
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]

[store]
url = "{store}"

[sync]
every = "{every}"
workers = 4

[[connectors]]
name = "workspace"
kind = "google"
credentials_file = "{key}"
calendars = {people}
api_endpoint = "{url}"
requests_per_minute = {per_minute}

[[clients]]
name = "Acme"
domains = ["acme.example"]

[scale]
workers = {workers}

[web]
listen = ""

[network]
timeout = "5s"
{more}
"""


def person(number: int) -> str:
    return f"person{number:03}@northwind.example"


@dataclass
class Fleet:
    """The company's folder, its processes and their outputs. A context manager: every process ends with it."""

    folder: Path
    store: str
    google: FakeGoogle
    people: int = 100
    every: str = "2s"
    per_minute: int = 0
    more: str = ""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = self.google.key_file(self.folder).name
        for number in range(self.people):
            self.google.world.add(person(number)).now = START
        self.write()

    @property
    def company(self) -> Company:
        return Company(self.folder)

    def config(self, *, store: str | None = None, workers: bool = True) -> str:
        return CONFIG.format(
            store=store or self.store,
            every=self.every,
            key=self.key,
            people=json.dumps([person(number) for number in range(self.people)]),
            url=self.google.url,
            per_minute=self.per_minute,
            workers=str(workers).lower(),
            more=self.more,
        )

    def write(self) -> None:
        self.company.write_config(self.config())

    def meet(self, number: int, minutes: int = 60) -> None:
        """One more meeting of somebody's with a client."""
        calendar = self.google.world.calendar(person(number))
        entry = f"m{len(calendar.items)}x{number}"
        start = START + timedelta(hours=len(calendar.items) % 6, minutes=number % 50)
        calendar.put(meeting(entry, start, minutes, iCalUID=f"{entry}@google.com", organizer={"email": person(number)}))

    def start(self, what: str = "worker", *, command: Sequence[str] | None = None, config: Path | None = None) -> str:
        """A process, by a name of its own."""
        name = f"{what}{self.started}"
        self.started += 1
        output = (self.folder / f"{name}.log").open("wb")
        arguments = [*(command or self.company.command(what)), *(["--config", str(config)] if config else [])]
        self.running[name] = subprocess.Popen(
            arguments, cwd=self.folder, stdout=output, stderr=output, env={**os.environ, **self.environment}
        )
        output.close()
        return name

    def send(self, name: str, number: int) -> None:
        self.running[name].send_signal(number)

    def kill(self, name: str) -> None:
        """As when its machine loses power."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """As its supervisor would; answers with its exit code."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(20)

    def ended(self, name: str, seconds: float = 20.0) -> int:
        """Waits until it has ended by itself."""
        return self.running.pop(name).wait(seconds)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.company.run("status", "--format", "json").json
        return found

    def hours(self) -> float | None:
        """The client's man-hours as reported; None while no calendar has been read."""
        ran = self.company.run("report", "--month", MONTH, "--format", "json")
        return float(ran.json["months"][0]["clients"][0]["man_hours"]) if ran.code == 0 else None

    def row(self) -> dict[str, Any]:
        return _figures(self.company.report(MONTH)["Acme"])

    def truth(self) -> dict[str, Any]:
        """What a new store on one machine says of the same calendars."""
        with _folder(self.folder / f"truth{self.started}-{time.monotonic_ns()}") as folder:
            apart = Company(folder)
            (folder / self.key).write_bytes((self.folder / self.key).read_bytes())
            (folder / self.key).chmod(0o600)
            apart.write_config(self.config(store="sqlite:///rapport.db", workers=False))
            ran = apart.run("sync", "--format", "json")
            assert ran.code == 0, ran.err
            return _figures(apart.report(MONTH)["Acme"])

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Waits for something to become so; tells the logs when it does not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.2)
        logs = "\n".join(f"--- {name}\n{self.log(name)[-3000:]}" for name in self.running)
        raise AssertionError(f"it did not come about within {seconds} s\n{logs}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    """A report's row without what depends on digests that were sent."""
    return {key: value for key, value in row.items() if key != "restated"}


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    path.mkdir()
    yield path
