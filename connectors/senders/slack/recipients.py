"""Where in Slack a recipient is: a channel by its name or id, a person by e-mail address. Only where digests may go.

Never to a channel that is shared with another company, nor to guests, bots and strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.errors import RetryLater, Undeliverable
from connectors.senders.slack.client import SlackApi

_ID = re.compile(r"[CG][A-Z0-9]{7,}")
_PAGE = 999  # Slack wants it under 1,000
_MOST_PAGES = 500
_NOT_FOUND = (
    "Correct the name. If the channel is private, type /invite @rapport (the app's name) in it; if it is archived, "
    "unarchive it or name another one."
)


class Recipients:
    """Finds recipients. A channel's name is looked up once and its id kept; whether it is shared is asked each time."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._ids: dict[str, str] = {}
        self._me: Mapping[str, Any] | None = None

    def open(self, to: str) -> str:
        """The id of the conversation that a message to `#channel` or `@address` goes to."""
        if to.startswith("@"):
            user = self.person(to[1:])
            opened = _part(self._api.ask("conversations.open", users=user["id"]).get("channel"))
            return _id(opened)
        return _id(self.channel(to))

    def me(self) -> Mapping[str, Any]:
        """Who the token is, and of which workspace."""
        if self._me is None:
            self._me = _part(self._api.ask("auth.test").data)
        return self._me

    def channel(self, to: str) -> Mapping[str, Any]:
        """What Slack says of a channel. Raises `Undeliverable` if it is not there or is shared outside the company."""
        name = to.removeprefix("#")
        known = name if _ID.fullmatch(name) else self._ids.get(name)
        if known is None:
            known = self._ids[name] = self._look_up(name)
        found = _part(self._api.ask("conversations.info", channel=known).get("channel"))
        if any(found.get(sign) for sign in ("is_ext_shared", "is_pending_ext_shared", "pending_connected_team_ids")):
            raise Undeliverable(
                "shared_outside",
                f"{to} is shared with another company, or about to be",
                "Name a channel of the company's own: digests do not go to shared ones (Slack Connect).",
            )
        return found

    def person(self, address: str) -> Mapping[str, Any]:
        """What Slack says of a person. Raises `Undeliverable` unless it is a colleague with an account in use."""
        user = _part(self._api.ask("users.lookupByEmail", email=address).get("user"))
        kind = _stranger(user, self.me())
        if kind is not None:
            remedy = "Digests go to full members of the company's workspace: name one of them."
            raise Undeliverable("not_a_colleague", f"{address} is {kind} in Slack", remedy)
        _id(user)
        return user

    def _look_up(self, name: str) -> str:
        for row in self._channels():
            if name.casefold() in (row.get("name"), row.get("name_normalized")):
                return _id(row)
        raise Undeliverable("not_found", f"Slack shows the app no channel #{name}", _NOT_FOUND)

    def _channels(self) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(_MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            kinds = "public_channel,private_channel"
            answer = self._api.ask("conversations.list", types=kinds, exclude_archived=True, limit=_PAGE, **more)
            rows = answer.get("channels")
            yield from map(_part, rows if isinstance(rows, list) else [])
            following = _part(answer.get("response_metadata")).get("next_cursor")
            if not following or following == cursor:
                return
            cursor = str(following)
        raise RetryLater("garbled", "Slack's list of channels does not end")


def _stranger(user: Mapping[str, Any], me: Mapping[str, Any]) -> str | None:
    """What somebody is who gets no digests; None for a colleague."""
    if user.get("deleted"):
        return "deactivated"
    if user.get("is_bot") or user.get("is_workflow_bot"):
        return "a bot"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "a guest"
    organisation = _part(user.get("enterprise_user")).get("enterprise_id")
    ours = user.get("team_id") == me.get("team_id") or (organisation and organisation == me.get("enterprise_id"))
    return "of another company" if user.get("is_stranger") or not ours else None


def _part(value: Any) -> Mapping[str, Any]:
    """A part of an answer that should be an object."""
    return value if isinstance(value, Mapping) else {}


def _id(found: Mapping[str, Any]) -> str:
    if not isinstance(found.get("id"), str) or not found["id"]:
        raise RetryLater("garbled", "Slack's answer names no id")
    return str(found["id"])
