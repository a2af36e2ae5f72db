"""Digests by a bot's token: the message, its thread, and files, to a channel or a person."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from typing import Any

from connectors.contract import Block, Envelope, Probe, Receipt, RenderedDigest
from connectors.errors import ConnectorError, StopConnector, Undeliverable, sentence
from connectors.net.session import Session
from connectors.senders.slack.client import SlackApi, Upload
from connectors.senders.slack.errors import missing_scopes, scopes_in
from connectors.senders.slack.message import blocks_only, message_of, note
from connectors.senders.slack.recipients import Recipients

_ALWAYS = ("chat:write", "files:write")
_FOR_CHANNELS = ("channels:read", "groups:read")
_FOR_PERSONS = ("users:read", "users:read.email", "im:write")
_NOT_A_BOT = "In api.slack.com/apps > the app > OAuth & Permissions copy the Bot User OAuth Token into slack.token."


class Bot:
    """Sends as the app. Used from several threads: one message goes out after the other, as Slack wants it."""

    def __init__(self, token: str, api_url: str, session: Session) -> None:
        self._api = SlackApi(token, api_url, session)
        self._recipients = Recipients(self._api)
        self._turn = threading.Lock()

    def send(self, digest: RenderedDigest, envelope: Envelope) -> Receipt:
        """The first message decides: what fails after it is noted in the receipt, and nothing is posted twice."""
        with self._turn:
            channel = self._recipients.open(envelope.to)
            ts = self._api.post_message(channel, message_of(digest))
            return Receipt(where=(channel, ts, *self._below(channel, ts, digest)))

    def _below(self, channel: str, ts: str, digest: RenderedDigest) -> Iterator[str]:
        """Thread and files, as far as they go; a note for each part that is missing."""
        trouble = self._tried(lambda: self._post_thread(channel, ts, digest.thread))
        if trouble:
            yield f"the thread is not whole: {trouble}"
        trouble = self._tried(lambda: self._upload(channel, ts, digest))
        if trouble:
            yield f"the files are not attached: {trouble}"
            self._tried(lambda: self._post(channel, ts, note("The files could not be attached.")))

    def _tried(self, action: Any) -> str | None:
        try:
            action()
        except ConnectorError as error:
            return sentence(error)
        except Exception as error:  # noqa: BLE001  # the message is posted: no defect below it may make it go out twice
            return f"{type(error).__name__}."
        return None

    def _post_thread(self, channel: str, ts: str, thread: Collection[tuple[Block, ...]]) -> None:
        for blocks in thread:
            self._post(channel, ts, blocks_only(blocks))

    def _post(self, channel: str, ts: str, message: dict[str, Any]) -> None:
        self._api.within_limits(lambda: self._api.post_message(channel, {**message, "thread_ts": ts}))

    def _upload(self, channel: str, ts: str, digest: RenderedDigest) -> None:
        files = [
            Upload(name=name, data=digest.files[name], shows=shows)
            for name, shows in digest.attached.items()
            if digest.files.get(name)
        ]
        if files:
            self._api.within_limits(lambda: self._api.upload(channel, ts, files))

    def probe(self, recipients: Collection[str]) -> Iterator[Probe]:
        """Signing in, scopes, then each recipient. Nothing is posted, no conversation opened."""
        try:
            answer = self._api.ask("auth.test")
        except ConnectorError as error:
            yield Probe(check="credentials", error=error)
            return
        if not answer.get("bot_id"):
            yield Probe(check="credentials", error=StopConnector("credentials", "the token is not a bot's", _NOT_A_BOT))
            return
        yield Probe(
            check="credentials", note=f"signed in as {_shown(answer.get('user'))} of {_shown(answer.get('team'))}"
        )
        granted = scopes_in(str(answer.headers.get("x-oauth-scopes") or ""))
        yield _scopes_probe(granted, _needed(recipients))
        for to in sorted(recipients):
            yield self._recipient(to, granted)

    def _recipient(self, to: str, granted: Collection[str]) -> Probe:
        try:
            if to.startswith("@"):
                self._recipients.person(to[1:])
                return Probe(check=to, note="found, a member of the workspace")
            channel = self._recipients.channel(to)
            _check_open(channel, granted)
        except ConnectorError as error:
            return Probe(check=to, error=error)
        kind = "private" if channel.get("is_private") else "public"
        return Probe(check=to, note=f"found, {kind}, not shared outside the company")

    def close(self) -> None:
        """Lets go of connections, and ends waits."""
        self._api.close()


def _check_open(channel: Any, granted: Collection[str]) -> None:
    """Whether the app may post there, as far as can be known without posting."""
    if channel.get("is_archived"):
        raise Undeliverable("archived", "the channel is archived", "Unarchive it in Slack, or name another one.")
    if channel.get("is_member") is False and "chat:write.public" not in granted:
        invite = "In the channel type /invite @rapport (the app's name)."
        raise Undeliverable("not_member", "the app is not in the channel", invite)


def _needed(recipients: Collection[str]) -> list[str]:
    kinds = {to[:1] for to in recipients}
    return [
        *_ALWAYS,
        *(_FOR_CHANNELS if "#" in kinds else ()),
        *(_FOR_PERSONS if "@" in kinds else ()),
    ]


def _scopes_probe(granted: list[str], needed: list[str]) -> Probe:
    if not granted:
        return Probe(check="scopes", note="Slack does not say which scopes the token has")
    missing = [scope for scope in needed if scope not in granted]
    if missing:
        return Probe(check="scopes", error=missing_scopes(", ".join(missing), ", ".join(granted)))
    return Probe(check="scopes", note=", ".join(needed))


def _shown(value: Any) -> str:
    """A name from Slack, as a terminal may have it."""
    return "".join(filter(str.isprintable, str(value)))[:80]
