"""Text from outside, repaired where no store can hold it (R3), whatever connector it came from.

PostgreSQL takes no NUL, and no encoding half a surrogate pair, which JSON may hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from connectors.contract import Page, Person, Problem, Roster
from scoring.meetings.values import Copy

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with U+FFFD in place of what cannot be stored."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_page(page: Page) -> Page:
    """A page whose ids, addresses and titles can be stored; the same one where they all can, as nearly always."""
    ids = (*page.removed, *page.erased, *(problem.entry or "" for problem in page.problems))
    if _all_storable(ids) and all(map(_is_storable, page.copies)):
        return page
    return replace(
        page,
        copies=tuple(copy if _is_storable(copy) else _storable_copy(copy) for copy in page.copies),
        removed=tuple(map(storable, page.removed)),
        erased=tuple(map(storable, page.erased)),
        problems=tuple(map(_storable_problem, page.problems)),
    )


def storable_roster(roster: Roster) -> Roster:
    """A roster whose ids, addresses and reasons can be stored."""
    return replace(
        roster,
        people=tuple(map(_storable_person, roster.people)),
        unreadable=tuple((_storable_person(person), storable(reason)) for person, reason in roster.unreadable),
        excluded=tuple(map(storable, roster.excluded)),
        groups=tuple(map(storable, roster.groups)),
    )


def _all_storable(texts: Iterable[str]) -> bool:
    text = "\n".join(texts)
    return "\0" not in text and (text.isascii() or _UNSTORABLE.search(text) is None)


def _is_storable(copy: Copy) -> bool:
    return _all_storable((copy.entry, copy.title or "", *copy.invited))


def _storable_copy(copy: Copy) -> Copy:
    return replace(
        copy,
        entry=storable(copy.entry),
        title=None if copy.title is None else storable(copy.title),
        organiser=None if copy.organiser is None else storable(copy.organiser),
        participants=tuple(replace(guest, address=storable(guest.address)) for guest in copy.participants),
    )


def _storable_problem(problem: Problem) -> Problem:
    entry = None if problem.entry is None else storable(problem.entry)
    return replace(problem, where=storable(problem.where), entry=entry)


def _storable_person(person: Person) -> Person:
    return Person(id=storable(person.id), addresses=tuple(map(storable, person.addresses)))
