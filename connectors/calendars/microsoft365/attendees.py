"""Who takes part in an item of Graph, with which answer, and how they meet (`docs/providers.md` B5; R2, R3, R5)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from connectors.calendars.shared.attendees import Attendance, address_of, participant_of
from scoring.meetings.values import Conference, LocationKind, Response, most_decided
from scoring.months.steps import TITLE_LIMIT, place_of

_RESPONSES = {
    "accepted": Response.ACCEPTED,
    "organizer": Response.ACCEPTED,
    "declined": Response.DECLINED,
    "tentativelyAccepted": Response.TENTATIVE,
}
_ONLINE = frozenset({"teamsForBusiness", "skypeForBusiness", "skypeForConsumer"})
_FIRST_PLACES = (LocationKind.VIDEO, LocationKind.ELSEWHERE, LocationKind.PHONE)
_NOBODY: Mapping[str, Any] = {}


def invited(item: Mapping[str, Any]) -> list[str]:
    """The addresses of everybody and everything on the list, and of the organiser."""
    rows = [*(item.get("attendees") or ()), item.get("organizer") or _NOBODY]
    return [
        address
        for row in rows
        if (address := address_of((row.get("emailAddress") or _NOBODY).get("address") or "")) is not None
    ]


def attendance_of(item: Mapping[str, Any], own: tuple[str, ...]) -> Attendance:
    """Who takes part. `own` are the addresses of whoever's calendar the item stands in.

    Groups stay on the list as addresses: the directory knows that they are nobody (R3). So do the answers of others on
    an attendee's copy, which knows none of them: merging asks the copies that do (R2).
    """
    rows = item.get("attendees") or ()
    sender = (item.get("organizer") or _NOBODY).get("emailAddress") or _NOBODY
    organiser = address_of(sender.get("address") or "")
    organises = item.get("isOrganizer") is True or organiser in own
    rooms = _rooms(item)
    booked = set(rooms)
    responses: dict[str, Response] = {}
    flaws: list[str] = []
    mine = _RESPONSES.get((item.get("responseStatus") or _NOBODY).get("response", ""), Response.NONE)
    for row in rows:
        answer = _RESPONSES.get((row.get("status") or _NOBODY).get("response", ""), Response.NONE)
        named = row.get("emailAddress") or _NOBODY
        address = address_of(named.get("address") or "")
        if row.get("type") == "resource" or address in rooms:
            (booked.discard if answer is Response.DECLINED else booked.add)(address or "")
            continue
        if address is None and organises and organiser is None and named == sender:
            address = own[0]
        if address is None:
            flaws = ["no_address"]
            continue
        if address in own:
            mine = most_decided(mine, answer)
        responses[address] = most_decided(responses.get(address, Response.NONE), answer)
    if organiser is None and organises:
        organiser = own[0]
    elif organiser is None and sender.get("address"):
        flaws = ["no_address"]
    if item.get("hideAttendees") is True and not organises:
        flaws.append("guests_hidden")
    return Attendance(
        organiser=organiser,
        participants=tuple([participant_of(address, answer) for address, answer in responses.items()]),
        response=Response.ACCEPTED if mine is Response.NONE and (organises or not rows) else mine,
        room=bool(booked),
        flaws=tuple(flaws),
    )


def _rooms(item: Mapping[str, Any]) -> frozenset[str]:
    """The mailboxes of the places where it is: rooms."""
    found = [address_of(location.get("locationEmailAddress") or "") for location in _locations(item)]
    return frozenset([address for address in found if address is not None])


def _locations(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = item.get("locations")
    single = item.get("location")
    return list(listed) if listed else [single] if single else []


def conference_of(item: Mapping[str, Any]) -> Conference:
    """R5: what is attached. Of its link nothing is kept but that it is there."""
    meeting = item.get("onlineMeeting") or _NOBODY
    if meeting.get("joinUrl") or item.get("onlineMeetingUrl") or item.get("onlineMeetingProvider") in _ONLINE:
        return Conference.VIDEO
    if meeting.get("phones") or meeting.get("tollNumber") or meeting.get("tollFreeNumbers"):
        return Conference.PHONE
    return Conference.VIDEO if item.get("isOnlineMeeting") is True else Conference.NONE


def whereabouts(item: Mapping[str, Any]) -> LocationKind:
    """R5: what the locations say: a video link in one of them, else a real place, else a phone number."""
    found = {
        _place(
            str(location.get("displayName") or "")[:TITLE_LIMIT], str(location.get("locationUri") or "")[:TITLE_LIMIT]
        )
        for location in _locations(item)
    }
    return next((place for place in _FIRST_PLACES if place in found), LocationKind.EMPTY)


@lru_cache(maxsize=10_000)
def _place(name: str, uri: str) -> LocationKind:
    """A location: its address counts where it is a link to a conference or a phone number."""
    linked = place_of(uri)
    return linked if linked in (LocationKind.VIDEO, LocationKind.PHONE) else place_of(name)
