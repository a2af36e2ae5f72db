"""Whose calendars are read: `calendars` and `exclude` of a config applied to a directory, whoever keeps it (R2, R3).

Pure, and costs no library: configs are checked with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from connectors.contract import Person, Roster
from scoring.meetings.address_book import normalise_address

EVERYBODY = "*"
GROUP = "group:"


def address(text: str) -> str:
    """An address as R3 compares it. Raises ValueError."""
    found = normalise_address(text)
    if found is None:
        raise ValueError("is no e-mail address")
    return found


def addresses_in(texts: Iterable[Any]) -> tuple[str, ...]:
    """The addresses among a directory's values, as R3 compares them, once each and in their order."""
    return tuple(dict.fromkeys(found for text in texts if (found := normalise_address(str(text or "")))))


KindT = TypeVar("KindT")


def those_in(value: Any, kind: type[KindT]) -> list[KindT]:
    """What a list of a directory's row holds of a kind; nothing where it is no list."""
    return [found for found in value if isinstance(found, kind)] if isinstance(value, list) else []


def excluded_name(text: str, *, group_name: Callable[[str], str] = address) -> str:
    """A value of `exclude`: an address, or `group:` with a name for `group_name` to read. Raises ValueError."""
    if text == EVERYBODY:
        raise ValueError("excludes everybody")
    return GROUP + group_name(text.removeprefix(GROUP)) if text.startswith(GROUP) else address(text)


def calendar_name(text: str, *, group_name: Callable[[str], str] = address) -> str:
    """A value of `calendars`: as in `exclude`, or `"*"`. Raises ValueError."""
    return text if text == EVERYBODY else excluded_name(text, group_name=group_name)


def groups_in(*lists: tuple[str, ...]) -> tuple[str, ...]:
    """The groups that are named anywhere, once each, without `group:`."""
    named = (name for names in lists for name in names if name.startswith(GROUP))
    return tuple(dict.fromkeys(name.removeprefix(GROUP) for name in named))


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
    they are no colleagues, and no delegation reaches their calendars. It is the directory's wherever that was asked who
    there is, also when it named nobody.
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
        groups=tuple(sorted({address for members in groups.values() for address in members.groups})),
        from_directory=EVERYBODY in chosen.calendars or bool(groups),
    )


def _named(
    wanted: Iterable[str], by_address: Mapping[str, User], known: list[User], groups: Mapping[str, Members]
) -> Iterator[Person]:
    for name in wanted:
        if name == EVERYBODY:
            yield from (user.person for user in known if user.active)
        elif name.startswith(GROUP):
            yield from (user.person for user in _members(groups[name.removeprefix(GROUP)], known) if user.active)
        elif (found := by_address.get(name)) is None:
            yield Person(id=name, addresses=(name,))
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
    for name in wanted:
        if name.startswith(GROUP):
            group = groups[name.removeprefix(GROUP)]
            found |= group.addresses
            found.update(address for user in _members(group, known) for address in user.person.addresses)
        else:
            user = by_address.get(name)
            found.update(user.person.addresses if user is not None else (name,))
    return frozenset(found)
