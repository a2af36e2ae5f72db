"""A small mail server (aiosmtpd): STARTTLS or TLS, AUTH by password and XOAUTH2 with checked values, faults on demand.

`fail("RCPT", "550 5.1.1 no such user")` answers a step so, once; `drop`, `silent`, `endless` and `dribble` do what
they say. Steps: `connect`, `EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `RSET`, `DATA`, `body` (in the midst of the
message), `dot` (the message is there whole, and kept), `QUIT`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "localhost"


@dataclass
class Fault:
    """What happens instead of a step, so many times, after letting some pass."""

    reply: bytes = b""
    drop: bool = False
    silent: bool = False
    endless: bool = False
    dribble: bool = False
    times: int = 1
    after: int = 0


@dataclass(frozen=True)
class Received:
    """A message as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    options: tuple[str, ...]
    tls: bool
    login: str | None


@cache
def authority() -> trustme.CA:
    """Whose certificates the tests trust; made once."""
    return trustme.CA()


@dataclass
class FakeMail:
    """The server; `with FakeMail() as mail` runs it on a port of its own."""

    security: str = "starttls"  # tls, none
    users: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "XOAUTH2")
    utf8: bool = True
    size: int = 33_554_432
    host_of_certificate: str = HOST
    ca: trustme.CA = field(default_factory=authority)
    challenge_on_refusal: bool = True
    refusal: str = "535 5.7.8 Username and Password not accepted"
    received: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    port: int = 0
    _served: list[_Server] = field(default_factory=list, repr=False)

    def __enter__(self) -> FakeMail:
        self._context = self.tls_context() if self.security != "none" else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        implicit = self._context if self.security == "tls" else None
        return await self._loop.create_server(self._protocol, HOST, 0, family=socket.AF_INET, ssl=implicit)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for one in self._served:
            one.drop()
        await asyncio.sleep(0)

    def _protocol(self) -> SMTP:
        self._served.append(self._made())
        return self._served[-1]

    def _made(self) -> _Server:
        return _Server(
            self,
            _Keeper(self),
            loop=self._loop,
            hostname="mail.northwind.example",
            tls_context=self._context if self.security == "starttls" else None,
            require_starttls=self.security == "starttls",
            auth_require_tls=self.security == "starttls",
            auth_exclude_mechanism=sorted({"PLAIN", "LOGIN", "XOAUTH2"} - set(self.mechanisms)),
            authenticator=self._authenticator,
            enable_SMTPUTF8=self.utf8,
            data_size_limit=self.size,
        )

    def _authenticator(self, *asked: Any) -> AuthResult:
        data = asked[-1]
        assert isinstance(data, LoginPassword)
        if self.users.get(data.login.decode()) == data.password.decode():
            return AuthResult(success=True, auth_data=data)
        return AuthResult(success=False, handled=False, message=self.refusal)

    def fail(self, step: str, reply: str = "", **fields: Any) -> None:
        """The next such step goes wrong."""
        self.faults.setdefault(step, []).append(Fault(reply=reply.encode(), **fields))

    def fault_at(self, step: str) -> Fault | None:
        for fault in self.faults.get(step, ()):
            if fault.after > 0:
                fault.after -= 1
                return None
            if fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def names(self) -> list[str]:
        """The commands that came, without what they carried."""
        return [command.partition(" ")[0] for command in self.commands]

    def ca_file(self, folder: Path) -> Path:
        path = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return path

    def tls_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(self.host_of_certificate).configure_cert(context)
        return context


class _Keeper:
    """aiosmtpd's handler: keeps messages, and checks tokens."""

    def __init__(self, mail: FakeMail) -> None:
        self._mail = mail

    async def handle_DATA(self, server: _Server, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        assert isinstance(envelope.original_content, bytes)
        login = session.auth_data.login if isinstance(session.auth_data, LoginPassword) else None
        self._mail.received.append(
            Received(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                content=envelope.original_content,
                options=tuple(envelope.mail_options),
                tls=server.encrypted,
                login=None if login is None else login.decode(),
            )
        )
        return "" if await server.goes_wrong("dot") else "250 2.0.0 queued as 1"

    async def auth_XOAUTH2(self, server: _Server, args: list[str]) -> AuthResult:  # noqa: N802  # its name
        fields = b64decode(args[1]).decode().split("\x01")
        name, bearer = fields[0].removeprefix("user="), fields[1].removeprefix("auth=Bearer ")
        if self._mail.tokens.get(name) == bearer and fields[2:] == ["", ""]:
            return AuthResult(success=True, auth_data=LoginPassword(name.encode(), b""))
        if self._mail.challenge_on_refusal:
            ended = await server.challenge_auth(b'{"status":"400","schemes":"Bearer"}')
            assert ended == b"", "the challenge is to be answered by an empty line"
        return AuthResult(success=False, handled=False, message=self._mail.refusal)


class _Server(SMTP):
    """aiosmtpd's server, with something in between that makes steps go wrong."""

    line_length_limit = 12_288  # for tokens (RFC 4954 4)

    def __init__(self, mail: FakeMail, handler: _Keeper, **options: Any) -> None:
        self._mail = mail
        super().__init__(handler, **options)
        self.command_size_limits["AUTH"] = self.line_length_limit
        self._smtp_methods = {name: partial(self._step, name, method) for name, method in self._smtp_methods.items()}

    @property
    def encrypted(self) -> bool:
        return self._tls_protocol is not None or self._mail.security == "tls"

    async def goes_wrong(self, step: str) -> bool:
        """Whether the step has been answered by a fault."""
        fault = self._mail.fault_at(step)
        if fault is None:
            return False
        if fault.reply:
            await self.push(fault.reply)
        with suppress(ConnectionError):
            while (fault.endless or fault.dribble) and not self._writer.is_closing():
                self._writer.write(b"2" if fault.dribble else b"250-and more\r\n" * 4000)
                await self._writer.drain()
                await asyncio.sleep(0.02 if fault.dribble else 0)
        if fault.drop:
            self.drop()
        if fault.drop or fault.silent:
            await asyncio.Event().wait()  # until the connection's end ends this
        return True

    def drop(self) -> None:
        """Ends the connection as a pulled plug would, below TLS where there is some."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    async def push(self, status: Any) -> None:
        if status:  # an empty one was said already
            await super().push(status)

    async def _handle_client(self) -> None:
        if not await self.goes_wrong("connect"):
            await super()._handle_client()
        elif self.transport is not None:
            self.transport.close()

    async def _step(self, name: str, method: Any, arg: str | None) -> None:
        self._mail.commands.append(f"{name} {arg or ''}".rstrip())
        if name == "DATA" and any(fault.times > 0 for fault in self._mail.faults.get("body", ())):
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            await self.goes_wrong("body")
        elif not await self.goes_wrong(name):
            await method(arg)


class CramMail(FakeMail):
    """One that offers CRAM-MD5 alone, which aiosmtpd does not know."""

    def __enter__(self) -> CramMail:
        super().__enter__()
        _Keeper.auth_CRAM__MD5 = _cram  # type: ignore[attr-defined]  # aiosmtpd finds ways by their names
        return self

    def __exit__(self, *_: object) -> None:
        del _Keeper.auth_CRAM__MD5  # type: ignore[attr-defined]  # as above
        super().__exit__()


async def _cram(self: _Keeper, server: _Server, args: Iterable[str]) -> AuthResult:
    import hmac

    challenge = b"<1896.697170952@mail.northwind.example>"
    answer = await server.challenge_auth(b64encode(challenge), encode_to_b64=False)
    assert isinstance(answer, bytes)
    name, _, sign = answer.decode().rpartition(" ")
    password = self._mail.users.get(name, "")
    if hmac.compare_digest(sign, hmac.new(password.encode(), challenge, "md5").hexdigest()):
        return AuthResult(success=True, auth_data=LoginPassword(name.encode(), b""))
    return AuthResult(success=False, handled=False, message=self._mail.refusal)
