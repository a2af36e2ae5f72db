"""Somebody else's text in Slack's markup (mrkdwn): shown as it stands, formatting nothing and notifying nobody.

Slack has no escape for its own signs, only for `& < >` (docs/providers.md F): the others give way to signs that look
like them. That URLs and `#channels` do not become links is up to `verbatim` in the block that holds the text.
"""

from __future__ import annotations

import json
import re

_SIGNS = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;",
    "*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb",
})  # fmt: skip
_EMOJI = re.compile(r":(?=[^\s:]+:)")
_QUOTE = re.compile(r"(?m)^(?:[^\S\n]*>)+")
_ELLIPSIS = "…"


def weight(text: str) -> int:
    """How much of a message's room it takes: bytes as JSON, which is never less than characters."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2


def mrkdwn(text: str, most: int | None = None) -> str:
    """The text made harmless; cut, with an ellipsis, so that its weight is at most `most`."""
    harmless = _EMOJI.sub("\u2236", _QUOTE.sub(_unquoted, text))
    whole = harmless.translate(_SIGNS)
    if most is None or weight(whole) <= most:
        return whole
    return _cut([piece.translate(_SIGNS) for piece in harmless], most)


def plain_text(text: str, most: int) -> str:
    """Text where nothing is markup (`plain_text`), cut at so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + _ELLIPSIS


def _unquoted(signs: re.Match[str]) -> str:
    """A `>` at the beginning of a line would make it a quotation, escaped or not."""
    return signs[0].replace(">", "\u203a")


def _cut(pieces: list[str], most: int) -> str:
    """Cut between characters, never within an escape."""
    room = most - weight(_ELLIPSIS)
    kept: list[str] = []
    for piece in pieces:
        room -= weight(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + _ELLIPSIS
