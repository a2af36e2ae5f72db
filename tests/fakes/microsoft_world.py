"""What the fake of Microsoft holds: people, groups, and mailboxes that keep a journal. No HTTP in here.

A mailbox lists as `calendarView/delta` does (`docs/providers.md` B1-B3): a window that stays as it was, occurrences as
stubs, a changed series as a whole, tombstones for what is not in view. Where documentation and reports differ, or the
reports among themselves, `Quirks` chooses.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.fakes.microsoft_items import (
    Resource,
    complete,
    entry_id,
    instant,
    moved,
    name_of,
    native_uid,
    stamp,
    stub,
    tombstone,
    wrapped_uid,
)

Bounds = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """How a mailbox answers where nothing is promised (`docs/providers.md` B2, B3).

    `stubs`: occurrences come with a few keys only. `masters`: a changed series comes with its master, without it, or as
    the master alone. `lone_exceptions`: a changed exception comes alone. `outside_tombstones`: what changes outside the
    window gets a tombstone too. `deleted_series`: a tombstone for the master only, or for each occurrence as well.
    `original_start`: occurrences say it. `plain_uid`: items have the series' `uid` too. `repeats`, `empty_pages`:
    pages repeat an item of the page before, or hold nothing but a link.
    """

    stubs: bool = True
    masters: Literal["present", "absent", "alone"] = "present"
    lone_exceptions: bool = False
    outside_tombstones: bool = True
    deleted_series: Literal["master", "all"] = "master"
    original_start: bool = True
    plain_uid: bool = False
    repeats: bool = False
    empty_pages: bool = False


@dataclass(frozen=True)
class Touch:
    """A line of the journal: an item that changed, and its series where it has one."""

    entry: str
    series: str | None


@dataclass
class FakeMailbox:
    """Somebody's calendar. Items stand by their immutable id: single ones, masters, occurrences, exceptions."""

    address: str
    zone: str = "Europe/London"
    items: dict[str, Resource] = field(default_factory=dict)
    journal: list[Touch] = field(default_factory=list)
    generation: int = 0
    now: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    quirks: Quirks = field(default_factory=Quirks)
    refusal: tuple[int, str, str] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _parts: dict[str, dict[str, None]] = field(default_factory=dict)

    def quirk(self, **chosen: Any) -> None:
        """Other quirks from now on."""
        self.quirks = replace(self.quirks, **chosen)

    def put(self, item: Mapping[str, Any]) -> str:
        """Adds or replaces a single item: `id` is a short name. Answers with the id that it has in Graph.

        `wraps` is the UID of a meeting that came from elsewhere; without it and `iCalUId` it began here.
        """
        given = dict(item)
        name = given.pop("id")
        wrapped = given.pop("wraps", None)
        given.setdefault("uid", wrapped or native_uid(name))
        given.setdefault("iCalUId", wrapped_uid(wrapped) if wrapped else native_uid(name))
        return self._keep(name, given)

    def put_series(
        self, name: str, first: Mapping[str, Any], count: int, every: timedelta = timedelta(7)
    ) -> tuple[str, list[str]]:
        """A series: `first` is its first occurrence. Answers with the master's id and those of the occurrences."""
        given = dict(first)
        given.pop("id", None)
        wrapped = given.pop("wraps", None)
        pattern = {"type": "weekly" if every.days % 7 == 0 else "daily", "interval": max(every.days // 7, 1)}
        span = {"type": "numbered", "startDate": given["start"]["dateTime"][:10], "numberOfOccurrences": count}
        uid = wrapped_uid(wrapped) if wrapped else native_uid(name)
        rule = {"pattern": pattern, "range": span}
        with self.lock:
            given["uid"] = wrapped or uid
            master = self._keep(name, {"iCalUId": uid, **given, "type": "seriesMaster", "recurrence": rule})
            made = [self._occurrence(master, name, given, wrapped, every * number) for number in range(count)]
        return master, made

    def _occurrence(self, master: str, name: str, first: Resource, wrapped: str | None, shift: timedelta) -> str:
        start = moved(first["start"], shift)
        on = instant(start).astimezone(ZoneInfo(self.zone)).date()
        if first.get("isAllDay"):
            on = instant(start).date()
        item = {
            **first,
            "start": start,
            "end": moved(first["end"], shift),
            "type": "occurrence",
            "seriesMasterId": master,
            "originalStart": start["dateTime"][:19] + "Z",
            "occurrenceId": f"OID.{master}.{on}",
            "iCalUId": wrapped_uid(wrapped, on) if wrapped else native_uid(name, on),
        }
        return self._keep(f"{name}/{start['dateTime'][:16]}", item)

    def _keep(self, name: str, item: Mapping[str, Any]) -> str:
        entry = entry_id(name)
        with self.lock:
            kept = self.items[entry] = complete({**item, "id": entry}, self.address, self.now)
            if kept["seriesMasterId"] is not None:
                self._parts.setdefault(kept["seriesMasterId"], {})[entry] = None
            self._touch(entry)
        return entry

    def change(self, entry: str, **changes: Any) -> None:
        """Changes keys of an item. An occurrence becomes an exception; a master takes its occurrences along."""
        with self.lock:
            item = self.items[entry]
            kind = {"type": "exception"} if item["type"] == "occurrence" else {}
            if item["type"] == "seriesMaster":
                for occurrence in self.instances(entry):
                    if self.items[occurrence]["type"] == "occurrence":
                        self.items[occurrence] = {
                            **self.items[occurrence],
                            "lastModifiedDateTime": stamp(self.now),
                            **changes,
                        }
            self.items[entry] = {**item, **kind, "lastModifiedDateTime": stamp(self.now), **changes}
            self._touch(entry)

    def move(self, entry: str, start: Resource, end: Resource) -> None:
        """Another time: the item keeps its ids and its original start."""
        self.change(entry, start=start, end=end)

    def cancel(self, entry: str) -> None:
        """The organiser has called it off, and the owner has not removed it yet."""
        self.change(entry, isCancelled=True, subject=f"Canceled: {self.items[entry]['subject']}", showAs="free")

    def delete(self, entry: str) -> None:
        """Removes a single item, or a series with all that it has."""
        with self.lock:
            for part in self._parts.pop(entry, {}):
                del self.items[part]
            del self.items[entry]
            self.journal.append(Touch(entry, None))

    def delete_occurrence(self, entry: str) -> None:
        """Removes one occurrence: the others are sent again, and nothing tells of this one."""
        with self.lock:
            master = self.items.pop(entry)["seriesMasterId"]
            del self._parts[master][entry]
            self.journal.append(Touch(entry, master))

    def instances(self, master: str) -> list[str]:
        """The occurrences and exceptions of a series."""
        with self.lock:
            return list(self._parts.get(master, ()))

    def expire_tokens(self) -> None:
        """Every delta link and next link given so far is dead."""
        with self.lock:
            self.generation += 1

    def _touch(self, entry: str) -> None:
        item = self.items[entry]
        self.journal.append(Touch(entry, entry if item["type"] == "seriesMaster" else item["seriesMasterId"]))

    def in_view(self, bounds: Bounds) -> list[str]:
        """Single items and instances that overlap a window; masters are no part of a view."""
        with self.lock:
            return [
                entry
                for entry, item in self.items.items()
                if item["type"] != "seriesMaster" and self._lies(item, bounds)
            ]

    def _lies(self, item: Resource, bounds: Bounds) -> bool:
        start, end = self._instant(item, "start"), self._instant(item, "end")
        return start < bounds[1] and (end > bounds[0] or start >= bounds[0])

    def _instant(self, item: Resource, bound: str) -> datetime:
        moment = instant(item[bound])
        if item["isAllDay"]:  # by the owner's clock, whatever zone is written beside it
            return datetime.combine(moment.date(), time(), ZoneInfo(self.zone))
        return moment

    def listed(self, bounds: Bounds) -> list[Resource]:
        """What a first delta round over a window holds."""
        with self.lock:
            view = self.in_view(bounds)
            singles = [self._sent(entry) for entry in view if self.items[entry]["seriesMasterId"] is None]
            series = dict.fromkeys(self.items[entry]["seriesMasterId"] for entry in view)
            return singles + [row for master in series if master for row in self._series(master, bounds)]

    def changed(self, since: int, seen: frozenset[str], bounds: Bounds) -> list[Resource]:
        """What a later round holds: `seen` was in view when the one before ended."""
        with self.lock:
            rows: dict[str, Resource] = {}
            for touch in dict.fromkeys(self.journal[since:]):
                for row in self._told(touch, seen, bounds):
                    rows[row["id"]] = row
            return list(rows.values())

    def _told(self, touch: Touch, seen: frozenset[str], bounds: Bounds) -> Iterator[Resource]:
        item = self.items.get(touch.entry)
        if touch.series is None and item is None:
            yield from self._deleted(touch.entry, seen)
        elif touch.series is None and item is not None:
            yield from self._single(touch.entry, item, seen, bounds)
        elif touch.series in self.items:
            if self.quirks.lone_exceptions and item is not None and item["type"] == "exception":
                yield from self._single(touch.entry, item, seen, bounds)
            else:
                yield from self._series(str(touch.series), bounds, seen)

    def _single(self, entry: str, item: Resource, seen: frozenset[str], bounds: Bounds) -> Iterator[Resource]:
        if self._lies(item, bounds):
            yield self._sent(entry)
        elif entry in seen or self.quirks.outside_tombstones:
            yield tombstone(entry)

    def _deleted(self, entry: str, seen: frozenset[str]) -> Iterator[Resource]:
        parts = [entry_id for entry_id in seen if _belongs(entry_id, entry)]
        if parts or entry in seen or self.quirks.outside_tombstones:
            yield tombstone(entry)
        if self.quirks.deleted_series == "all":
            yield from map(tombstone, sorted(parts))

    def _series(self, master: str, bounds: Bounds, seen: frozenset[str] = frozenset()) -> Iterator[Resource]:
        """A series that has to be told of: master and occurrences in view, never one for what is no longer there."""
        parts = [entry for entry in self.instances(master) if self._lies(self.items[entry], bounds)]
        if not parts and self.quirks.masters == "absent":
            if self.quirks.outside_tombstones or any(_belongs(entry, master) for entry in seen):
                yield tombstone(master)
            return
        if self.quirks.masters != "absent":
            yield self._sent(master)
        if self.quirks.masters != "alone":
            yield from (self._sent(entry) for entry in parts)

    def _sent(self, entry: str) -> Resource:
        item = self.shown(entry)
        return stub(item) if self.quirks.stubs and item["type"] == "occurrence" else item

    def shown(self, entry: str) -> Resource:
        """An item as other requests than delta answer with it."""
        item = dict(self.items[entry])
        if not self.quirks.original_start:
            item.pop("originalStart", None)
        if not self.quirks.plain_uid:
            item.pop("uid", None)
        return item


def _belongs(entry: str, master: str) -> bool:
    """Whether an id is an occurrence's of this series, which may be gone by now."""
    return name_of(entry).startswith(f"{name_of(master)}/")


@dataclass
class FakeUser:
    """Somebody in the directory. `mail` may be missing, and the name to sign in with may be another one."""

    id: str
    mail: str | None
    upn: str
    aliases: list[str] = field(default_factory=list)
    user_type: str = "Member"
    enabled: bool = True

    def resource(self) -> Resource:
        primary = [f"SMTP:{self.mail}"] if self.mail else []
        return {
            "businessPhones": [],
            "displayName": "Some Person",
            "givenName": "Some",
            "jobTitle": None,
            "mail": self.mail,
            "mobilePhone": None,
            "officeLocation": None,
            "preferredLanguage": None,
            "surname": "Person",
            "userPrincipalName": self.upn,
            "id": self.id,
            "accountEnabled": self.enabled,
            "userType": self.user_type,
            "proxyAddresses": [*primary, *(f"smtp:{alias}" for alias in self.aliases)],
            "otherMails": [],
        }


@dataclass
class FakeGroup:
    """A group with its direct members: ids of users and groups."""

    id: str
    mail: str | None
    members: list[str] = field(default_factory=list)

    def resource(self) -> Resource:
        return {
            "id": self.id,
            "displayName": "Some Group",
            "mail": self.mail,
            "mailEnabled": self.mail is not None,
            "securityEnabled": True,
            "groupTypes": [],
            "proxyAddresses": [f"SMTP:{self.mail}"] if self.mail else [],
        }


def _guid(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


@dataclass
class World:
    """A tenant: people by id, their mailboxes by id, groups by id."""

    users: dict[str, FakeUser] = field(default_factory=dict)
    mailboxes: dict[str, FakeMailbox] = field(default_factory=dict)
    groups: dict[str, FakeGroup] = field(default_factory=dict)

    def add(self, address: str, *, upn: str | None = None, mail: str | None = "", **more: Any) -> FakeMailbox:
        """A person with a mailbox. `mail=None`: without an address; `upn`: signs in with another name."""
        user = FakeUser(id=_guid(address), mail=address if mail == "" else mail, upn=upn or address, **more)
        self.users[user.id] = user
        self.mailboxes[user.id] = FakeMailbox(user.mail or user.upn)
        return self.mailboxes[user.id]

    def add_group(self, mail: str, members: Sequence[str] = ()) -> FakeGroup:
        """A group of addresses of people and of groups that exist already."""
        group = FakeGroup(_guid(mail), mail)
        for member in members:
            found = self.find(member) or self.find_group(member)
            assert found is not None, member
            group.members.append(found.id)
        self.groups[group.id] = group
        return group

    def find(self, name: str) -> FakeUser | None:
        """Whoever has this id, name to sign in with, or address."""
        wanted = name.lower()
        return next(
            (user for user in self.users.values() if wanted in (user.id, user.upn.lower(), (user.mail or "").lower())),
            None,
        )

    def find_group(self, name: str) -> FakeGroup | None:
        return next((group for group in self.groups.values() if name in (group.id, group.mail)), None)

    def mailbox(self, name: str) -> FakeMailbox:
        user = self.find(name)
        assert user is not None, name
        return self.mailboxes[user.id]

    def members(self, group: str) -> list[FakeUser]:
        """The people in a group and in the groups in it, each once, even where groups contain each other."""
        seen: set[str] = set()
        waiting = list(self.groups[group].members)
        while waiting:
            one = waiting.pop(0)
            if one not in seen:
                seen.add(one)
                waiting += self.groups[one].members if one in self.groups else []
        return [user for entry, user in self.users.items() if entry in seen]
