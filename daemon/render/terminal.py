"""The pieces of the text rendering that need counting: columns, wrapped lines, strips of block characters."""

from __future__ import annotations

import textwrap

from daemon.output import safe_text
from daemon.render.view import LineView
from scoring.digest.value import Bar

WIDTH = 78
_LEVELS = "▂▃▄▅▆▇█"
_NAME_WIDTH = 30


def wrap(text: str, indent: int = 0, first: str = "") -> str:
    """Lines of at most 78 columns, also of wide letters. `first` begins the first one, in the indent's place."""
    blank = " " * indent
    narrow = safe_text.columns(text) <= len(text)
    lines = textwrap.wrap(
        text,
        WIDTH if narrow else WIDTH // 2,
        initial_indent=first.ljust(indent) if first else blank,
        subsequent_indent=blank,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def table_head() -> str:
    return f"{'':2}{'':{_NAME_WIDTH}}{'hours':>7}{'before':>8}{'change':>8}{'score':>7}{'before':>8}  trend"


def table_row(line: LineView) -> str:
    """One client's figures; `–` where the month before is unknown."""
    name = safe_text.fit(line.client, _NAME_WIDTH)
    figures = f"{line.hours:>7}{line.before or '–':>8}{line.change or '–':>8}{line.score:>7}"
    return f"{line.mark.shape} {name}{figures}{line.score_before or '–':>8}  {line.trend.shape}"


def strip(bars: tuple[Bar, ...]) -> str:
    """Man-hours by month as block characters: `·` unknown, `▁` none, the highest a full block."""
    most = max((bar.tenths or 0 for bar in bars), default=0)
    return "".join(_block(bar.tenths, most) for bar in bars)


def _block(tenths: int | None, most: int) -> str:
    if tenths is None:
        return "·"
    if tenths == 0:
        return "▁"
    return _LEVELS[min(tenths * len(_LEVELS) // (most + 1), len(_LEVELS) - 1)]
