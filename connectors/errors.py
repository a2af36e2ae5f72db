"""Errors by what to do next. Each carries data; `sentence` is the one place where it is put into words for people.

`code` is a short stable word for scripts (`forbidden`, `not_found`, `unreachable`, …), `what` one plain clause that
says what was found, `remedy` what to do about it, `requests` how many had been made. None of them holds a token, a
secret or a title.
"""

from __future__ import annotations

LONGEST_WAIT_SECONDS = 86_400.0
"""Whatever a provider asks for, it is asked again after a day."""


class ConnectorError(Exception):
    """Something outside did not do what was asked."""

    def __init__(self, code: str, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.remedy = remedy
        self.requests = 0


class RetryLater(ConnectorError):
    """Passing trouble: unreachable, overloaded, over quota.

    `after_seconds` where the provider said how long, up to `LONGEST_WAIT_SECONDS`; None where it did not, or no time.
    """

    def __init__(self, code: str, what: str, remedy: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(code, what, remedy)
        says = after_seconds is not None and after_seconds >= 0  # NaN is neither
        self.after_seconds = min(after_seconds, LONGEST_WAIT_SECONDS) if says and after_seconds is not None else None


class CursorExpired(ConnectorError):
    """The cursor is of no use any more: list the window again in full."""

    def __init__(self, what: str = "the cursor has expired") -> None:
        super().__init__("cursor_expired", what)


class SkipCalendar(ConnectorError):
    """This calendar cannot be read; the others can.

    `standing`: it never will be as things are (no mailbox, refused, excluded), which R11 names as never read; otherwise
    it is expected to be mended, and its months are incomplete until then.
    """

    def __init__(self, code: str, what: str, remedy: str = "", *, standing: bool = False) -> None:
        super().__init__(code, what, remedy)
        self.standing = standing


class StopConnector(ConnectorError):
    """No calendar of this connector can be read: credentials, permissions, a missing folder."""


class Undeliverable(ConnectorError):
    """This recipient will not take this message, now or later: it was not delivered and is not to be repeated."""


class OutcomeUnknown(ConnectorError):
    """The message may have gone out: nobody can tell, so it is never repeated by itself (`docs/design.md` 6)."""


def sentence(error: ConnectorError) -> str:
    """The error as one sentence and a remedy."""
    what = error.what.rstrip(".")
    return f"{what}. {error.remedy}" if error.remedy else f"{what}."
