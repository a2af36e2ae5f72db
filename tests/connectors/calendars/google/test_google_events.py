"""Google's entries read as the rules mean them (R1-R5; docs/providers.md A3, A4): one row of a table for each case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.calendars.google.events import FIELDS, read_item, read_page
from connectors.calendars.shared.items import Erased, Found, Origin, Removed
from connectors.contract import Problem
from scoring.meetings.identity import identify, meeting_key
from scoring.meetings.values import Conference, Copy, LocationKind, Participant, Response
from tests.fakes.google_client import meeting
from tests.fakes.google_world import complete
from tests.fakes.reading import ANA, JO, NOW

ORIGIN = Origin(connector="workspace", calendar="100", addresses=(JO, "josephine@northwind.example"), read_at=NOW)
KIM, LIST, ROOM = "kim@northwind.example", "sales@northwind.example", "c_188@resource.calendar.google.com"


def found(item: Any) -> Found:
    return read_item(item, ORIGIN)


def copy_of(**more: Any) -> Copy:
    """The copy of an item of Jo with Ana, changed by `more`; None removes a key."""
    item = {key: value for key, value in complete(meeting("e1", **more), JO, NOW).items() if value is not None}
    one = found(item)
    assert isinstance(one, Copy), one
    return one


def row(address: str | None, response: str = "accepted", **more: Any) -> dict[str, Any]:
    return {"responseStatus": response, **({"email": address} if address else {}), **more}


def test_an_entry_is_a_copy() -> None:
    one = copy_of(
        start={"dateTime": "2026-10-06T10:00:00+01:00", "timeZone": "Europe/London"},
        end={"dateTime": "2026-10-06T11:30:00+01:00", "timeZone": "Europe/London"},
        updated="2026-09-01T12:00:00.345Z",
        iCalUID="abc@google.com",
    )
    assert one == Copy(
        connector="workspace",
        calendar="100",
        entry="e1",
        owner=JO,
        identity=identify("abc@google.com"),
        start=datetime(2026, 10, 6, 9, tzinfo=UTC),
        end=datetime(2026, 10, 6, 10, 30, tzinfo=UTC),
        organiser=JO,
        participants=(Participant(JO, Response.ACCEPTED), Participant(ANA, Response.ACCEPTED)),
        response=Response.ACCEPTED,
        title="Steering group",
        changed_at=datetime(2026, 9, 1, 12, tzinfo=UTC),
        read_at=NOW,
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"status": "cancelled"}, Removed("e1")),  # on the organiser's calendar the details stay
        ({"visibility": "private"}, Erased("e1")),
        ({"visibility": "confidential"}, Erased("e1")),  # the old word for private
        ({"eventType": "outOfOffice"}, Erased("e1")),
        ({"eventType": "focusTime"}, Erased("e1")),
        ({"eventType": "workingLocation"}, Erased("e1")),
        ({"eventType": "birthday"}, Erased("e1")),
        ({"eventType": "fromGmail"}, Erased("e1")),
        ({"visibility": "private", "status": "cancelled"}, Removed("e1")),
        ({"visibility": "private", "start": None}, Erased("e1")),  # what a reader may see of it
    ],
)
def test_what_is_no_copy(more: dict[str, Any], expected: Found) -> None:
    assert found({**complete(meeting("e1"), JO, NOW), **more}) == expected


@pytest.mark.parametrize("visibility", ["default", "public", None])
@pytest.mark.parametrize("transparency", ["opaque", "transparent"])
def test_shown_as_free_counts(visibility: str | None, transparency: str) -> None:
    assert copy_of(visibility=visibility, transparency=transparency).entry == "e1"


def test_a_tombstone_may_hold_nothing_but_an_id() -> None:
    assert found({"id": "e1", "status": "cancelled"}) == Removed("e1")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "it has no id"),
        ({}, "it has no id"),
        ({"id": 7}, "it has no id"),
        ({"id": "e1", "status": "confirmed"}, "it has no start or no end"),
        (meeting("e1", end=None), "it has no start or no end"),
        (meeting("e1", end={"date": "2026-10-06"}), "it starts on a date and ends at a time, or the other way round"),
        (meeting("e1", start={"dateTime": "soon"}), "it is not as Google documents entries"),
        (meeting("e1", start={"dateTime": "2026-10-06T10:00:00"}), "its time has neither offset nor zone"),
        (meeting("e1", attendees=["jo"]), "it is not as Google documents entries"),
        (meeting("e1", recurringEventId="s"), "it is an occurrence without its original start"),
    ],
)
def test_what_cannot_be_read_is_a_problem_without_names(item: Any, reason: str) -> None:
    one = found(item)
    assert isinstance(one, Problem)
    assert one.reason == reason
    assert "Steering" not in one.where


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # an all-day entry: dates, the end exclusive, whatever the calendar's zone
        ({"date": "2026-10-06"}, {"date": "2026-10-08"}, ("2026-10-06T00:00", "2026-10-08T00:00", True)),
        # offsets of any size, UTC, and a fraction of a second
        ({"dateTime": "2026-10-06T09:00:00Z"}, {"dateTime": "2026-10-06T09:00:30.9Z"}, ("T09:00", "T09:00:30", False)),
        ({"dateTime": "2026-10-06T14:45+05:45"}, {"dateTime": "2026-10-06T06:00-04:00"}, ("T09:00", "T10:00", False)),
        # no offset, but a zone beside it
        (
            {"dateTime": "2026-10-06T10:00:00", "timeZone": "Europe/London"},
            {"dateTime": "2026-10-06T11:00:00", "timeZone": "Europe/London"},
            ("T09:00", "T10:00", False),
        ),
    ],
)  # fmt: skip
def test_times(start: dict[str, str], end: dict[str, str], expected: tuple[str, str, bool]) -> None:
    one = copy_of(start=start, end=end)
    given = [text if text[0] == "2" else f"2026-10-06{text}" for text in expected[:2]]
    assert [one.start, one.end] == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in given]
    assert one.all_day is expected[2]


def test_an_unspecified_end_is_no_duration() -> None:
    one = copy_of(endTimeUnspecified=True)
    assert (one.end, one.flaws) == (one.start, ("end_unspecified",))


@pytest.mark.parametrize(
    ("original", "start_zone", "at", "on"),
    [
        # the series' zone says the date: in Tokyo it is the day after
        ({"dateTime": "2026-10-06T20:00:00+01:00", "timeZone": "Asia/Tokyo"}, "Europe/London", 19, date(2026, 10, 7)),
        # only the start has a zone
        ({"dateTime": "2026-10-06T20:00:00+01:00"}, "Asia/Tokyo", 19, date(2026, 10, 7)),
        # neither, or one that nobody knows: the offset's date
        ({"dateTime": "2026-10-07T01:00:00+09:00"}, None, 16, date(2026, 10, 7)),
        ({"dateTime": "2026-10-06T20:00:00+01:00", "timeZone": "Mars/Base"}, None, 19, date(2026, 10, 6)),
        # an all-day series has dates alone
        ({"date": "2026-10-06"}, None, None, date(2026, 10, 6)),
    ],
)
def test_an_occurrence_is_known_by_its_original_start(
    original: dict[str, str], start_zone: str | None, at: int | None, on: date
) -> None:
    start = {"dateTime": "2026-10-09T10:00:00+01:00"} | ({"timeZone": start_zone} if start_zone else {})
    end = {"dateTime": "2026-10-09T11:00:00+01:00"}
    one = copy_of(iCalUID="s@google.com", recurringEventId="s", originalStartTime=original, start=start, end=end)
    instant = None if at is None else datetime(2026, 10, 6, at, tzinfo=UTC)
    assert one.identity == identify("s@google.com", at=instant, on=on)


def test_a_moved_single_entry_stays_one_meeting() -> None:
    """R1: what does not recur has no original start that counts, though Google may send one."""
    original = {"dateTime": "2026-10-06T10:00:00+01:00"}
    assert meeting_key(copy_of(originalStartTime=original).identity) == meeting_key(copy_of().identity)


def test_without_a_uid_the_place_identifies() -> None:
    assert copy_of(iCalUID=None).identity == identify(None, fallback=("workspace", "100", "e1"))


@pytest.mark.parametrize(
    ("rows", "organizer", "response"),
    [
        ([row(JO, "declined", self=True), row(ANA)], {"email": ANA}, Response.DECLINED),
        ([row(JO, "needsAction", self=True), row(ANA)], {"email": ANA}, Response.NONE),
        ([row(JO, "tentative", self=True)], {"email": JO, "self": True}, Response.TENTATIVE),
        # one's own row under an alias, without `self`
        ([row("josephine@northwind.example", "tentative"), row(ANA)], {"email": ANA}, Response.TENTATIVE),
        # an organiser who does not attend has no row
        ([row(ANA)], {"email": JO, "self": True}, Response.ACCEPTED),
        # nobody is listed: one's own entry
        (None, {"email": ANA}, Response.ACCEPTED),
        # invited through a group
        ([row(LIST), row(ANA)], {"email": ANA}, Response.NONE),
        # an unknown word
        ([row(JO, "perhaps", self=True)], {"email": ANA}, Response.NONE),
    ],
)
def test_the_owners_answer(rows: Any, organizer: dict[str, Any], response: Response) -> None:
    assert copy_of(attendees=rows, organizer=organizer).response is response


@pytest.mark.parametrize(
    ("rows", "people", "room", "flaws"),
    [
        # optional people count like others
        ([row(ANA, optional=True)], [(ANA, "accepted")], False, ()),
        # a room is booked unless it declined, and is nobody
        ([row(ROOM, resource=True)], [], True, ()),
        ([row(ROOM, "needsAction", resource=True)], [], True, ()),
        ([row(ROOM, "declined", resource=True)], [], False, ()),
        ([row(ROOM)], [], True, ()),  # told by its address alone
        # a group stays an address: the directory knows that it is nobody
        ([row(LIST, "needsAction")], [(LIST, "none")], False, ()),
        # guests without an address count for no one
        ([row(ANA, additionalGuests=2)], [(ANA, "accepted")], False, ("additional_guests",)),
        ([row(ANA, additionalGuests=0)], [(ANA, "accepted")], False, ()),
        ([row(None, displayName="Ana"), row("/o=acme/cn=ana")], [], False, ("no_address",)),
        # once, with the most decided answer, without capitals and tags
        ([row("Ana+x@ACME.example", "tentative"), row(ANA, "declined")], [(ANA, "declined")], False, ()),
    ],
)
def test_guests(rows: Any, people: list[tuple[str, str]], room: bool, flaws: tuple[str, ...]) -> None:
    one = copy_of(attendees=rows)
    assert [(guest.address, guest.response.value) for guest in one.participants] == people
    assert (one.setting.room, one.flaws) == (room, flaws)


@pytest.mark.parametrize(
    ("more", "flaws"),
    [
        ({"attendeesOmitted": True}, ("attendees_omitted",)),
        ({"guestsCanSeeOtherGuests": False, "organizer": {"email": ANA}}, ("guests_hidden",)),
        ({"guestsCanSeeOtherGuests": False}, ()),  # the organiser's own copy has everybody
    ],
)
def test_incomplete_guest_lists_are_flaws(more: dict[str, Any], flaws: tuple[str, ...]) -> None:
    assert copy_of(**more).flaws == flaws


@pytest.mark.parametrize(
    ("organizer", "expected"),
    [
        ({"email": "Kim+cal@Northwind.example"}, KIM),
        ({"email": "xyz@group.calendar.google.com", "displayName": "Team"}, "xyz@group.calendar.google.com"),
        ({"displayName": "Somebody"}, None),
        (None, None),
    ],
)
def test_organisers(organizer: Any, expected: str | None) -> None:
    assert copy_of(organizer=organizer).organiser == expected


def meet(*kinds: str, solution: str = "hangoutsMeet") -> dict[str, Any]:
    points = [{"entryPointType": kind, "uri": "https://meet.example/abc", "pin": "493021"} for kind in kinds]
    return {"conferenceSolution": {"key": {"type": solution}}, "entryPoints": points}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"conferenceData": meet("video", "more", "phone")}, Conference.VIDEO),
        ({"conferenceData": meet("sip")}, Conference.VIDEO),
        ({"conferenceData": meet("video", solution="addOn")}, Conference.VIDEO),
        ({"conferenceData": meet("phone")}, Conference.PHONE),
        ({"conferenceData": meet("phone", "more", solution="addOn")}, Conference.PHONE),
        ({"conferenceData": meet()}, Conference.VIDEO),  # being made, or of the old kind
        ({"conferenceData": meet(solution="other")}, Conference.NONE),
        ({"hangoutLink": "https://meet.example/abc"}, Conference.VIDEO),
        ({"conferenceData": {}}, Conference.NONE),
        ({}, Conference.NONE),
    ],
)
def test_conferences(more: dict[str, Any], expected: Conference) -> None:
    assert copy_of(**more).setting.conference is expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://acme.zoom.us/j/123?pwd=abc", LocationKind.VIDEO),
        ("+44 20 7946 0000", LocationKind.PHONE),
        ("12 Harbour Street", LocationKind.ELSEWHERE),
        (None, LocationKind.EMPTY),
    ],
)
def test_places(location: str | None, expected: LocationKind) -> None:
    assert copy_of(location=location).setting.place is expected


@pytest.mark.parametrize(
    ("summary", "title"),
    [
        ("x" * 900, "x" * 500),
        ("\x1b[31mQ3\u2028 review", "[31mQ3  review"),
        ("half \ud83d a smile", "half   a smile"),
        ("", None),
        (None, None),
    ],
)
def test_titles_are_cut_and_tamed(summary: str | None, title: str | None) -> None:
    assert copy_of(summary=summary).title == title


def test_of_an_item_that_stands_twice_on_a_page_the_newer_counts() -> None:
    new = {**complete(meeting("e1"), JO, NOW), "updated": "2026-11-02T00:00:00Z", "summary": "new"}
    old = {**new, "updated": "2026-11-01T00:00:00Z", "summary": "old"}
    gone = {"id": "e1", "status": "cancelled"}
    for items in ([old, new], [new, old]):
        assert [copy.title for copy in read_page(items, ORIGIN).copies] == ["new"]
    page = read_page([new, gone], ORIGIN)
    assert (page.copies, page.removed, page.entries) == ((), ("e1",), 2)


def test_of_two_that_were_changed_at_once_the_one_listed_later_counts() -> None:
    one, other = ({**complete(meeting("e1"), JO, NOW), "summary": title} for title in ("one", "other"))
    for items, title in (([one, other], "other"), ([other, one], "one")):
        assert [copy.title for copy in read_page(items, ORIGIN).copies] == [title]


@pytest.mark.parametrize(
    "never", ["description", "attachments", "htmlLink", "uri", "pin", "notes", "displayName", "creator"]
)
def test_what_is_never_stored_is_never_asked_for(never: str) -> None:
    assert never not in FIELDS
