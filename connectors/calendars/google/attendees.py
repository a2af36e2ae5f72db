"""Who takes part in an item of `events.list`, with which answer, and how they meet (`docs/providers.md` A4; R3, R5)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from connectors.calendars.shared.attendees import Attendance, address_of, participant_of
from scoring.meetings.values import Conference, Participant, Response, most_decided

_RESPONSES = {
    "accepted": Response.ACCEPTED,
    "declined": Response.DECLINED,
    "tentative": Response.TENTATIVE,
    "needsAction": Response.NONE,
}
_ROOM_DOMAIN = "@resource.calendar.google.com"  # (A4)
_HANGOUTS = frozenset({"eventHangout", "eventNamedHangout", "hangoutsMeet", "addOn"})
_PLAIN_KEYS = 2


def invited(item: Mapping[str, Any]) -> list[str]:
    """The addresses of everybody and everything on the list, and of the organiser."""
    rows = item.get("attendees") or ()
    organiser = item.get("organizer")
    emails = [row.get("email") or "" for row in rows]
    if organiser:
        emails.append(organiser.get("email") or "")
    return list(filter(None, map(address_of, emails)))


def attendance_of(item: Mapping[str, Any], own: tuple[str, ...]) -> Attendance:
    """The `attendees` of an item. `own` are the addresses of whoever's calendar it stands in.

    Groups stay on the list as addresses: the directory knows that they are nobody (R3).
    """
    rows = item.get("attendees") or ()
    people: dict[str, Participant] = {}
    flaws: list[str] = []
    mine: Response | None = None
    room = False
    for row in rows:
        attendee = _plain(row.get("email"), row.get("responseStatus")) if len(row) == _PLAIN_KEYS else None
        is_own = False
        if attendee is None:
            answer = _RESPONSES.get(row.get("responseStatus", ""), Response.NONE)
            address = address_of(row.get("email") or "")
            if row.get("resource") or (address is not None and address.endswith(_ROOM_DOMAIN)):
                room = room or answer is not Response.DECLINED
                continue
            if row.get("additionalGuests"):
                _note(flaws, "additional_guests")
            is_own = bool(row.get("self"))
            if address is None and not is_own:
                _note(flaws, "no_address")
                continue
            attendee = participant_of(address or own[0], answer)
        if is_own or attendee.address in own:
            mine = attendee.response if mine is None else most_decided(mine, attendee.response)
        known = people.get(attendee.address)
        people[attendee.address] = attendee if known is None else _decided(known, attendee)
    if item.get("attendeesOmitted"):
        _note(flaws, "attendees_omitted")
    organiser = item.get("organizer") or {}
    organises = bool(organiser.get("self"))
    if item.get("guestsCanSeeOtherGuests") is False and not organises:
        _note(flaws, "guests_hidden")
    return Attendance(
        organiser=address_of(organiser.get("email") or ""),
        participants=tuple(people.values()),
        response=mine if mine is not None else _unlisted(rows, organises=organises),
        room=room,
        flaws=tuple(flaws),
    )


@lru_cache(maxsize=100_000)
def _plain(email: str, answer: str) -> Participant | None:
    """Whom a row of an address and an answer alone means, as nearly all are; None for what is no person."""
    address = address_of(email) if email and answer else None
    if address is None or address.endswith(_ROOM_DOMAIN):
        return None
    return participant_of(address, _RESPONSES.get(answer, Response.NONE))


def _decided(earlier: Participant, later: Participant) -> Participant:
    return earlier if most_decided(earlier.response, later.response) is earlier.response else later


def _unlisted(rows: Any, *, organises: bool) -> Response:
    """The answer of an owner without a row: an organiser or somebody alone is there, somebody invited through a group
    has not answered."""
    return Response.ACCEPTED if organises or not rows else Response.NONE


def conference_of(item: Mapping[str, Any]) -> Conference:
    """R5: what is attached. The kinds of the entry points decide, then the kind of conference."""
    if item.get("hangoutLink"):
        return Conference.VIDEO
    data = item.get("conferenceData")
    if not data:
        return Conference.NONE
    kinds = {point.get("entryPointType") for point in data.get("entryPoints") or ()}
    if kinds & {"video", "sip"}:
        return Conference.VIDEO
    if kinds & {"phone", "more"}:
        return Conference.PHONE
    solution = ((data.get("conferenceSolution") or {}).get("key") or {}).get("type")
    return Conference.VIDEO if solution in _HANGOUTS else Conference.NONE


def _note(flaws: list[str], flaw: str) -> None:
    if flaw not in flaws:
        flaws.append(flaw)
