"""What an event tells beside its times: who takes part and answered what, how people meet, what it is called.

A description, an attachment and a link itself are never kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connectors.calendars.ics.parser.event import Event, word
from connectors.calendars.ics.parser.lines import VEvent
from connectors.calendars.ics.parser.values import Malformed, Property, property_of
from scoring.meetings.address_book import normalise_address
from scoring.meetings.values import Conference, Response, most_decided
from scoring.months.steps import TITLE_LIMIT, place_of

# RFC 5545 3.2.12, and what Apple writes instead.
_RESPONSES = {
    "ACCEPTED": Response.ACCEPTED,
    "CONFIRMED": Response.ACCEPTED,
    "DECLINED": Response.DECLINED,
    "DELEGATED": Response.DECLINED,
    "CANCELLED": Response.DECLINED,
    "TENTATIVE": Response.TENTATIVE,
}
_ROOM_DOMAIN = "@resource.calendar.google.com"
_VIDEO_PROPERTIES = (
    b"X-GOOGLE-CONFERENCE",
    b"X-GOOGLE-HANGOUT",
    b"X-MICROSOFT-SKYPETEAMSMEETINGURL",
    b"X-MICROSOFT-ONLINEMEETINGCONFLINK",
    b"X-MICROSOFT-ONLINEMEETINGEXTERNALLINK",
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MOST_ATTENDEES = 10_000
_address = lru_cache(maxsize=20_000)(normalise_address)


@dataclass(slots=True)
class _Attendance:
    """The ATTENDEE rows of an event, read one by one."""

    responses: dict[str, Response]
    room: bool
    flaws: list[str]


def is_private(event: Event) -> bool:
    """R2: marked private or confidential by its owner."""
    return word(event.vevent, b"CLASS") in ("PRIVATE", "CONFIDENTIAL")


def is_no_meeting(event: Event) -> bool:
    """R4: out of office and working elsewhere are no meetings, R2: drafts are not stored."""
    status = word(event.vevent, b"X-MICROSOFT-CDO-BUSYSTATUS")
    if status == "WORKINGELSEWHERE":
        return b"ATTENDEE" not in event.vevent.properties
    return status == "OOF" or word(event.vevent, b"STATUS") == "DRAFT"


def details_of(event: Event, owner: str) -> dict[str, Any]:
    """The event as plain JSON values, for every copy that its occurrences make. Raises `Malformed`."""
    vevent = event.vevent
    attendance = _attendance(vevent)
    organiser = _organiser(vevent)
    response = attendance.responses.get(owner, Response.ACCEPTED)  # R3: no row of one's own: one put it there oneself
    return {
        "uid": event.uid,
        "organiser": organiser,
        "participants": [[address, answer.value] for address, answer in attendance.responses.items()],
        "response": response.value,
        "room": attendance.room,
        "conference": _conference(vevent).value,
        "place": place_of(_text(vevent, b"LOCATION")).value,
        "title": _text(vevent, b"SUMMARY") or None,
        "changed": None if event.changed is None else int(event.changed.timestamp()),
        "flaws": [*event.flaws, *attendance.flaws],
    }


def _attendance(vevent: VEvent) -> _Attendance:
    lines = vevent.properties.get(b"ATTENDEE", [])
    if len(lines) > _MOST_ATTENDEES:
        raise Malformed(f"it has more than {_MOST_ATTENDEES} attendees")
    found = _Attendance({}, False, [])
    for line in lines:
        try:
            _attend(found, property_of(line))
        except Malformed:
            _note(found.flaws, "no_address")
    return found


def _attend(found: _Attendance, row: Property) -> None:
    kind = row.parameters.get("CUTYPE", "").upper()
    answer = _RESPONSES.get(row.parameters.get("PARTSTAT", "").upper(), Response.NONE)
    address = _address_of(row)
    if kind in ("ROOM", "RESOURCE") or (address or "").endswith(_ROOM_DOMAIN):
        found.room = found.room or answer is not Response.DECLINED
        return
    if kind == "GROUP":
        _note(found.flaws, "group")
        return
    if _guests(row):
        _note(found.flaws, "additional_guests")
    if address is None:
        _note(found.flaws, "no_address")
    else:
        found.responses[address] = most_decided(found.responses.get(address, Response.NONE), answer)


def _address_of(row: Property) -> str | None:
    return _address(row.value) or _address(row.parameters.get("EMAIL", ""))


def _guests(row: Property) -> bool:
    text = row.parameters.get("X-NUM-GUESTS", "")
    return text.isascii() and text.isdigit() and text.strip("0") != ""


def _organiser(vevent: VEvent) -> str | None:
    for line in vevent.properties.get(b"ORGANIZER", ()):
        try:
            return _address_of(property_of(line))
        except Malformed:
            return None
    return None


def _conference(vevent: VEvent) -> Conference:
    """R5: what is attached. A link that only stands in a description is not."""
    names = (*_VIDEO_PROPERTIES, *(name for name in vevent.properties if name.startswith(b"X-ZOOM")))
    if any(word(vevent, name) for name in names):
        return Conference.VIDEO
    kinds = {_entry_point(line) for line in vevent.properties.get(b"CONFERENCE", ())}
    if Conference.VIDEO in kinds:
        return Conference.VIDEO
    return Conference.PHONE if kinds == {Conference.PHONE} else Conference.NONE


def _entry_point(line: bytes) -> Conference:
    """One CONFERENCE (RFC 7986 5.11): by its features where it names them, else by its address."""
    try:
        given = property_of(line)
    except Malformed:
        return Conference.NONE
    features = given.parameters.get("FEATURE", "").upper().split(",")
    scheme = given.value.partition(":")[0].strip().lower()
    if "VIDEO" in features:
        return Conference.VIDEO
    if scheme == "tel" or "PHONE" in features:
        return Conference.PHONE
    return Conference.VIDEO if scheme in ("http", "https") else Conference.NONE


def _text(vevent: VEvent, name: bytes) -> str:
    """A text for people, without control characters and cut where titles are (`docs/design.md` 12)."""
    for line in vevent.properties.get(name, ()):
        try:
            text = property_of(line[: 20 * TITLE_LIMIT]).value
        except Malformed:
            return ""
        return _CONTROL.sub(" ", text).strip()[:TITLE_LIMIT]
    return ""


def _note(flaws: list[str], flaw: str) -> None:
    if flaw not in flaws:
        flaws.append(flaw)
