"""Text that came from calendars and config files, made harmless for whatever shows it (`docs/design.md` 12).

What is left is one line without control characters, without marks that change the direction of the text
around them, and not longer than people read. Escaping for HTML and SVG is the templates' part, formulas are for
whoever writes CSV.
"""

from __future__ import annotations

import re
import unicodedata

NAME_LIMIT = 80
SENTENCE_LIMIT = 400

_JOINERS = {"\u200c", "\u200d"}
_BLANKS = re.compile(r"\s+")
_ELLIPSIS = "…"


def one_line(text: str, limit: int = SENTENCE_LIMIT) -> str:
    """The text without what is not seen, cut at the limit; a huge one is cut before it is looked at."""
    cut = len(text) > limit
    kept = text[: 4 * limit]
    if not kept.isprintable():  # nearly every text is, and then each of its characters is one that `_visible` leaves
        kept = "".join(map(_visible, kept))
    line = _BLANKS.sub(" ", kept).strip()
    if cut or len(line) > limit:
        line = line[: limit - 1].rstrip() + _ELLIPSIS if len(line) >= limit else line + _ELLIPSIS
    return line


def seen_json(text: str) -> str:
    """JSON with every character that is not seen as an escape: controls, marks of direction, zero-width ones, tags.

    Between the strings of JSON there are none but line ends and blanks, so that it means the same.
    """
    return "\n".join(line if line.isprintable() else "".join(map(_escaped, line)) for line in text.split("\n"))


def name(text: str) -> str:
    """A client's or person's name. One that is all invisible has a dash, so that nothing is nameless."""
    return one_line(text, NAME_LIMIT) or "—"


def columns(text: str) -> int:
    """How wide a terminal shows it: East Asian wide characters take two columns, combining ones none."""
    return sum(map(_width, text))


def fit(text: str, width: int) -> str:
    """Exactly so many columns: cut with an ellipsis, or filled with blanks."""
    if columns(text) > width:
        while columns(text) > width - 1:
            text = text[:-1]
        text += _ELLIPSIS
    return text + " " * (width - columns(text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Zl", "Zp", "Zs"} or character in "\t\n\r\v\f":
        return " "
    if character in _JOINERS or category[0] != "C":
        return character
    return "" if category == "Cf" else " " if category == "Cc" else "\ufffd"


def _width(character: str) -> int:
    if unicodedata.combining(character) or character in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
