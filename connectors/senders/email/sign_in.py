"""Signing in to a mail server: by password, or by a token of Microsoft or Google (XOAUTH2)."""

from __future__ import annotations

import smtplib
from base64 import b64encode
from collections.abc import Callable

from connectors.errors import ConnectorError, StopConnector
from connectors.senders.email.connection import Line
from connectors.senders.email.errors import Server, refused, sign_in_remedy

_SAFE_ORDER = ("PLAIN", "LOGIN", "CRAM-MD5")
_CLEAR_ORDER = ("CRAM-MD5", "PLAIN", "LOGIN")  # CRAM-MD5 alone does not tell the password


def sign_in_by_password(line: Line, server: Server, username: str, password: str, *, encrypted: bool) -> str:
    """By the best way offered, once: smtplib tries every one in turn, which locks accounts, and ASCII alone.

    Answers with the way taken.
    """
    offered = _offered(line)
    way = next((one for one in (_SAFE_ORDER if encrypted else _CLEAR_ORDER) if one in offered), None)
    if way is None:
        raise _no_way(server, offered)
    plain = _base64(f"\0{username}\0{password}")
    if way == "PLAIN":
        code, answer = line.docmd("AUTH", f"PLAIN {plain}")
    elif way == "LOGIN":
        code, answer = _login(line, username, password)
    else:
        code, answer = _challenged(line, username, password)
    if code not in (235, 503):  # 503: signed in already, by the machine's address
        raise refused(server.hiding(plain, _base64(password)), "sign_in", code, answer)
    return way


def sign_in_by_token(line: Line, server: Server, username: str, token: Callable[[], str]) -> str:
    """XOAUTH2. A server that refuses says why in a challenge, which an empty answer ends (RFC 7628 3.2.3)."""
    offered = _offered(line)
    if "XOAUTH2" not in offered:
        raise _no_way(server, offered)
    bearer = token()
    credentials = _base64(f"user={username}\x01auth=Bearer {bearer}\x01\x01")
    code, answer = line.docmd("AUTH", f"XOAUTH2 {credentials}")
    if code == 334:
        code, answer = line.docmd("")
    if code not in (235, 503):
        raise refused(server.hiding(bearer, credentials), "sign_in", code, answer)
    return "XOAUTH2"


def _login(line: Line, username: str, password: str) -> tuple[int, bytes]:
    code, answer = line.docmd("AUTH", "LOGIN")
    for text in (username, password):
        if code == 334:
            code, answer = line.docmd(_base64(text))
    return code, answer


def _challenged(line: Line, username: str, password: str) -> tuple[int, bytes]:
    """CRAM-MD5, the one way in which the library has something to work out."""
    if not f"{username}{password}".isascii():
        raise StopConnector("sign_in", "CRAM-MD5 takes ASCII passwords only", "Set another password, or use TLS.")
    line.user, line.password = username, password
    try:
        return line.auth("CRAM-MD5", line.auth_cram_md5)
    except smtplib.SMTPAuthenticationError as error:
        answer = error.smtp_error
        return error.smtp_code, answer if isinstance(answer, bytes) else answer.encode()
    except ValueError as error:  # a challenge that is no base64, or a machine that forbids MD5
        raise StopConnector(
            "sign_in", "CRAM-MD5 cannot be used here", "Use TLS: then the password goes through it."
        ) from error
    finally:
        line.user = line.password = ""


def _offered(line: Line) -> frozenset[str]:
    return frozenset(line.esmtp_features.get("auth", "").upper().split())


def _no_way(server: Server, offered: frozenset[str]) -> ConnectorError:
    wanted = "signing in by password" if server.auth == "password" else "XOAUTH2"
    if server.auth == "password" and "XOAUTH2" in offered:
        return StopConnector(
            "sign_in", f"{server} does not offer {wanted}, but XOAUTH2",
            'Set email.auth to "microsoft" or "google" (docs/digests.md).',
        )  # fmt: skip
    if not offered:
        remedy = "Take email.username and email.password out if it relays for this machine, or use another port."
        return StopConnector("sign_in", f"{server} offers no way to sign in", remedy)
    return StopConnector("sign_in", f"{server} does not offer {wanted}", sign_in_remedy(server))


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
