"""One connection to a mail server: smtplib's client, with TLS, whose answers and whose whole length are bounded."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import StopConnector
from connectors.net.deadline import Deadline, addresses_of

_MOST_BYTES = 2**16
_GOODBYE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """How to get to the server. `hello` is what we call ourselves: our domain, never this machine's name.

    Seconds: `answer` for each answer but the last, `final` for that (RFC 5321 4.5.3.2.6 asks for ten minutes, and
    giving up there leaves an outcome that nobody knows), `whole` for everything together.
    """

    host: str
    port: int
    hello: str
    tls: bool
    ca_file: Path | None
    answer_seconds: float
    final_seconds: float
    whole_seconds: float


class Connection(smtplib.SMTP):
    """A connection that has greeted. `cut` ends it from another thread, and so does the end of its time.

    Whatever hangs in it then fails as if the server had gone.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._deadline = Deadline(route.whole_seconds)
        try:
            super().__init__(route.host, route.port, local_hostname=route.hello, timeout=route.answer_seconds)
        except BaseException:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Where smtplib lets the socket be another one; `SMTP_SSL` does the same."""
        context = trusting(self._route.ca_file) if self._route.tls else None
        found = self._deadline.connected(addresses_of(host, port), port, timeout)
        return found if context is None else context.wrap_socket(found, server_hostname=host)

    @property
    def was_cut(self) -> bool:
        """Whether it ended by `cut` or by its time."""
        return self._deadline.is_over

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's, but an answer without end is a connection that broke."""
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        if isinstance(self.file, _Bounded):
            self.file.left = _MOST_BYTES
        return super().getreply()

    def secure(self) -> None:
        """From here on in TLS. smtplib forgets what was said in the clear, also what was said too early."""
        self.starttls(context=trusting(self._route.ca_file))

    def wait_longer(self) -> None:
        """For the answer that decides."""
        if self.sock is not None:
            self.sock.settimeout(self._route.final_seconds)

    def say_goodbye(self) -> None:
        """Ends the connection politely if it still stands; whatever happens now changes nothing."""
        with suppress(Exception):
            if self.sock is not None:
                self.sock.settimeout(min(self._route.answer_seconds, _GOODBYE_SECONDS))
                self.quit()
        self.close()

    def cut(self) -> None:
        """Ends it under whoever uses it."""
        self._deadline.cut()

    def close(self) -> None:
        with suppress(OSError):
            super().close()
        self._deadline.close()


class _Bounded:
    """The server's side of the talk, of which an answer takes at most `left` bytes."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.left = _MOST_BYTES

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._file.readline(size)
        self.left -= len(line)
        if self.left < 0:
            raise OSError("an answer without end")
        if line and not line.endswith(b"\n"):
            raise OSError("an answer cut off")  # smtplib would take the first half of "250" for a yes
        return line

    def close(self) -> None:
        self._file.close()


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The system's CAs, and the company's beside them: what an inspecting proxy signs, no mail server does."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as problem:  # SSLError too
            raise StopConnector(
                "ca_file", f"network.ca_file {ca_file.name} holds no certificates in PEM form", "Give the CA as PEM."
            ) from problem
    return context
