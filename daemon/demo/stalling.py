"""Relationships that stand still or fall, each in a way of its own. Month 23 is the last complete one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.demo import cast
from daemon.demo.entry import TEAMS, THAMES, DemoEntry, Repeats, Venue, all_day, google_meet, meeting, ours, unanswered
from daemon.demo.timeline import FRI, LAST, MON, THU, TUE, WED, Timeline


def fades(t: Timeline) -> Iterator[DemoEntry]:
    """Brightwater: from a steering group to half an hour with one."""
    them = cast.BRIGHTWATER
    for month in t.months(0, 12):
        yield meeting(
            "Brightwater steering",
            t.at(month, 2, WED, 10),
            120,
            [*ours("cleo gus ada"), *them.team(4)],
            venue=THAMES,
        )
    for month in t.months(0, 18):
        for week in range(1, 5 - max(0, (month - 8) // 3)):
            yield meeting(
                "Sprint demo",
                t.at(month, week, THU, 15),
                60,
                [*ours("gus cleo hana"), *them.team(3 if month < 14 else 2)],
                venue=TEAMS,
            )
    for month in t.months(18, LAST):
        minutes = 90 if month < LAST - 1 else 60
        yield meeting("Brightwater catch-up", t.at(month, 2, MON, 11), minutes, [*ours("cleo"), *them.team(1)])
    everybody = [*ours("cleo gus hana ada"), *them.team(1)]
    yield meeting("Quick catch-up", t.at(LAST, 3, MON, 11, 30), 30, everybody, venue=TEAMS)


def only_phones(t: Timeline) -> Iterator[DemoEntry]:
    """Dunmore: a dial-in, a number as the location, and a title that says so."""
    them = cast.DUNMORE
    for month in t.months():
        people = [*ours("eli"), them.person("greta")]
        yield meeting("Dunmore monthly", t.at(month, 1, THU, 11), 30, people, venue=Venue(dial_in="tel:+442079460018"))
        yield meeting("Orders, Dunmore", t.at(month, 3, TUE, 9), 20, people, venue=Venue("+44 20 7946 0018"))
        yield meeting("Call with Hugo", t.at(month, 4, MON, 15), 15, [*ours("eli"), them.person("hugo")])


def weekly(t: Timeline) -> Iterator[DemoEntry]:
    """Harrow: one series for all the time, which nobody ever answered, and a board once a quarter."""
    them = cast.HARROW
    mondays = list(t.weeks(MON))
    first = datetime.combine(mondays[0], datetime.min.time()) + timedelta(hours=9)
    every = [first + timedelta(days=7 * week) for week in range((t.end - mondays[0]).days // 7)]
    weeks = {at.date() for at in every if (at.month == 12 and at.day > 21) or (at.month == 1 and at.day == 1)}
    moved = t.at(LAST, 2, MON, 9)
    series = meeting(
        "Harrow weekly",
        first,
        45,
        [*ours("eli hana"), *them.team(2)],
        venue=TEAMS,
        repeats=Repeats(
            rule={"FREQ": "WEEKLY", "BYDAY": "MO"},
            until=every[-1],
            left_out=tuple(at for at in every if at.date() in weeks),
            moved=((moved, moved + timedelta(days=1, hours=2)),),
            called_off=(t.at(LAST, 3, MON, 9), t.at(14, 2, MON, 9)),
        ),
    )
    yield unanswered(series, them.team(2))
    for month in t.months():
        if month % 3 == 0:
            yield meeting(
                "Harrow board",
                t.at(month, 3, WED, 13),
                150,
                [*them.people_named("lara kaja"), cast.JONAS_AT_HOME, *ours("eli ada")],
                venue=Venue("Harrow Rail, York"),
            )


def calls_off(t: Timeline) -> Iterator[DemoEntry]:
    """Juniper: fortnightly until they cancelled everything that was still to come."""
    them = cast.JUNIPER
    people = [them.person("tomas"), *ours("ben gus"), them.person("ulla")]
    for month in t.months(0, 21):
        yield meeting(
            "Juniper lunch",
            t.at(month, 3, FRI, 12),
            75,
            [*ours("ben"), *them.team(1)],
            venue=Venue("Juniper, Bristol"),
        )
    began, stopped = t.at(6, 1, THU, 10), t.at(21, 1, THU, 10)
    rule: dict[str, str | int] = {"FREQ": "WEEKLY", "INTERVAL": 2}
    yield meeting(
        "Juniper fortnightly",
        began,
        60,
        people,
        venue=google_meet("jun"),
        repeats=Repeats(rule=rule, until=stopped - timedelta(days=7)),
    )
    yield meeting(
        "Juniper fortnightly",
        stopped,
        60,
        people,
        venue=google_meet("jun"),
        cancelled=True,
        repeats=Repeats(rule=rule, until=datetime.combine(t.end, datetime.min.time()) - timedelta(days=1)),
    )


def stays_the_same(t: Timeline) -> Iterator[DemoEntry]:
    """Kestrel: the first Tuesday's review as a monthly series."""
    first = t.at(0, 1, TUE, 14)
    yield meeting(
        "Kestrel monthly review",
        first,
        120,
        [*ours("eli zoe"), *cast.KESTREL.team(3)],
        venue=THAMES,
        repeats=Repeats(
            rule={"FREQ": "MONTHLY", "BYDAY": "1TU"},
            until=datetime.combine(t.end, datetime.min.time()) - timedelta(days=1),
        ),
    )


def declines(t: Timeline) -> Iterator[DemoEntry]:
    """Mossbank: invited often, comes seldom; the site visit is an all-day entry."""
    them = cast.MOSSBANK
    people = [*ours("cleo zoe"), *them.team(2)]
    for month in t.months():
        turned_down = [] if month % 2 == 0 else list(them.team(2))
        yield meeting("Mossbank: state of play", t.at(month, 2, FRI, 14), 60, people, declined=turned_down, venue=TEAMS)
        if month % 3 == 1:
            yield meeting(
                "Mossbank on site",
                t.at(month, 4, WED, 11),
                45,
                people,
                declined=[them.person("birte")],
                venue=THAMES,
            )
        if month % 6 == 5:
            day = t.day(month, 4, THU)
            yield all_day("Site visit, Mossbank", day, people, venue=Venue("Mossbank, Perth"))
