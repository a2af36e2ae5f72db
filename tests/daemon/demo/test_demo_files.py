"""The made-up company: files that any calendar program opens, and the stories that they tell."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from icalendar import Calendar, Event

from daemon.demo import DemoCompany, write_company

TODAY = date(2026, 11, 21)
FIRST = date(2024, 11, 1)
END = date(2027, 1, 20)
LAST_MONTH = (2026, 10)
LONDON = ZoneInfo("Europe/London")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoCompany:
    return write_company(tmp_path_factory.mktemp("demo"), TODAY)


@pytest.fixture(scope="module")
def calendars(demo: DemoCompany) -> dict[str, Calendar]:
    """Each owner's calendar as icalendar reads it."""
    return {path.name.removesuffix(".ics"): Calendar.from_ical(path.read_bytes()) for path in demo.calendars}


@pytest.fixture(scope="module")
def events(calendars: dict[str, Calendar]) -> list[Event]:
    """Every VEVENT of every calendar."""
    return [event for calendar in calendars.values() for event in calendar.walk("VEVENT")]


@pytest.fixture(scope="module")
def met(calendars: dict[str, Calendar]) -> list[Event]:
    """Every occurrence once, however many calendars it stands in, series written out."""
    found: dict[tuple[str, datetime | date], Event] = {}
    for calendar in calendars.values():
        for event in recurring_ical_events.of(calendar).between(FIRST, END + timedelta(days=1)):
            found[(str(event["UID"]), event.start)] = event
    return list(found.values())


def people(event: Event, domain: str) -> set[str]:
    """Who of a domain is invited and has not declined."""
    return {
        str(one.email)
        for one in event.attendees
        if one.email.endswith(f"@{domain}") and one.params["PARTSTAT"] != "DECLINED"
    }


def hours(event: Event) -> float:
    """True hours, whatever the clocks do meanwhile."""
    return (event.end.astimezone(UTC) - event.start.astimezone(UTC)).total_seconds() / 3600


def with_client(events: list[Event], domain: str) -> Iterator[Event]:
    """A client's live meetings with a time, in order."""
    found = [one for one in events if people(one, domain) and isinstance(one.start, datetime)]
    yield from sorted((one for one in found if one["STATUS"] != "CANCELLED"), key=lambda one: one.start)


def month(event: Event) -> tuple[int, int]:
    return (event.start.year, event.start.month)


def test_same_day_gives_same_bytes(demo: DemoCompany, tmp_path: Path) -> None:
    again = write_company(tmp_path, TODAY)
    for one, other in zip((demo.config, *demo.calendars), (again.config, *again.calendars), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_another_day_gives_another_company(demo: DemoCompany, tmp_path: Path) -> None:
    other = write_company(tmp_path, TODAY + timedelta(days=40))
    assert other.calendars[0].read_bytes() != demo.calendars[0].read_bytes()


@pytest.mark.parametrize("today", [date(2026, 3, 31), date(2027, 1, 1), date(2028, 2, 29), date(2026, 11, 1)])
def test_any_day_will_do(tmp_path: Path, today: date) -> None:
    company = write_company(tmp_path, today)
    first = date(today.year - 2, today.month, 1)
    for path in company.calendars:
        starts = [
            event.start.date() if isinstance(event.start, datetime) else event.start
            for event in Calendar.from_ical(path.read_bytes()).walk("VEVENT")
        ]
        assert first <= min(starts)
        assert max(starts) < today + timedelta(days=60)


def test_what_was_written_is_listed(demo: DemoCompany, events: list[Event]) -> None:
    assert len(demo.calendars) >= 8
    assert all(path.name.endswith("@northwind.example.ics") for path in demo.calendars)
    assert len(demo.stories) >= 10
    assert 2000 <= len(events) <= 4000
    assert demo.entries == len([event for event in events if "RECURRENCE-ID" not in event])


def test_config_names_the_clients_of_the_stories(demo: DemoCompany) -> None:
    config = tomllib.loads(demo.config.read_text(encoding="utf-8"))
    assert [client["name"] for client in config["clients"]] == [name for name, _ in demo.stories]
    assert config["company"] == {
        "name": "Northwind",
        "timezone": "Europe/London",
        "country": "GB",
        "domains": ["northwind.example"],
    }
    assert config["connectors"] == [{"name": "calendars", "kind": "ics", "files": ["calendars/*.ics"]}]
    assert config["digests"][0]["to"] == ["email:ada@northwind.example"]
    owners = {path.name.removesuffix(".ics") for path in demo.calendars}
    assert {client["manager"] for client in config["clients"]} <= owners


def test_lines_are_folded_and_end_as_rfc_5545_says(demo: DemoCompany) -> None:
    for path in demo.calendars:
        lines = path.read_bytes().split(b"\r\n")
        assert lines.pop() == b""
        assert all(b"\n" not in line and b"\r" not in line and len(line) <= 75 for line in lines)
        assert b"BEGIN:VTIMEZONE" in lines


def test_every_event_has_what_rfc_5545_demands(calendars: dict[str, Calendar]) -> None:
    for calendar in calendars.values():
        keys = Counter()
        for event in calendar.walk("VEVENT"):
            assert event["DTSTAMP"].dt <= datetime(2026, 11, 21, tzinfo=UTC)
            assert event.start < event.end
            original = event.get("RECURRENCE-ID")
            keys[(str(event["UID"]), original and original.dt)] += 1
        assert max(keys.values()) == 1


def test_text_is_escaped_and_unescaped(demo: DemoCompany, events: list[Event]) -> None:
    assert any(rb"Budget\, scope\; next quarter\n3." in _unfolded(path) for path in demo.calendars)
    notes = {str(event.get("DESCRIPTION", "")) for event in events}
    assert "1. Where we stand\n2. Budget, scope; next quarter\n3. Any other business" in notes
    assert any(one.params.get("CN") == "Zoë" for event in events for one in event.attendees)


def _unfolded(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n ", b"")


def test_zone_in_the_file_agrees_with_the_zone_database(calendars: dict[str, Calendar]) -> None:
    zone = next(iter(calendars.values())).timezones[0].to_tz()
    for day in (date(2025, 3, 29), date(2025, 3, 31), date(2026, 10, 24), date(2026, 10, 26)):
        noon = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001  # the zone is what is compared
        assert noon.replace(tzinfo=zone).utcoffset() == noon.replace(tzinfo=LONDON).utcoffset()


def test_only_reserved_names_stand_in_the_files(demo: DemoCompany, events: list[Event]) -> None:
    addresses = {str(one.email) for event in events for one in event.attendees}
    assert addresses
    assert {address for address in addresses if not address.endswith(".example")} == set()


def test_everyone_of_ours_who_is_invited_has_the_entry(calendars: dict[str, Calendar]) -> None:
    texts: dict[tuple[str, str], dict[str, bytes]] = defaultdict(dict)
    for owner, calendar in calendars.items():
        for event in calendar.walk("VEVENT"):
            original = event.get("RECURRENCE-ID")
            texts[(str(event["UID"]), str(original and original.dt))][owner] = event.to_ical()
    for key, copies in texts.items():
        event = Event.from_ical(next(iter(copies.values())))
        ours = {str(one.email) for one in event.attendees if one.email.endswith("@northwind.example")}
        assert ours <= set(copies) or len(copies) == 1, key
        assert len({copy.replace(b"CLASS:PRIVATE", b"CLASS:PUBLIC") for copy in copies.values()}) == 1


def test_nothing_lies_outside_the_window(events: list[Event]) -> None:
    for event in events:
        start = event.start.date() if isinstance(event.start, datetime) else event.start
        assert FIRST <= start < END
        if "RRULE" in event:
            assert event["RRULE"]["UNTIL"][0].date() < END


def test_every_complete_month_and_the_coming_weeks_hold_meetings(met: list[Event]) -> None:
    months = Counter(month(event) for event in met)
    assert len(months) == 27
    assert min(months[(2024 + (10 + index) // 12, (10 + index) % 12 + 1)] for index in range(25)) >= 40
    assert [event for event in met if isinstance(event.start, datetime) and event.start.date() > TODAY]


def test_acme_climbs_the_four_steps(met: list[Event]) -> None:
    seen: dict[tuple[bool, bool], tuple[int, int]] = {}
    for event in with_client(met, "acme.example"):
        if event["CLASS"] == "PUBLIC":
            seen.setdefault((hours(event) > 1, len(people(event, "acme.example")) > 1), month(event))
    steps = [seen[step] for step in ((False, False), (True, False), (False, True), (True, True))]
    assert steps == sorted(set(steps))
    assert max(len(people(event, "acme.example")) for event in with_client(met, "acme.example")) == 8


def test_brightwater_fades(met: list[Event]) -> None:
    spent: Counter[tuple[int, int]] = Counter()
    for event in with_client(met, "brightwater.example"):
        spent[month(event)] += hours(event) * len(people(event, "brightwater.example"))
    years = [
        sum(spent[(2024 + (10 + index) // 12, (10 + index) % 12 + 1)] for index in span)
        for span in (range(8), range(8, 16), range(16, 24))
    ]
    assert years == sorted(years, reverse=True)
    assert spent[LAST_MONTH] == 0.5
    assert spent[(2026, 11)] == 0


def test_calder_hangs_on_one_person(met: list[Event]) -> None:
    spent: Counter[str] = Counter()
    for event in with_client(met, "calder.example"):
        for person in people(event, "calder.example"):
            spent[person] += hours(event)
    assert spent["vida@calder.example"] > 0.9 * spent.total()
    assert len(spent) == 2


def test_dunmore_only_phones(met: list[Event]) -> None:
    ways = set()
    for event in with_client(met, "dunmore.example"):
        if "CONFERENCE" in event:
            assert str(event["CONFERENCE"]).startswith("tel:")
            assert event["CONFERENCE"].params["FEATURE"] == "PHONE"
            ways.add("dial-in")
        elif "LOCATION" in event:
            assert str(event["LOCATION"]).startswith("+44")
            ways.add("number")
        else:
            assert str(event["SUMMARY"]).startswith("Call ")
            ways.add("title")
    assert ways == {"dial-in", "number", "title"}


def test_eastgate_was_never_met(demo: DemoCompany) -> None:
    assert any(name == "Eastgate Council" for name, _ in demo.stories)
    assert not any(b"eastgate.example" in _unfolded(path) for path in demo.calendars)


def test_fairholm_has_people_in_two_meetings_at_once(met: list[Event]) -> None:
    events = [one for one in with_client(met, "fairholm.example") if month(one) == LAST_MONTH]
    clashes = [
        people(one, "fairholm.example") & people(other, "fairholm.example")
        for one in events
        for other in events
        if one.start < other.start < one.end
    ]
    assert clashes == [{"mia@fairholm.example"}, {"mia@fairholm.example"}]


def test_granta_worked_over_the_clock_change(met: list[Event]) -> None:
    (night,) = [one for one in with_client(met, "granta.example") if "Go-live" in one["SUMMARY"]]
    assert night.start == datetime(2026, 10, 24, 22, tzinfo=LONDON)
    assert night.end.replace(tzinfo=None) - night.start.replace(tzinfo=None) == timedelta(hours=5)
    assert hours(night) == 6


def test_spring_night_is_shorter(tmp_path: Path) -> None:
    company = write_company(tmp_path, date(2026, 9, 5))
    ivo = next(path for path in company.calendars if path.name.startswith("ivo@"))
    events = Calendar.from_ical(ivo.read_bytes()).walk("VEVENT")
    (night,) = [event for event in events if "Go-live" in event["SUMMARY"]]
    assert hours(night) == 4


def test_harrow_meets_in_a_series_with_exceptions(calendars: dict[str, Calendar], met: list[Event]) -> None:
    events = [one for one in calendars["eli@northwind.example"].walk("VEVENT") if one["SUMMARY"] == "Harrow weekly"]
    (main,) = [one for one in events if "RRULE" in one]
    changed = [one for one in events if "RECURRENCE-ID" in one]
    assert main["EXDATE"]
    assert [one["STATUS"] for one in changed].count("CANCELLED") == 2
    (moved,) = [one for one in changed if one["STATUS"] == "CONFIRMED"]
    assert moved.start != moved["RECURRENCE-ID"].dt
    weeks = [one for one in met if one["SUMMARY"] == "Harrow weekly" and one["STATUS"] == "CONFIRMED"]
    assert 95 <= len(weeks) <= 112
    assert not [one for one in weeks if (one.start.month, one.start.day) in {(12, 25), (12, 29), (1, 1)}]


def test_ivybridge_meets_once_a_quarter(met: list[Event]) -> None:
    days = [one for one in with_client(met, "ivybridge.example") if hours(one) > 1]
    assert {(one.start.year * 12 + one.start.month) % 3 for one in days} == {0}
    counts = [len(people(one, "ivybridge.example")) for one in days]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_juniper_cancelled_the_series(events: list[Event], met: list[Event]) -> None:
    cancelled = [one for one in events if one["SUMMARY"] == "Juniper fortnightly" and one["STATUS"] == "CANCELLED"]
    assert cancelled
    assert all("RRULE" in one for one in cancelled)
    assert {month(one) for one in with_client(met, "juniper.example")}.isdisjoint({(2026, 9), LAST_MONTH, (2026, 11)})


def test_kestrel_gives_the_same_every_month(met: list[Event]) -> None:
    reviews = list(with_client(met, "kestrel.example"))
    assert {(hours(one), len(people(one, "kestrel.example"))) for one in reviews} == {(2.0, 3)}
    assert max(Counter(map(month, reviews)).values()) == 1
    assert len(reviews) >= 25


def test_larkfield_is_new_last_month(met: list[Event]) -> None:
    assert month(next(with_client(met, "larkfield.example"))) == LAST_MONTH


def test_mossbank_declines_and_is_visited_all_day(events: list[Event]) -> None:
    theirs = [one for one in events if any(str(who.email).endswith("@mossbank.example") for who in one.attendees)]
    assert any(not people(one, "mossbank.example") for one in theirs)
    visits = [one for one in theirs if "Site visit" in one["SUMMARY"]]
    assert visits
    assert all(not isinstance(one.start, datetime) for one in visits)
    assert any(month(one) == LAST_MONTH for one in visits)


def test_private_entries_are_marked(events: list[Event]) -> None:
    secret = {"Dentist", "School concert", "Piano lesson", "Physiotherapy", "Running", "Squash with Quinn"}
    assert {str(one["SUMMARY"]) for one in events if one["CLASS"] == "PRIVATE"} == secret
    assert not [one for one in events if str(one["SUMMARY"]) in secret and one["CLASS"] != "PRIVATE"]


def test_a_conference_has_more_people_than_a_meeting(events: list[Event]) -> None:
    conferences = [one for one in events if len(one.attendees) > 100]
    assert {str(one["SUMMARY"]) for one in conferences} == {"Northwind customer day"}
    assert {month(one) for one in conferences} == {LAST_MONTH}


def test_partners_are_met_who_are_no_clients(demo: DemoCompany, met: list[Event]) -> None:
    assert "oakline.example" not in demo.config.read_text(encoding="utf-8")
    assert len([one for one in met if people(one, "oakline.example")]) > 24
    assert [one for one in met if any(who.email == "noa@mail.example" for who in one.attendees)]


def test_rooms_links_and_meetings_among_us_are_there(events: list[Event]) -> None:
    assert any(who.params.get("CUTYPE") == "ROOM" for one in events for who in one.attendees)
    assert any(str(one.get("LOCATION", "")).startswith("https://meet.google.com/") for one in events)
    assert any("X-GOOGLE-CONFERENCE" in one for one in events)
    assert any("X-MICROSOFT-SKYPETEAMSMEETINGURL" in one for one in events)
    assert any(one["SUMMARY"] == "Out of office" and not isinstance(one.start, datetime) for one in events)
    assert any(one["SUMMARY"] == "Focus time" and not one.attendees for one in events)
    among_us = [one for one in events if one["SUMMARY"] == "Delivery meeting"]
    assert all(who.email.endswith("northwind.example") for one in among_us for who in one.attendees)
