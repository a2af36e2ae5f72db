"""Digests by an incoming webhook: the first message, to the one channel that the webhook belongs to."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from typing import Any

from connectors.contract import Envelope, Probe, Receipt, RenderedDigest
from connectors.errors import ConnectorError, OutcomeUnknown, Undeliverable
from connectors.net.session import Session
from connectors.senders.slack.errors import LOOK, webhook_refused
from connectors.senders.slack.http import JSON, HttpAnswer, Lost, blocked, host_of, post
from connectors.senders.slack.message import message_of, small_print

_ALONE = "Sent by a webhook: what is behind each client's figures, the charts and the sheet are not attached."
_TAKEN = frozenset({"text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"})
_UNVERIFIED = (
    "cannot be verified without posting, so nothing was tried: neither its channel nor whether that is shared outside "
    "the company is known (a bot token can tell)"
)


class Webhook:
    """Sends to the webhook's own channel, whichever channel a recipient names. Used from several threads."""

    def __init__(self, url: str, session: Session) -> None:
        self._url = url
        self._session = session
        self._turn = threading.Lock()

    def send(self, digest: RenderedDigest, envelope: Envelope) -> Receipt:
        """The first message, which says that there is no more of it here."""
        if envelope.to.startswith("@"):
            raise _no_persons()
        answer = self._posted(json.dumps(_payload(digest), ensure_ascii=False).encode())
        text = answer.body[:200].decode("utf-8", "replace")
        if answer.status == 200 and text.strip() == "ok":
            return Receipt(where=("webhook", envelope.to))
        raise webhook_refused(answer.status, text, answer.after_seconds) or _unclear(answer.status, host_of(self._url))

    def _posted(self, data: bytes) -> HttpAnswer:
        lost: Lost
        try:
            with self._turn:
                return post(self._session, self._url, data, {"Content-Type": JSON})
        except Lost as error:
            lost = error
        raise OutcomeUnknown(lost.code, lost.what, LOOK)

    def probe(self, recipients: Collection[str]) -> Iterator[Probe]:
        """A webhook can only be posted to: this says so, and which recipients it cannot reach."""
        yield Probe(check="webhook", note=_UNVERIFIED)
        for to in sorted(recipients):
            if to.startswith("@"):
                yield Probe(check=to, error=_no_persons())

    def close(self) -> None:
        self._session.close()


def _payload(digest: RenderedDigest) -> dict[str, Any]:
    """As for a bot, without what webhooks do not take; there is always room for one block more."""
    known: dict[str, Any] = {name: value for name, value in message_of(digest).items() if name in _TAKEN}
    if "blocks" in known and (digest.thread or digest.attached):
        known["blocks"] = [*known["blocks"], small_print(_ALONE)]
    return known


def _no_persons() -> Undeliverable:
    return Undeliverable("no_persons", "a webhook reaches its own channel only", "To reach persons give slack.token.")


def _unclear(status: int, host: str) -> ConnectorError:
    """Slack's own machinery may have failed after posting; anything else that answers is on the way there."""
    if status == 200 or status >= 500 or status == 408:
        return OutcomeUnknown("unknown", f"{host} answers {status} without saying whether it has posted", LOOK)
    return blocked(status, host)
