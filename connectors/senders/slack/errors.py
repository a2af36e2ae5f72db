"""What Slack refuses, as what to do next, with the click that puts it right (`docs/providers.md` F). Pure.

Of Slack's answer only its codes and scopes are read, and those only if they look like such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConnectorError, OutcomeUnknown, RetryLater, StopConnector, Undeliverable

APP = "api.slack.com/apps > the app"
REINSTALL = f"In {APP} > OAuth & Permissions add it under Bot Token Scopes, then click Reinstall to Workspace."
_TOKEN = f"In {APP} > OAuth & Permissions copy the Bot User OAuth Token (it begins with xoxb) into slack.token."
_INSTALL = f"In {APP} > Install App install it to the workspace again, and put the new token into slack.token."
_INVITE = "In the channel type /invite @rapport (the app's name), and check the name with `rapport check`."
_ADMIN = "Ask a Slack administrator: Settings > Organisation or Workspace settings > Permissions > Messaging."
LOOK = "Look in Slack whether the message is there; `rapport digest NAME --send --again` sends it once more."
_REPORT = "This is a defect of Rapport: report it, with `rapport digest NAME --out DIR` as an example."
_CODE = re.compile(r"[a-z][a-z0-9_]{1,60}")
_SCOPE = re.compile(r"[a-z][a-z.:_]{1,40}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An answer of the Web API that is not `ok`."""

    code: str
    status: int
    needed: str = ""
    provided: str = ""
    after_seconds: float | None = None


def refusal_of(fields: dict[str, Any], status: int, after_seconds: float | None) -> Refusal:
    """As far as the answer's parts look as they should."""
    code = str(fields.get("error") or "")
    return Refusal(
        code=code if _CODE.fullmatch(code) else ("ratelimited" if status == 429 else "unknown"),
        status=status,
        needed=_scopes(fields.get("needed")),
        provided=_scopes(fields.get("provided")),
        after_seconds=after_seconds,
    )


def _scopes(value: Any) -> str:
    return ", ".join(scopes_in(value if isinstance(value, str) else ""))


def scopes_in(text: str) -> list[str]:
    """The scopes of a header or an answer, in order."""
    return [scope for scope in map(str.strip, text[:2000].split(",")) if _SCOPE.fullmatch(scope)]


_CREDENTIALS = {
    "invalid_auth": ("Slack does not know the token", _TOKEN),
    "not_authed": ("Slack has been given no token", _TOKEN),
    "token_revoked": ("the token has been revoked", _INSTALL),
    "token_expired": (
        "the token has expired",
        f"In {APP} > OAuth & Permissions turn token rotation off, and reinstall.",
    ),
    "account_inactive": ("the app's user was removed from the workspace", _INSTALL),
    "not_allowed_token_type": ("this kind of token may not do that", _TOKEN),
    "no_permission": ("the token may not do that", _TOKEN),
    "access_denied": ("the workspace refuses the app", "Ask a Slack administrator to approve the app."),
    "team_access_not_granted": ("the app is not approved for this workspace", "Ask an org administrator to add it."),
    "enterprise_is_restricted": ("the organisation refuses the app", "Ask an org administrator to approve the app."),
    "org_login_required": ("the workspace is being moved into an organisation", "Install the app again afterwards."),
    "two_factor_setup_required": ("Slack asks for a second factor to be set up", "Ask a Slack administrator."),
    "ekm_access_denied": ("the organisation's key management refuses the app", "Ask a Slack administrator."),
}
_RECIPIENT = {
    "channel_not_found": ("not_found", "Slack finds no such channel, or it is private without the app", _INVITE),
    "not_in_channel": ("not_member", "the app is not in the channel", _INVITE),
    "is_archived": ("archived", "the channel is archived", "Unarchive it in Slack, or name another one."),
    "restricted_action": ("restricted", "the workspace does not let the app post there", _ADMIN),
    "restricted_action_read_only_channel": ("restricted", "the channel is read-only for the app", _ADMIN),
    "restricted_action_thread_only_channel": ("restricted", "the channel takes replies only", _ADMIN),
    "posting_to_general_channel_denied": ("restricted", "the app may not post in the general channel", _ADMIN),
    "users_not_found": ("not_found", "nobody in Slack has this address", "Correct the address, or invite the person."),
    "user_not_found": ("not_found", "Slack finds no such person", "Correct the address, or invite the person."),
    "user_not_visible": ("not_found", "the app cannot see this person", "Name a member of the app's workspace."),
    "user_disabled": ("not_found", "the person's account is deactivated", "Name somebody else."),
    "cannot_dm_bot": ("not_a_colleague", "this is a bot", "Name a person."),
    "messages_tab_disabled": (
        "restricted",
        "the app takes no direct messages",
        f"In {APP} > App Home turn on Messages Tab, and reinstall.",
    ),
    "team_not_found": ("not_found", "Slack finds no such workspace", "Install the app in the right workspace."),
}
_PASSING = {
    "ratelimited": ("rate_limit", "Slack asks to be asked more slowly"),
    "rate_limited": ("rate_limit", "Slack asks to be asked more slowly"),
    "message_limit_exceeded": ("rate_limit", "the workspace has sent too many messages"),
    "service_unavailable": ("unavailable", "Slack is not available for now"),
    "request_timeout": ("unavailable", "Slack did not get the whole request"),
    "accesslimited": ("unavailable", "Slack limits access for now"),
    "team_added_to_org": ("unavailable", "the workspace is being moved into an organisation"),
    "external_channel_migrating": ("unavailable", "the channel is being moved"),
}
_HALF_DONE = frozenset({"internal_error", "fatal_error"})
"""Slack says of these that a part may have succeeded before they were raised."""

_FORM = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text", "invalid_arguments"}
)


def refused(refusal: Refusal, *, posting: bool = False) -> ConnectorError:
    """What a refusal asks for. `posting`: something was to be posted, which may have been half done."""
    code = refusal.code
    if code in _PASSING or refusal.status == 429:
        name, what = _PASSING.get(code, _PASSING["ratelimited"])
        return RetryLater(name, what, after_seconds=refusal.after_seconds)
    if code == "missing_scope":
        return missing_scopes(refusal.needed or "a scope", refusal.provided)
    if code in _CREDENTIALS:
        return StopConnector("credentials", *_CREDENTIALS[code])
    if code in _RECIPIENT:
        return Undeliverable(*_RECIPIENT[code])
    if posting and (code in _HALF_DONE or (code == "unknown" and refusal.status >= 500)):
        return OutcomeUnknown("unknown", f"Slack failed while posting ({code})", LOOK)
    if code in _HALF_DONE or refusal.status >= 500:
        return RetryLater(
            "unavailable", f"Slack answers {refusal.status} ({code})", after_seconds=refusal.after_seconds
        )
    if code in _FORM:
        return Undeliverable("form", f"Slack does not take the form of the message ({code})", _REPORT)
    return Undeliverable(
        "refused", f"Slack refuses it ({code})", f"Look the code up at {_DOCS}, or ask Slack's support."
    )


_DOCS = "docs.slack.dev/reference/methods/chat.postMessage"


def missing_scopes(needed: str, provided: str) -> StopConnector:
    """The app was installed with less than what is needed."""
    has = f" (it has {provided})" if provided else ""
    return StopConnector("scopes", f"the token lacks {needed}{has}", REINSTALL)


_NEW_WEBHOOK = (
    f"In {APP} > Incoming Webhooks add a new webhook for the channel, and put its URL into slack.webhook_url."
)
_WEBHOOK = {
    "no_service": ("gone", "the webhook has been removed", _NEW_WEBHOOK),
    "no_service_id": ("gone", "the webhook has been removed", _NEW_WEBHOOK),
    "no_active_hooks": ("gone", "the webhook is switched off", _NEW_WEBHOOK),
    "no_team": ("gone", "the webhook's workspace is gone", _NEW_WEBHOOK),
    "team_disabled": ("gone", "the webhook's workspace is switched off", _NEW_WEBHOOK),
    "invalid_token": ("gone", "Slack does not know the webhook", _NEW_WEBHOOK),
    "channel_is_archived": ("archived", "the webhook's channel is archived", "Unarchive it, or make another webhook."),
    "channel_not_found": ("not_found", "the webhook's channel is gone", _NEW_WEBHOOK),
    "user_not_found": ("not_found", "the webhook's person is gone", _NEW_WEBHOOK),
    "action_prohibited": ("restricted", "the workspace does not let the webhook post", _ADMIN),
    "posting_to_general_channel_denied": _RECIPIENT["posting_to_general_channel_denied"],
    "invalid_payload": ("form", "Slack does not take the form of the message (invalid_payload)", _REPORT),
    "invalid_blocks": ("form", "Slack does not take the form of the message (invalid_blocks)", _REPORT),
    "no_text": ("form", "Slack does not take the form of the message (no_text)", _REPORT),
}


def webhook_refused(status: int, text: str, after_seconds: float | None) -> ConnectorError | None:
    """What a webhook's answer other than 200 `ok` asks for; None where Slack itself did not write it."""
    code = text.strip()
    if status == 429 or code in ("rate_limited", "ratelimited"):
        return RetryLater("rate_limit", "Slack asks to be asked more slowly", after_seconds=after_seconds)
    if code in _WEBHOOK:
        return Undeliverable(*_WEBHOOK[code])
    if status in (404, 410):
        return Undeliverable("gone", f"Slack does not know the webhook (it answers {status})", _NEW_WEBHOOK)
    if 400 <= status < 500 and _CODE.fullmatch(code):
        return Undeliverable("refused", f"Slack refuses the webhook's message ({code})", _NEW_WEBHOOK)
    return None
