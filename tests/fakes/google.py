"""A small Google over HTTP: Calendar v3 `events.list`, Directory `users.list` and `members.list`, the token endpoint.

Real enough for Google's own client libraries: tokens are given for JWTs whose signature, audience, time, scopes and
subject hold, and asked for on every request. It refuses what the real one refuses (`docs/providers.md` A), and fails on
demand. `python -m tests.fakes.google --help` starts it by hand (`README.md`).
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.google_world import FakeCalendar, Refused, Resource, World, at, masked
from tests.fakes.http_fake import Answer, Fault, HttpFake, json_answer, struck

PREFIX = "https://www.googleapis.com/auth/"
CALENDAR = f"{PREFIX}calendar.events.readonly"
OWNED = f"{PREFIX}calendar.events.owned.readonly"
USERS = f"{PREFIX}admin.directory.user.readonly"
MEMBERS = f"{PREFIX}admin.directory.group.member.readonly"
AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth's, whatever token_uri says (docs/providers.md D)
CLIENT_ID = "104857600000000000001"
ACCOUNT = "rapport@northwind-rapport.iam.example"

_KNOWN = {"alt", "prettyPrint", "fields", "quotaUser", "maxResults", "pageToken", "syncToken", "singleEvents"}
_KNOWN |= {"showDeleted", "timeMin", "timeMax", "eventTypes", "maxAttendees", "timeZone", "showHiddenInvitations"}
_KNOWN |= {"orderBy", "q", "updatedMin", "iCalUID"}
_NOT_WITH_TOKEN = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty")
_NEVER_WITH_TOKEN = (*_NOT_WITH_TOKEN, "timeMin", "timeMax", "updatedMin")
_SHAPING = (
    "singleEvents",
    "showDeleted",
    "maxAttendees",
    "eventTypes",
    "showHiddenInvitations",
    "maxResults",
    "fields",
)


@dataclass(kw_only=True)
class GoogleFault(Fault):
    """A fault, by default of the Calendar API, in Google's envelope; `new_style` in the one with `details`."""

    path: str = "/calendar/"
    reason: str = "backendError"
    new_style: bool = False
    domain: str = "global"


@dataclass(frozen=True)
class Seen:
    """A request that arrived: as whom, where to, and with which parameters."""

    method: str
    path: str
    query: dict[str, str]
    subject: str | None
    user_agent: str | None


@cache
def signing_key(name: str = "one") -> rsa.RSAPrivateKey:
    """A service account's key; made once for each name, for it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class _Listing:
    """What a page token stands for."""

    owner: str
    generation: int
    shape: str
    entries: tuple[str, ...]
    offset: int
    through: int
    delta: bool


class FakeGoogle(HttpFake):
    """The server. Change `world` at will; `seen` holds all requests but those for tokens, `tokens` who got how many."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.world = World()
        self.delegated = {CALENDAR, OWNED, USERS, MEMBERS}
        self.faults: list[GoogleFault] = []
        self.seen: list[Seen] = []
        self.tokens: Counter[str] = Counter()
        self.token_requests = 0
        self.token_scopes: set[str] = set()
        self.given: dict[str, str] = {}
        self.token_errors: dict[str, tuple[str, str]] = {}
        self.key_name = "one"
        self.page_size: int | None = None
        self.empty_pages = False
        self.repeats_items = False
        self.sync_tokens = True
        self.skew = timedelta(0)
        self.before_page: Callable[[int], None] | None = None
        self._granted: dict[str, tuple[str, frozenset[str]]] = {}
        self._listings: dict[str, _Listing] = {}
        self._lock = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def key_file(self, folder: Path, *, key_name: str = "one", **changes: Any) -> Path:
        """Writes a service-account key file that leads here."""
        pem = signing_key(key_name).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "project_id": "northwind-rapport",
            "private_key_id": "0123456789abcdef",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": CLIENT_ID,
            "token_uri": f"{self.url}/token",
            **changes,
        }
        path = folder / "google-service-account.json"
        path.write_text(json.dumps({key: value for key, value in info.items() if value is not None}), "utf-8")
        path.chmod(0o600)
        return path

    def fail(self, *, subject: str | None = None, **fault: Any) -> GoogleFault:
        """Adds a fault, perhaps of one person's requests."""
        made = GoogleFault(who=subject, **fault)
        self.faults.append(made)
        return made

    def listings(self) -> list[Seen]:
        """The requests to the Calendar API."""
        return [request for request in self.seen if "/calendar/" in request.path]

    def revoke_tokens(self) -> None:
        """Every access token given so far is dead."""
        self._granted.clear()

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        """One request, from any thread."""
        parts = urlsplit(target)
        fields = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if headers.get("X-Http-Method-Override") == "GET":
            fields |= {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        path = unquote(parts.path)
        subject, scopes = self._granted.get(
            headers.get("Authorization", "").removeprefix("Bearer "), (None, frozenset())
        )
        if path != "/token":
            self.seen.append(Seen(method, path, fields, subject, headers.get("User-Agent")))
        claims = _claims(body) if path == "/token" else {}
        fault = self._fault(path, str(claims.get("sub")) if claims else subject)
        if fault is not None:
            return fault
        try:
            if path == "/token":
                return self._token(body)
            if subject is None:
                raise Refused(401, "authError", "Invalid Credentials")
            return json_answer(200, self._resource(path, fields, subject, scopes))
        except Refused as error:
            return _error(error)

    def _fault(self, path: str, subject: str | None) -> Answer | None:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.takes(path, subject)), None)
        if fault is None:
            return None
        error = Refused(fault.status, fault.reason, domain=fault.domain)
        return struck(fault, _error(error, new_style=fault.new_style).body)

    def _resource(self, path: str, fields: dict[str, str], subject: str, scopes: frozenset[str]) -> Resource:
        found: Resource
        if match := re.fullmatch(r"/calendar/v3/calendars/([^/]+)/events", path):
            _need(scopes, CALENDAR, OWNED)
            found = self._list(match[1], fields, subject)
        elif path == "/admin/directory/v1/users":
            _need(scopes, USERS)
            found = self._users(fields, subject)
        elif match := re.fullmatch(r"/admin/directory/v1/groups/([^/]+)/members", path):
            _need(scopes, MEMBERS)
            found = self._members(match[1], fields, subject)
        else:
            raise Refused(404, "notFound", "Not Found")
        return masked(found, fields["fields"]) if "fields" in fields else found

    # the token endpoint

    def _token(self, body: bytes) -> Answer:
        self.token_requests += 1
        error = self._token_error(body)
        if error is not None:
            return json_answer(
                400 if error[0] != "unauthorized_client" else 401, dict(zip(_TOKEN_ERROR, error, strict=True))
            )
        claims = _claims(body)
        with self._lock:
            token = f"ya29.fake-{sum(self.tokens.values())}"
            self.tokens[claims["sub"]] += 1
            self.token_scopes.update(claims["scope"].split())
            self._granted[token] = (claims["sub"], frozenset(claims["scope"].split()))
            self.given[claims["sub"]] = token
        return json_answer(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _token_error(self, body: bytes) -> tuple[str, str] | None:
        claims = _claims(body)
        if parse_qs(body.decode()).get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return "unsupported_grant_type", "Invalid grant_type"
        if claims.get("iss") != ACCOUNT:
            return "invalid_grant", "Invalid grant: account not found"
        if not self._is_signed(body):
            return "invalid_grant", "Invalid JWT Signature."
        if claims.get("aud") != AUDIENCE:
            return "invalid_grant", "Invalid JWT: Failed audience check."
        now = (datetime.now(UTC) + self.skew).timestamp()
        if not claims["iat"] - 300 <= now <= claims["exp"]:
            return "invalid_grant", (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim."
            )
        if claims["sub"] in self.token_errors:
            return self.token_errors[claims["sub"]]
        if not set(claims["scope"].split()) <= self.delegated:
            return "unauthorized_client", (
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any "
                "of the scopes requested."
            )
        user = self.world.find(claims["sub"])
        if user is None or user.suspended:
            return "invalid_grant", "Invalid email or User ID"
        return None

    def _is_signed(self, body: bytes) -> bool:
        signed, _, signature = parse_qs(body.decode())["assertion"][0].rpartition(".")
        public = signing_key(self.key_name).public_key()
        try:
            public.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    # the directory

    def _users(self, fields: dict[str, str], subject: str) -> Resource:
        self._admin_only(subject)
        if fields.get("customer") != "my_customer":
            raise Refused(400, "badRequest", "Bad Request")
        rows = [user.resource() for user in self.world.users.values()]
        return self._page(rows, fields, "users", most=500)

    def _members(self, group: str, fields: dict[str, str], subject: str) -> Resource:
        self._admin_only(subject)
        if group not in self.world.groups:
            raise Refused(404, "notFound", "Resource Not Found: groupKey")
        rows = list(self.world.members(group, derived=fields.get("includeDerivedMembership") == "true"))
        return self._page(rows, fields, "members", most=200)

    def _admin_only(self, subject: str) -> None:
        user = self.world.find(subject)
        if user is None or not user.admin:
            raise Refused(403, "forbidden", "Not Authorized to access this resource/api")

    def _page(self, rows: list[Resource], fields: dict[str, str], name: str, *, most: int) -> Resource:
        size = self.page_size or int(fields.get("maxResults", 100))
        if size > most:
            raise Refused(400, "invalid", "maxResults is too large")
        start = int(fields.get("pageToken", 0))
        following = {"nextPageToken": str(start + size)} if start + size < len(rows) else {}
        return {"kind": f"admin#directory#{name}", name: rows[start : start + size], **following}

    # calendars

    def _list(self, calendar_id: str, fields: dict[str, str], subject: str) -> Resource:
        user = self.world.find(subject)
        if user is None or calendar_id not in ("primary", user.primary):
            raise Refused(404, "notFound", "Not Found")
        calendar = self.world.calendars[user.id]
        size = _check(fields)
        with self._lock, calendar.lock:
            listing = self._listing(calendar, user.id, fields)
            if self.before_page is not None:
                self.before_page(listing.offset)
            return self._answer_page(calendar, listing, size)

    def _listing(self, calendar: FakeCalendar, owner: str, fields: dict[str, str]) -> _Listing:
        shape = json.dumps([fields.get(name) for name in _SHAPING])
        if "pageToken" in fields:
            listing = self._listings.get(fields["pageToken"])
            if listing is None or listing.owner != owner or listing.shape != shape:
                raise Refused(400, "invalid", "Invalid page token value.")
            if listing.generation != calendar.generation:
                raise _gone()
            return listing
        through = len(calendar.journal)
        if "syncToken" in fields:
            since = _since(fields["syncToken"], owner, calendar, shape)
            entries = calendar.changed(since)
        else:
            entries = calendar.listed(_time(fields.get("timeMin")), _time(fields.get("timeMax")))
        return _Listing(owner, calendar.generation, shape, tuple(entries), 0, through, "syncToken" in fields)

    def _answer_page(self, calendar: FakeCalendar, listing: _Listing, size: int) -> Resource:
        size = min(size, self.page_size or size)
        is_empty = self.empty_pages and listing.offset >= 0
        start = listing.offset if listing.offset >= 0 else -listing.offset - 1
        end = start if is_empty else start + size
        entries = listing.entries[start:end]
        if self.repeats_items and start and entries:
            entries = (listing.entries[start - 1], *entries)
        items = [dict(calendar.items[entry]) for entry in entries]
        if not listing.delta:
            items = [item for item in items if item["status"] != "cancelled"]
        following: dict[str, str] = {}
        if is_empty:
            following["nextPageToken"] = self._remember(listing, -start - 1)
        elif end < len(listing.entries):
            following["nextPageToken"] = self._remember(listing, end)
        elif self.sync_tokens:
            shape = blake2b(listing.shape.encode(), digest_size=8).hexdigest()
            following["nextSyncToken"] = f"{listing.owner}.{calendar.generation}.{listing.through}.{shape}"
        return {
            "kind": "calendar#events",
            "etag": '"p33"',
            "summary": calendar.address,
            "updated": "2026-11-01T00:00:00.000Z",
            "timeZone": calendar.zone,
            "accessRole": "owner",
            "defaultReminders": [],
            "items": items,
            **following,
        }

    def _remember(self, listing: _Listing, offset: int) -> str:
        token = f"page-{len(self._listings)}"
        self._listings[token] = _Listing(
            listing.owner, listing.generation, listing.shape, listing.entries, offset, listing.through, listing.delta
        )
        return token


_TOKEN_ERROR = ("error", "error_description")


def _claims(body: bytes) -> dict[str, Any]:
    assertion = parse_qs(body.decode()).get("assertion", [""])[0].split(".")
    return json.loads(_unpadded(assertion[1])) if len(assertion) == 3 else {}


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _need(scopes: frozenset[str], *any_of: str) -> None:
    if scopes.isdisjoint(any_of):
        raise Refused(403, "insufficientPermissions", "Request had insufficient authentication scopes.")


def _gone() -> Refused:
    return Refused(
        410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", domain="calendar"
    )


def _since(token: str, owner: str, calendar: FakeCalendar, shape: str) -> int:
    parts = token.split(".")
    if len(parts) != 4 or parts[0] != owner:
        raise Refused(400, "invalid", "Invalid sync token value.")
    if int(parts[1]) != calendar.generation:
        raise _gone()
    if parts[3] != blake2b(shape.encode(), digest_size=8).hexdigest():
        raise Refused(400, "invalid", "The query differs from the one that the sync token is of.")
    return int(parts[2])


def _check(fields: dict[str, str]) -> int:
    """What Google refuses about parameters; answers with the page's size."""
    if unknown := fields.keys() - _KNOWN:
        raise Refused(400, "unknownParameter", f"Unknown name {sorted(unknown)}")
    if fields.get("singleEvents") != "true":
        raise Refused(400, "badRequest", "this fake knows singleEvents=true only")
    if "syncToken" in fields and (wrong := [name for name in _NEVER_WITH_TOKEN if name in fields]):
        raise Refused(400, "badRequest", f"{wrong} cannot be specified together with syncToken")
    if "syncToken" in fields and fields.get("showDeleted") == "false":
        raise Refused(400, "badRequest", "showDeleted=false cannot be specified together with syncToken")
    size = int(fields.get("maxResults", 250))
    if not 1 <= size <= 2500:
        raise Refused(400, "invalidParameter", "Invalid value for maxResults")
    low, high = _time(fields.get("timeMin")), _time(fields.get("timeMax"))
    if low is not None and high is not None and low >= high:
        raise Refused(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    return size


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise Refused(400, "badRequest", "Bad Request")
    return moment


def _error(error: Refused, *, new_style: bool = False) -> Answer:
    inner: Resource = {"code": error.status, "message": error.message}
    if new_style:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.reason, "domain": "googleapis.com"}
        inner |= {"status": "PERMISSION_DENIED", "details": [info]}
    else:
        inner["errors"] = [{"domain": error.domain, "reason": error.reason, "message": error.message}]
    return json_answer(error.status, {"error": inner})


CONFIG = """
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]

[[connectors]]
name = "workspace"
kind = "google"
credentials_file = "{key}"
admin = "admin@northwind.example"
calendars = ["*"]
api_endpoint = "{url}"

[[clients]]
name = "Acme"
domains = ["acme.example"]
"""


def populate(world: World, people: int, meetings: int, now: datetime) -> None:
    """A Workspace with so many people, each with so many meetings around now, half of them with a client."""
    world.add("admin@northwind.example", admin=True)
    for number in range(people):
        calendar = world.add(f"person{number}@northwind.example")
        for count in range(meetings):
            start = (now + timedelta(days=count - meetings + 14)).replace(hour=9, minute=0, second=0, microsecond=0)
            guest = "ana@acme.example" if count % 2 else "all@northwind.example"
            rows: list[Resource] = [
                {"email": calendar.address, "self": True, "organizer": True, "responseStatus": "accepted"},
                {"email": guest, "responseStatus": "accepted"},
            ]
            end = start + timedelta(minutes=45)
            calendar.put({"id": f"m{number}x{count}", "start": at(start), "end": at(end), "attendees": rows})


def main() -> None:
    """Starts the fake and prints a config for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.google", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--meetings", type=int, default=60, help="of each person")
    parser.add_argument("--folder", type=Path, default=Path(), help="where config.toml and the key file go")
    chosen = parser.parse_args()
    google = FakeGoogle(chosen.port)
    populate(google.world, chosen.people, chosen.meetings, datetime.now(UTC))
    key = google.key_file(chosen.folder)
    config = CONFIG.format(key=key.name, url=google.url)
    (chosen.folder / "config.toml").write_text(config, "utf-8")
    print(config)  # noqa: T201  # the config is what this command is for
    with suppress(KeyboardInterrupt):
        google.serve()


if __name__ == "__main__":
    main()
