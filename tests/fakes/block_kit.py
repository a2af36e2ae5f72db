"""Slack's Block Kit as far as digests use it, held to its documented limits (`docs/providers.md` F), strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

MOST_BLOCKS = 50
MOST_CHARACTERS = 13_200  # of all blocks: above it Slack has answered msg_blocks_too_long

_KEYS = {
    "header": {"type", "text", "block_id"},
    "section": {"type", "text", "fields", "block_id", "expand"},
    "context": {"type", "elements", "block_id"},
    "divider": {"type", "block_id"},
}
_TEXT_KEYS = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}


def problems(blocks: Any) -> list[str]:
    """Everything that Slack would refuse, each with where it stands; empty when it takes them."""
    if not isinstance(blocks, list) or not blocks:
        return ["blocks: not a list of blocks"]
    found = [f"/blocks: {len(blocks)} of them"] if len(blocks) > MOST_BLOCKS else []
    for number, block in enumerate(blocks):
        found += [f"/blocks/{number}{problem}" for problem in _block(block)]
    return found


def too_long(blocks: Any) -> bool:
    """Whether the whole of them is more than Slack takes."""
    return len(json.dumps(blocks, ensure_ascii=False)) > MOST_CHARACTERS


def texts(blocks: Any) -> Iterator[dict[str, Any]]:
    """Every text object in blocks."""
    for block in blocks:
        if isinstance(block.get("text"), dict):
            yield block["text"]
        yield from block.get("fields", ())
        yield from (one for one in block.get("elements", ()) if one.get("type") in _TEXT_KEYS)


def _block(block: Any) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _KEYS:
        yield f": unsupported type {kind!r}"
        return
    if unknown := set(block) - _KEYS[kind]:
        yield f": unknown keys {sorted(unknown)}"
    if len(block.get("block_id", "")) > 255:
        yield "/block_id: too long"
    if kind == "header":
        yield from _text(block.get("text"), 150, "/text", kinds=("plain_text",))
    elif kind == "section":
        yield from _section(block)
    elif kind == "context":
        yield from _elements(block.get("elements"))


def _section(block: dict[str, Any]) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield ": neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], 3000, "/text")
    fields = block.get("fields", [])
    if len(fields) > 10 or ("fields" in block and not fields):
        yield f"/fields: {len(fields)} of them"
    for number, one in enumerate(fields):
        yield from _text(one, 2000, f"/fields/{number}")


def _elements(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        yield "/elements: from 1 to 10"
        return
    for number, one in enumerate(elements):
        yield from _text(one, 2000, f"/elements/{number}")


def _text(text: Any, most: int, where: str, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"{where}: must be {' or '.join(kinds)}"
        return
    if unknown := set(text) - _TEXT_KEYS[text["type"]]:
        yield f"{where}: unknown keys {sorted(unknown)}"
    words = text.get("text")
    if not isinstance(words, str) or not 1 <= len(words) <= most:
        yield f"{where}: from 1 to {most} characters, not {len(words) if isinstance(words, str) else words!r}"
