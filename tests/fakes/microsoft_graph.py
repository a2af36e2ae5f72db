"""Graph as far as calendars need it: what each address answers, refused where the real one does (docs/providers.md B).

Knows HTTP's words (a target, headers, a status) and no socket.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.fakes.http_fake import Answer, json_answer
from tests.fakes.microsoft_items import (
    Resource,
    basic,
    complete,
    immutable,
    instant,
    is_immutable,
    mutable,
)
from tests.fakes.microsoft_tokens import Grant
from tests.fakes.microsoft_world import Bounds, FakeMailbox, FakeUser, World

IN_FLIGHT = 4  # per mailbox (docs/providers.md B6)
_CALENDARS = frozenset({"Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic.All"})
_BODIES = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
_USERS = frozenset({"User.Read.All", "Directory.Read.All"})
_GROUPS = frozenset({"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"})
_USUAL = "businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname"
_USUALLY_TOLD = (*_USUAL.split(), "userPrincipalName")
_NOT_ON_DELTA = ("$select", "$filter", "$expand", "$orderby", "$search")
_PROPERTIES = {*complete({}, "", datetime(2026, 1, 1, tzinfo=UTC)), "id", "iCalUId", "uid", "start", "end"}
_PROPERTIES |= {"originalStart", "occurrenceId", "cancelledOccurrences", "exceptionOccurrences"}
_PREFERENCE = re.compile(r'\s*([\w.-]+)\s*=\s*"?([^",]*)"?\s*')


class GraphError(Exception):
    """An answer other than 200, in Graph's envelope."""

    def __init__(self, status: int, code: str, message: str = "", **headers: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message or code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self) -> Answer:
        number = "22222222-2222-2222-2222-222222222222"
        inner = {"date": "2026-11-01T08:00:00", "request-id": number, "client-request-id": number}
        body = {"error": {"code": self.code, "message": self.message, "innerError": inner}}
        return json_answer(self.status, body, {"request-id": number, **self.headers})


@dataclass(frozen=True)
class Asked:
    """A request for Graph, taken apart."""

    target: str
    segments: tuple[str, ...]
    fields: Mapping[str, str]
    prefer: Mapping[str, str]
    eventual: bool
    grant: Grant

    @property
    def immutable_ids(self) -> bool:
        return self.prefer.get("idtype") == "ImmutableId"

    def number(self, name: str, default: int, most: int) -> int:
        text = self.fields.get(name, str(default))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise GraphError(400, "ErrorInvalidParameter", f"The value of {name} is out of range.")
        return int(text)


def asked(target: str, headers: Mapping[str, str], grant: Grant, prefix: str) -> Asked:
    """A request below `prefix`; segments are unquoted one by one, so that an id may hold a slash."""
    parts = urlsplit(target)
    fields = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    prefer = dict(match.groups() for part in headers.get("Prefer", "").split(",") if (match := _PREFERENCE.match(part)))
    return Asked(
        target=target,
        segments=tuple(unquote(segment) for segment in parts.path.removeprefix(prefix).strip("/").split("/")),
        fields=fields,
        prefer={name.lower(): value for name, value in prefer.items()},
        eventual=headers.get("ConsistencyLevel", "").lower() == "eventual",
        grant=grant,
    )


@dataclass(frozen=True)
class _Round:
    """What a link of a delta stands for: rows still to be sent, and where the next round begins."""

    owner: str
    generation: int
    bounds: Bounds
    through: int
    view: frozenset[str]
    rows: tuple[Resource, ...] = ()
    offset: int = 0
    was_empty: bool = False
    ended: bool = False


@dataclass(frozen=True)
class _Rest:
    """What a link of a plain listing stands for."""

    rows: tuple[Resource, ...]
    size: int
    context: str


@dataclass
class Graph:
    """The service behind the endpoint. `scoped` are addresses that RBAC for Applications grants without a role.

    `expired` is how a dead link is refused; `longest_view` refuses longer windows; `link_root` leads links elsewhere.
    `violations` counts requests beyond four at once for a mailbox.
    """

    world: World
    root: str
    page_size: int | None = None
    scoped: set[str] = field(default_factory=set)
    expired: tuple[int, str] = (410, "SyncStateNotFound")
    longest_view: timedelta | None = None
    link_root: str | None = None
    before_page: Callable[[int], None] | None = None
    violations: int = 0
    _links: dict[str, _Round | _Rest] = field(default_factory=dict)
    _in_flight: Counter[str] = field(default_factory=Counter)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, request: Asked) -> Answer:
        """Raises `GraphError`."""
        kind, *rest = request.segments
        if kind == "users":
            found = self._of_users(request, rest)
        elif kind == "groups":
            found = self._of_groups(request, rest)
        else:
            raise GraphError(400, "BadRequest", f"Resource not found for the segment '{kind}'.")
        applied = {"Preference-Applied": ", ".join(f'{key}="{value}"' for key, value in request.prefer.items())}
        return json_answer(200, found if request.immutable_ids else mutable(found), applied if request.prefer else {})

    @contextmanager
    def at_once(self, request: Asked) -> Iterator[None]:
        """A request's stay. Raises `GraphError` for a mailbox's fifth at once."""
        user = self.world.find(request.segments[1]) if _is_of_mailbox(request.segments) else None
        if user is None:
            yield
            return
        with self._counting:
            self._in_flight[user.id] += 1
            is_too_many = self._in_flight[user.id] > IN_FLIGHT
            self.violations += is_too_many
        try:
            if is_too_many:
                text = "Application is over its MailboxConcurrency limit."
                raise GraphError(429, "ApplicationThrottled", text, Retry_After="0.125")
            yield
        finally:
            with self._counting:
                self._in_flight[user.id] -= 1

    # people

    def _of_users(self, request: Asked, rest: list[str]) -> Resource:
        if not rest:
            _need(request.grant, _USERS)
            rows = [user.resource() for user in self.world.users.values()]
            return self._listed(request, rows, most=999, context="users", usual=_USUALLY_TOLD)
        if len(rest) == 1:
            _need(request.grant, _USERS)
            return _chosen(self._user(rest[0]).resource(), request.fields.get("$select"), _USUALLY_TOLD)
        mailbox = self._mailbox(request, self._user(rest[0]))
        if rest[1:] == ["calendarView", "delta"]:
            return self._delta(request, mailbox, rest[0])
        if rest[1:] == ["calendarView"]:
            return self._view(request, mailbox)
        if rest[1] == "events" and len(rest) in (3, 4) and rest[3:] in ([], ["instances"]):
            return self._item(request, mailbox, rest[2], instances=len(rest) == 4)
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{rest[-1]}'.")

    def _user(self, name: str) -> FakeUser:
        """By id or the name to sign in with: an alias is nobody here."""
        for user in self.world.users.values():
            if name == user.id or name.lower() == user.upn.lower():
                return user
        raise GraphError(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist.")

    def _mailbox(self, request: Asked, user: FakeUser) -> FakeMailbox:
        mailbox = self.world.mailboxes[user.id]
        if mailbox.refusal is not None:
            raise GraphError(*mailbox.refusal)
        if request.grant.roles.isdisjoint(_CALENDARS) and mailbox.address not in self.scoped:
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if request.prefer.get("outlook.timezone", "UTC") != "UTC":
            raise GraphError(400, "TimeZoneNotSupportedException", "This fake knows UTC only.")
        return mailbox

    def _of_groups(self, request: Asked, rest: list[str]) -> Resource:
        _need(request.grant, _GROUPS)
        if not rest:
            rows = [group.resource() for group in self._filtered(request.fields.get("$filter"))]
            return self._listed(request, rows, most=999, context="groups")
        group = self.world.groups.get(rest[0])
        if group is None:
            raise GraphError(404, "Request_ResourceNotFound", f"Resource '{rest[0]}' does not exist.")
        if len(rest) == 1:
            return _chosen(group.resource(), request.fields.get("$select"))
        if rest[1:] != ["transitiveMembers", "microsoft.graph.user"]:
            raise GraphError(400, "BadRequest", f"Resource not found for the segment '{rest[-1]}'.")
        if not request.eventual or (request.fields.get("$count") != "true" and "$skiptoken" not in request.fields):
            text = "Request with OData cast must be used with ConsistencyLevel: eventual and $count=true."
            raise GraphError(400, "Request_UnsupportedQuery", text)
        told = not request.grant.roles.isdisjoint(_USERS)
        rows = [_limited(user.resource(), told) for user in self.world.members(group.id)]
        return self._listed(request, rows, most=999, context="directoryObjects", usual=_USUALLY_TOLD)

    def _filtered(self, condition: str | None) -> list[Any]:
        if condition is None:
            return list(self.world.groups.values())
        match = re.fullmatch(r"mail eq '((?:[^']|'')*)'", condition.strip())
        if match is None:
            raise GraphError(400, "Request_UnsupportedQuery", "This fake knows mail eq '…' only.")
        wanted = match[1].replace("''", "'").lower()
        return [group for group in self.world.groups.values() if group.mail and group.mail.lower() == wanted]

    # calendars

    def _view(self, request: Asked, mailbox: FakeMailbox) -> Resource:
        bounds = None if "$skiptoken" in request.fields else self._bounds(request)
        with mailbox.lock:
            rows = [] if bounds is None else [mailbox.shown(entry) for entry in mailbox.in_view(bounds)]
        if "$select" in request.fields:  # documented: these two are not told then
            drop = ("createdDateTime", "lastModifiedDateTime")
            rows = [{key: value for key, value in row.items() if key not in drop} for row in rows]
        return self._items(request, mailbox, rows)

    def _item(self, request: Asked, mailbox: FakeMailbox, entry: str, *, instances: bool) -> Resource:
        if is_immutable(entry) is not request.immutable_ids:
            raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
        with mailbox.lock:
            if immutable(entry) not in mailbox.items:
                raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
            item = mailbox.shown(immutable(entry))
            if not instances:
                return _chosen(self._allowed(request, item, mailbox), request.fields.get("$select"), check=True)
            if item["type"] != "seriesMaster":
                raise GraphError(400, "ErrorInvalidRequest", "Your request can't be completed.")
            if "$skiptoken" in request.fields:
                return self._items(request, mailbox, [])
            view = set(mailbox.in_view(self._bounds(request)))
            rows = [mailbox.shown(entry) for entry in mailbox.instances(item["id"]) if entry in view]
            return self._items(request, mailbox, rows)

    def _items(self, request: Asked, mailbox: FakeMailbox, rows: list[Resource]) -> Resource:
        rows = [self._allowed(request, row, mailbox) for row in rows]
        return self._listed(request, rows, most=1000, context="events", default=10, check=True)

    def _allowed(self, request: Asked, item: Resource, mailbox: FakeMailbox) -> Resource:
        """Without the body, where only the basic permission was granted."""
        is_scoped = mailbox.address in self.scoped
        return item if is_scoped or not request.grant.roles.isdisjoint(_BODIES) else basic(item)

    def _bounds(self, request: Asked) -> Bounds:
        try:
            low, high = (_moment(request.fields[name]) for name in ("startDateTime", "endDateTime"))
        except (KeyError, ValueError):
            text = "This request requires a time window specified by startDateTime and endDateTime."
            raise GraphError(400, "ErrorInvalidParameter", text) from None
        if high <= low:
            raise GraphError(400, "ErrorInvalidParameter", "The end lies before the start.")
        if self.longest_view is not None and high - low > self.longest_view:
            raise GraphError(400, "ErrorCalendarViewRangeTooBig", "The calendar view is too long.")
        return low, high

    # delta

    def _delta(self, request: Asked, mailbox: FakeMailbox, owner: str) -> Resource:
        if wrong := [name for name in _NOT_ON_DELTA if name in request.fields]:
            raise GraphError(400, "ErrorInvalidUrlQuery", f"{wrong} cannot be used when tracking changes.")
        size = int(request.prefer.get("odata.maxpagesize", "10"))
        with mailbox.lock:
            found = self._round(request, mailbox, owner)
            if self.before_page is not None:
                self.before_page(found.offset)
            return self._page(request, mailbox, found, min(size, self.page_size or size))

    def _round(self, request: Asked, mailbox: FakeMailbox, owner: str) -> _Round:
        through, view = len(mailbox.journal), frozenset[str]()
        if not {"$skiptoken", "$deltatoken"} & request.fields.keys():
            bounds = self._bounds(request)
            view = frozenset(mailbox.in_view(bounds))
            return _Round(owner, mailbox.generation, bounds, through, view, tuple(mailbox.listed(bounds)))
        found = self._links.get(request.target)
        if not isinstance(found, _Round):
            raise GraphError(400, "ErrorInvalidUrlQuery", "This is no link that was given, or it was changed.")
        if found.generation != mailbox.generation:
            status, code = self.expired
            raise GraphError(status, code, "The sync state generation is not found; generation=149;")
        if not found.ended:
            return found
        rows = tuple(mailbox.changed(found.through, found.view, found.bounds))
        view = frozenset(mailbox.in_view(found.bounds))
        return _Round(owner, mailbox.generation, found.bounds, through, view, rows)

    def _page(self, request: Asked, mailbox: FakeMailbox, found: _Round, size: int) -> Resource:
        is_empty = mailbox.quirks.empty_pages and not found.was_empty
        end = found.offset if is_empty else found.offset + size
        rows = list(found.rows[found.offset : end])
        if mailbox.quirks.repeats and found.offset and rows:
            rows.insert(0, found.rows[found.offset - 1])
        if is_empty or end < len(found.rows):
            link = {
                "@odata.nextLink": self._link(request, replace(found, offset=end, was_empty=is_empty), "$skiptoken")
            }
        else:
            ended = replace(found, rows=(), offset=0, was_empty=False, ended=True)
            link = {"@odata.deltaLink": self._link(request, ended, "$deltatoken")}
        value = [row if "@removed" in row else self._allowed(request, row, mailbox) for row in rows]
        return {"@odata.context": f"{self.root}/$metadata#Collection(event)", **link, "value": value}

    def _link(self, request: Asked, state: _Round | _Rest, name: str) -> str:
        """The address of the next page or round; only this very text leads there."""
        path = urlsplit(request.target).path
        target = f"{path}?{name}=R0usmc{len(self._links)}%2BM-_{quote(state.__class__.__name__)}"
        self._links[target] = state
        host = self.link_root or self.root.removesuffix(urlsplit(self.root).path)
        return host + target

    def _listed(
        self,
        request: Asked,
        rows: Iterable[Resource],
        *,
        most: int,
        context: str,
        usual: tuple[str, ...] | None = None,
        default: int = 100,
        check: bool = False,
    ) -> Resource:
        """A page of a plain listing, and the link to the next."""
        if "$skiptoken" in request.fields:
            found = self._links.get(request.target)
            if not isinstance(found, _Rest):
                raise GraphError(400, "Directory_ExpiredPageToken", "The page token is no longer valid.")
            rest = found
        else:
            size = request.number("$top", int(request.prefer.get("odata.maxpagesize", default)), most)
            select = request.fields.get("$select")
            rest = _Rest(tuple(_chosen(row, select, usual, check=check) for row in rows), size, context)
        size = min(rest.size, self.page_size or rest.size)
        following = replace(rest, rows=rest.rows[size:])
        link = {"@odata.nextLink": self._link(request, following, "$skiptoken")} if following.rows else {}
        return {"@odata.context": f"{self.root}/$metadata#{rest.context}", **link, "value": list(rest.rows[:size])}


def _is_of_mailbox(segments: tuple[str, ...]) -> bool:
    return len(segments) > 2 and segments[0] == "users"


def _need(grant: Grant, any_of: frozenset[str]) -> None:
    if grant.roles.isdisjoint(any_of):
        text = "Insufficient privileges to complete the operation."
        raise GraphError(403, "Authorization_RequestDenied", text)


def _limited(row: Resource, told: bool) -> Resource:
    """A member; without the permission to read people only the id is told."""
    named = {"@odata.type": "#microsoft.graph.user", **row}
    return named if told else {key: value if key in ("@odata.type", "id") else None for key, value in named.items()}


def _chosen(
    row: Resource, select: str | None, usual: tuple[str, ...] | None = None, *, check: bool = False
) -> Resource:
    """The properties that were asked for, else those that are usual. Items come with their id whatever is asked."""
    if select is None:
        return row if usual is None else {key: row[key] for key in usual if key in row}
    wanted = select.split(",")
    known = _PROPERTIES if check else set(row)
    if unknown := set(wanted) - known:
        raise GraphError(400, "RequestBroker--ParseUri", f"Could not find a property named {sorted(unknown)}.")
    always = ("id", "@odata.etag", "@odata.type") if check else ("@odata.type",)
    return {key: value for key, value in row.items() if key in wanted or key in always}


def _moment(text: str) -> datetime:
    """A bound of a window: its offset counts, and without one it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else instant({"dateTime": text})
