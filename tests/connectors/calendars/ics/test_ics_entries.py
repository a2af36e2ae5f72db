"""One entry: its times and zones, who takes part, how people meet, what may not be kept, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import SkipCalendar
from scoring.meetings.values import Conference, CopyState, LocationKind, Participant, Response
from tests.connectors.calendars.ics.ics_support import NOW, OWNER, Desk, calendar, desk, event


@pytest.fixture(scope="module")
def table() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


VTIMEZONE = "\r\n".join(
    ["BEGIN:VTIMEZONE", "TZID:{name}", "X-LIC-LOCATION:x", "BEGIN:STANDARD", "DTSTART:16010101T030000",
     "TZOFFSETFROM:+0430", "TZOFFSETTO:+0330", "RRULE:FREQ=YEARLY;BYDAY=4SU;BYMONTH=10", "END:STANDARD",
     "BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:+0330", "TZOFFSETTO:+0430",
     "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE"]
)  # fmt: skip

ZONES = {
    # what follows DTSTART at 10:00 on 1 July 2025, the hour in UTC, the flaws
    "utc": (":20250701T100000Z", 10, ()),
    "iana": (";TZID=America/New_York:20250701T100000", 14, ()),
    "iana in capitals": (";TZID=EUROPE/PARIS:20250701T100000", 8, ()),
    "iana alias": (";TZID=US/Central:20250701T100000", 15, ()),
    "behind a vendor's path": (";TZID=/freeassociation.sourceforge.net/Europe/Berlin:20250701T100000", 8, ()),
    "behind a dated path": (";TZID=/citadel.org/20210210_1/America/Argentina/Buenos_Aires:20250701T100000", 13, ()),
    "windows": (";TZID=W. Europe Standard Time:20250701T100000", 8, ()),
    "windows, quoted": (';TZID="Pacific Standard Time":20250701T100000', 17, ()),
    "windows without an iana name": (";TZID=Kamchatka Standard Time:20250701T220000", 10, ()),
    "as exchange shows it": (';TZID="(UTC-05:00) Eastern Time (US & Canada)":20250701T100000', 14, ()),
    "by its cities": (';TZID="(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna":20250701T100000', 8, ()),
    "by its cities, old": (';TZID="(GMT+05:30) Chennai, Kolkata, Mumbai, New Delhi":20250701T153000', 10, ()),
    "a city of that name elsewhere": (';TZID="(UTC-07:00) La Paz":20250701T100000', 17, ("unknown_zone",)),
    "no place that we know": (';TZID="(UTC-03:00) Nowhere":20250701T100000', 13, ("unknown_zone",)),
    "microsoft's utc": (';TZID="tzone://Microsoft/Utc":20250701T100000', 10, ()),
    "an offset": (";TZID=GMT+0200:20250701T100000", 8, ()),
    # London is the company's zone in these tests
    "unknown": (";TZID=Mars Standard Time:20250701T100000", 9, ("unknown_zone",)),
    "no file of that name is opened": (";TZID=../../etc/passwd:20250701T100000", 9, ("unknown_zone",)),
    "floating": (":20250701T100000", 9, ()),
}


@pytest.mark.parametrize("name", ZONES)
def test_zones(table: Desk, name: str) -> None:
    start, hour, flaws = ZONES[name]
    copy = table.read(event(start=start)).copy
    assert copy.start.replace(minute=0) == datetime(2025, 7, 1, hour, tzinfo=UTC)
    assert copy.flaws == flaws


@pytest.mark.parametrize("name", ["Customized Time Zone", "tzone://Microsoft/Custom", "Tehran 1"])
def test_a_zone_of_the_files_own(table: Desk, name: str) -> None:
    text = calendar(event(start=f';TZID="{name}":20250701T143000'), VTIMEZONE.format(name=name))
    winter = calendar(event(start=f';TZID="{name}":20250110T133000'), VTIMEZONE.format(name=name))
    assert table.read(text).copy.start == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert table.read(winter).copy.start == datetime(2025, 1, 10, 10, tzinfo=UTC)
    assert table.read(text).copy.flaws == ()


def test_a_known_name_outranks_the_files_own_rules(table: Desk) -> None:
    text = calendar(event(start=";TZID=Europe/Paris:20250701T100000"), VTIMEZONE.format(name="Europe/Paris"))
    assert table.read(text).copy.start == datetime(2025, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "rules",
    ["RRULE:FREQ=SECONDLY", "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "RRULE:nonsense", "RDATE:x"],
)
def test_a_zone_without_sense_is_unknown(table: Desk, rules: str) -> None:
    zone = VTIMEZONE.format(name="Ours").replace("RRULE:FREQ=YEARLY;BYDAY=4SU;BYMONTH=10", rules)
    found = table.read(calendar(event(start=";TZID=Ours:20250701T100000"), zone))
    assert found.copy.flaws == ("unknown_zone",)
    assert found.copy.start == datetime(2025, 7, 1, 9, tzinfo=UTC)


def test_floating_times_are_in_the_calendars_zone(table: Desk) -> None:
    head = ("X-WR-TIMEZONE:America/New_York",)
    assert table.read(calendar(event(start=":20250701T100000"), head=head)).copy.start.hour == 14
    assert table.read(event(start=":20250701T100000"), zone="Europe/Berlin").copy.start.hour == 8


EXTENTS = {
    # what follows DTSTART, the end, the length in minutes, all-day, the flaws
    "end": (":20250701T100000Z", "DTEND:20250701T104500Z", 45, False, ()),
    "duration": (":20250701T100000Z", "DURATION:PT1H30M", 90, False, ()),
    "duration with a sign": (":20250701T100000Z", "DURATION:+P1DT1H", 1500, False, ()),
    "end in another zone": (":20250701T100000Z", "DTEND;TZID=Europe/Paris:20250701T130000", 60, False, ()),
    "neither": (":20250701T100000Z", "", 0, False, ()),
    "both": (":20250701T100000Z", "DTEND:20250701T110000Z\r\nDURATION:PT5H", 60, False, ("end_and_duration",)),
    "backwards": (":20250701T100000Z", "DTEND:20250701T090000Z", -60, False, ()),
    "all day": (";VALUE=DATE:20250701", "DTEND;VALUE=DATE:20250703", 2880, True, ()),
    "all day without an end": (";VALUE=DATE:20250701", "", 1440, True, ()),
    "all day by duration": (";VALUE=DATE:20250701", "DURATION:P3D", 4320, True, ()),
    "all day, unmarked": (":20250701", "DTEND:20250702", 1440, True, ()),
    "all day to a time": (";VALUE=DATE:20250701", "DTEND:20250702T000000", 1440, True, ("mixed_times",)),
    "all day in exchange": (
        ";TZID=Europe/Paris:20250701T000000",
        "DTEND;TZID=Europe/Paris:20250702T000000\r\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE", 1440, True, ()),
    "midnight to midnight": (":20250701T000000Z", "DTEND:20250702T000000Z", 1440, False, ()),
}  # fmt: skip


@pytest.mark.parametrize("name", EXTENTS)
def test_extents(table: Desk, name: str) -> None:
    start, end, minutes, all_day, flaws = EXTENTS[name]
    copy = table.read(event(start=start, end=end)).copy
    assert copy.end - copy.start == timedelta(minutes=minutes)
    assert (copy.all_day, copy.flaws) == (all_day, flaws)
    if all_day:
        assert copy.start == datetime(2025, 7, 1, tzinfo=UTC)


def test_elapsed_time_across_a_clock_change_is_real(table: Desk) -> None:
    """R8."""
    night = event(start=";TZID=Europe/London:20250330T003000", end="DTEND;TZID=Europe/London:20250330T033000")
    copy = table.read(night).copy
    assert copy.end - copy.start == timedelta(hours=2)


ANSWERS = {
    "PARTSTAT=ACCEPTED": Response.ACCEPTED,
    "PARTSTAT=accepted": Response.ACCEPTED,
    "PARTSTAT=CONFIRMED": Response.ACCEPTED,
    "PARTSTAT=DECLINED": Response.DECLINED,
    "PARTSTAT=cancelled": Response.DECLINED,
    "PARTSTAT=DELEGATED": Response.DECLINED,
    "PARTSTAT=TENTATIVE": Response.TENTATIVE,
    "PARTSTAT=NEEDS-ACTION": Response.NONE,
    "PARTSTAT=X-MAYBE": Response.NONE,
    'PARTSTAT="ACCEPTED"': Response.ACCEPTED,
    "ROLE=OPT-PARTICIPANT": Response.NONE,
    "ROLE=NON-PARTICIPANT;PARTSTAT=ACCEPTED": Response.ACCEPTED,
    "CUTYPE=UNKNOWN;PARTSTAT=ACCEPTED": Response.ACCEPTED,
}


@pytest.mark.parametrize("parameters", ANSWERS)
def test_answers(table: Desk, parameters: str) -> None:
    copy = table.read(event(f"ATTENDEE;{parameters}:mailto:ana@acme.example")).copy
    assert copy.participants == (Participant("ana@acme.example", ANSWERS[parameters]),)
    assert copy.flaws == ()


ATTENDEES = {
    # the row, the participants, a room, the flaws
    "capitals": ("ATTENDEE:MAILTO:Ana@Acme.EXAMPLE", ["ana@acme.example"], False, ()),
    "folded": ("ATTENDEE;CN=Ana:mail\r\n to:ana@acme.e\r\n\txample", ["ana@acme.example"], False, ()),
    "tag": ("ATTENDEE:mailto:ana+rapport@acme.example", ["ana@acme.example"], False, ()),
    "name with a colon": ('ATTENDEE;CN="Ana: Acme; x,y":mailto:ana@acme.example', ["ana@acme.example"], False, ()),
    "name beyond ASCII": ("ATTENDEE;CN=Ána Ünal 🙂:mailto:ana@acme.example", ["ana@acme.example"], False, ()),
    "room": ("ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:four@northwind.example", [], True, ()),
    "room without answer": ("ATTENDEE;CUTYPE=resource:mailto:four@northwind.example", [], True, ()),
    "room, no participant": (
        "ATTENDEE;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT:mailto:four@northwind.example", [], True, ()),
    "room declined": ("ATTENDEE;CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:four@northwind.example", [], False, ()),
    "room without address": ("ATTENDEE;CUTYPE=ROOM:/o=x/cn=four", [], True, ()),
    "google's room": ("ATTENDEE:mailto:c_1@resource.calendar.google.com", [], True, ()),
    "group": ("ATTENDEE;CUTYPE=GROUP:mailto:team@acme.example", [], False, ("group",)),
    "x500": ("ATTENDEE:/o=Acme/ou=x/cn=ana", [], False, ("no_address",)),
    "urn": ("ATTENDEE:urn:uuid:1234", [], False, ("no_address",)),
    "empty": ("ATTENDEE;CN=Ana:", [], False, ("no_address",)),
    "urn with an address beside": (
        "ATTENDEE;EMAIL=ana@acme.example:urn:uuid:1234", ["ana@acme.example"], False, ()),
    "guests": ("ATTENDEE;X-NUM-GUESTS=2:mailto:ana@acme.example", ["ana@acme.example"], False, ("additional_guests",)),
    "no guests": ("ATTENDEE;X-NUM-GUESTS=0:mailto:ana@acme.example", ["ana@acme.example"], False, ()),
    "not a line": ("ATTENDEE;;;=:mailto:ana@acme.example", [], False, ("no_address",)),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTENDEES)
def test_attendees(table: Desk, name: str) -> None:
    row, people, room, flaws = ATTENDEES[name]
    copy = table.read(event(row)).copy
    assert [participant.address for participant in copy.participants] == people
    assert (copy.setting.room, copy.flaws) == (room, flaws)


def test_an_attendee_twice_has_the_most_decided_answer(table: Desk) -> None:
    rows = [
        f"ATTENDEE;PARTSTAT={answer}:mailto:ana@acme.example" for answer in ("NEEDS-ACTION", "DECLINED", "ACCEPTED")
    ]
    assert table.read(event(*rows)).copy.participants == (Participant("ana@acme.example", Response.DECLINED),)


ANA_INVITES = "ORGANIZER:mailto:ana@acme.example"
OWN = {
    "own row": ([f"ATTENDEE;PARTSTAT=TENTATIVE:mailto:{OWNER}", ANA_INVITES], Response.TENTATIVE),
    "own row without answer": ([f"ATTENDEE:mailto:{OWNER}", ANA_INVITES], Response.NONE),
    "organiser's own row": ([f"ATTENDEE;PARTSTAT=DECLINED:mailto:{OWNER}", f"ORGANIZER:{OWNER}"], Response.DECLINED),
    "organiser": ([f"ORGANIZER:MAILTO:{OWNER.upper()}", "ATTENDEE:mailto:ana@acme.example"], Response.ACCEPTED),
    "neither": ([ANA_INVITES], Response.ACCEPTED),
}


@pytest.mark.parametrize("name", OWN)
def test_the_owners_answer(table: Desk, name: str) -> None:
    rows, response = OWN[name]
    assert table.read(event(*rows)).copy.response is response


@pytest.mark.parametrize(
    ("line", "organiser"),
    [
        ("ORGANIZER;CN=Ana:MAILTO:Ana@acme.example", "ana@acme.example"),
        ('ORGANIZER;SENT-BY="mailto:lee@acme.example":mailto:ana@acme.example', "ana@acme.example"),
        ("ORGANIZER;EMAIL=ana@acme.example:urn:x", "ana@acme.example"),
        ("ORGANIZER:/o=Acme/cn=ana", None),
        ("X-NOTHING:1", None),
    ],
)
def test_organiser(table: Desk, line: str, organiser: str | None) -> None:
    assert table.read(event(line)).copy.organiser == organiser


CONFERENCES = {
    "X-GOOGLE-CONFERENCE:https://meet.google.com/abc": Conference.VIDEO,
    "X-GOOGLE-CONFERENCE:": Conference.NONE,
    "X-GOOGLE-HANGOUT:https://hangouts.google.com/x": Conference.VIDEO,
    "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.microsoft.com/l/x": Conference.VIDEO,
    "X-MICROSOFT-ONLINEMEETINGCONFLINK:conf:sip:x": Conference.VIDEO,
    "X-MICROSOFT-ONLINEMEETINGEXTERNALLINK:https://x.example": Conference.VIDEO,
    "X-ZOOM-MEETING-URL:https://zoom.us/j/1": Conference.VIDEO,
    "CONFERENCE;VALUE=URI:https://video.example/1": Conference.VIDEO,
    "CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO:xmpp:room@video.example": Conference.VIDEO,
    "CONFERENCE;VALUE=URI;FEATURE=PHONE,MODERATOR:tel:+1-555": Conference.PHONE,
    "CONFERENCE;VALUE=URI:tel:+1-555": Conference.PHONE,
    "CONFERENCE;VALUE=URI:tel:+1-555\r\nCONFERENCE;VALUE=URI:https://video.example": Conference.VIDEO,
    "DESCRIPTION:Join https://meet.google.com/abc": Conference.NONE,
    "URL:https://meet.google.com/abc": Conference.NONE,
}


@pytest.mark.parametrize("lines", CONFERENCES)
def test_conference(table: Desk, lines: str) -> None:
    """R5: attached, or in the location; what only stands in a description does not count."""
    assert table.read(event(lines)).copy.setting.conference is CONFERENCES[lines]


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("", LocationKind.EMPTY),
        ("Room 4\\, 2nd floor", LocationKind.ELSEWHERE),
        ("https://zoom.us/j/1?pwd=x", LocationKind.VIDEO),
        ("tel:+44 20 7946 0000", LocationKind.PHONE),
    ],
)
def test_place(table: Desk, location: str, place: LocationKind) -> None:
    assert table.read(event(f"LOCATION;LANGUAGE=en:{location}")).copy.setting.place is place


@pytest.mark.parametrize(
    ("summary", "title"),
    [
        ("SUMMARY:Review\\, part\\; one\\nmore", "Review, part; one more"),
        ("SUMMARY;LANGUAGE=fi:  Kokous\x07 ÄÖ ", "Kokous  ÄÖ"),
        ("SUMMARY:" + "x" * 2000, "x" * 500),
        ("SUMMARY:", None),
        ("X-NOTHING:1", None),
    ],
)
def test_title(table: Desk, summary: str, title: str | None) -> None:
    assert table.read(event(summary)).copy.title == title


def test_nothing_of_a_description_is_kept(table: Desk) -> None:
    secret = "swordfish"
    lines = [f"DESCRIPTION:{secret}", f"ATTACH:https://{secret}.example", f"X-GOOGLE-CONFERENCE:https://{secret}.example",
             f"LOCATION:{secret}", f"COMMENT:{secret}", f"UID:{secret}@x"]  # fmt: skip
    assert secret not in repr(table.read(event(*lines, uid=None)).pages)


@pytest.mark.parametrize(
    ("lines", "changed"),
    [
        (["LAST-MODIFIED:20250102T030405Z", "DTSTAMP:20260101T000000Z"], datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (["DTSTAMP:20260101T000000Z"], datetime(2026, 1, 1, tzinfo=UTC)),
        (["LAST-MODIFIED:soon", "DTSTAMP:20260101T000000Z"], datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_changed_at(table: Desk, lines: list[str], changed: datetime) -> None:
    copy = table.read(event(*lines)).copy
    assert copy.changed_at == changed
    assert copy.read_at == NOW


def test_without_a_stamp_it_changed_when_the_file_was_written(table: Desk) -> None:
    found = table.read(event())
    assert found.copy.changed_at == found.done.read_through


@pytest.mark.parametrize("word", ["PRIVATE", "confidential", "Private"])
def test_private_entries_are_erased(table: Desk, word: str) -> None:
    """R2: never a copy, and the same id as before, so that what was stored goes."""
    public = table.read(event("SUMMARY:x")).copy.entry
    found = table.read(event("SUMMARY:x", f"CLASS:{word}"))
    assert (found.copies, found.erased) == ([], [public])
    assert "SUMMARY" not in repr(found.pages)


def test_private_occurrence_of_a_public_series(table: Desk) -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=3")
    change = event("RECURRENCE-ID:20250311T100000Z", "CLASS:PRIVATE", start=":20250311T120000Z")
    whole = {copy.start.day: copy.entry for copy in table.read(series).copies}
    found = table.read(calendar(series, change))
    assert found.erased == [whole[11]]
    assert [copy.start.day for copy in found.copies] == [10, 12]


def test_private_entries_are_erased_wherever_they_lie(table: Desk) -> None:
    assert len(table.read(event("CLASS:PRIVATE", start=":20100310T100000Z")).erased) == 1
    assert table.read(event(start=":20100310T100000Z")).pages == ()


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (["X-MICROSOFT-CDO-BUSYSTATUS:OOF", "ATTENDEE:mailto:ana@acme.example"], False),
        (["X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"], False),
        (["X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", "ATTENDEE:mailto:ana@acme.example"], True),
        (["X-MICROSOFT-CDO-BUSYSTATUS:FREE"], True),
        (["X-MICROSOFT-CDO-INTENDEDSTATUS:OOF"], True),
        (["TRANSP:TRANSPARENT"], True),
        (["STATUS:DRAFT"], False),
        (["STATUS:TENTATIVE"], True),
    ],
)
def test_what_is_a_meeting(table: Desk, lines: list[str], kept: bool) -> None:
    assert len(table.read(event(*lines)).copies) == kept


@pytest.mark.parametrize(
    ("method", "states"),
    [
        ("PUBLISH", [CopyState.LIVE]),
        ("request", [CopyState.LIVE]),
        ("CANCEL", [CopyState.CANCELLED]),
        ("nonsense", [CopyState.LIVE]),
        ("REPLY", []),
        ("COUNTER", []),
        ("REFRESH", []),
        ("DECLINECOUNTER", []),
    ],
)
def test_methods(table: Desk, method: str, states: list[CopyState]) -> None:
    found = table.read(calendar(event(), head=(f"METHOD:{method}",)))
    assert [copy.state for copy in found.copies] == states


def test_other_components_are_ignored(table: Desk) -> None:
    todo = event().replace("VEVENT", "VTODO")
    busy = event(uid="two").replace("VEVENT", "VFREEBUSY")
    alarm = event(
        "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nSUMMARY:alarm\r\nDURATION:PT5M\r\nEND:VALARM", "SUMMARY:x", uid="3"
    )
    found = table.read(calendar(todo, busy, alarm, "BEGIN:X-OTHER\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:X-OTHER"))
    assert found.copy.title == "x"
    assert found.copy.end - found.copy.start == timedelta(hours=1)


@pytest.mark.parametrize(
    "data",
    [
        calendar(event("SUMMARY:Größe")),
        b"\xef\xbb\xbf" + calendar(event("SUMMARY:Größe")),
        calendar(event("SUMMARY:Größe")).replace(b"\r\n", b"\n"),
        calendar(event("SUMMARY:Größe")).replace(b"\r\n", b"\r"),
        calendar(event("SUMMARY:Größe")).replace(b"\r\n", b"\r\r\n"),
        b"\r\n\n" + calendar(event("SUMMARY:Größe")).replace(b"\n", b"\n\n"),
        calendar(event("SUMMARY:Größe")).replace("ö".encode(), b"\xc3\r\n \xb6"),  # folded inside a character
        calendar(event("SUMMARY:Größe")).lower().replace("größe".encode(), "Größe".encode()),
        calendar(event("SUMMARY:Größe")).rstrip(),
    ],
    ids=["crlf", "bom", "lf", "cr", "double cr", "blank lines", "fold in utf-8", "lower case", "no last line end"],
)
def test_text_forms(table: Desk, data: bytes) -> None:
    copy = table.read(data).copy
    assert (copy.title, copy.start) == ("Größe", datetime(2025, 3, 10, 10, tzinfo=UTC))


def test_several_calendars_in_one_file(table: Desk) -> None:
    one = calendar(event(start=":20250701T100000"), head=("X-WR-TIMEZONE:Europe/Paris",))
    two = calendar(event(uid="two", start=":20250701T100000"), head=("METHOD:CANCEL",))
    copies = table.read(one + two).copies
    assert {(copy.start.hour, copy.state.value) for copy in copies} == {(8, "live"), (9, "cancelled")}


def test_empty_calendar_is_valid(table: Desk) -> None:
    found = table.read(calendar())
    assert (found.pages, found.done.full) == ((), True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b" \r\n", "malformed"),
        (b"hello\r\n", "malformed"),
        (b"<html><body>Sign in</body></html>", "malformed"),
        (b"PK\x03\x04\x00\x00", "malformed"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "malformed"),
        (calendar(event()).decode().encode("utf-16"), "malformed"),
        (calendar(event())[:-20], "truncated"),
        (calendar(event(), event(uid="two"))[:120], "truncated"),
        (calendar(event()) + b"BEGIN:VCALENDAR\r\n", "truncated"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 100, "truncated"),
    ],
)
def test_what_is_no_calendar(table: Desk, data: bytes, code: str) -> None:
    """A half-written file must not pass for one with fewer entries."""
    with pytest.raises(SkipCalendar) as caught:
        table.read(data)
    assert caught.value.code == code
    assert not caught.value.standing
    assert caught.value.remedy


BAD = {
    "no start": event(start=""),
    "start no time": event(start=":tomorrow"),
    "start of no month": event(start=":20251310T100000Z"),
    "start of no year": event(start=":00010101T000000Z"),
    "end no time": event(end="DTEND:later"),
    "duration no duration": event(end="DURATION:long"),
    "rule without sense": event("RRULE:every monday"),
    "rule of another calendar": event("RRULE:RSCALE=CHINESE;FREQ=YEARLY"),
    "rule with a bad day": event("RRULE:FREQ=WEEKLY;BYDAY=XX"),
    "rule with a bad end": event("RRULE:FREQ=WEEKLY;UNTIL=PT1H"),
    "recurrence id no time": event("RECURRENCE-ID:x"),
    "line without a value": "BEGIN:VEVENT\r\nUID:x\r\nDTSTART\r\nEND:VEVENT",
    "no end": "BEGIN:VEVENT\r\nUID:x\r\nDTSTART:20250310T100000Z",
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_entry_is_named_by_its_line(table: Desk, name: str) -> None:
    """It does not cost the others; the line is the one in the file, folded or not."""
    good = event("SUMMARY:first", "DESCRIPTION:fol\r\n ded\r\n twice", uid="good")
    text = calendar(good, BAD[name].replace("UID:one", "UID:bad"), event(uid="last"))
    found = table.read(text)
    assert len(found.copies) == 2
    (problem,) = found.problems
    assert problem.where == f"{OWNER}.ics, line 12"
    assert text.split(b"\n")[11:13] == [
        b"BEGIN:VEVENT\r",
        BAD[name].split("\r\n")[1].replace("one", "bad").encode() + b"\r",
    ]
    assert problem.reason
    assert "first" not in problem.reason
    assert sum(page.entries for page in found.pages) == 3


def test_bad_exdates_and_rdates_cost_only_themselves(table: Desk) -> None:
    found = table.read(event("RRULE:FREQ=DAILY;COUNT=2", "EXDATE:x,20250311T100000Z", "RDATE:y,20250401T100000Z"))
    assert found.starts == ["2025-03-10 10:00", "2025-04-01 10:00"]
    assert set(found.copies[0].flaws) == {"unreadable_rdate", "unreadable_exdate"}


def test_lines_of_an_unfolded_description_are_passed_over(table: Desk) -> None:
    found = table.read(event("DESCRIPTION:Dear all,\r\n\r\nsee you: there\r\nno colon", "SUMMARY:x"))
    assert (found.copy.title, found.problems) == ("x", [])


def test_without_a_uid_an_entry_is_known_by_what_it_says(table: Desk) -> None:
    """Stable when others come and go, and two that say the same stay two (R1: connector, calendar, entry)."""
    pair = calendar(event("SUMMARY:a", uid=None), event("SUMMARY:a", uid=None), event("SUMMARY:b", uid=None))
    first = table.read(pair).copies
    again = table.read(calendar(event("SUMMARY:c", uid=None), event("SUMMARY:b", uid=None))).copies
    assert len({copy.entry for copy in first}) == len({copy.identity for copy in first}) == 3
    (b,) = [copy for copy in first if copy.title == "b"]
    assert b.entry in {copy.entry for copy in again}


def test_an_exchange_uid_is_reduced(table: Desk) -> None:
    """R1: the instance's date in a Global Object ID does not make another series."""
    plain = "040000008200E00074C5B7101A82E00800000000" + "AA" * 30
    dated = plain[:32] + "07E9030A" + plain[40:]
    one, two = table.read(event(uid=plain)).copy, table.read(event(uid=dated)).copy
    assert one.identity.series == two.identity.series
