"""A company on disk for end-to-end tests: a config and calendar files, and the `rapport` command run on them."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from icalendar import Calendar, Event, vCalAddress

from daemon.cli import main

CONFIG = """
[company]
name = "Northwind"
timezone = "Europe/London"
country = "GB"
domains = ["northwind.example"]

[[connectors]]
name = "exports"
kind = "ics"
files = ["calendars/*.ics"]
"""
CLIENT = '\n[[clients]]\nname = "{name}"\ndomains = {domains}\naddresses = {addresses}\n'
PARTSTAT = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE", "none": "NEEDS-ACTION"}


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def _ran(code: int, out: str, err: str) -> Ran:
    assert "Traceback" not in err + out
    return Ran(code, out, err)


class _Caught(io.TextIOWrapper):
    """An output that is kept."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", newline="", write_through=True)

    @property
    def text(self) -> str:
        self.seek(0)
        return self.read()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass
class Company:
    """A folder with a config and calendars."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write_config(self, text: str) -> None:
        (self.folder / "config.toml").write_text(text, "utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "daemon", *arguments]

    def run(self, *arguments: str) -> Ran:
        """`rapport …` in the company's folder: the command line as it is, in this process, which is much quicker."""
        told, said = _Caught(), _Caught()
        argv, folder, other_logs = sys.argv, Path.cwd(), list(logging.getLogger().handlers)
        code = 0
        with _environment({"COLUMNS": "200", **self.environment}), redirect_stdout(told), redirect_stderr(said):
            try:
                os.chdir(self.folder)
                sys.argv = ["rapport", *arguments]
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            finally:
                sys.argv = argv
                os.chdir(folder)
                gc.enable()  # a process of its own would have ended
                logging.getLogger().handlers[:] = other_logs
        return _ran(code, told.text, said.text)

    def run_apart(self, *arguments: str) -> Ran:
        """The same as a process of its own."""
        environment = {**os.environ, "COLUMNS": "200", **self.environment}
        ran = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        return _ran(ran.returncode, ran.stdout, ran.stderr)

    def report(self, month: str, *more: str) -> dict[str, dict[str, Any]]:
        """A month's rows by client."""
        ran = self.run("report", "--month", month, "--format", "json", *more)
        assert ran.code == 0, ran.err
        (found,) = ran.json["months"]
        return {row["client"]: row for row in found["clients"]}

    def put(self, owner: str, entries: Iterable[Event]) -> Path:
        """Writes a person's calendar file."""
        calendar = Calendar()
        calendar.add("prodid", "-//northwind.example//tests//")
        calendar.add("version", "2.0")
        for entry in entries:
            calendar.add_component(entry)
        path = self.folder / "calendars" / f"{owner}.ics"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(calendar.to_ical())
        return path


def entry_of(copy: dict[str, Any], *, recurring: bool) -> Event:
    """A case's neutral copy (`cases/README.md`) as it would stand in an exported calendar."""
    entry = Event()
    entry.add("uid", copy["uid"])
    entry.add("summary", copy["title"])
    for name, key in (("dtstart", "start"), ("dtend", "end")):
        entry.add(name, _moment(copy[key], copy.get("all_day", False)))
    entry.add("last-modified", datetime.fromisoformat(copy["updated"]))
    entry.add("dtstamp", datetime.fromisoformat(copy["updated"]))
    if recurring:
        entry.add("recurrence-id", _moment(copy["original_start"], copy.get("all_day", False)))
    if copy["status"] == "cancelled":
        entry.add("status", "CANCELLED")
    if copy["private"]:
        entry.add("class", "PRIVATE")
    if copy["location"]:
        entry.add("location", copy["location"])
    if copy["conference"]:
        uri = "https://meet.northwind.example/x" if copy["conference"] == "video" else "tel:+44-20-7946-0000"
        entry.add("conference", uri, parameters={"VALUE": "URI"})
    if copy["organizer"]:
        entry.add("organizer", vCalAddress(f"mailto:{copy['organizer']}"))
    for attendee in copy["attendees"]:
        entry.add("attendee", _attendee(copy, attendee))
    return entry


def _attendee(copy: dict[str, Any], attendee: dict[str, Any]) -> vCalAddress:
    address = vCalAddress(f"mailto:{attendee['email']}")
    response = copy["my_response"] if attendee["email"] == copy["owner"] else attendee["response"]
    address.params["PARTSTAT"] = PARTSTAT[response]
    if attendee.get("resource"):
        address.params["CUTYPE"] = "ROOM"
    return address


def _moment(text: str, all_day: bool) -> date:
    return date.fromisoformat(text) if all_day else datetime.fromisoformat(text).astimezone(UTC)


def client_table(client: dict[str, Any]) -> str:
    """A `[[clients]]` table from a case's client."""
    table = CLIENT.format(
        name=client["name"], domains=json.dumps(client["domains"]), addresses=json.dumps(client.get("addresses", []))
    )
    return table + (f'manager = "{client["manager"]}"\n' if client.get("manager") else "")
