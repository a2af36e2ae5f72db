"""Small charts: SVG templates drawn to PNG with the font that ships, the same bytes on every machine.

PNG files and not bars of HTML cells: mail programs show both, but Gmail cuts a message off at 102 KB, and
24 cells with their styles take 2 KB a client where an image takes 300 bytes; drawing takes some 3 ms. The
background is transparent and the tones are middling, so that one image serves light and dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import resvg_py
from jinja2 import Environment

from scoring.digest.value import Bar
from scoring.months.hours import hours_text
from scoring.months.month import Month
from scoring.wording import month_text

_FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
_SCALE = 2

PITCH = 11
PLOT = 36
STRIP_HEIGHT = 62
TREND_WIDTH, TREND_HEIGHT = 56, 24


@dataclass(frozen=True, kw_only=True, slots=True)
class StripBar:
    """One month in the picture. `height` is None where it is unknown."""

    x: int
    y: float
    height: float | None
    current: bool
    complete: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartLabel:
    x: float
    y: float
    text: str


def strip_size(bars: tuple[Bar, ...]) -> tuple[int, int]:
    """Width and height in pixels as shown; the file has twice as many."""
    return max(len(bars), 1) * PITCH, STRIP_HEIGHT


def strip_png(environment: Environment, bars: tuple[Bar, ...], month: str) -> bytes:
    """Man-hours by month. Unknown ones are ruled, incomplete ones outlined; `month` has the accent."""
    most = max((bar.tenths or 0 for bar in bars), default=0)
    width, height = strip_size(bars)
    svg = environment.get_template("strip.svg.j2").render(
        width=width,
        height=height,
        base=height - 14,
        bars=[_strip_bar(index, bar, most, month) for index, bar in enumerate(bars)],
        labels=[*_years(bars), *_peak(bars, most)],
    )
    return _png(svg)


def trend_png(environment: Environment, scores: tuple[int | None, ...]) -> bytes:
    """The score of three months as a line; a month that is unknown has no point."""
    known = [score for score in scores if score is not None]
    low, high = min(known, default=0), max(known, default=0)
    points = [(8 + index * 20, _level(score, low, high)) for index, score in enumerate(scores) if score is not None]
    svg = environment.get_template("trend.svg.j2").render(width=TREND_WIDTH, height=TREND_HEIGHT, points=points)
    return _png(svg)


def strip_alt(bars: tuple[Bar, ...]) -> str:
    """What the strip shows, in a sentence for those who do not see it."""
    known = [bar for bar in bars if bar.tenths is not None]
    if not known:
        return "Man-hours by month: nothing is known yet."
    most = max(known, key=lambda bar: bar.tenths or 0)
    parts = [
        f"Man-hours by month, {month_text(Month(known[0].month))} to {month_text(Month(known[-1].month))}",
        f"most {hours_text(most.tenths or 0)} in {month_text(Month(most.month))}",
        f"last {hours_text(known[-1].tenths or 0)}",
    ]
    unknown = len(bars) - len(known)
    if unknown:
        parts.append(f"{unknown} earlier {'month is' if unknown == 1 else 'months are'} unknown")
    incomplete = [month_text(Month(bar.month)) for bar in known if not bar.complete]
    if incomplete:
        parts.append(f"incomplete: {', '.join(incomplete)}")
    return "; ".join(parts)


def _strip_bar(index: int, bar: Bar, most: int, month: str) -> StripBar:
    base = STRIP_HEIGHT - 14
    height = None if bar.tenths is None else round(PLOT * bar.tenths / most, 1) if most else 0.0
    if height is not None and bar.tenths:
        height = max(height, 1.5)
    return StripBar(
        x=index * PITCH + 1,
        y=round(base - (PLOT if height is None else height), 1),
        height=height,
        current=bar.month == month,
        complete=bar.complete,
    )


def _years(bars: tuple[Bar, ...]) -> list[ChartLabel]:
    return [
        ChartLabel(x=index * PITCH + 1, y=STRIP_HEIGHT - 3, text=bar.month[:4])
        for index, bar in enumerate(bars)
        if bar.month.endswith("-01") and index < len(bars) - 2
    ]


def _peak(bars: tuple[Bar, ...], most: int) -> list[ChartLabel]:
    """The highest bar's hours above it, the latest of equals, kept inside the picture."""
    at = max((index for index, bar in enumerate(bars) if bar.tenths == most), default=None)
    if not most or at is None:
        return []
    text = hours_text(most)
    half = 3 * len(text)
    x = min(max(at * PITCH + PITCH / 2, half), len(bars) * PITCH - half)
    return [ChartLabel(x=x - half, y=STRIP_HEIGHT - 14 - PLOT - 3, text=text)]


def _level(score: int, low: int, high: int) -> float:
    """From 5 above the bottom to 5 below the top; in the middle where nothing moves."""
    if high == low:
        return TREND_HEIGHT / 2
    return round(TREND_HEIGHT - 5 - (TREND_HEIGHT - 10) * (score - low) / (high - low), 1)


@lru_cache(maxsize=512)
def _png(svg: str) -> bytes:
    """Trends of three months repeat among clients, and every chart between mail and Slack: each is drawn once."""
    fonts = [str(_FONT)] if "<text" in svg else []
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=_SCALE,
            skip_system_fonts=True,
            font_files=fonts,
            font_family="DejaVu Sans",
        )
    )
