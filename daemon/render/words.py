"""The shapes that stand beside the words of verdicts and trends, so that no meaning hangs on colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.months.history import Trend, Verdict
from scoring.wording import TREND_WORDS, VERDICT_WORDS


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape with its word. `tone` is how loud it is: the accent, plain ink, or soft."""

    shape: str
    word: str
    tone: str


_VERDICT_SHAPES = {
    Verdict.NOT_DEVELOPING: ("▼", "ink"),
    Verdict.NO_CONTACT: ("○", "ink"),
    Verdict.STEADY: ("■", "soft"),
    Verdict.SO_FAR: ("◆", "soft"),
    Verdict.NEW: ("●", "accent"),
    Verdict.DEVELOPING: ("▲", "accent"),
}
_TREND_SHAPES = {
    Trend.IMPROVING: ("↗", "accent"),
    Trend.DECLINING: ("↘", "ink"),
    Trend.FLAT: ("→", "soft"),
    Trend.NEW: ("·", "soft"),
}

VERDICTS = {verdict: Mark(shape, VERDICT_WORDS[verdict], tone) for verdict, (shape, tone) in _VERDICT_SHAPES.items()}
"""In the order in which an overview names them: what needs action first."""

TRENDS = {trend: Mark(shape, TREND_WORDS[trend], tone) for trend, (shape, tone) in _TREND_SHAPES.items()}
