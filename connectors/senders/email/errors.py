"""What a mail server's answers and a network's failures mean: what to do next, and what to click.

Enhanced codes are those of Exchange Online and Gmail (docs/providers.md F). No error holds a password or a token: words
of an answer that look like one are left out.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass, field, replace

from connectors.errors import ConnectorError, RetryLater, StopConnector, Undeliverable
from connectors.senders.email.message import one_line
from connectors.settings import looks_secret

_ANSWER_LIMIT = 200
_PORTS = 'Port 587 goes with email.security = "starttls", port 465 with "tls".'
_REACH = f"Check email.host and email.port, and that the firewall lets this machine out to it. {_PORTS}"
_TRUST = "If the server's certificate is from the company's own CA, give that CA in network.ca_file."
_HOSTNAME_MISMATCH, _EXPIRED = 62, 10  # OpenSSL's X509_V_ERR_*

_MICROSOFT = (
    'Set email.auth = "microsoft": the app registration needs the permission SMTP.SendAsApp (Entra > App registrations '
    "> API permissions > Office 365 Exchange Online), and the mailbox must be shared with it (docs/digests.md)."
)
_GOOGLE = (
    "Make an app password for the account (myaccount.google.com > Security > 2-Step Verification > App passwords), "
    'or set email.auth = "google" and delegate https://mail.google.com/ (docs/digests.md).'
)
_CONSENT = (
    "Check in Entra that SMTP.SendAsApp has admin consent, and in Exchange that the app is a service principal with "
    "full access to the mailbox of email.from (docs/digests.md)."
)
_DELEGATION = (
    "Add https://mail.google.com/ to the service account's scopes (admin.google.com > Security > API controls > "
    "Domain-wide delegation), and check that email.from is a user of the Workspace, not an alias (docs/digests.md)."
)
_SMTP_OFF = (
    "Turn Authenticated SMTP on for the mailbox (admin.microsoft.com > Users > Active users > the user > Mail > "
    "Manage email apps)."
)
_SEND_AS = (
    "Let the account send as email.from (Exchange: admin.exchange.microsoft.com > Recipients > Mailboxes > the mailbox "
    "> Delegation > Send as), or put the account's own address into email.from."
)
_RELAY = "Sign in (email.username and email.password), or have the relay accept this machine's address."

PHRASES = {
    "greeting": "when we connected",
    "hello": "at EHLO",
    "starttls": "at STARTTLS",
    "sign_in": "at the sign-in",
    "sender": "at the sender's address",
    "recipient": "at the recipient's address",
    "content": "at DATA",
    "message": "at the message",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The server that errors name, how we sign in, and what must never be told."""

    host: str
    port: int
    auth: str
    hidden: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def hiding(self, *secrets: str) -> Server:
        """The same, with more that must never be told."""
        return replace(self, hidden=(*self.hidden, *secrets))


def shown(answer: bytes | str, hidden: tuple[str, ...] = ()) -> str:
    """A server's answer as one short line, without what is or may be a secret."""
    text = answer if isinstance(answer, str) else answer[:4000].decode("utf-8", "replace")
    for secret in hidden:
        if secret:
            text = text.replace(secret, "…")
    words = one_line(text, 2 * _ANSWER_LIMIT).split(" ")
    return one_line(" ".join("…" if looks_secret(word) else word for word in words), _ANSWER_LIMIT)


def refused(server: Server, step: str, code: int, answer: bytes | str) -> ConnectorError:
    """An answer that was not hoped for, as what to do next. `step` is one of `PHRASES`."""
    told = shown(answer, server.hidden)
    what = f"{server} answered {code} {told}".rstrip() + f" {PHRASES[step]}"
    if 400 <= code < 500:
        return RetryLater("busy", what)
    if not 500 <= code < 600:
        return RetryLater("garbled", f"{server} answered what is no SMTP {PHRASES[step]}", _PORTS)
    for pattern, name, remedy in _KNOWN:
        if re.search(pattern, f"{code} {told}", re.IGNORECASE):
            return StopConnector(name, what, remedy)
    if step == "sign_in":
        return StopConnector("sign_in", what, sign_in_remedy(server))
    if code == 530:
        return StopConnector("sign_in_needed", what, _RELAY)
    if code == 552 or "5.3.4" in told:
        return Undeliverable("too_large", what, "Raise the server's limit, or split the digest by clients.")
    if step == "sender":
        return StopConnector("sender_refused", what, _SEND_AS)
    if step in ("recipient", "content", "message"):
        relay = re.search(r"relay", told, re.IGNORECASE)
        remedy = _RELAY if relay else "Check the address, and what the recipient's server says."
        return Undeliverable(f"{step}_refused", what, remedy)
    return StopConnector("refused", what, "Ask whoever runs the mail server why it refuses this machine.")


_KNOWN = (
    (r"5\.7\.30\b|basic authentication", "basic_auth_ended", _MICROSOFT),
    (r"5\.7\.139\b|SmtpClientAuthentication", "smtp_auth_off", f"{_SMTP_OFF} Or: {_MICROSOFT}"),
    (r"^530 .*STARTTLS", "tls_needed", 'Set email.security = "starttls".'),
    (r"5\.7\.57\b", "sign_in_needed", f"{_RELAY} {_MICROSOFT}"),
    (r"5\.7\.60\b|5\.2\.252\b|SendAsDenied", "send_as", _SEND_AS),
    (r"5\.7\.54\b|5\.7\.64\b", "relay", _RELAY),
    (r"^534 .*5\.7\.9\b", "sign_in", _GOOGLE),
)
"""Answers that concern the account and not the message, at whatever step they come."""


def sign_in_remedy(server: Server) -> str:
    """The way out where a sign-in is refused."""
    if server.auth == "microsoft":
        return _CONSENT
    if server.auth == "google":
        return _DELEGATION
    if server.host.endswith((".office365.com", ".outlook.com", ".office365.us")):
        return f"Check email.username and email.password. Microsoft ends signing in by password: {_MICROSOFT}"
    if server.host.endswith((".gmail.com", ".google.com", ".googlemail.com")):
        return f"Google refuses the account's own password. {_GOOGLE}"
    return "Check email.username and email.password, and that the account may send by SMTP."


def no_starttls(server: Server) -> ConnectorError:
    """The server did not offer TLS, or somebody between us took the offer away: nothing goes out in the clear."""
    return StopConnector("no_starttls", f"{server} does not offer STARTTLS, so nothing was sent to it", _PORTS)


def trouble(server: Server, error: Exception, *, step: str, timed_out: bool = False) -> ConnectorError:
    """An exception of the network or of TLS. Certain: the message did not go out."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(server, error)
    if isinstance(error, ssl.SSLError) and "timed out" not in str(error):
        return RetryLater("tls", f"{server} and we could not agree on TLS ({_reason(error)})", _PORTS)
    if isinstance(error, socket.gaierror | UnicodeError):
        return RetryLater("unknown_host", f"the name {server.host} cannot be resolved", "Check email.host and the DNS.")
    if timed_out or isinstance(error, TimeoutError):
        return RetryLater("slow", f"{server} took too long {PHRASES[step]}", _REACH)
    if step == "greeting" and isinstance(error, OSError) and error.errno is not None:
        return RetryLater("unreachable", f"{server} cannot be reached ({error.strerror})", _REACH)
    return RetryLater("dropped", f"{server} broke the connection off {PHRASES[step]}", _PORTS)


def _untrusted(server: Server, error: ssl.SSLCertVerificationError) -> ConnectorError:
    remedy = {
        _HOSTNAME_MISMATCH: "Write into email.host the name that stands in the server's certificate.",
        _EXPIRED: "Have the server's certificate renewed, and check this machine's clock.",
    }.get(error.verify_code, _TRUST)
    why = one_line(error.verify_message, _ANSWER_LIMIT)
    return StopConnector("certificate", f"the certificate of {server} is not trusted: {why}", remedy)


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "handshake failed").lower().replace("_", " ")
