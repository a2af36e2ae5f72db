"""Signing in to a mail server: by password, or by a token of Microsoft or Google (XOAUTH2)."""

from __future__ import annotations

import smtplib
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from connectors.errors import ConnectorError, StopConnector
from connectors.senders.email.connection import Connection
from connectors.senders.email.errors import Server, refused, sign_in_remedy

_SAFE_ORDER = ("PLAIN", "LOGIN", "CRAM-MD5")
_CLEAR_ORDER = ("CRAM-MD5", "PLAIN", "LOGIN")  # CRAM-MD5 alone does not tell the password


class _Utf8(str):
    """A credential: smtplib would refuse what is not ASCII, and servers take UTF-8 (RFC 4616)."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return super().encode("utf-8", "surrogatepass")


def sign_in_by_password(
    connection: Connection, server: Server, username: str, password: str, *, encrypted: bool
) -> str:
    """By the best way offered, once: smtplib's `login` tries every one in turn, which locks accounts.

    Answers with the way taken.
    """
    way = _offered(connection, server, _SAFE_ORDER if encrypted else _CLEAR_ORDER)
    if way == "CRAM-MD5" and not f"{username}{password}".isascii():
        raise StopConnector("sign_in", "CRAM-MD5 takes ASCII passwords only", "Set another password, or use TLS.")
    plain, secret = _Utf8(f"\0{username}\0{password}"), _Utf8(password)
    connection.user, connection.password = _Utf8(username), secret
    ways = {"PLAIN": lambda _=None: plain, "LOGIN": connection.auth_login, "CRAM-MD5": connection.auth_cram_md5}
    try:
        return _sign_in(connection, server.hiding(_base64(plain), _base64(secret)), way, ways[way])
    finally:
        connection.user = connection.password = ""


def sign_in_by_token(connection: Connection, server: Server, username: str, token: Callable[[], str]) -> str:
    """XOAUTH2. A server that refuses says why in a challenge, which an empty answer ends (RFC 7628 3.2.3)."""
    way = _offered(connection, server, ("XOAUTH2",))
    bearer = token()
    credentials = _Utf8(f"user={username}\x01auth=Bearer {bearer}\x01\x01")

    def answer(challenge: bytes | None = None) -> str:
        return credentials if challenge is None else ""

    return _sign_in(connection, server.hiding(bearer, _base64(credentials)), way, answer)


def _sign_in(connection: Connection, server: Server, way: str, answer: Any) -> str:
    """By smtplib, which takes being signed in already (503, by the machine's address) for a yes.

    `answer` is what it calls an authobject; LOGIN is said alone first, as not every server takes the name with it.
    """
    problem: ConnectorError
    try:
        connection.auth(way, answer, initial_response_ok=way != "LOGIN")
    except smtplib.SMTPAuthenticationError as error:
        problem = refused(server, "sign_in", error.smtp_code, error.smtp_error)
    except ValueError:  # a challenge that is no base64, or a machine that forbids MD5
        problem = refused(server, "sign_in", 334, "")
        if way == "CRAM-MD5":
            remedy = "Use TLS: then the password goes through it."
            problem = StopConnector("sign_in", "CRAM-MD5 cannot be used here", remedy)
    else:
        return way
    raise problem


def _offered(connection: Connection, server: Server, order: tuple[str, ...]) -> str:
    """The first of these ways that the server offers. Raises `StopConnector` where it offers none of them."""
    offered = connection.esmtp_features.get("auth", "").upper().split()
    for way in order:
        if way in offered:
            return way
    wanted = "signing in by password" if server.auth == "password" else "XOAUTH2"
    if server.auth == "password" and "XOAUTH2" in offered:
        raise StopConnector(
            "sign_in", f"{server} does not offer {wanted}, but XOAUTH2",
            'Set email.auth to "microsoft" or "google" (docs/digests.md).',
        )  # fmt: skip
    if not offered:
        remedy = "Take email.username and email.password out if it relays for this machine, or use another port."
        raise StopConnector("sign_in", f"{server} offers no way to sign in", remedy)
    raise StopConnector("sign_in", f"{server} does not offer {wanted}", sign_in_remedy(server))


def _base64(text: _Utf8) -> str:
    return b64encode(text.encode()).decode("ascii")
