"""Calendar items as Graph writes them: ids in both forms, Global Object IDs, moments, and what Graph adds by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any

Resource = dict[str, Any]

NEVER = "0001-01-01T00:00:00Z"
_IMMUTABLE, _MUTABLE, _END = "AAkALg/", "AAMkAD/", "+A="
_CLASS_ID = bytes.fromhex("040000008200e00074c5b7101a82e008")
_STUB = ("@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end")
_NOT_BASIC = ("body", "bodyPreview", "hasAttachments", "extensions")


def entry_id(name: str) -> str:
    """The immutable id of the item of this name: case counts, and paths have to quote it (docs/providers.md B4)."""
    return f"{_IMMUTABLE}{name}{_END}"


def name_of(entry: str) -> str:
    return entry.removeprefix(_IMMUTABLE).removesuffix(_END)


def mutable(value: Any) -> Any:
    """A resource with its ids in the default form, for a request without `IdType="ImmutableId"`."""
    if isinstance(value, dict):
        return {key: mutable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [mutable(part) for part in value]
    if isinstance(value, str) and value.startswith(_IMMUTABLE):
        return _MUTABLE + value.removeprefix(_IMMUTABLE)
    return value


def immutable(entry: str) -> str:
    """An id of the default form in the form that is kept here; anything else as it is."""
    return _IMMUTABLE + entry.removeprefix(_MUTABLE) if entry.startswith(_MUTABLE) else entry


def is_immutable(entry: str) -> bool:
    return entry.startswith(_IMMUTABLE)


def global_object_id(data: bytes, on: date | None = None) -> str:
    """[MS-OXOCAL] 2.2.1.27: class id, the instance's date (none in the series' own), creation time, size, data."""
    instance = on.year.to_bytes(2, "big") + bytes((on.month, on.day)) if on is not None else bytes(4)
    created = bytes.fromhex("28cebe04293fd301")
    return (_CLASS_ID + instance + created + bytes(8) + len(data).to_bytes(4, "little") + data).hex().upper()


def native_uid(name: str, on: date | None = None) -> str:
    """The UID of a meeting that began life in Exchange."""
    return global_object_id(blake2b(name.encode(), digest_size=16).digest(), on)


def wrapped_uid(uid: str, on: date | None = None) -> str:
    """The UID of a meeting that began life elsewhere, Google say: its own UID stands inside."""
    return global_object_id(b"vCal-Uid\x01\x00\x00\x00" + uid.encode() + b"\x00", on)


def at(moment: datetime) -> Resource:
    """A `start` or `end` as it comes with `outlook.timezone="UTC"`: seven digits, no offset."""
    return {"dateTime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0"), "timeZone": "UTC"}


def on_day(day: date) -> Resource:
    """A bound of an all-day item: midnight, wherever the owner is."""
    return at(datetime.combine(day, time(), UTC))


def instant(value: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(value["dateTime"]).replace(tzinfo=UTC)


def moved(value: Mapping[str, str], by: timedelta) -> Resource:
    return at(instant(value) + by)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def guest(address: str, response: str = "none", kind: str = "required") -> Resource:
    """A row of `attendees`."""
    status = {"response": response, "time": NEVER}
    return {"type": kind, "status": status, "emailAddress": {"name": "Some Person", "address": address}}


def complete(item: Mapping[str, Any], owner: str, now: datetime) -> Resource:
    """An item with what Graph adds, the body too, which no one may keep. `owner` is the mailbox's address."""
    organiser = item.get("organizer", {"emailAddress": {"name": "Some Person", "address": owner}})
    is_organiser = organiser is not None and organiser["emailAddress"]["address"].lower() == owner.lower()
    response = {"response": "organizer" if is_organiser else "notResponded", "time": NEVER}
    return {
        "@odata.type": "#microsoft.graph.event",
        "@odata.etag": 'W/"+T8RDneHMkKe2BGYEaQZ4wAA5a9Acw=="',
        "createdDateTime": "2026-01-05T08:00:00.0000000Z",
        "lastModifiedDateTime": stamp(now),
        "changeKey": "+T8RDneHMkKe2BGYEaQZ4wAA5a9Acw==",
        "categories": [],
        "transactionId": None,
        "originalStartTimeZone": "GMT Standard Time",
        "originalEndTimeZone": "GMT Standard Time",
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": True,
        "hasAttachments": False,
        "hideAttendees": False,
        "subject": "Steering group",
        "bodyPreview": "Dial in with the pin 493021",
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isDraft": False,
        "isOrganizer": is_organiser,
        "IsRoomRequested": False,
        "responseRequested": True,
        "seriesMasterId": None,
        "showAs": "busy",
        "type": "singleInstance",
        "webLink": "https://outlook.example/owa/?itemid=AAMk",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "onlineMeeting": None,
        "allowNewTimeProposals": True,
        "recurrence": None,
        "responseStatus": response,
        "body": {"contentType": "html", "content": "<html><body>Dial in with the pin 493021</body></html>"},
        "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"},
        "locations": [],
        "attendees": [],
        "organizer": organiser,
        **item,
    }


def stub(item: Resource) -> Resource:
    """All that delta tells of an occurrence, as a rule (docs/providers.md B2)."""
    return {key: item[key] for key in _STUB if key in item}


def tombstone(entry: str) -> Resource:
    return {"@odata.type": "#microsoft.graph.event", "id": entry, "@removed": {"reason": "deleted"}}


def basic(item: Resource) -> Resource:
    """What is left with Calendars.ReadBasic.All alone."""
    return {key: value for key, value in item.items() if key not in _NOT_BASIC}
