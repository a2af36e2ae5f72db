"""The Workspace's directory: its people with their addresses, and who is in a group (`docs/providers.md` A8).

Read as the administrator, a page at a time, and asked for nothing but who somebody is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from connectors.calendars.google.client import GoogleClient
from connectors.calendars.google.errors import RequestInfo, directory_error
from connectors.calendars.google.json_pages import rows_in, token_in
from connectors.calendars.google.sessions import Connection
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.client import Answer
from connectors.calendars.shared.paging import MOST_DIRECTORY_PAGES, all_pages
from connectors.calendars.shared.roster import Members, User, addresses_in, those_in
from connectors.contract import Person
from connectors.errors import RetryLater

_USER_FIELDS = (
    "nextPageToken,users(id,primaryEmail,aliases,nonEditableAliases,emails/address,suspended,archived,isGuestUser)"
)
_MEMBER_FIELDS = "nextPageToken,members(id,email,type)"


class Directory:
    """Asked as the administrator, for one roster."""

    def __init__(self, client: GoogleClient, admin: str, scopes: tuple[str, ...], counter: RequestCounter) -> None:
        self._client = client
        self._info = RequestInfo(api="directory", subject=admin, scopes=scopes)
        self._counter = counter

    def users(self) -> list[User]:
        """Everybody, the inactive too: they are told from strangers by it. Raises `StopConnector` or `RetryLater`."""
        rows = self._rows("users", None, customer="my_customer", maxResults=500, fields=_USER_FIELDS)
        return [user for row in rows if (user := _user(row)) is not None]

    def members(self, group: str) -> Members:
        """A group's members with those of the groups in it. Raises `StopConnector` or `RetryLater`."""
        found = self._rows(
            "members", group, groupKey=group, includeDerivedMembership=True, maxResults=200, fields=_MEMBER_FIELDS
        )
        rows = list(found)
        people = [row for row in rows if row.get("type", "USER") == "USER"]
        groups = [row.get("email") for row in rows if row.get("type") == "GROUP"]
        return Members(
            ids=frozenset(str(row["id"]) for row in people if row.get("id")),
            addresses=frozenset(addresses_in(row.get("email") for row in people)),
            groups=frozenset(addresses_in((group, *groups))),
        )

    def _rows(self, name: str, group: str | None, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """The rows of all pages. A page may be empty with more to come."""
        judge = partial(directory_error, group=group)

        def read(answer: Answer) -> tuple[Sequence[Any], str | None]:
            return rows_in(answer, name), token_in(answer, "nextPageToken")

        def page(token: str | None) -> tuple[Sequence[Any], str | None]:
            make = partial(_request, name, {**parameters, "pageToken": token} if token else parameters)
            return self._client.ask(self._info, make, judge, self._counter, read)

        endless = RetryLater("endless", "the directory's list does not end")
        for rows in all_pages(page, None, MOST_DIRECTORY_PAGES, self._counter, endless):
            yield from (row for row in rows if isinstance(row, Mapping))


def _request(name: str, parameters: Mapping[str, Any], connection: Connection) -> Any:
    return (connection.users if name == "users" else connection.members).list(**parameters)


def _user(row: Mapping[str, Any]) -> User | None:
    """A row of `users.list`; None for one without id or address, which nobody can be read by."""
    emails = [email.get("address") for email in those_in(row.get("emails"), dict)]
    aliases = (*those_in(row.get("aliases"), str), *those_in(row.get("nonEditableAliases"), str))
    addresses = addresses_in((row.get("primaryEmail"), *aliases, *emails))
    if not row.get("id") or not row.get("primaryEmail") or not addresses:
        return None
    active = not (row.get("suspended") or row.get("archived") or row.get("isGuestUser"))
    return User(Person(id=str(row["id"]), addresses=addresses), active)
