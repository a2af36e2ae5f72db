"""The tenant's directory: its people with their addresses, and who is in a group (`docs/providers.md` B8).

Asked for nothing but who somebody is. Where the config names addresses alone, it is only asked for their aliases, and
everything works without the permission for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.calendars.microsoft365.client import DIRECTORY, GraphClient, Request
from connectors.calendars.microsoft365.errors import (
    NotPermitted,
    RequestInfo,
    directory_error,
    foreign_link,
    is_of_graph,
    missing_permission,
    no_group,
)
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.client import Answer
from connectors.calendars.shared.paging import MOST_DIRECTORY_PAGES, all_pages
from connectors.calendars.shared.refusals import Refusal
from connectors.calendars.shared.roster import (
    EVERYBODY,
    GROUP,
    Chosen,
    Members,
    User,
    addresses_in,
    roster_of,
    those_in,
)
from connectors.contract import Person, Roster
from connectors.errors import RetryLater
from connectors.net.retry import Again

_USER = "$select=id,mail,userPrincipalName,proxyAddresses,accountEnabled,userType"
_GROUP = "$select=id,mail,proxyAddresses"
_PAGE = "$top=999"  # the most (B8)
_SMTP = "smtp:"
_INFO = RequestInfo(subject=DIRECTORY)

T = TypeVar("T")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Question:
    """What a question needs, and which group it is about; `doubtful`: that there is nothing to find is an answer."""

    permission: str
    group: str | None = None
    doubtful: bool = False


_USERS = _Question("User.Read.All")
_SOMEBODY = replace(_USERS, doubtful=True)
_GROUPS = _Question("GroupMember.Read.All")


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """A group's people, through other groups too."""

    members: Members
    users: tuple[User, ...]


def roster(chosen: Chosen, groups: Iterable[str], directory: Directory) -> Roster:
    """Whose calendars are read. Raises `StopConnector` or `RetryLater`."""
    users = {user.person.id: user for user in (directory.users() if EVERYBODY in chosen.calendars else ())}
    members = {group: directory.members(group) for group in groups}
    for found in members.values():
        users.update((user.person.id, user) for user in found.users if user.person.id not in users)
    plain = [name for name in (*chosen.calendars, *chosen.exclude) if name != EVERYBODY and not name.startswith(GROUP)]
    if EVERYBODY not in chosen.calendars:
        users.update((user.person.id, user) for user in _looked_up(plain, users, directory))
    listed = roster_of(chosen, users.values(), {group: found.members for group, found in members.items()})
    return replace(
        listed,
        groups=tuple(sorted({*listed.groups, *(directory.group_addresses() if users else ())})),
    )


def _looked_up(plain: Iterable[str], users: Mapping[str, User], directory: Directory) -> list[User]:
    """Who stands behind addresses of the config; nobody, where the directory may not be read."""
    known = {address for user in users.values() for address in user.person.addresses}
    found: list[User] = []
    with suppress(NotPermitted):
        for address in plain:
            user = directory.user(address) if address not in known else None
            if user is not None:
                found.append(user)
    return found


class Directory:
    """The tenant's directory, for one roster."""

    def __init__(self, client: GraphClient, counter: RequestCounter) -> None:
        self._client = client
        self._counter = counter

    def users(self) -> list[User]:
        """Everybody, the inactive too: they are told from strangers by it. Raises `StopConnector` or `RetryLater`."""
        rows = self._rows(f"users?{_USER}&{_PAGE}", _USERS)
        return [user for row in rows if (user := _user(row)) is not None]

    def user(self, address: str) -> User | None:
        """Whoever signs in with an address, or has it. Raises `StopConnector` or `RetryLater`."""
        with suppress(_Unknown):
            return _user(self._get(f"users/{quote(address, safe='')}?{_USER}", _SOMEBODY, dict))
        named = quote(address.replace("'", "''"), safe="")
        clause = f"proxyAddresses/any(p:p%20eq%20'{_SMTP}{named}')"
        with suppress(_Unknown):
            rows = self._rows(f"users?$filter={clause}&{_USER}", _SOMEBODY)
            return next((user for row in rows if (user := _user(row)) and address in user.person.addresses), None)
        return None

    def members(self, group: str) -> GroupMembers:
        """Who is in a group, by its id or address. Raises `StopConnector` or `RetryLater`."""
        number, addresses = (group, frozenset[str]()) if "@" not in group else self._group(group)
        path = f"groups/{quote(number, safe='')}/transitiveMembers/microsoft.graph.user"
        rows = list(self._rows(f"{path}?$count=true&{_USER}&{_PAGE}", replace(_GROUPS, group=group)))
        if rows and not any(row.get("userPrincipalName") or row.get("mail") for row in rows):  # mostly nulls (B8)
            raise missing_permission(_USERS.permission)
        users = tuple(user for row in rows if (user := _user(row)) is not None)
        return GroupMembers(
            members=Members(
                ids=frozenset(user.person.id for user in users),
                addresses=frozenset(address for user in users for address in user.person.addresses),
                groups=addresses,
            ),
            users=users,
        )

    def group_addresses(self) -> set[str]:
        """The addresses of all groups, which are nobody (R3); none where they may not be read."""
        with suppress(NotPermitted, _Unknown):
            rows = self._rows(f"groups?{_GROUP}&{_PAGE}", replace(_GROUPS, doubtful=True))
            return {address for row in rows for address in _addresses(row)}
        return set()

    def _group(self, address: str) -> tuple[str, frozenset[str]]:
        named = quote(address.replace("'", "''"), safe="")
        rows = self._rows(f"groups?$filter=mail%20eq%20'{named}'&{_GROUP}", replace(_GROUPS, group=address))
        for row in rows:
            if row.get("id") and address in (found := _addresses(row)):
                return str(row["id"]), frozenset(found)
        raise no_group(address)

    def _rows(self, path: str, question: _Question) -> Iterator[Row]:
        """The rows of all pages."""
        endless = RetryLater("endless", "the directory's list does not end")
        pages = all_pages(
            lambda where: self._get(where, question, _page), path, MOST_DIRECTORY_PAGES, self._counter, endless
        )
        for rows in pages:
            yield from rows

    def _get(self, where: str, question: _Question, read: Callable[[Answer], T]) -> T:
        """An answer read; `where` is a path, or the link of a page before."""
        url = where if "://" in where else f"{self._client.endpoint}/{where}"
        request = Request(url=url, headers={"ConsistencyLevel": "eventual"}, info=_INFO)
        return self._client.get(request, partial(_judged, question), self._counter, read)


class _Unknown(Exception):
    """There is no such user, or the question is not understood."""


def _judged(question: _Question, refusal: Refusal, _: RequestInfo) -> Exception:
    if question.doubtful and refusal.status in (400, 404) and is_of_graph(refusal):
        return _Unknown()
    return directory_error(refusal, question.group, question.permission)


def _page(answer: Answer) -> tuple[list[Row], str | None]:
    rows, link = answer.get("value"), answer.get("@odata.nextLink")
    if link is not None and not (isinstance(link, str) and "://" in link):
        raise foreign_link()
    if not isinstance(rows, list):
        raise Again("garbled", "Graph's answer is not as documented")
    return [row for row in rows if isinstance(row, Mapping)], link


def _user(row: Row) -> User | None:
    """Somebody in the directory; None for one without id or address. Guests and shut accounts are inactive."""
    addresses = _addresses(row)
    if not row.get("id") or not addresses:
        return None
    active = row.get("accountEnabled") is not False and row.get("userType") != "Guest"
    return User(Person(id=str(row["id"]), addresses=addresses), active)


def _addresses(row: Row) -> tuple[str, ...]:
    """Addresses as R3 compares them: the mailbox's, the name to sign in with, and the aliases."""
    proxies = those_in(row.get("proxyAddresses"), str)
    aliases = [text[len(_SMTP) :] for text in proxies if text.lower().startswith(_SMTP)]
    return addresses_in((row.get("mail"), row.get("userPrincipalName"), *aliases))
