"""A small Microsoft over TLS: the token endpoint and Graph, for the real msal and requests.

Real enough for both: secrets and signed assertions are verified, tokens hold roles, and are asked for on every request.
It refuses what the real one refuses (`docs/providers.md` B, C), and fails on demand.
`python -m tests.fakes.microsoft --help` starts it by hand (`README.md`).
"""

from __future__ import annotations

import argparse
import shutil
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import trustme

from tests.fakes.http_fake import Answer, Fault, HttpFake, struck
from tests.fakes.microsoft_graph import Graph, GraphError, asked
from tests.fakes.microsoft_items import at, guest
from tests.fakes.microsoft_tokens import Tokens
from tests.fakes.microsoft_world import World

PREFIX = "/v1.0"
TENANT_ID = "927c6607-8060-4f4a-a5f8-34964ac78d70"
CLIENT_ID = "5b61ab0e-7a5b-4c55-9d0c-2f5d4f3c7a11"
SECRET = "fake~Q.secret-of-the-app-0123456789abcdef"


@dataclass(kw_only=True)
class GraphFault(Fault):
    """A fault, by default of whatever concerns a person; `who` is an id or a name to sign in with, as in the path."""

    path: str = f"{PREFIX}/users/"
    status: int = 503
    code: str = "serviceNotAvailable"
    message: str = ""
    retry_after: str | float | None = None

    def struck(self) -> Answer | None:
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        made = GraphError(self.status, self.code, self.message).answer()
        return struck(self, made.body, {**made.headers, **headers})


@dataclass(frozen=True)
class Seen:
    """A request for Graph that arrived: where to, asking for what, with which of the headers that matter."""

    method: str
    path: str
    target: str
    prefer: str
    consistency: str
    user_agent: str
    roles: frozenset[str]
    has_token: bool


@cache
def _authority() -> tuple[trustme.CA, trustme.LeafCert]:
    authority = trustme.CA()
    return authority, authority.issue_cert("localhost", "127.0.0.1")


class FakeMicrosoft(HttpFake):
    """The server. Change `world`, `graph` and `tokens` at will; `seen` holds all requests but those for tokens."""

    def __init__(self, port: int = 0) -> None:
        authority, certificate = _authority()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        super().__init__(port, context)
        self._folder = Path(tempfile.mkdtemp())
        self.ca_file = self._folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.host = f"https://localhost:{self.port}"
        self.tenant_id, self.client_id, self.secret = TENANT_ID, CLIENT_ID, SECRET
        self.authority = f"{self.host}/{TENANT_ID}"
        self.endpoint = f"{self.host}{PREFIX}"
        self.world = World()
        self.graph = Graph(self.world, self.endpoint)
        self.tokens = Tokens(self.authority, self.host, TENANT_ID, CLIENT_ID, SECRET)
        self.faults: list[GraphFault] = []
        self.seen: list[Seen] = []
        self._lock = threading.Lock()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def roles(self) -> set[str]:
        """The application permissions that were consented to; new tokens hold them."""
        return self.tokens.roles

    @property
    def before_page(self) -> Callable[[int], None] | None:
        return self.graph.before_page

    @before_page.setter
    def before_page(self, hook: Callable[[int], None] | None) -> None:
        self.graph.before_page = hook

    def certificate(self, folder: Path, name: str = "one", password: str | None = None) -> Path:
        """A PEM file with key and certificate that the app is registered with."""
        return self.tokens.pem(folder, name, password)

    def pfx(self, folder: Path, password: str, name: str = "one") -> Path:
        """The same as a PFX file."""
        return self.tokens.pfx(folder, name, password)

    def fail(self, *, user: str | None = None, **fault: Any) -> GraphFault:
        """Adds a fault, perhaps of one person's requests; `path="/oauth2/"` for the token endpoint."""
        made = GraphFault(who=user, **fault)
        self.faults.append(made)
        return made

    def listings(self) -> list[Seen]:
        """The requests for calendars."""
        return [request for request in self.seen if "/calendarView" in request.path or "/events/" in request.path]

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        parts = urlsplit(target)
        segments = parts.path.strip("/").split("/")
        is_graph = segments[0] == PREFIX.strip("/")
        given = {name: str(headers.get(name, "")) for name in ("Prefer", "ConsistencyLevel", "User-Agent")}
        grant = self.tokens.grant(str(headers.get("Authorization", "")))
        if is_graph:
            self.seen.append(
                Seen(
                    method=method,
                    path=unquote(parts.path),
                    target=target,
                    prefer=given["Prefer"],
                    consistency=given["ConsistencyLevel"],
                    user_agent=given["User-Agent"],
                    roles=grant.roles if grant is not None else frozenset(),
                    has_token="Authorization" in headers,
                )
            )
        who = unquote(segments[2]) if len(segments) > 2 else None
        with self._lock:
            fault = next((fault for fault in self.faults if fault.takes(unquote(parts.path), who)), None)
        if not is_graph:
            struck_down = fault.struck() if fault is not None else None
            return struck_down or self._token(parts.path, segments[0], body)
        try:
            if grant is None or grant.audience != self.host:
                text = "Lifetime validation failed, the token is expired."
                raise GraphError(401, "InvalidAuthenticationToken", text, WWW_Authenticate="Bearer")
            request = asked(target, given, grant, PREFIX)
            with self.graph.at_once(request):
                struck_down = fault.struck() if fault is not None else None
                return struck_down or self.graph.respond(request)
        except GraphError as error:
            return error.answer()

    def _token(self, path: str, tenant: str, body: bytes) -> Answer:
        if path.endswith("/v2.0/.well-known/openid-configuration"):
            return self.tokens.configuration(tenant)
        if path.endswith("/oauth2/v2.0/token"):
            return self.tokens.token(tenant, body)
        return Answer(404, b"")


CONFIG = """
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]

[network]
ca_file = "{ca_file}"

[[connectors]]
name = "m365"
kind = "microsoft365"
tenant_id = "{tenant_id}"
client_id = "{client_id}"
{credential}
calendars = ["*"]
authority = "{authority}"
graph_endpoint = "{endpoint}"

[[clients]]
name = "Acme"
domains = ["acme.example"]
"""


def config(fake: FakeMicrosoft, folder: Path, credential: str = 'client_secret = { file = "m365.secret" }') -> str:
    """A config for the fake; the secret and the CA's certificate are written beside it."""
    (folder / "m365.secret").write_text(fake.secret, "utf-8")
    (folder / "m365.secret").chmod(0o600)
    shutil.copyfile(fake.ca_file, folder / "ca.pem")
    return CONFIG.format(
        ca_file="ca.pem",
        tenant_id=fake.tenant_id,
        client_id=fake.client_id,
        credential=credential,
        authority=fake.authority,
        endpoint=fake.endpoint,
    )


def populate(world: World, people: int, meetings: int, now: datetime) -> None:
    """A tenant with so many people, each with a weekly series and so many meetings around now, half with a client."""
    for number in range(people):
        mailbox = world.add(f"person{number}@northwind.example")
        for count in range(meetings):
            start = (now + timedelta(days=count - meetings + 14)).replace(hour=9, minute=0, second=0, microsecond=0)
            other = "ana@acme.example" if count % 2 else "all@northwind.example"
            end = start + timedelta(minutes=45)
            mailbox.put(
                {"id": f"m{count}", "start": at(start), "end": at(end), "attendees": [guest(other, "accepted")]}
            )
        first = (now - timedelta(days=28)).replace(hour=14, minute=0, second=0, microsecond=0)
        series = {
            "start": at(first),
            "end": at(first + timedelta(minutes=30)),
            "attendees": [guest("ana@acme.example")],
        }
        mailbox.put_series("weekly", series, 8)


def main() -> None:
    """Starts the fake and prints a config for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.microsoft", description=__doc__)
    parser.add_argument("--port", type=int, default=8766)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--meetings", type=int, default=60, help="of each person")
    parser.add_argument("--folder", type=Path, default=Path(), help="where config.toml, the CA and the secret go")
    chosen = parser.parse_args()
    fake = FakeMicrosoft(chosen.port)
    populate(fake.world, chosen.people, chosen.meetings, datetime.now(UTC))
    text = config(fake, chosen.folder)
    (chosen.folder / "config.toml").write_text(text, "utf-8")
    print(text)  # noqa: T201  # the config is what this command is for
    with suppress(KeyboardInterrupt):
        fake.serve()


if __name__ == "__main__":
    main()
