"""Builders for R12 to R15: a client's people by month, written as hours a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scoring.insights.circle import UNKNOWN, Circle, Profile
from scoring.insights.people import PeopleMonth, Presence
from scoring.insights.signals import SignalThresholds, View, signals_of
from scoring.months.history import History
from scoring.months.month import Month
from tests.scoring.builders import ANA, JO, figures, history

OCTOBER = Month("2026-10")


def presence(hours: float = 1, *, day: int = 15, silent: float = 0, booked: int = 0, meetings: int = 1) -> Presence:
    """One meeting on the 15th of so many hours, of which the person never answered to `silent`."""
    return Presence(round(hours * 3600), round(silent * 3600), meetings, day, day, booked)


BOOKED = Presence(booked=1)


def month(
    text: str,
    theirs: Mapping[str, float | Presence] | Iterable[str] = (ANA,),
    *,
    ours: Iterable[str] = (JO,),
    meetings: int | None = None,
    called: int = 0,
) -> PeopleMonth:
    """A client's month: hours or presences by person, or people with an hour each."""
    given = theirs if isinstance(theirs, Mapping) else dict.fromkeys(theirs, 1)
    found = {one: value if isinstance(value, Presence) else presence(value) for one, value in given.items()}
    counted = sum(one.meetings for one in found.values()) if meetings is None else meetings
    return PeopleMonth(
        client="Acme",
        month=Month(text),
        theirs=found,
        ours=dict.fromkeys(ours, 1) if counted else {},
        meetings=counted,
        called=called,
    )


def circle(
    *months: PeopleMonth,
    begins: str = "2024-11",
    profiles: Mapping[str, Profile] | None = None,
    centres: Iterable[str] = (),
) -> Circle:
    """The months of one client; nobody has told anything about its people unless given."""
    given = profiles or {}
    return Circle(
        months={one.month: one for one in months},
        begins=Month(begins),
        profile=lambda person: given.get(person, UNKNOWN),
        centres=frozenset(centres),
    )


def history_of(found: Circle, **fields: Any) -> History:
    """Figures that belong to the months of a circle."""
    months = [
        figures(
            one.month,
            seconds=sum(presence.man_seconds for presence in one.theirs.values()),
            phone=0 if any(presence.man_seconds for presence in one.theirs.values()) else one.meetings,
        )
        for one in found.months.values()
    ]
    return history(*months, **fields)


def signals(
    found: Circle,
    *,
    of: History | None = None,
    at: Month = OCTOBER,
    thresholds: SignalThresholds | None = None,
    name_ours: bool = True,
) -> dict[str, tuple[dict[str, Any], str]]:
    """The signals of a month, October 2026 unless told otherwise: numbers and sentence by name."""
    view = View(
        history=of or history_of(found),
        circle=found,
        month=at,
        thresholds=thresholds or SignalThresholds(),
        name_ours=name_ours,
    )
    return {one.name: (dict(one.numbers), one.sentence) for one in signals_of(view)}
