"""Whose calendars are read: the config's words applied to a directory, whoever keeps it. Pure (R2, R3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.contract import Person, Roster


@dataclass(frozen=True, slots=True)
class User:
    """Somebody in the directory. `active`: no guest, and not shut out."""

    person: Person
    active: bool


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in a group, through other groups too: ids and addresses, and the addresses of all groups met."""

    ids: frozenset[str]
    addresses: frozenset[str]
    groups: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """`calendars` and `exclude` of the config: `"*"`, addresses, and `group:ADDRESS`."""

    calendars: tuple[str, ...]
    exclude: tuple[str, ...]


def roster_of(chosen: Chosen, users: Iterable[User], groups: Mapping[str, Members]) -> Roster:
    """The roster. Whoever the directory knows goes by the directory's id, which outlives a change of address.

    Whoever is not active is left out, and so are members of groups whom the directory does not know:
    they are no colleagues, and no delegation reaches their calendars.
    """
    known = list(users)
    by_address = {address: user for user in reversed(known) for address in user.person.addresses}
    by_address |= {user.person.address: user for user in known}
    excluded = _excluded(chosen.exclude, by_address, known, groups)
    people: dict[str, Person] = {}
    for person in _named(chosen.calendars, by_address, known, groups):
        if not excluded.intersection(person.addresses):
            people.setdefault(person.id, person)
    return Roster(
        people=tuple(people.values()),
        excluded=tuple(sorted(excluded)),
        groups=tuple(sorted({address for one in groups.values() for address in one.groups})),
        from_directory=bool(known) or bool(groups),
    )


def _named(
    wanted: Iterable[str], by_address: Mapping[str, User], known: list[User], groups: Mapping[str, Members]
) -> Iterator[Person]:
    for one in wanted:
        if one == "*":
            yield from (user.person for user in known if user.active)
        elif one.startswith("group:"):
            yield from (user.person for user in _members(groups[one.removeprefix("group:")], known) if user.active)
        elif (found := by_address.get(one)) is None:
            yield Person(id=one, addresses=(one,))
        elif found.active:
            yield found.person


def _members(group: Members, known: Iterable[User]) -> Iterator[User]:
    for user in known:
        if user.person.id in group.ids or not group.addresses.isdisjoint(user.person.addresses):
            yield user


def _excluded(
    wanted: Iterable[str], by_address: Mapping[str, User], known: list[User], groups: Mapping[str, Members]
) -> frozenset[str]:
    """Every address of everybody excluded, so that they are found under whichever they were read."""
    found: set[str] = set()
    for one in wanted:
        if one.startswith("group:"):
            group = groups[one.removeprefix("group:")]
            found |= group.addresses
            found.update(address for user in _members(group, known) for address in user.person.addresses)
        else:
            user = by_address.get(one)
            found.update(user.person.addresses if user is not None else (one,))
    return frozenset(found)
