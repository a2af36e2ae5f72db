"""What the templates are given: texts made harmless, figures as people read them, charts by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from daemon.output import safe_text
from daemon.render import charts
from daemon.render.size_limits import SIZE_LIMITS, SizeLimits, about_full, about_not_met, about_rest, in_full
from daemon.render.words import TRENDS, VERDICTS, Mark
from scoring.digest.value import ClientLine, Digest, Section
from scoring.months.history import Verdict
from scoring.months.hours import hours_text
from scoring.months.month import Month
from scoring.wording import month_text, names_text, signed

PARTS_SHOWN = 8
NAMES_SHOWN = 6
NOT_MET_SHOWN = 30
SENTENCES_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A chart: the file it lies in, the size it is shown at, and what it says to those who do not see it."""

    file: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineView:
    """A client's row. `line` is the value it was made of, for the charts. Each is equal to itself alone.

    `before` and `change` are empty where the month before is unknown, and where a quarterly rhythm makes it no
    yardstick: the sentence then says what was compared.
    """

    line: ClientLine
    client: str
    about: str
    mark: Mark
    hours: str
    before: str
    change: str
    score: str
    score_before: str
    trend: Mark
    trend_scores: str
    sentence: str
    parts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    comment: str
    strip: Image
    trend_image: Image


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictGroup:
    """The clients of one verdict, for the first screen."""

    mark: Mark
    count: int
    names: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestView:
    """The whole digest, ready to be laid out.

    Of the `lines`, `full` are told with all that is known and charts, `brief` in a row each, and the rest only in the
    CSV file; `about_full` and `about_rest` say so, and are empty where all are told in full.
    """

    subject: str
    company: str
    month: str
    headline: str
    warning: str
    about_groups: str
    groups: tuple[VerdictGroup, ...]
    lines: tuple[LineView, ...]
    full: tuple[LineView, ...]
    brief: tuple[LineView, ...]
    about_full: str
    about_rest: str
    not_met: tuple[tuple[str, str], ...]
    not_met_more: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    set_aside: tuple[str, ...]
    lacks: tuple[str, ...]
    notes: tuple[str, ...]
    made: str


def view(digest: Digest, limits: SizeLimits = SIZE_LIMITS[0]) -> DigestView:
    """The digest as templates need it, with as many clients told in full and in brief as the limits allow."""
    lines = tuple(_line(index, line) for index, line in enumerate(digest.lines, 1))
    full, brief, about, about_left = _shown(lines, limits)
    return DigestView(
        subject=safe_text.one_line(digest.subject, 200),
        company=safe_text.name(digest.company),
        month=safe_text.one_line(digest.month_text),
        headline=safe_text.one_line(digest.headline),
        warning=_warning(digest),
        about_groups=_about_groups(digest),
        groups=tuple(_groups(digest)),
        lines=lines,
        full=full,
        brief=brief,
        about_full=about,
        about_rest=about_left,
        not_met=tuple((safe_text.one_line(client.sentence), _manager(client.manager)) for client in digest.not_met),
        not_met_more=about_not_met(len(digest.not_met) - NOT_MET_SHOWN),
        sections=tuple((safe_text.one_line(section.title), tuple(_sentences(section))) for section in digest.sections),
        set_aside=tuple(safe_text.one_line(reason.sentence) for reason in digest.set_aside),
        lacks=tuple(_lacks(digest)),
        notes=tuple(map(safe_text.one_line, digest.notes)),
        made=_made(digest),
    )


def within(seen: DigestView, limits: SizeLimits) -> DigestView:
    """The same with as many clients as other limits allow."""
    full, brief, about, about_left = _shown(seen.lines, limits)
    return replace(seen, full=full, brief=brief, about_full=about, about_rest=about_left)


def _shown(
    lines: tuple[LineView, ...], limits: SizeLimits
) -> tuple[tuple[LineView, ...], tuple[LineView, ...], str, str]:
    """Who is told in full and in brief, and what says so."""
    full, rest = in_full(lines, limits.full)
    return (
        full,
        rest[: limits.brief],
        about_full(len(full), len(lines)),
        about_rest(len(rest) - limits.brief, len(lines)),
    )


def _groups(digest: Digest) -> Iterator[VerdictGroup]:
    for verdict, mark in VERDICTS.items():
        names = [safe_text.name(line.client) for line in digest.lines if line.verdict is verdict]
        if names:
            yield VerdictGroup(mark=mark, count=len(names), names=names_text(names, most=NAMES_SHOWN))


def _about_groups(digest: Digest) -> str:
    """Says why the groups hold more clients than the headline judges."""
    if len(digest.lines) == digest.judged or not digest.judged:
        return ""
    return f"All {len(digest.lines)} clients, where the headline counts key, strategic and untiered ones:"


def _warning(digest: Digest) -> str:
    """What must be known before the figures are believed; empty where they are complete."""
    if digest.complete:
        return ""
    if any(line.verdict is Verdict.SO_FAR for line in digest.lines):
        return "The month is not over: nothing is judged yet."
    return f"Incomplete: {safe_text.one_line(digest.lacks[0])}" if digest.lacks else "These figures are incomplete."


def _line(index: int, line: ClientLine) -> LineView:
    change = line.change_tenths
    file = f"{index:03d}-{_slug(line.client)}"
    width, height = charts.strip_size(line.strip)
    scores = tuple("?" if score is None else str(score) for score in line.trend_scores)
    trend = TRENDS[line.trend]
    return LineView(
        line=line,
        client=safe_text.name(line.client),
        about=_about(line),
        mark=VERDICTS[line.verdict],
        hours=hours_text(line.tenths),
        before="" if line.before_tenths is None or line.quarterly else hours_text(line.before_tenths),
        change="" if change is None or line.quarterly else signed(change),
        score=str(line.score),
        score_before="" if line.score_before is None else str(line.score_before),
        trend=trend,
        trend_scores=" → ".join(scores),
        sentence=safe_text.one_line(line.verdict_text),
        parts=tuple(_parts(line)),
        findings=tuple(map(safe_text.one_line, line.findings)),
        comment=" ".join(map(safe_text.one_line, line.sentences)),
        strip=Image(file=f"{file}-months.png", width=width, height=height, alt=charts.strip_alt(line.strip)),
        trend_image=Image(
            file=f"{file}-trend.png",
            width=charts.TREND_WIDTH,
            height=charts.TREND_HEIGHT,
            alt=f"Score of three months: {', '.join(scores)}: {trend.word}",
        ),
    )


def _about(line: ClientLine) -> str:
    """Who manages it and what it is, in small print: `cleo · strategic`."""
    facts = [
        _manager(line.manager),
        safe_text.name(line.tier) if line.tier else "",
        "by quarter" if line.quarterly else "",
    ]
    return " · ".join(filter(None, facts))


def _manager(address: str | None) -> str:
    return safe_text.name(address.partition("@")[0]) if address else "no manager"


def _parts(line: ClientLine) -> Iterator[tuple[str, str]]:
    """The sum behind the hours; where it is long, what is left of it in one, so that it still adds up."""
    shown = line.parts if len(line.parts) <= PARTS_SHOWN else line.parts[: PARTS_SHOWN - 1]
    for part in shown:
        yield safe_text.one_line(part.text, 160), hours_text(part.tenths)
    rest = line.parts[len(shown) :]
    if rest:
        yield f"{len(rest)} more", hours_text(sum(part.tenths for part in rest))


def _sentences(section: Section) -> Iterator[str]:
    yield from map(safe_text.one_line, section.sentences[:SENTENCES_SHOWN])
    if len(section.sentences) > SENTENCES_SHOWN:
        yield f"And {len(section.sentences) - SENTENCES_SHOWN} more."


def _lacks(digest: Digest) -> Iterator[str]:
    yield from map(safe_text.one_line, digest.lacks)
    if digest.complete and not digest.lacks:
        yield "Nothing that is known: every calendar was read after the month ended."


def _made(digest: Digest) -> str:
    """When, by the company's clock."""
    moment = digest.generated_at.astimezone(ZoneInfo(digest.timezone))
    return f"{moment.day} {month_text(Month(f'{moment:%Y-%m}'))}, {moment:%H:%M} ({digest.timezone})"


def _slug(text: str) -> str:
    """A client's name as a part of a file name: letters and digits, nothing that a path could mean."""
    return re.sub(r"[^a-z0-9]+", "-", safe_text.name(text).lower()).strip("-")[:40] or "client"
