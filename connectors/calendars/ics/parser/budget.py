"""How much may come of entries that repeat, and how long that may take: of one entry, and of all of a file together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.calendars.ics.parser.expand import Group, Instance, occurrences, single, within
from connectors.calendars.ics.parser.request import Allowance, TooCostly
from connectors.calendars.ics.parser.values import Malformed
from scoring.meetings.values import Window

_TOO_LONG = "its repetition takes too long to work out"
_NO_ROOM = "with the others of its file that repeat it makes too many occurrences"


class Large(Exception):
    """An entry that makes more, or takes longer, than the first look at every entry allows."""


@dataclass(frozen=True, slots=True)
class Most:
    """What may become of entries that repeat: occurrences, and people times occurrences (the rows and the work)."""

    occurrences: int
    people: int

    def at_most(self, other: Most) -> Most:
        return Most(min(self.occurrences, other.occurrences), min(self.people, other.people))


_OF_A_LOOK = Most(2_000, 100_000)
_OF_AN_ENTRY = Most(20_000, 500_000)
_OF_A_FILE = Most(50_000, 2_000_000)


class Budget:
    """What the entries of one file that repeat may take of processor time, and how much may come of them.

    Each is looked at for a moment, and those that are `Large` again after all others, with `patient` set: so those
    that would use up what a file may make cost no other entry its place. An honest series takes some milliseconds.
    """

    def __init__(self) -> None:
        self.patient = False
        self._look = Allowance(first=0.1, least=0.02, waste=3.0, total=20.0)
        self._patience = Allowance(first=2.0, least=0.2, waste=2.0, total=4.0)
        self._costly: set[tuple[object, ...]] = set()
        self._left = _OF_A_FILE

    def spend(self, group: Group, window: Window) -> list[Instance]:
        """The occurrences. Raises `Malformed` for what takes too long or is too much, `Large` for what can wait."""
        alike = (self.patient, *_alike(group))
        try:
            if alike in self._costly:
                raise TooCostly  # a thousand of a kind cost what one costs
            with (self._patience if self.patient else self._look).piece():
                found = _expand(group, window, _OF_AN_ENTRY if self.patient else _OF_A_LOOK, self._left)
        except (TooCostly, MemoryError):
            if group.master is not None and group.master.rules:
                self._costly.add(alike)
            raise (Malformed(_TOO_LONG) if self.patient else Large) from None
        except _Full:
            if not self.patient:
                raise Large from None
            self._left = self._left.at_most(_OF_A_LOOK)  # so that the large ones after it do not fill the rest in vain
            raise Malformed(_NO_ROOM) from None
        except _TooMuch as error:
            raise (Malformed(str(error)) if self.patient else Large) from None
        self._left = Most(self._left.occurrences - len(found), self._left.people - sum(map(_people, found)))
        return found


class _TooMuch(Exception):
    """An entry makes more than it may. Says what in one clause."""


class _Full(Exception):
    """An entry makes more than the others of its file have left."""


def _alike(group: Group) -> tuple[object, ...]:
    """What makes a series by rules as costly as another."""
    master = group.master
    return () if master is None else (*master.rules, master.start.year, id(master.zone))


def _people(instance: Instance) -> int:
    return 1 + len(instance.event.vevent.properties.get(b"ATTENDEE", ()))


def expand(group: Group, window: Window, budget: Budget) -> Iterator[Instance]:
    """The group's occurrences within the window. Raises `Malformed` if its repetition is refused.

    The changed occurrences of such a series are yielded all the same, before the error. Nothing is before `Large`.
    """
    master = group.master
    if master is not None and not master.recurs and not group.changes:
        yield from within([single(master, group)], window)
        return
    try:
        found = budget.spend(group, window)
    except Malformed:
        if master is not None and group.changes:
            yield from budget.spend(Group(None, group.changes, group.copy, group.cancelled), window)
        raise
    yield from found


def _expand(group: Group, window: Window, most: Most, left: Most) -> list[Instance]:
    """The occurrences, `most` of one entry and so many as are `left` of its file. Raises `_TooMuch`, `_Full`."""
    found: list[Instance] = []
    people = 0
    try:
        for instance in occurrences(group, window):
            people += _people(instance)
            if len(found) == most.occurrences:
                raise _TooMuch(f"it has more than {most.occurrences} occurrences")
            if people > most.people:
                raise _TooMuch(f"its people times its occurrences are more than {most.people}")
            if len(found) == left.occurrences or people > left.people:
                raise _Full
            found.append(instance)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise Malformed("its repetition cannot be read") from None
    return found
