"""Files that programs really write (`samples/ics/README.md`), and what each should yield by RFC 5545."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scoring.meetings.identity import identify
from scoring.meetings.values import Conference, Copy, CopyState, LocationKind, Response, Window
from tests.connectors.calendars.ics.ics_support import ALWAYS, SAMPLES, Desk, Found, desk


@pytest.fixture(scope="module")
def table() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


def read(table: Desk, name: str, owner: str = "jo@northwind.example", window: Window = ALWAYS) -> Found:
    return table.read((SAMPLES / f"{name}.ics").read_bytes(), owner=owner, window=window)


def span(copy: Copy) -> tuple[str, str]:
    return f"{copy.start:%Y-%m-%d %H:%M}", f"{copy.end:%Y-%m-%d %H:%M}"


def people(copy: Copy) -> dict[str, str]:
    return {participant.address: participant.response.value for participant in copy.participants}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day, hour, minute


def test_every_sample_stands_in_the_table_and_is_tested() -> None:
    names = {path.stem for path in SAMPLES.glob("*.ics")}
    table = (SAMPLES / "README.md").read_text("utf-8")
    here = Path(__file__).read_text("utf-8")
    assert len(names) == 20
    assert [name for name in names if f"{name}.ics" not in table or f'"{name}"' not in here] == []


def test_icloud(table: Desk) -> None:
    """The VTIMEZONE stands last and reaches back to 1883; the name counts. An endless series fills the window."""
    name = "apple-icloud-export-los-angeles-history-vtimezone"
    copies = read(table, name, window=Window(start=utc(2022, 1, 1), end=utc(2023, 11, 10))).copies
    singles = sorted((copy for copy in copies if copy.identity.on is None), key=lambda copy: copy.start)
    assert [(span(copy), copy.all_day) for copy in singles] == [
        (("2022-09-12 16:00", "2022-09-12 17:00"), False),
        (("2022-09-20 16:00", "2022-09-20 18:00"), False),
        (("2022-09-22 16:00", "2022-09-22 17:00"), False),
        (("2022-09-27 16:00", "2022-09-27 17:00"), False),
        (("2023-10-11 00:00", "2023-10-13 00:00"), True),
        (("2023-10-15 00:00", "2023-10-18 00:00"), True),
    ]
    ended = [copy for copy in copies if copy.identity.on and copy.identity.on < date(2022, 9, 26)]
    assert len(ended) == 13  # 13 to 25 September: UNTIL is one second before the 26th's
    endless = sorted(copy.start for copy in copies if copy.identity.on and copy.identity.on >= date(2022, 9, 26))
    assert len(endless) == (date(2023, 11, 9) - date(2022, 9, 26)).days + 1
    assert (endless[0].hour, endless[60].hour) == (16, 17)  # 9 o'clock in summer and in winter


def test_macos(table: Desk) -> None:
    found = read(table, "apple-macos-export-status-and-partstat")
    assert [(copy.title, span(copy)[0], copy.state.value, people(copy)) for copy in found.copies] == [
        ("Tentative", "2022-07-04 23:00", "live", {"tentative@example.com": "tentative"}),
        ("Confirmed", "2022-07-05 16:00", "live", {"confirmed@example.com": "accepted"}),
        ("Cancelled", "2022-07-06 20:00", "cancelled", {"cancelled@example.com": "declined"}),
        ("No Status", "2022-07-07 16:00", "live", {}),
    ]
    assert found.copies[0].organiser == "tentative@example.com"
    assert found.copies[0].flaws == ()


def test_cancelled_single_event(table: Desk) -> None:
    copy = read(table, "cancel-single-event", owner="receiver@example.com").copy
    assert (copy.state, copy.response, copy.flaws) == (CopyState.CANCELLED, Response.NONE, ("end_and_duration",))
    assert span(copy) == ("2022-03-16 11:00", "2022-03-16 11:30")
    assert people(copy) == {
        "sender@example.com": "accepted",
        "receiver@example.com": "none",
        "other@example.com": "none",
    }
    assert (copy.setting.place, copy.identity) == (LocationKind.ELSEWHERE, identify("02e79b96"))
    assert copy.changed_at == utc(2022, 3, 17, 19, 16, 2)


def test_cancelled_series(table: Desk) -> None:
    found = read(table, "cancel-whole-series", owner="sender@example.com")
    assert found.starts == ["2022-03-16 11:00", "2022-03-17 11:00", "2022-03-18 11:00"]
    assert {copy.state for copy in found.copies} == {CopyState.CANCELLED}
    assert {copy.response for copy in found.copies} == {Response.ACCEPTED}


def test_moved_occurrence_is_of_the_same_series(table: Desk) -> None:
    copy = read(table, "request-moved-occurrence-recurrence-id").copy
    assert span(copy) == ("2022-03-17 05:00", "2022-03-17 05:30")
    assert copy.identity == identify("02e79b96", at=utc(2022, 3, 17, 11), on=date(2022, 3, 17))
    assert copy.identity in {copy.identity for copy in read(table, "cancel-whole-series").copies}


def test_cancelled_series_without_a_start(table: Desk) -> None:
    found = read(table, "malformed-cancel-series-without-dtstart")
    assert found.copies == []
    assert [(problem.where, problem.reason) for problem in found.problems] == [
        ("jo@northwind.example.ics, line 3", "it has no start")
    ]


def test_exchange_all_day_series(table: Desk) -> None:
    """The change names its day by midnight in Berlin; UNTIL is midnight in Berlin of 18 August, written as UTC."""
    copies = read(table, "exchange-export-allday-series-moved-recurrence-id").copies
    copies.sort(key=lambda copy: copy.start)
    assert all(copy.all_day and (copy.end - copy.start).days == 1 and copy.identity.at is None for copy in copies)
    moved = [copy for copy in copies if copy.start.date() != copy.identity.on]
    assert [(copy.start.date(), copy.identity.on) for copy in moved] == [(date(2026, 2, 27), date(2026, 2, 26))]
    days = [copy.identity.on for copy in copies]
    assert (days[0], days[-1], len(days)) == (date(2026, 2, 19), date(2026, 8, 18), 52)
    assert all(day is not None and day.weekday() in (1, 3) for day in days)


def test_exchange_windows_zones(table: Desk) -> None:
    copies = read(table, "exchange-export-windows-and-customized-zones-exdate").copies
    once = [copy for copy in copies if copy.title == "Zajęty"]
    assert [span(copy) for copy in once] == [("2024-05-02 09:00", "2024-05-02 10:00")]
    assert once[0].identity.at == utc(2024, 5, 2, 9)
    often = sorted(copy.start for copy in copies if copy.title == "Wstępna akceptacja")
    assert (often[0], often[-1]) == (utc(2024, 5, 21, 13), utc(2026, 5, 5, 13))
    assert {start.hour for start in often} == {13, 14}  # three o'clock in Warsaw
    assert len(often) == 52 - 2  # every other Tuesday, without the two that were excluded
    assert not {utc(2024, 12, 31, 14), utc(2025, 2, 25, 14)} & set(often)


def test_exchange_display_names(table: Desk) -> None:
    """No VTIMEZONE, no UID: zones by what Exchange shows, entries by what they say."""
    copies = read(table, "exchange-owa-tzid-display-names-no-vtimezone-no-uid").copies
    assert {copy.title: span(copy)[0] for copy in copies if copy.title != "TEST2"} == {
        "TEST Syd": "2020-10-28 02:30",
        "TEST": "2020-10-28 17:30",
        "TEST 3": "2020-11-02 18:30",
    }
    weekly = sorted(copy.start for copy in copies if copy.title == "TEST2")
    # its start, a Monday, and every Thursday and Friday until 28 August 2021, a Saturday
    assert (weekly[0], weekly[1], weekly[-1]) == (
        utc(2020, 11, 2, 18, 30),
        utc(2020, 11, 5, 18, 30),
        utc(2021, 8, 27, 17, 30),
    )
    assert len(weekly) == 1 + 2 * 43
    assert len({copy.entry for copy in copies}) == len({copy.identity for copy in copies}) == len(copies)
    assert {copy.flaws for copy in copies} == {()}


def test_google_exdates(table: Desk) -> None:
    name = "google-export-exdate-list-and-bad-exdates"
    copies = read(table, name, window=Window(start=utc(2017, 1, 1), end=utc(2020, 2, 1))).copies
    listed = sorted(copy.start for copy in copies if "comma" in (copy.title or ""))
    # every other Monday and Thursday at nine in Chicago, without the four excluded
    assert [f"{start:%m-%d %H}" for start in listed[:5]] == ["02-16 15", "02-27 15", "03-02 15", "03-13 14", "03-16 14"]
    assert [f"{start:%m-%d}" for start in listed[-4:]] == ["06-19", "06-22", "07-03", "07-31"]
    excluded = {"07-06", "07-17", "07-20", "08-03"}
    assert not excluded & {f"{start:%m-%d}" for start in listed}
    wrong = {copy.start for copy in copies if "bad" in (copy.title or "")}
    assert {utc(2017, 12, 18, 14), utc(2017, 12, 19, 14)} <= wrong  # excluded at another hour: not excluded


def test_google_change_before_its_series(table: Desk) -> None:
    copies = sorted(read(table, "google-export-override-before-master").copies, key=lambda copy: copy.start)
    assert [(span(copy)[0], copy.title) for copy in copies] == [
        ("2026-02-01 15:00", "Initial Title"),
        ("2026-02-02 15:00", "Edited Title"),
        ("2026-02-03 15:00", "Initial Title"),
    ]
    assert all(copy.identity.at == copy.start for copy in copies)


def test_google_invitation(table: Desk) -> None:
    """The link only stands in the description: not attached (R5)."""
    copy = read(table, "google-invitation-request-meet", owner="homer@example.com").copy
    assert (copy.setting.conference, copy.setting.place) == (Conference.NONE, LocationKind.EMPTY)
    assert (copy.organiser, copy.response) == ("organizer@gmail.example", Response.NONE)
    assert people(copy) == {"organizer@gmail.example": "accepted", "homer@example.com": "none"}
    assert copy.flaws == ()


def test_lotus_notes(table: Desk) -> None:
    """Its own VTIMEZONE counts (11:00 in summer), its RDATE repeats the occurrence and adds none."""
    copy = read(table, "lotus-notes-reschedule-one-occurrence").copy
    assert span(copy) == ("2005-04-28 15:00", "2005-04-28 16:00")
    assert (copy.identity.at, copy.identity.on) == (utc(2005, 4, 28, 13), date(2005, 4, 28))
    assert people(copy) == {"icalchair@coffeebean.example": "accepted", "icalparticipant@coffeebean.example": "none"}
    assert copy.flaws == ()


def test_broken_zoom_invitation(table: Desk) -> None:
    """What its description spilt is passed over; the entry with nothing but a UID is named."""
    found = read(table, "malformed-exchange-zoom-request-unfolded-description")
    assert [problem.where for problem in found.problems] == ["jo@northwind.example.ics, line 69"]
    assert span(found.copy) == ("2024-09-23 09:00", "2024-09-23 09:30")  # floats: London, the company's zone
    assert found.copy.setting.place is LocationKind.VIDEO
    assert set(people(found.copy)) == {f"attendee{number}@example.com" for number in (1, 2, 3)}


def test_french_groupware(table: Desk) -> None:
    copy = read(table, "obm-invitation-eight-attendees-room-duration", owner="organizer@ours.example").copy
    assert span(copy) == ("2017-01-11 09:00", "2017-01-11 10:30")
    assert copy.setting.room
    assert people(copy) == {
        **{f"guest.{name}@ours.example": "none" for name in ("one", "two", "three", "four", "five", "six")},
        "organizer@ours.example": "accepted",
    }
    assert (copy.organiser, copy.response) == ("organizer@ours.example", Response.ACCEPTED)


def test_outlook_2007(table: Desk) -> None:
    copy = read(table, "outlook-2007-export-room-as-attendee").copy
    assert (span(copy), copy.all_day) == (("2009-06-21 00:00", "2009-06-22 00:00"), True)
    assert copy.setting.room
    assert people(copy) == {"some.attendee@event.example": "none", "event@calendardemo.example": "none"}


def test_outlook_invitation(table: Desk) -> None:
    copy = read(table, "outlook-invitation-request-windows-tzid", owner="homer@example.org").copy
    assert span(copy) == ("2021-11-27 07:00", "2021-11-27 07:30")
    assert (copy.organiser, copy.response, copy.title) == ("marge@example.org", Response.NONE, "Testaus")


def test_teams_invitation(table: Desk) -> None:
    copy = read(table, "teams-invitation-request").copy
    assert span(copy) == ("2020-12-02 17:00", "2020-12-02 19:00")
    assert (copy.setting.conference, copy.setting.place) == (Conference.VIDEO, LocationKind.EMPTY)
    assert people(copy) == {"bart@example.com": "none", "homer@example.com": "none"}


def test_yahoo_invitation(table: Desk) -> None:
    copy = read(table, "yahoo-invitation-vtimezone-after-event").copy
    assert span(copy) == ("2017-01-27 14:00", "2017-01-27 15:00")
    assert copy.organiser == "organizer@yahoo.example"
    assert set(people(copy)) == {f"guest{number}@client.example" for number in (1, 2, 3, 4)}


def test_zimbra_series(table: Desk) -> None:
    """First Tuesdays at ten in Los Angeles, five more dates, three excluded, two changed."""
    name = "zimbra-series-rdate-exdate-recurrence-id"
    year = Window(start=utc(2012, 10, 1), end=utc(2013, 6, 1))
    found = read(table, name, window=year)
    copies = sorted(found.copies, key=lambda copy: copy.start)
    assert [(f"{copy.start:%y-%m-%d %H:%M}", f"{copy.identity.at:%y-%m-%d %H:%M}") for copy in copies] == [
        ("12-10-02 22:00", "12-10-02 17:00"),  # changed
        ("12-11-06 18:00", "12-11-06 18:00"),
        ("12-11-07 04:00", "12-11-05 18:00"),  # a date of its own, changed, named in UTC
        ("12-11-10 18:00", "12-11-10 18:00"),
        ("12-11-30 18:00", "12-11-30 18:00"),
        ("13-01-01 18:00", "13-01-01 18:00"),
        ("13-03-05 18:00", "13-03-05 18:00"),
        ("13-05-07 17:00", "13-05-07 17:00"),
    ]
    assert found.problems == []
    assert people(copies[0]) == {}
    assert people(copies[1]) == {f"guest{n}@client.example": a for n, a in ((1, "accepted"), (2, "none"), (3, "none"))}
    autumn = read(table, name, window=Window(start=utc(2023, 11, 20), end=utc(2023, 11, 30)))
    assert [span(copy) for copy in autumn.copies] == [
        ("2023-11-23 09:00", "2023-11-23 09:30"),
        ("2023-11-25 09:00", "2023-11-25 12:30"),
    ]
