"""What else stands in calendars: our own meetings, private entries, a conference, partners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from daemon.demo import cast
from daemon.demo.entry import HUMBER, DemoEntry, PartStat, Repeats, Venue, all_day, dice, meeting, ours
from daemon.demo.timeline import FRI, LAST, MON, THU, TUE, WED, Timeline


def everyday(t: Timeline) -> Iterator[DemoEntry]:
    """All of it."""
    yield from _among_us(t)
    yield from _private(t)
    yield from _alone(t)
    yield from _unclaimed(t)
    yield _conference(t)
    yield _trade_fair(t)


def _among_us(t: Timeline) -> Iterator[DemoEntry]:
    """Meetings without outsiders, which Rapport does not keep."""
    everybody = ours(" ".join(cast.OURS))
    first = datetime.combine(next(iter(t.weeks(MON))), time(8, 45))
    until = datetime.combine(t.end - timedelta(days=1), time(8, 45))
    yield meeting("Monday start", first, 15, everybody, venue=HUMBER, repeats=_series("WEEKLY", until))
    for day in t.weeks(WED):
        at = datetime.combine(day, time(16))
        yield meeting("Delivery meeting", at, 45, ours("fay gus hana ivo"), venue=HUMBER)
    for day in t.weeks(THU):
        yield meeting("Pipeline", datetime.combine(day, time(9)), 30, ours("ben cleo dan eli zoe"))
    for month in t.months():
        yield meeting("Account managers", t.at(month, 1, FRI, 9), 60, ours("ada ben cleo dan eli"), venue=HUMBER)
        for week, manager in enumerate(("ben", "cleo", "dan", "eli"), 1):
            yield meeting("One-to-one", t.at(month, week, MON, 17), 30, ours(f"ada {manager}"))


def _private(t: Timeline) -> Iterator[DemoEntry]:
    """Entries that their owners marked private, some with a client in them: never to be stored."""
    for name in cast.OURS:
        for month in t.months():
            roll = dice("private", name, month)
            if roll % 3 == 0:
                title = ("Dentist", "School concert", "Piano lesson", "Physiotherapy")[roll // 3 % 4]
                at = t.at(month, 1 + roll % 4, THU, 17)
                yield meeting(title, at, 60, ours(name), private_for=ours(name))
        lesson = t.at(4, 1, TUE, 18)
        yield meeting(
            "Running",
            lesson,
            45,
            ours(name),
            private_for=ours(name),
            repeats=_series("WEEKLY", t.at(9, 1, TUE, 18)),
        )
    for month in t.months(20):
        people = [*ours("ben"), cast.ACME.person("quinn")]
        yield meeting("Squash with Quinn", t.at(month, 2, FRI, 18), 60, people, private_for=ours("ben"))


def _alone(t: Timeline) -> Iterator[DemoEntry]:
    """Time kept free and days off."""
    for name in ("hana", "ivo", "gus"):
        until = datetime.combine(t.end - timedelta(days=1), time(9))
        yield meeting("Focus time", t.at(0, 1, FRI, 9), 120, ours(name), repeats=_series("WEEKLY", until))
    for name in cast.OURS:
        for month in t.months():
            if dice("away", name, month) % 5 == 0:
                start = t.day(month, 2, MON)
                yield all_day("Out of office", start, ours(name), days=5, out_of_office=True)


def _unclaimed(t: Timeline) -> Iterator[DemoEntry]:
    """Oakline is met every month and stands in no config; a consultant writes from a free-mail address."""
    oakline = [f"{name}@{cast.OAKLINE}" for name in ("ines", "jarl", "kim")]
    for month in t.months():
        people = [*ours("hana cleo"), *oakline[: 2 + month % 2]]
        yield meeting("Oakline: joint offer", t.at(month, 3, THU, 14), 90, people, venue=HUMBER)
        yield meeting("Oakline weekly", t.at(month, 1, WED, 11), 30, [oakline[0], *ours("cleo")])
        if month % 2:
            yield meeting("Pricing with Noa", t.at(month, 2, TUE, 10), 60, [*ours("ada zoe"), cast.CONSULTANT])


def _conference(t: Timeline) -> DemoEntry:
    """A hundred and twenty people: an event, not a meeting."""
    start = t.at(LAST, 3, TUE, 13)
    guests = [f"guest{number:03d}@{cast.FAIRHOLM.domain}" for number in range(1, 61)]
    guests += [f"guest{number:03d}@{cast.HARROW.domain}" for number in range(1, 61)]
    people = [*ours("ada cleo eli"), *guests]
    return DemoEntry(
        title="Northwind customer day",
        start=start,
        end=start + timedelta(hours=4),
        organiser=people[0],
        attendees=tuple((person, PartStat.ACCEPTED if dice(person) % 4 else PartStat.NONE) for person in people),
        venue=Venue(text="Old Corn Exchange, London"),
    )


def _trade_fair(t: Timeline) -> DemoEntry:
    """Two days in one entry: too long to be a meeting, and most often real."""
    start = t.at(LAST, 2, WED, 9)
    people = [*ours("dan ivo"), cast.GRANTA.person("timo")]
    return meeting("Trade fair with Granta", start, 32 * 60, people, venue=Venue(text="Exhibition Centre, Birmingham"))


def _series(frequency: str, until: datetime) -> Repeats:
    return Repeats(rule={"FREQ": frequency}, until=until)
