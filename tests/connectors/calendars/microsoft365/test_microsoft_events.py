"""Graph's items read as the rules mean them (R1-R5; docs/providers.md B2, B4, B5): one row of a table for each case."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.calendars.microsoft365.events import SELECT, entry_of, read_item, read_page
from connectors.calendars.microsoft365.series import Series
from connectors.calendars.shared.items import Erased, Found, Origin
from connectors.contract import Page, Problem
from scoring.meetings.identity import identify, meeting_key
from scoring.meetings.values import Conference, Copy, CopyState, LocationKind, Participant, Response
from tests.fakes.microsoft_client import meeting
from tests.fakes.microsoft_items import complete, guest, native_uid, wrapped_uid
from tests.fakes.reading import ANA, JO, NOW

SAMPLES = Path(__file__).parents[2] / "samples" / "graph"
ORIGIN = Origin(connector="m365", calendar="100", addresses=(JO, "josephine@northwind.example"), read_at=NOW)
KIM, ROOM = "kim@northwind.example", "room1@northwind.example"
X500 = "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=0123-jo"
TEAMS = {"joinUrl": "https://teams.example/l/meetup-join/secret", "conferenceId": "493021"}


def item_of(**more: Any) -> dict[str, Any]:
    """An item of Jo with Ana, changed by `more`; `...` removes a key."""
    told = {key: value for key, value in more.items() if not isinstance(value, list) or key == "attendees"}
    item = {"iCalUId": native_uid("e1"), **complete(meeting("e1", **told), JO, NOW), **more}
    return {key: value for key, value in item.items() if value is not ...}


def found(**more: Any) -> Found:
    return read_item(item_of(**more), ORIGIN)


def copy_of(**more: Any) -> Copy:
    one = found(**more)
    assert isinstance(one, Copy), one
    return one


def sender(address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": "Some Person", "address": address}}


def place(name: str = "", **more: Any) -> dict[str, Any]:
    return {"displayName": name, "locationType": "default", "uniqueIdType": "unknown", **more}


def test_an_entry_is_a_copy() -> None:
    one = copy_of(
        start={"dateTime": "2026-10-06T09:00:00.0000000", "timeZone": "UTC"},
        end={"dateTime": "2026-10-06T10:30:00.0000000", "timeZone": "UTC"},
        lastModifiedDateTime="2026-09-01T12:00:00.3456789Z",
    )
    assert one == Copy(
        connector="m365",
        calendar="100",
        entry=entry_of("e1"),
        owner=JO,
        identity=identify(native_uid("e1")),
        start=datetime(2026, 10, 6, 9, tzinfo=UTC),
        end=datetime(2026, 10, 6, 10, 30, tzinfo=UTC),
        organiser=JO,
        participants=(Participant(ANA, Response.ACCEPTED),),
        response=Response.ACCEPTED,
        title="Steering group",
        changed_at=datetime(2026, 9, 1, 12, tzinfo=UTC),
        read_at=NOW,
    )


def test_ids_are_short_and_case_counts() -> None:
    assert len(entry_of("A" * 160)) == 12
    assert entry_of("AAMkAa") != entry_of("AAMkAA")
    assert entry_of("one", "series") == f"{entry_of('series')}.{entry_of('one')}"


@pytest.mark.parametrize(
    "more",
    [
        {"sensitivity": "private"},
        {"sensitivity": "personal"},
        {"sensitivity": "confidential"},
        {"isDraft": True},
        {"sensitivity": "private", "start": None},  # it need not be read to be erased
    ],
)
def test_what_may_not_be_kept(more: dict[str, Any]) -> None:
    assert found(**more) == Erased(entry_of("e1"))


def test_nobody_from_outside_is_not_read_further() -> None:
    origin = Origin(connector="m", calendar="1", addresses=(JO,), read_at=NOW, may_keep=lambda people: ANA in people)
    assert read_item(item_of(attendees=[guest(KIM)], start=None), origin) == Erased(entry_of("e1"))
    assert isinstance(read_item(item_of(), origin), Copy)


def test_called_off_and_shown_as_such() -> None:
    one = copy_of(isCancelled=True, subject="Canceled: Steering group", organizer=sender(ANA))
    assert one.state is CopyState.CANCELLED
    # a title alone calls nothing off
    assert copy_of(subject="Canceled: Steering group").state is CopyState.LIVE


@pytest.mark.parametrize(
    ("own", "rows", "organizer", "expected"),
    [
        ("organizer", [guest(ANA)], JO, Response.ACCEPTED),
        ("accepted", [guest(JO), guest(ANA)], ANA, Response.ACCEPTED),
        ("tentativelyAccepted", [guest(JO)], ANA, Response.TENTATIVE),
        ("declined", [guest(JO)], ANA, Response.DECLINED),
        ("notResponded", [guest(JO)], ANA, Response.NONE),
        ("none", [guest(JO, "declined")], ANA, Response.DECLINED),  # only the list knows
        ("none", [guest(JO, "none")], JO, Response.ACCEPTED),  # the organiser's own row
        ("none", [], ANA, Response.ACCEPTED),  # an appointment
        ("none", [guest("all@northwind.example")], ANA, Response.NONE),  # invited through a group
    ],
)
def test_the_owners_answer(own: str, rows: list[Any], organizer: str, expected: Response) -> None:
    one = copy_of(responseStatus={"response": own, "time": "0001-01-01T00:00:00Z"}, attendees=rows,
                  organizer=sender(organizer))  # fmt: skip
    assert one.response is expected


def test_who_takes_part() -> None:
    one = copy_of(
        organizer=sender("Kim@Northwind.example"),  # not on the list
        attendees=[
            guest("Ana+x@acme.example", "tentativelyAccepted", "optional"),
            guest("ANA@acme.example", "declined"),
            guest("lee_acme.example#EXT#@northwind.example", "notResponded"),
            {"type": "required", "emailAddress": {"address": "pat@acme.example"}},  # no status
        ],
    )
    assert one.organiser == KIM
    assert {one.address: one.response for one in one.participants} == {
        ANA: Response.DECLINED,
        "lee@acme.example": Response.NONE,
        "pat@acme.example": Response.NONE,
    }


@pytest.mark.parametrize(
    ("more", "organiser", "flaws"),
    [
        ({"attendees": [guest(X500), guest(ANA)]}, JO, ("no_address",)),
        ({"organizer": sender(X500), "isOrganizer": True}, JO, ()),  # it is the owner
        ({"organizer": sender(X500), "isOrganizer": True, "attendees": [guest(X500), guest(ANA)]}, JO, ()),
        ({"organizer": sender(X500), "isOrganizer": False}, None, ("no_address",)),
        ({"organizer": None, "isOrganizer": False}, None, ()),
        ({"hideAttendees": True, "organizer": sender(ANA)}, ANA, ("guests_hidden",)),
        ({"hideAttendees": True}, JO, ()),  # the organiser's copy has the list
    ],
)
def test_what_the_data_lacks(more: dict[str, Any], organiser: str | None, flaws: tuple[str, ...]) -> None:
    one = copy_of(**more)
    assert (one.organiser, one.flaws) == (organiser, flaws)


@pytest.mark.parametrize(
    ("more", "room"),
    [
        ({}, False),
        ({"attendees": [guest(ANA), guest(ROOM, "accepted", "resource")]}, True),
        ({"attendees": [guest(ANA), guest(ROOM, "none", "resource")]}, True),
        ({"attendees": [guest(ANA), guest(ROOM, "declined", "resource")]}, False),
        ({"locations": [place("Room 1", locationEmailAddress=ROOM)]}, True),
        (
            {
                "locations": [place("Room 1", locationEmailAddress=ROOM)],
                "attendees": [guest(ANA), guest(ROOM, "declined", "resource")],
            },
            False,
        ),
        ({"location": place("Room 1", locationEmailAddress=ROOM), "attendees": [guest(ANA), guest(ROOM)]}, True),
    ],
)
def test_a_room_is_nobody_and_makes_it_in_person(more: dict[str, Any], room: bool) -> None:
    one = copy_of(**more)
    assert one.setting.room is room
    assert ROOM not in one.invited


@pytest.mark.parametrize(
    ("more", "conference", "where"),
    [
        ({}, Conference.NONE, LocationKind.EMPTY),
        ({"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}, Conference.VIDEO, LocationKind.EMPTY),
        ({"isOnlineMeeting": True, "onlineMeeting": TEAMS}, Conference.VIDEO, LocationKind.EMPTY),
        ({"isOnlineMeeting": True}, Conference.VIDEO, LocationKind.EMPTY),
        ({"onlineMeetingUrl": "https://meet.example/1"}, Conference.VIDEO, LocationKind.EMPTY),
        ({"isOnlineMeeting": True, "onlineMeeting": {"tollNumber": "+44 20"}}, Conference.PHONE, LocationKind.EMPTY),
        ({"locations": [place("Call", locationUri="tel:+442079460000")]}, Conference.NONE, LocationKind.PHONE),
        ({"location": place("tel:+442079460000"), "locations": []}, Conference.NONE, LocationKind.PHONE),
        ({"location": place("+44 20 7946 0000")}, Conference.NONE, LocationKind.PHONE),
        ({"location": place("Microsoft Teams Meeting")}, Conference.NONE, LocationKind.VIDEO),
        ({"location": place("https://acme.zoom.us/j/123")}, Conference.NONE, LocationKind.VIDEO),
        ({"locations": [place("Here", locationUri="https://acme.zoom.us/j/1")]}, Conference.NONE, LocationKind.VIDEO),
        ({"locations": [place("Paris"), place("https://acme.zoom.us/j/1")]}, Conference.NONE, LocationKind.VIDEO),
        ({"locations": [place("+44 20 7946 0000"), place("Paris")]}, Conference.NONE, LocationKind.ELSEWHERE),
        ({"location": place("Paris", locationUri="https://maps.example/1")}, Conference.NONE, LocationKind.ELSEWHERE),
        ({"location": None, "locations": None}, Conference.NONE, LocationKind.EMPTY),
    ],
)
def test_how_people_met(more: dict[str, Any], conference: Conference, where: LocationKind) -> None:
    setting = copy_of(**more).setting
    assert (setting.conference, setting.place) == (conference, where)


AT = datetime(2026, 10, 6, 23, 30, tzinfo=UTC)  # the 7th in London
STARTS = {
    "start": {"dateTime": "2026-10-08T10:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-10-08T11:00:00.0000000", "timeZone": "UTC"},
    "seriesMasterId": "series",
}
THERE = datetime(2026, 10, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "at", "on"),
    [
        # an exception says its original start, and the UID the date in the series' zone
        ({"type": "exception", "originalStart": "2026-10-06T23:30:00Z", "iCalUId": native_uid("s", date(2026, 10, 7))},
         AT, date(2026, 10, 7)),
        ({"type": "exception", "originalStart": "2026-10-06T23:30:00Z", "iCalUId": native_uid("s")},
         AT, date(2026, 10, 7)),  # by its zone
        ({"type": "exception", "iCalUId": native_uid("s", date(2026, 10, 7))}, None, date(2026, 10, 7)),
        ({"type": "exception", "iCalUId": native_uid("s"), "occurrenceId": "OID.series.2026-10-07"},
         None, date(2026, 10, 7)),
        ({"type": "occurrence", "iCalUId": native_uid("s", date(2026, 10, 8))}, THERE, date(2026, 10, 8)),
        ({"type": "occurrence", "iCalUId": native_uid("s")}, THERE, date(2026, 10, 8)),  # as a stub with its master
    ],
)  # fmt: skip
def test_which_occurrence_it_is(more: dict[str, Any], at: datetime | None, on: date) -> None:
    assert copy_of(**STARTS, **more).identity == identify(native_uid("s"), at=at, on=on)


def test_an_exception_that_says_nothing_of_its_original_start() -> None:
    one = found(**STARTS, type="exception", iCalUId=native_uid("s"))
    assert isinstance(one, Problem)
    assert one.reason == "it is an occurrence without its original start"


def test_a_single_meeting_is_known_by_its_uid_wherever_it_is_moved() -> None:
    assert copy_of(originalStart="2026-10-06T09:00:00Z").identity == copy_of().identity


def test_one_meeting_in_both_providers() -> None:
    """R1: Exchange wraps Google's UID; the instant makes the occurrence one."""
    theirs = identify("abc@google.com", at=AT, on=date(2026, 10, 7))
    more = {"type": "exception", "originalStart": "2026-10-06T23:30:00Z"}
    ours = copy_of(**STARTS, **more, iCalUId=wrapped_uid("abc@google.com", date(2026, 10, 7))).identity
    assert meeting_key(ours) == meeting_key(theirs)


@pytest.mark.parametrize(
    ("uids", "expected"),
    [
        ({"iCalUId": native_uid("e1"), "uid": "other"}, native_uid("e1")),  # `uid` is not there in every answer
        ({"iCalUId": "opaque", "uid": "whole"}, "whole"),
        ({"iCalUId": ..., "uid": native_uid("e1")}, native_uid("e1")),
        ({"iCalUId": None, "uid": None}, None),
    ],
)
def test_which_uid_counts(uids: dict[str, Any], expected: str | None) -> None:
    fallback = ("m365", "100", entry_of("e1"))
    assert copy_of(**uids).identity == identify(expected, fallback=fallback)


@pytest.mark.parametrize("zone", ["UTC", "Pacific Standard Time", "tzone://Microsoft/Custom"])
def test_an_all_day_entry_means_its_dates_in_whatever_zone(zone: str) -> None:
    one = copy_of(
        isAllDay=True,
        start={"dateTime": "2026-10-06T00:00:00.0000000", "timeZone": zone},
        end={"dateTime": "2026-10-08T00:00:00.0000000", "timeZone": zone},
    )
    assert (one.all_day, one.start, one.end) == (
        True, datetime(2026, 10, 6, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC)
    )  # fmt: skip


def test_an_all_day_occurrence_is_known_by_its_date() -> None:
    day = {"dateTime": "2026-10-06T00:00:00.0000000", "timeZone": "UTC"}
    more = {"isAllDay": True, "start": day, "end": day, "type": "occurrence", "seriesMasterId": "s"}
    for uid in (native_uid("s"), native_uid("s", date(2026, 10, 6))):
        identity = copy_of(**more, iCalUId=uid, originalStart="2026-10-06T00:00:00Z").identity
        assert (identity.at, identity.on) == (None, date(2026, 10, 6))


@pytest.mark.parametrize(
    "more",
    [
        {"start": None},
        {"end": ...},
        {"start": {"dateTime": "yesterday", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-10-06T09:00:00", "timeZone": "Nowhere Standard Time"}},
        {"start": {"DateTime": "2026-10-06T09:00:00"}},
        {"start": {"dateTime": "0001-01-01T00:00:00", "timeZone": "Tokyo Standard Time"}},
        {"attendees": "everybody"},
        {"attendees": [None]},
        {"attendees": [{"emailAddress": {"address": 7}}]},
        {"organizer": ["x"]},
        {"locations": {"displayName": "x"}},
        {"lastModifiedDateTime": "?"},
        {"iCalUId": 7},
        {"responseStatus": "accepted"},
    ],
)
def test_what_cannot_be_read_is_told_without_title_or_person(more: dict[str, Any]) -> None:
    one = found(subject="Secret title", **more)
    assert isinstance(one, Problem), one
    assert one.where == f"entry {entry_of('e1')}"
    assert "Secret" not in one.reason


@pytest.mark.parametrize("item", [None, 7, "x", [], {}, {"id": ""}, {"id": 7}])
def test_what_is_no_item(item: Any) -> None:
    assert isinstance(read_item(item, ORIGIN), Problem)


def test_a_title_is_cut_and_cleaned() -> None:
    assert copy_of(subject="a\x00b\u2028c" + "d" * 9_000).title == ("a b c" + "d" * 495)
    assert copy_of(subject="half \ud83d a smile").title == "half   a smile"
    assert copy_of(subject="").title is None


def test_of_two_items_with_one_id_the_one_changed_last_counts() -> None:
    new = item_of(subject="new", lastModifiedDateTime="2026-10-02T00:00:00Z")
    old = item_of(subject="old", lastModifiedDateTime="2026-10-01T00:00:00Z")
    assert [copy.title for copy in read_page([new, old], ORIGIN).copies] == ["new"]


def test_no_body_is_asked_for_where_one_can_choose() -> None:
    assert not {"body", "bodyPreview", "webLink", "attachments"} & set(SELECT.split(","))


def test_an_occurrence_takes_from_its_series_what_it_lacks_and_nothing_else() -> None:
    """What it has counts, null too; of the series' own times nothing does (B2)."""
    series = Series()
    first = {"dateTime": "2020-01-01T09:00:00.0000000", "timeZone": "UTC"}
    master = {**item_of(subject="Series", start=first, end=first), "id": "series", "type": "seriesMaster"}
    rows: list[dict[str, Any]] = [
        {"id": "a", "type": "exception", "seriesMasterId": "series", "subject": None, "isAllDay": False, **STARTS},
        {"id": "b", "type": "exception", "seriesMasterId": "series", "sensitivity": "private", **STARTS},
        {"id": "c", "type": "occurrence", "seriesMasterId": "series", "start": STARTS["start"], "end": STARTS["end"]},
    ]
    rows[0]["originalStart"] = rows[1]["originalStart"] = "2026-10-06T23:30:00Z"
    for row in [*rows, master]:
        assert series.take(row)
    (page,) = series.pages(ORIGIN)
    copies = {copy.entry: copy for copy in page.copies}
    assert (copies[entry_of("a", "series")].title, copies[entry_of("c", "series")].title) == (None, "Series")
    assert {copy.start for copy in copies.values()} == {THERE}
    assert page.erased == (entry_of("b", "series"),)
    assert list(series.unclear()) == []


# Recorded replies (`samples/graph/README.md`)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def page_of(name: str) -> Page:
    data = sample(name)
    origin = Origin(connector="m365", calendar="1", addresses=("samanthab@contoso.example",), read_at=NOW)
    return read_page(data.get("value", [data]), origin)


def test_of_two_that_were_changed_at_once_the_one_listed_later_counts() -> None:
    one, other = (item_of(subject=title) for title in ("one", "other"))
    for items, title in (([one, other], "other"), ([other, one], "one")):
        assert [copy.title for copy in read_page(items, ORIGIN).copies] == [title]


def test_every_sample_stands_in_the_table() -> None:
    table = (SAMPLES / "README.md").read_text("utf-8")
    assert [path.name for path in SAMPLES.glob("*.json") if path.name not in table] == []


def test_a_delta_page_of_the_documentation() -> None:
    page = page_of("delta-page-full-properties-beta")
    assert [(copy.title, copy.start.isoformat(), copy.response) for copy in page.copies] == [
        ("Summer party", "2020-06-02T20:00:00+00:00", Response.ACCEPTED),
        ("Summer party part 2", "2020-06-04T19:30:00+00:00", Response.ACCEPTED),
    ]
    assert page.problems == ()


def test_a_page_with_few_properties() -> None:
    assert [copy.title for copy in page_of("delta-round1-page1").copies] == ["Plan shopping list", "Pick up car"]


def test_windows_zones_of_the_documentation() -> None:
    (one,) = page_of("events-list-with-attendees-outlook-timezone").copies
    assert one.start == datetime(2017, 4, 21, 17, tzinfo=UTC)  # ten o'clock in summer on the Pacific


def test_a_group_organises_and_attends() -> None:
    (one,) = page_of("event-get-group-organizes-and-attends").copies
    assert one.organiser == "engineering@contoso.example"
    assert {who.address for who in one.participants} == {"engineering@contoso.example", "irvins@contoso.example"}


def test_a_teams_meeting_keeps_no_link_and_no_body() -> None:
    (one,) = page_of("event-online-meeting-teams-full").copies
    assert one.setting.conference is Conference.VIDEO
    assert "teams.microsoft.com" not in repr(one)
    assert "555" not in repr(one)


def test_instances_cut_down_cannot_all_be_read() -> None:
    page = page_of("event-instances-occurrences-and-exception")
    assert (len(page.copies), [problem.reason for problem in page.problems]) == (
        3, ["it is an occurrence without its original start"]
    )  # fmt: skip
