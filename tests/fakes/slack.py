"""A small Slack over HTTP: the Web API methods that digests need, incoming webhooks, and the upload of files.

Real enough for `slack_sdk`: tokens and scopes are asked for, channels and people are looked up page by page, blocks are
held to Block Kit's limits, uploads have three steps. It keeps what was posted, and fails on demand.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes import block_kit
from tests.fakes.http_fake import Answer, Fault, HttpFake, json_answer, struck

TOKEN = "xoxb-1111-2222-fakefakefake"
HOOK = "/services/T01NORTHW/B01HOOK/s3cretwebhookpart"
TEAM = "T01NORTHW"
SCOPES = (
    "chat:write,files:write,channels:read,groups:read,users:read,users:read.email,im:write"  # docs/slack.md's manifest
)
_NEEDS = {
    "auth.test": (),
    "conversations.list": ("channels:read", "groups:read"),
    "conversations.info": ("channels:read", "groups:read"),
    "users.lookupByEmail": ("users:read.email",),
    "conversations.open": ("im:write",),
    "chat.postMessage": ("chat:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
}
_FIELDS = {
    "chat.postMessage": {
        "channel", "text", "blocks", "thread_ts", "mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media",
    },
    "conversations.list": {"types", "exclude_archived", "limit", "cursor"},
    "conversations.info": {"channel"},
    "conversations.open": {"users"},
    "users.lookupByEmail": {"email"},
    "files.getUploadURLExternal": {"filename", "length", "alt_txt"},
    "files.completeUploadExternal": {"files", "channel_id", "thread_ts"},
    "auth.test": set(),
}  # fmt: skip
_HOOK_FIELDS = {"text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"}


@dataclass(kw_only=True)
class SlackFault(Fault):
    """`error` is answered as Slack does; `accepted`: the request takes effect before it fails."""

    error: str = ""
    accepted: bool = False


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A message as it stands in a channel."""

    channel: str
    ts: str
    fields: dict[str, Any]

    @property
    def thread(self) -> str | None:
        found = self.fields.get("thread_ts")
        return None if found is None else str(found)


@dataclass(kw_only=True)
class Uploaded:
    """A file on its way into a channel, or there."""

    name: str
    length: int
    alt: str | None
    data: bytes = b""
    title: str = ""
    channel: str | None = None
    thread: str | None = None


class Refused(Exception):
    """`ok: false` with a code, and perhaps more."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request that arrived."""

    path: str
    fields: dict[str, Any]
    token: str
    headers: dict[str, str] = field(repr=False)


class FakeSlack(HttpFake):
    """The server. `channels` and `users` can be changed at will; `posted` and `files` are what people would see."""

    def __init__(self, port: int = 0, **more: Any) -> None:
        super().__init__(port, **more)
        self.scheme = "https" if more.get("context") else "http"
        self.token = TOKEN
        self.token_error: str | None = None
        self.scopes = SCOPES
        self.is_bot = True
        self.enterprise: str | None = None
        self.page_size: int | None = None
        self.endless_pages = False
        self.channels: dict[str, dict[str, Any]] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.posted: list[Posted] = []
        self.files: dict[str, Uploaded] = {}
        self.seen: list[Seen] = []
        self.faults: list[SlackFault] = []
        self._ids = itertools.count(1)
        self._lock = threading.RLock()
        self.add_channel("accounts")
        self.add_person("ceo@northwind.example")

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        return f"{self.url}{HOOK}"

    @property
    def first(self) -> list[Posted]:
        """The messages that are no replies."""
        return [one for one in self.posted if one.thread is None]

    def add_channel(self, name: str, **more: Any) -> str:
        """A channel that the app is in; its id."""
        known = f"C{next(self._ids):09d}"
        usual = {"is_channel": True, "is_private": False, "is_archived": False, "is_member": True}
        self.channels[known] = {"id": known, "name": name, "name_normalized": name, **usual, **more}
        return known

    def add_person(self, address: str, **more: Any) -> str:
        known = f"U{next(self._ids):09d}"
        usual = {"team_id": TEAM, "deleted": False, "is_bot": False, "is_restricted": False}
        self.users[address] = {"id": known, **usual, **more}
        return known

    def fail(self, path: str = "chat.postMessage", **fault: Any) -> SlackFault:
        """Adds a fault. With `error` alone, it comes with status 200 as Slack's usually do."""
        if "error" in fault:
            fault.setdefault("status", 200)
        made = SlackFault(path=path, **fault)
        self.faults.append(made)
        return made

    def asked(self, method: str) -> list[Seen]:
        return [one for one in self.seen if one.path == f"/api/{method}"]

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        path = urlsplit(target).path
        fields = {} if path.startswith("/upload/") else _fields(headers, body)
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen.append(Seen(path=path, fields=fields, token=token, headers=dict(headers.items())))
        with self._lock:
            fault = next((one for one in self.faults if one.takes(path, None)), None)
        if fault is not None and not fault.accepted:
            struck_answer = struck(fault, _error_body(fault))
            if struck_answer is not None:
                return struck_answer
        with self._lock:
            answer = self._routed(method, path, fields, token, body)
        if fault is not None and fault.accepted:
            return struck(fault, _error_body(fault)) or answer
        return answer

    def _routed(self, method: str, path: str, fields: dict[str, Any], token: str, body: bytes) -> Answer:
        if method != "POST":
            return Answer(405, b"", {"Content-Type": "text/plain"})
        if path.startswith("/services/"):
            return self._hook(path, fields)
        if path.startswith("/upload/v1/"):
            return self._receive(path.rpartition("/")[2], token, body)
        called = path.removeprefix("/api/")
        try:
            if called not in _NEEDS:
                raise Refused("unknown_method")
            self._admit(called, fields, token)
            answered = self._method(called)(fields)
        except Refused as refused:
            answered = {"ok": False, "error": refused.code, **refused.more}
        return json_answer(200, {"ok": True, **answered}, {"x-oauth-scopes": self.scopes})

    def _admit(self, called: str, fields: dict[str, Any], token: str) -> None:
        if not token:
            raise Refused("not_authed")
        if token != self.token:
            raise Refused("invalid_auth")
        if self.token_error:
            raise Refused(self.token_error)
        missing = [one for one in _NEEDS[called] if one not in self.scopes.split(",")]
        if missing:
            raise Refused("missing_scope", needed=",".join(missing), provided=self.scopes)
        if unknown := set(fields) - _FIELDS[called]:
            raise Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] unknown {sorted(unknown)}"]})

    def _method(self, called: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "conversations.list": self._list,
            "conversations.info": self._info,
            "conversations.open": self._open,
            "users.lookupByEmail": self._look_up,
            "chat.postMessage": self._post,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete,
        }
        return methods[called]

    def _auth_test(self, _fields: dict[str, Any]) -> dict[str, Any]:
        bot = {"bot_id": "B01RAPPORT"} if self.is_bot else {}
        bot |= {"enterprise_id": self.enterprise} if self.enterprise else {}
        return {"user": "rapport", "team": "Northwind", "team_id": TEAM, "user_id": "U01RAPPORT", **bot}

    def _list(self, fields: dict[str, Any]) -> dict[str, Any]:
        limit = int(fields.get("limit", 100))
        if not 1 <= limit < 1000:
            raise Refused("invalid_limit")
        shown = [one for one in self.channels.values() if not one["is_private"] or one["is_member"]]
        if fields.get("exclude_archived") == "1":
            shown = [one for one in shown if not one["is_archived"]]
        start = int(fields["cursor"].removeprefix("at-")) if fields.get("cursor") else 0
        end = start + min(limit, self.page_size or limit)
        more = end < len(shown) or self.endless_pages
        return {
            "channels": [_without_sharing(one) for one in shown[start:end]],
            "response_metadata": {"next_cursor": f"at-{end}" if more else ""},
        }

    def _info(self, fields: dict[str, Any]) -> dict[str, Any]:
        found = self.channels.get(str(fields.get("channel")))
        if found is None or (found["is_private"] and not found["is_member"]):
            raise Refused("channel_not_found")
        return {"channel": found}

    def _open(self, fields: dict[str, Any]) -> dict[str, Any]:
        user = next((one for one in self.users.values() if one["id"] == fields.get("users")), None)
        if user is None:
            raise Refused("user_not_found")
        known = f"D{user['id'][1:]}"
        self.channels[known] = {"id": known, "name": "", "is_private": True, "is_member": True, "is_archived": False}
        return {"channel": {"id": known}}

    def _look_up(self, fields: dict[str, Any]) -> dict[str, Any]:
        if fields.get("email") not in self.users:
            raise Refused("users_not_found")
        return {"user": self.users[fields["email"]]}

    def _post(self, fields: dict[str, Any]) -> dict[str, Any]:
        channel = self.channels.get(str(fields.get("channel")))
        if channel is None:
            raise Refused("channel_not_found")
        if channel["is_archived"]:
            raise Refused("is_archived")
        if not channel["is_member"] and "chat:write.public" not in self.scopes.split(","):
            raise Refused("not_in_channel")
        thread = fields.get("thread_ts")
        if thread is not None and thread not in [one.ts for one in self.first]:
            raise Refused("invalid_thread_ts")
        if problem := _form_problem(fields):
            raise Refused(problem[0], response_metadata={"messages": problem[1]})
        ts = f"1793520000.{next(self._ids):06d}"
        self.posted.append(Posted(channel=channel["id"], ts=ts, fields=fields))
        return {"channel": channel["id"], "ts": ts, "message": {"text": fields["text"]}}

    def _upload_url(self, fields: dict[str, Any]) -> dict[str, Any]:
        if int(fields.get("length", 0)) < 1:
            raise Refused("invalid_arguments")
        known = f"F{next(self._ids):09d}"
        alt = fields.get("alt_txt")
        self.files[known] = Uploaded(name=fields["filename"], length=int(fields["length"]), alt=alt)
        return {"upload_url": f"{self.url}/upload/v1/{known}", "file_id": known}

    def _receive(self, known: str, token: str, body: bytes) -> Answer:
        if token or known not in self.files or len(body) != self.files[known].length:
            return Answer(400, b"", {"Content-Type": "text/plain"})
        self.files[known].data = body
        return Answer(200, b"OK - %d" % len(body), {"Content-Type": "text/plain"})

    def _complete(self, fields: dict[str, Any]) -> dict[str, Any]:
        rows = json.loads(fields["files"])
        if not 1 <= len(rows) <= 10:
            raise Refused("invalid_arguments")
        for row in rows:
            file = self.files.get(row["id"])
            if file is None or len(file.data) != file.length:
                raise Refused("file_not_found")
            file.title, file.channel, file.thread = row["title"], fields["channel_id"], fields.get("thread_ts")
        return {"files": [{"id": row["id"], "title": row["title"]} for row in rows]}

    def _hook(self, path: str, fields: dict[str, Any]) -> Answer:
        """Webhooks answer in plain text."""
        if path != HOOK:
            return _plain(404, "no_service")
        if unknown := set(fields) - _HOOK_FIELDS:
            return _plain(400, f"invalid_payload {sorted(unknown)}")
        if problem := _form_problem(fields):
            return _plain(400, problem[0])
        self.posted.append(Posted(channel="webhook", ts="", fields=fields))
        return _plain(200, "ok")


def _form_problem(fields: dict[str, Any]) -> tuple[str, list[str]] | None:
    """The code for a message that Slack would not take, and where its trouble lies."""
    if not str(fields.get("text", "")).strip():
        return "no_text", []
    if len(fields["text"]) > 40_000:
        return "msg_too_long", []
    if "blocks" in fields:
        if found := block_kit.problems(fields["blocks"]):
            return "invalid_blocks", found
        if block_kit.too_long(fields["blocks"]):
            return "msg_blocks_too_long", []
    return None


def _fields(headers: Message, body: bytes) -> dict[str, Any]:
    if not body:  # slack_sdk calls nothing at all JSON
        return {}
    if headers.get("Content-Type", "").startswith("application/json"):
        found: dict[str, Any] = json.loads(body)
        return found
    return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}


def _error_body(fault: SlackFault) -> bytes:
    return json.dumps({"ok": False, "error": fault.error}).encode() if fault.error else b""


def _plain(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/html"})


def _without_sharing(channel: dict[str, Any]) -> dict[str, Any]:
    """A row of the list may be older than the channel's own answer."""
    return {name: value for name, value in channel.items() if "shared" not in name}
