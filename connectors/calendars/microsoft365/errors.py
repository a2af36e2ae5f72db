"""What Graph refuses, as what to do next, with the sentence that says what to click where (`docs/providers.md` B7).

Pure. What Microsoft wrote is read for its codes alone: it may quote addresses, ids and links.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.calendars.shared.refusals import Refusal, blocked, passing_error
from connectors.errors import ConnectorError, CursorExpired, RetryLater, SkipCalendar, StopConnector
from connectors.net.session import PASSING_STATUSES

_PASSING = PASSING_STATUSES | {509}
_SLOWER = frozenset({"applicationthrottled", "toomanyrequests", "activitylimitreached", "errorserverbusy"})
_PASSING_CODES = _SLOWER | {
    "errorinternalservererror",
    "errorinternalservertransienterror",
    "errormailboxmoveinprogress",
    "errormailboxstoreunavailable",
    "errortimeoutexpired",
    "servicenotavailable",
    "generalexception",
}
_EXPIRED = frozenset({"syncstatenotfound", "syncstateinvalid", "syncstateisempty", "resyncrequired"})
_NO_MAILBOX = frozenset(
    {
        "mailboxnotenabledforrestapi",
        "mailboxnotsupportedforrestapi",
        "restapinotenabledforcomponentsharedmailbox",
        "errornonexistentmailbox",
        "extensionerror",
    }
)
_NO_USER = frozenset({"request_resourcenotfound", "resourcenotfound", "errorinvaliduser", "erroruserobjectnotfound"})
_TOO_WIDE = frozenset({"errorcalendarviewrangetoobig"})
_CALENDARS = "Calendars.ReadBasic.All"
_PERMISSIONS = (
    "In entra.microsoft.com open App registrations > the app > API permissions > Add a permission > Microsoft Graph > "
    "Application permissions, add {permission}, and choose Grant admin consent."
)
_ALLOW = (
    "If it should be read: let the app's access cover it (in Exchange Online, the group of the management scope or of "
    "the application access policy; a change takes up to 2 hours). Else put the address in exclude."
)
_MAILBOX = (
    "If they should have one: admin.microsoft.com > Users > Active users > Licenses. Else put the address in exclude."
)
_PROXY = "Look at the proxy and the firewall: Graph's address must be reachable as it is."


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestInfo:
    """What a request is about, as an error has to know it.

    `subject` is whom it is paced for. `with_link`: by a delta link of an earlier listing. `of_item`: about one item,
    which may be gone or another kind by now. `permitted`: the token names a permission for calendars. `others_work`:
    the same was granted for somebody else.
    """

    subject: str
    with_link: bool = False
    of_item: bool = False
    permitted: bool = True
    others_work: bool = False


class NotPermitted(StopConnector):
    """The application lacks a permission for the directory."""


class TooWide(Exception):
    """The window is longer than the tenant allows: it has to be asked for in parts."""


class NoItem(Exception):
    """There is no such item (any more), or it is no series (any more)."""


def codes_of(refusal: Refusal) -> frozenset[str]:
    """Every code in it, in lower case; empty when Graph did not write it."""
    return frozenset(code.lower() for code in _codes(refusal.error) if code)


def is_of_graph(refusal: Refusal) -> bool:
    return b'"error"' in refusal.body and refusal.body.lstrip()[:1] == b"{"


def _codes(error: object) -> Iterator[str]:
    for _ in range(5):  # an inner error may have one of its own
        if not isinstance(error, Mapping):
            return
        yield str(error.get("code") or "")
        error = error.get("innerError") or error.get("innererror")


def passing(refusal: Refusal) -> ConnectorError | None:
    """Trouble that has nothing to do with what was asked, or None."""
    codes = codes_of(refusal)
    if refusal.status in _PASSING or codes & _PASSING_CODES:
        return passing_error("Graph", refusal, slow=refusal.status in (429, 509) or bool(codes & _SLOWER))
    if not is_of_graph(refusal) and refusal.status != 401:
        return blocked("Graph", refusal, _PROXY)
    return None


def calendar_error(refusal: Refusal, info: RequestInfo) -> Exception:
    """A refused listing of a mailbox; `TooWide` and `NoItem` say what the caller has to do about it."""
    codes = codes_of(refusal)
    if refusal.status == 410 or codes & _EXPIRED:
        return CursorExpired("Graph does not know the delta link any more")
    if (error := passing(refusal)) is not None:
        return error
    if codes & _TOO_WIDE:
        return TooWide()
    if (error := _unreadable(refusal, info)) is not None:
        return error
    if info.with_link and refusal.status in (400, 404):
        return CursorExpired("Graph does not take the delta link any more")
    if info.of_item and refusal.status in (400, 404):
        return NoItem()
    if refusal.status == 404:
        return SkipCalendar("not_found", "Microsoft 365 finds no calendar", _MAILBOX, standing=True)
    return RetryLater("refused", f"Graph answers {refusal.status} to a listing")


def _unreadable(refusal: Refusal, info: RequestInfo) -> ConnectorError | None:
    """What keeps us from this mailbox as a whole, or None."""
    if codes_of(refusal) & _NO_MAILBOX:
        return SkipCalendar("no_mailbox", "has no mailbox in Exchange Online", _MAILBOX, standing=True)
    if codes_of(refusal) & _NO_USER:
        return SkipCalendar("no_user", "is nobody in the tenant", "Correct or remove the address.", standing=True)
    return _refused_mailbox(refusal, info) if refusal.status in (401, 403) else None


def _refused_mailbox(refusal: Refusal, info: RequestInfo) -> ConnectorError:
    """It may be the permission that lacks, or this mailbox that is kept from the app (`docs/providers.md` B8).

    Under RBAC for Applications a token names no permission and yet may read: then others' calendars tell.
    """
    if refusal.status == 401 and (info.permitted or info.others_work):
        return RetryLater(
            "unauthorized", "Graph refuses a token that was given just now", "Check the clock, and cloud."
        )
    if not info.permitted and not info.others_work:
        what = f"the app may not read this calendar: its token lacks the permission {_CALENDARS}"
        remedy = _PERMISSIONS.format(permission=_CALENDARS)
        return SkipCalendar("consent", what, f"{remedy} If it is limited by RBAC for Applications: {_ALLOW}")
    return SkipCalendar("forbidden", "Microsoft 365 keeps this mailbox from the app", _ALLOW, standing=True)


def directory_error(refusal: Refusal, group: str | None, permission: str) -> ConnectorError:
    """A refused listing of people or of a `group`'s members: it is never about one person, so nothing goes on."""
    if (error := passing(refusal)) is not None:
        return error
    if refusal.status in (401, 403):
        return missing_permission(permission)
    if group is not None and refusal.status in (400, 404):
        return no_group(group)
    if refusal.status == 410 or codes_of(refusal) & {"directory_expiredpagetoken", *_EXPIRED}:
        return RetryLater("expired", "the directory's list changed while it was read")
    return RetryLater("refused", f"Graph answers {refusal.status} to a listing of the directory")


def missing_permission(permission: str) -> NotPermitted:
    """The directory may not be read."""
    what = f"the app may not read the directory: it lacks the permission {permission}"
    return NotPermitted("consent", what, _PERMISSIONS.format(permission=permission))


def no_group(group: str) -> StopConnector:
    """Nobody knows the group."""
    return StopConnector("no_group", f"Microsoft 365 has no group {group}", "Correct the group's id or address.")


def foreign_link() -> RetryLater:
    """A link to somewhere else: no token is sent there."""
    return RetryLater("foreign_link", "Graph's answer leads to another host", _PROXY)
