"""Slack's Block Kit as small functions, and its limits: what a block holds and what a message holds.

Documented are 50 blocks a message, 3,000 characters a section and 150 a header; what a whole message may weigh is not,
but above 13,200 characters Slack has refused some (`docs/providers.md` F).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from connectors.contract import Block
from connectors.senders.slack.markup import plain_text, weight

MOST_BLOCKS = 50
MOST_WEIGHT = 12_000
_SECTION_WEIGHT = 2_900
_HEADER_CHARACTERS = 150

Message = tuple[Block, ...]


def header(text: str) -> Block:
    """A large line in which nothing is markup."""
    line = plain_text(text, _HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": line, "emoji": False}}


def section(markup: str) -> Block:
    """Markup of at most 3,000 characters."""
    return {"type": "section", "text": _mrkdwn(markup)}


def context(markup: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [_mrkdwn(markup)]}


def _mrkdwn(markup: str) -> Block:
    """`verbatim`: Slack makes no links of URLs, channels and names that it finds in it."""
    return {"type": "mrkdwn", "text": markup, "verbatim": True}


def sections(lines: Iterable[str]) -> Iterator[Block]:
    """Lines of markup in as few sections as hold them; each line alone fits into one."""
    held: list[str] = []
    room = _SECTION_WEIGHT
    for line in lines:
        cost = weight(line + "\n")
        if held and cost > room:
            yield section("\n".join(held))
            held, room = [], _SECTION_WEIGHT
        held.append(line)
        room -= cost
    if held:
        yield section("\n".join(held))


def message_weight(blocks: Sequence[Block]) -> int:
    """Bytes of the blocks as JSON, which is never less than what Slack counts."""
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode())


def pack(units: Iterable[Sequence[Block]]) -> tuple[Message, ...]:
    """The units in order, in as few messages as hold them; a unit, such as a client's blocks, is never parted."""
    messages: list[list[Block]] = []
    room = count = 0
    for unit in units:
        cost = message_weight(unit)
        if not messages or cost > room or count + len(unit) > MOST_BLOCKS:
            messages.append([])
            room, count = MOST_WEIGHT, 0
        messages[-1] += unit
        room -= cost
        count += len(unit)
    return tuple(map(tuple, messages))
