"""What is posted: a rendered digest as the fields of a message. Also of a text without blocks, such as an alert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.contract import Block, RenderedDigest
from connectors.senders.slack.markup import mrkdwn

_NOTICE_WEIGHT = 1_000
_TEXT_WEIGHT = 3_800  # Slack advises against more than 4,000 characters
_PLAIN = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
"""Nothing in the text is formatted, linked or fetched, whatever stands in it."""


def message_of(digest: RenderedDigest) -> dict[str, Any]:
    """The first message: blocks, and what a notification says; where there are no blocks, the text."""
    if not digest.blocks:
        return {"text": mrkdwn(f"{digest.subject}\n\n{digest.text}", _TEXT_WEIGHT), **_PLAIN}
    return {"text": notice_of(digest), "blocks": list(digest.blocks), **_PLAIN}


def notice_of(digest: RenderedDigest) -> str:
    """What a phone shows before anybody opens the message."""
    known = [digest.subject] if digest.headline in ("", digest.subject) else [digest.subject, digest.headline]
    return mrkdwn("\n".join(known), _NOTICE_WEIGHT)


def blocks_only(blocks: Sequence[Block]) -> dict[str, Any]:
    """A message of a thread. Its text is for those who do not see blocks."""
    return {"text": "More of this digest", "blocks": list(blocks), **_PLAIN}


def note(text: str) -> dict[str, Any]:
    """A line of our own."""
    return {"text": mrkdwn(text), **_PLAIN}


def small_print(text: str) -> Block:
    """A line of our own as a block."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn(text), "verbatim": True}]}
