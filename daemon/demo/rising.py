"""Relationships that grow, each in a way of its own. Month 23 is the last complete one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.demo import cast
from daemon.demo.entry import TEAMS, THAMES, DemoEntry, Venue, google_meet, meeting, ours
from daemon.demo.timeline import FRI, LAST, MON, MONTHS, THU, TUE, WED, Timeline


def climbs(t: Timeline) -> Iterator[DemoEntry]:
    """Acme: coffee, then a long lunch, then two at once, then a steering group that grows to eight."""
    acme = cast.ACME
    for month in t.months(2):
        yield meeting(
            "Coffee with Pia",
            t.at(month, 1, TUE, 9, 30),
            30,
            [*ours("ben"), *acme.team(1)],
            venue=Venue("Quay Café"),
        )
    for month in t.months(6):
        yield meeting(
            "Working lunch, Acme",
            t.at(month, 2, THU, 12, 15),
            90,
            [acme.person("pia"), *ours("ben fay")],
            venue=Venue("Acme, 4 Quay Street, London"),
        )
    for month in t.months(11):
        for week in (1, 3) if month < LAST else (1, 3, 4):
            yield meeting(
                "Project review",
                t.at(month, week, WED, 14),
                45,
                [*ours("fay ben hana" if month > 17 else "fay ben"), *acme.team(2)],
                venue=TEAMS,
            )
    for month in t.months(16):
        yield meeting(
            "Steering group",
            t.at(month, 4, TUE, 10),
            120,
            [*ours("ben ada fay"), *acme.team(min(month - 15, 8))],
            venue=THAMES,
            note="1. Where we stand\n2. Budget, scope; next quarter\n3. Any other business",
        )


def hangs_on_one(t: Timeline) -> Iterator[DemoEntry]:
    """Calder: Vida, and once a quarter a colleague for half an hour."""
    them = cast.CALDER
    for month in t.months():
        for week in (1, 3, 4) if month % 2 else (1, 3):
            yield meeting(
                "Vida and Dan",
                t.at(month, week, TUE, 16),
                75,
                [them.person("vida"), *ours("dan")],
                venue=Venue("Calder Foods, Leeds"),
            )
        if month % 3 == 0:
            yield meeting("Calder: numbers", t.at(month, 2, FRI, 11), 30, [*ours("dan zoe"), them.person("finn")])


def double_books(t: Timeline) -> Iterator[DemoEntry]:
    """Fairholm: in the last complete month a week with the same people in two meetings at once."""
    them = cast.FAIRHOLM
    for month in t.months():
        yield meeting(
            "Fairholm planning",
            t.at(month, 1, MON, 10),
            60,
            [*ours("cleo fay"), *them.team(2 + month % 2)],
            venue=THAMES,
        )
        for week in (2, 4):
            yield meeting(
                "Fairholm check-in",
                t.at(month, week, TUE, 13),
                30,
                [them.person("noor"), *ours("cleo")],
                venue=google_meet("frh"),
            )
    for week in (1, 3):
        for month in t.months(9, 17):
            yield meeting(
                "Data workshop",
                t.at(month, week, FRI, 9),
                150,
                [*ours("hana ivo"), *them.team(4)],
                venue=google_meet("dat"),
            )
    for weekday in (WED, THU):
        at = t.at(LAST, 3, weekday, 10)
        yield meeting("Roll-out: stores", at, 120, [*ours("cleo fay"), *them.people_named("mia noor")], venue=THAMES)
        yield meeting(
            "Roll-out: depots",
            at + timedelta(minutes=60),
            120,
            [*ours("hana ivo"), *them.people_named("mia omar")],
            venue=TEAMS,
        )


def changes_clocks(t: Timeline) -> Iterator[DemoEntry]:
    """Granta: two sessions a month, and a night over the change of the clocks."""
    them = cast.GRANTA
    for month in t.months():
        for week in (2, 4):
            yield meeting(
                "Granta working session",
                t.at(month, week, MON, 14),
                90,
                [*ours("dan ivo"), *them.team(2)],
                venue=google_meet("grt"),
            )
        if month % 4 == 1:
            yield meeting(
                "Lab tour",
                t.at(month, 3, THU, 10),
                180,
                [*them.team(3), *ours("dan ada ivo")],
                venue=Venue("Granta Labs"),
            )
    eve = datetime.combine(t.last_clock_change() - timedelta(days=1), datetime.min.time())
    yield meeting(
        "Go-live night, Granta",
        eve + timedelta(hours=22),
        300,
        [*ours("ivo dan"), *them.team(3)],
        venue=Venue("Granta Labs, control room"),
        note="22:00 to 03:00 by the clock on the wall, which changes meanwhile.",
    )


def quarterly(t: Timeline) -> Iterator[DemoEntry]:
    """Ivybridge: a whole day once a quarter, with more people as time goes; lately two months ago."""
    them = cast.IVYBRIDGE
    for month in t.months():
        if (LAST - month) % 3 == 1:
            people = 1 + min(month // 5, 4)
            yield meeting(
                "Quarterly day",
                t.at(month, 3, WED, 9, 30),
                390,
                [*ours("dan gus"), *them.team(people)],
                venue=THAMES,
            )
            yield meeting(
                "Preparing the quarterly day",
                t.at(month, 2, TUE, 17),
                20,
                [*ours("dan"), *them.team(1)],
                venue=Venue(dial_in="tel:+442079460077"),
            )


def is_new(t: Timeline) -> Iterator[DemoEntry]:
    """Larkfield: first met in the last complete month, and booked again."""
    them = cast.LARKFIELD
    yield meeting(
        "Getting to know each other",
        t.at(LAST, 2, WED, 11),
        60,
        [*ours("dan ada"), *them.team(2)],
        venue=Venue("Larkfield, Hull"),
    )
    for month in t.months(MONTHS):
        yield meeting(
            "Larkfield: first ideas",
            t.at(month, 3, WED, 11),
            90,
            [*ours("dan hana"), *them.team(2)],
            venue=TEAMS,
        )
