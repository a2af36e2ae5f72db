"""What the fake of Google holds: calendars that keep a journal, people, groups. No HTTP in here.

A calendar lists as `events.list` with `singleEvents=true` does (docs/providers.md A1-A3): a window on a first listing,
none on a round with a sync token, tombstones that hold an id and nothing else.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Resource = dict[str, Any]


class Refused(Exception):
    """An answer other than 200, as Google writes it."""

    def __init__(self, status: int, reason: str, message: str = "", *, domain: str = "global") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.message = message or reason
        self.domain = domain


@dataclass
class FakeCalendar:
    """Somebody's primary calendar. Items are kept expanded: single ones and occurrences."""

    address: str
    zone: str = "Europe/London"
    items: dict[str, Resource] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    generation: int = 0
    now: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, item: Mapping[str, Any]) -> str:
        """Adds or replaces an item; whatever Google adds by itself is filled in. Answers with its id."""
        with self.lock:
            self.items[item["id"]] = complete(item, self.address, self.now)
            self.journal.append(item["id"])
        return str(item["id"])

    def change(self, entry: str, **changes: Any) -> None:
        """Changes keys of an item; None removes one."""
        with self.lock:
            changed = {**self.items[entry], "updated": stamp(self.now), **changes}
            self.items[entry] = {key: value for key, value in changed.items() if value is not None}
            self.journal.append(entry)

    def cancel(self, entry: str, *, details: bool = False) -> None:
        """Deletes an item: what is left is a tombstone, on the organiser's calendar perhaps with its details."""
        with self.lock:
            item = self.items[entry]
            kept = item if details else {"kind": item["kind"], "etag": '"0"', "id": entry}
            if "recurringEventId" in item and not details:
                kept |= {key: item[key] for key in ("recurringEventId", "originalStartTime")}
            self.items[entry] = {**kept, "status": "cancelled"}
            self.journal.append(entry)

    def put_series(
        self, master: str, first: Mapping[str, Any], count: int, every: timedelta = timedelta(7)
    ) -> list[str]:
        """A series as its occurrences: `first` is the first one, without id. Answers with their ids."""
        ids = []
        for number in range(count):
            shift = every * number
            start = moved(first["start"], shift)
            ids.append(
                self.put(
                    {
                        "iCalUID": f"{master}@google.com",
                        **first,
                        "id": f"{master}_{instance_stamp(start)}",
                        "recurringEventId": master,
                        "start": start,
                        "end": moved(first["end"], shift),
                        "originalStartTime": start,
                    }
                )
            )
        return ids

    def expire_tokens(self) -> None:
        """Every sync token and page token given so far is dead."""
        with self.lock:
            self.generation += 1

    def listed(self, time_min: datetime | None, time_max: datetime | None) -> list[str]:
        """The live items of a window. Both bounds are exclusive: of the end, of the start."""
        with self.lock:
            return [
                entry
                for entry, item in self.items.items()
                if item["status"] != "cancelled"
                and (time_min is None or self._instant(item["end"]) > time_min)
                and (time_max is None or self._instant(item["start"]) < time_max)
            ]

    def changed(self, since: int) -> list[str]:
        """What changed since a place in the journal, whatever its date."""
        with self.lock:
            return list(dict.fromkeys(self.journal[since:]))

    def _instant(self, value: Mapping[str, str]) -> datetime:
        if "date" in value:
            return datetime.combine(date.fromisoformat(value["date"]), time(), ZoneInfo(self.zone))
        return datetime.fromisoformat(value["dateTime"])


def complete(item: Mapping[str, Any], address: str, now: datetime) -> Resource:
    """An item with what Google adds: much of it must never be asked for."""
    entry = item["id"]
    return {
        "kind": "calendar#event",
        "etag": '"3180000000000000"',
        "status": "confirmed",
        "htmlLink": f"https://calendar.example/event?eid={entry}",
        "created": "2026-01-05T08:00:00.000Z",
        "updated": stamp(now),
        "summary": "Steering group",
        "description": "Dial in with the pin 493021",
        "creator": {"email": address},
        "organizer": {"email": address, "self": True},
        "iCalUID": f"{entry}@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
        **item,
    }


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def at(moment: datetime, zone: str = "Europe/London") -> Resource:
    """A `start` or `end` as Google writes it: in the zone's offset, with the zone beside it."""
    return {"dateTime": moment.astimezone(ZoneInfo(zone)).isoformat(), "timeZone": zone}


def moved(value: Mapping[str, str], by: timedelta) -> Resource:
    """A start or end some days later, at the same time of the day."""
    if "date" in value:
        return {"date": (date.fromisoformat(value["date"]) + by).isoformat()}
    zone = ZoneInfo(value["timeZone"])
    local = datetime.fromisoformat(value["dateTime"]).astimezone(zone).replace(tzinfo=None) + by
    return at(local.replace(tzinfo=zone), value["timeZone"])


def instance_stamp(start: Mapping[str, str]) -> str:
    if "date" in start:
        return start["date"].replace("-", "")
    return datetime.fromisoformat(start["dateTime"]).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


_MASK_TOKEN = re.compile(r"[^,()/]+|[,()/]")


def masked(value: Any, mask: str) -> Any:
    """A resource by a `fields` mask: `a,b(c,d/e)`. Raises `Refused` for one that does not parse."""
    tokens = _MASK_TOKEN.findall(mask)
    tree, rest = _parse(tokens, 0)
    if rest != len(tokens):
        raise Refused(400, "invalidParameter", f"Invalid field selection {mask}")
    return _apply(value, tree)


def _parse(tokens: list[str], place: int) -> tuple[dict[str, Any], int]:
    tree: dict[str, Any] = {}
    while place < len(tokens) and tokens[place] != ")":
        name, place = tokens[place], place + 1
        inner: dict[str, Any] = {}
        node = tree.setdefault(name, inner)
        while place < len(tokens) and tokens[place] == "/":
            node, place = node.setdefault(tokens[place + 1], {}), place + 2
        if place < len(tokens) and tokens[place] == "(":
            found, place = _parse(tokens, place + 1)
            node.update(found)
            place += 1
        if place < len(tokens) and tokens[place] == ",":
            place += 1
    return tree, place


def _apply(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_apply(part, tree) for part in value]
    if not isinstance(value, dict):
        return value
    return {name: _apply(value[name], inner) for name, inner in tree.items() if name in value}


@dataclass
class FakeUser:
    """Somebody in the directory."""

    id: str
    primary: str
    aliases: list[str] = field(default_factory=list)
    suspended: bool = False
    archived: bool = False
    guest: bool = False
    admin: bool = False

    def resource(self) -> Resource:
        """A row of `users.list`: what is false or empty is left out where Google does."""
        row: Resource = {
            "kind": "admin#directory#user",
            "id": self.id,
            "primaryEmail": self.primary,
            "name": {"fullName": "Some Person"},
            "isAdmin": self.admin,
            "suspended": self.suspended,
            "archived": self.archived,
            "isGuestUser": self.guest,
            "emails": [*({"address": one} for one in self.aliases), {"address": self.primary, "primary": True}],
        }
        return row | ({"aliases": self.aliases} if self.aliases else {})


@dataclass
class World:
    """A Workspace: people by id, their calendars by id, groups with members (addresses, of groups too)."""

    users: dict[str, FakeUser] = field(default_factory=dict)
    calendars: dict[str, FakeCalendar] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)

    def add(self, address: str, **more: Any) -> FakeCalendar:
        """A person with a calendar."""
        user = FakeUser(id=f"10{len(self.users):019d}", primary=address, **more)
        self.users[user.id] = user
        self.calendars[user.id] = FakeCalendar(address)
        return self.calendars[user.id]

    def find(self, address: str) -> FakeUser | None:
        """Whoever has this address."""
        wanted = address.lower()
        return next((user for user in self.users.values() if wanted in (user.primary, *user.aliases)), None)

    def calendar(self, address: str) -> FakeCalendar:
        user = self.find(address)
        assert user is not None, address
        return self.calendars[user.id]

    def members(self, group: str, *, derived: bool) -> Iterator[Resource]:
        """Rows of `members.list`, each once; `derived`: those of the groups in it too."""
        seen: set[str] = set()
        waiting = list(self.groups[group])
        while waiting:
            address = waiting.pop(0)
            if address in seen:
                continue
            seen.add(address)
            user = self.find(address)
            kind = "GROUP" if address in self.groups else "USER"
            row = {"kind": "admin#directory#member", "id": f"m-{address}", "email": address, "role": "MEMBER"}
            yield {**row, "type": kind, **({"id": user.id, "status": "ACTIVE"} if user else {})}
            if kind == "GROUP" and derived:
                waiting += self.groups[address]
