"""Digests by e-mail: one SMTP connection a message, with TLS, a password or a token of Microsoft or Google.

Drives smtplib command by command, for its `sendmail` does not tell whether a connection broke before or after the
message's final dot: before, nothing went out; after, nobody knows. A proxy is never used: SMTP has none.
"""

from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from connectors.contract import Context, Envelope, Probe, Receipt, RenderedDigest
from connectors.errors import ConnectorError, OutcomeUnknown, StopConnector, Undeliverable
from connectors.senders.email.connection import Connection, Route
from connectors.senders.email.errors import Server, no_starttls, refused, trouble
from connectors.senders.email.message import Mail, compose, sender_address
from connectors.senders.email.sign_in import sign_in_by_password, sign_in_by_token
from scoring.meetings.address_book import ascii_domain

_FINAL_ANSWERS = 20  # times the timeout: ten minutes by default, as RFC 5321 4.5.3.2.6 asks
_WHOLE_ANSWERS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`[email]`, its password resolved. `sender` is the key `from`; without `username` nobody signs in by password.

    With `auth` microsoft or google the mailbox that sends is `username`, or the sender's address without one.
    """

    host: str
    sender: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    auth: Literal["password", "microsoft", "google"] = "password"
    username: str = ""
    password: str = field(default="", repr=False)


def connect(settings: Settings, context: Context, *, token: Callable[[], str] | None = None) -> Email:
    """A sender by SMTP. `token` answers with an access token for XOAUTH2; it may raise errors of a connector.

    Nothing is connected yet. Raises `StopConnector` for a sender that is no mailbox.
    """
    if settings.auth != "password" and token is None:
        raise ValueError(f"{settings.auth} needs a token")
    return Email(settings, context, token)


class Email:
    """Sends digests by e-mail. Used from several threads."""

    def __init__(self, settings: Settings, context: Context, token: Callable[[], str] | None) -> None:
        self._settings = settings
        self._token = token
        self._address = sender_address(settings.sender)
        host = settings.host.strip("[]")
        self._server = Server(host=host, port=settings.port, auth=settings.auth, hidden=(settings.password,))
        self._route = Route(
            host=_ascii_host(host),
            port=settings.port,
            hello=self._address.rpartition("@")[2],
            tls=settings.security == "tls",
            ca_file=context.ca_file,
            answer_seconds=context.timeout_seconds,
            final_seconds=_FINAL_ANSWERS * context.timeout_seconds,
            whole_seconds=_WHOLE_ANSWERS * context.timeout_seconds,
        )
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()

    def send(self, digest: RenderedDigest, envelope: Envelope) -> Receipt:
        """Hands the message to the server, which from then on answers for it."""
        mail = compose(digest, envelope, self._settings.sender)
        with self._connected() as connection:
            self._sign_in(connection)
            self._hand_over(connection, mail)
        return Receipt(where=(envelope.to, mail.id))

    def probe(self, recipients: Collection[str]) -> Iterator[Probe]:  # noqa: ARG002  # the contract has them
        """`connection`, then `login` with the sender's address. Recipients are not asked about: servers do not tell."""
        connected = False
        try:
            with self._connected() as connection:
                connected = True
                yield Probe(check="connection", note=_encryption(connection))
                way = self._sign_in(connection)
                self._name_sender(connection, Mail(id="", sender=self._address, recipient="", content=b"", utf8=False))
                with self._as_errors(connection, "sender"):
                    connection.rset()
                yield Probe(check="login", note=f"{way}; may send as {self._address}")
        except ConnectorError as error:
            yield Probe(check="login" if connected else "connection", error=error)

    def close(self) -> None:
        """Ends connections that are open in other threads; what waits in them fails."""
        with self._lock:
            for connection in self._connections:
                connection.cut()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection that has said who it is, encrypted as the settings want."""
        with self._as_errors(None, "greeting"):
            connection = Connection(self._route)
        with self._lock:
            self._connections.add(connection)
        try:
            self._greet(connection)
            if self._settings.security == "starttls":
                if not connection.has_extn("starttls"):
                    raise no_starttls(self._server)
                with self._as_errors(connection, "starttls"):
                    connection.secure()
                self._greet(connection)
            yield connection
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.say_goodbye()

    def _greet(self, connection: Connection) -> None:
        """EHLO, or HELO for a server that knows no better. The library takes any other answer for such a one."""
        with self._as_errors(connection, "hello"):
            code, answer = connection.ehlo()
            if 500 <= code < 600:
                code, answer = connection.helo()
            if not 200 <= code < 300:
                raise refused(self._server, "hello", code, answer)

    def _sign_in(self, connection: Connection) -> str:
        """Answers with the way it was done."""
        settings = self._settings
        with self._as_errors(connection, "sign_in"):
            if self._token is not None and settings.auth != "password":
                return sign_in_by_token(connection, self._server, settings.username or self._address, self._token)
            if not settings.username:
                return "without signing in"
            encrypted = settings.security != "none"
            return sign_in_by_password(
                connection, self._server, settings.username, settings.password, encrypted=encrypted
            )

    def _hand_over(self, connection: Connection, mail: Mail) -> None:
        self._name_sender(connection, mail)
        self._expect(connection, "recipient", lambda: connection.rcpt(mail.recipient))
        self._expect(connection, "content", lambda: connection.docmd("DATA"), least=354)
        with self._as_errors(connection, "message"):
            connection.send(_transparent(mail.content))  # if this fails, the final dot did not go out whole
        self._verdict(connection, mail)

    def _name_sender(self, connection: Connection, mail: Mail) -> None:
        limit = connection.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(mail.content):
            raise Undeliverable(
                "too_large",
                f"the message has {len(mail.content)} bytes, and {self._server} takes {limit}",
                "Raise the server's limit, or split the digest by clients.",
            )
        options = [f"SIZE={len(mail.content)}"] if connection.has_extn("size") and mail.content else []
        if mail.utf8:
            if not connection.has_extn("smtputf8"):
                raise self._ascii_only(mail)
            options.append("SMTPUTF8")
        self._expect(connection, "sender", lambda: connection.mail(mail.sender, options))

    def _verdict(self, connection: Connection, mail: Mail) -> None:
        """The answer to the final dot. Where there is none, the message may be on its way."""
        connection.wait_longer()
        try:
            code, answer = connection.getreply()
        except (smtplib.SMTPException, OSError):
            raise self._unknown(mail, "did not answer") from None
        if 400 <= code < 600:
            raise refused(self._server, "message", code, answer)
        if not 200 <= code < 300:
            raise self._unknown(mail, "answered what is no SMTP")

    def _unknown(self, mail: Mail, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            "outcome_unknown",
            f"{self._server} took the message and {what}: it may have gone out as {mail.id}",
            "Ask the recipient, or look for that Message-ID in the server's log; only if it is missing, send it again.",
        )

    def _ascii_only(self, mail: Mail) -> ConnectorError:
        what = f"{self._server} takes no addresses with letters beyond ASCII (SMTPUTF8)"
        if not mail.sender.isascii():
            return StopConnector("not_supported", what, "Put an ASCII address into email.from.")
        return Undeliverable("not_supported", what, "Give the recipient's ASCII address.")

    def _expect(
        self, connection: Connection, step: str, command: Callable[[], tuple[int, bytes]], least: int = 200
    ) -> None:
        """Gives a command, and takes an answer from `least` to the end of its hundred for a yes."""
        with self._as_errors(connection, step):
            code, answer = command()
            if not least <= code < least // 100 * 100 + 100:
                raise refused(self._server, step, code, answer)

    @contextmanager
    def _as_errors(self, connection: Connection | None, step: str) -> Iterator[None]:
        """What goes wrong inside, as an error of ours."""
        try:
            yield
        except ConnectorError:
            raise
        except smtplib.SMTPResponseException as error:
            raise refused(self._server, step, error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            late = isinstance(error.__context__, TimeoutError) or (connection is not None and connection.was_cut)
            raise trouble(self._server, error, step=step, timed_out=late) from None


def _ascii_host(host: str) -> str:
    """The name as the DNS has it; one that it cannot have is left to fail there."""
    try:
        return ascii_domain(host)
    except ValueError:
        return host


def _transparent(content: bytes) -> bytes:
    """The message as DATA wants it: dots at line starts doubled, and the final one."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


def _encryption(connection: Connection) -> str:
    version = getattr(connection.sock, "version", None)
    return str(version()) if version is not None else "not encrypted"
