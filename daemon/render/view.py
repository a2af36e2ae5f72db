"""What the templates are given: every text made harmless, every figure as people read it, every chart by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from daemon.render import charts, plain
from daemon.render.words import TRENDS, VERDICTS, Mark, month_text
from scoring.digest import Digest, Line
from scoring.hours import hours_text

PARTS_SHOWN = 8
NAMES_SHOWN = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A chart: the file it lies in, the size it is shown at, and what it says to those who do not see it."""

    file: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LineView:
    """A client's row. `line` is the value it was made of, for the charts and the sheet."""

    line: Line
    client: str
    about: str
    mark: Mark
    hours: str
    before: str
    change: str
    score: str
    score_before: str
    confirmed: str
    trend: Mark
    trend_scores: str
    sentence: str
    parts: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    strip: Image
    trend_image: Image


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The clients of one verdict, for the first screen."""

    mark: Mark
    count: int
    names: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A line of the lists below the table: what it is about, and a sentence."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestView:
    """The whole digest, ready to be laid out."""

    subject: str
    company: str
    month: str
    headline: str
    complete: bool
    groups: tuple[Group, ...]
    lines: tuple[LineView, ...]
    not_met: tuple[Item, ...]
    set_aside: tuple[Item, ...]
    lacks: tuple[str, ...]
    notes: tuple[str, ...]
    made: str


def view(digest: Digest) -> DigestView:
    """The digest as templates need it."""
    return DigestView(
        subject=plain.one_line(digest.subject, 200),
        company=plain.name(digest.company),
        month=plain.one_line(digest.month_text),
        headline=plain.one_line(digest.headline),
        complete=digest.complete,
        groups=tuple(_groups(digest)),
        lines=tuple(_line(index, line) for index, line in enumerate(digest.lines, 1)),
        not_met=tuple(_not_met(digest)),
        set_aside=tuple(_set_aside(digest)),
        lacks=tuple(map(plain.one_line, digest.lacks)),
        notes=tuple(map(plain.one_line, digest.notes)),
        made=_made(digest),
    )


def _groups(digest: Digest) -> Iterator[Group]:
    for verdict, mark in VERDICTS.items():
        names = [plain.name(line.client) for line in digest.lines if line.verdict is verdict]
        if names:
            yield Group(mark=mark, count=len(names), names=_listed(names))


def _listed(names: list[str]) -> str:
    """All of them, or the first few and how many more."""
    if len(names) <= NAMES_SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_SHOWN])} and {len(names) - NAMES_SHOWN} more"


def _line(index: int, line: Line) -> LineView:
    change = line.change_tenths
    file = f"{index:03d}-{_slug(line.client)}"
    width, height = charts.strip_size(line.strip)
    scores = tuple("?" if score is None else str(score) for score in line.trend_scores)
    trend = TRENDS[line.trend]
    return LineView(
        line=line,
        client=plain.name(line.client),
        about=_about(line),
        mark=VERDICTS[line.verdict],
        hours=hours_text(line.tenths),
        before="" if line.before_tenths is None else hours_text(line.before_tenths),
        change="" if change is None else signed(change),
        score=str(line.score),
        score_before="" if line.score_before is None else str(line.score_before),
        confirmed="" if line.score_confirmed == line.score else str(line.score_confirmed),
        trend=trend,
        trend_scores=" → ".join(scores),
        sentence=plain.one_line(line.verdict_text),
        parts=tuple(_parts(line)),
        sentences=tuple(map(plain.one_line, line.sentences)),
        strip=Image(file=f"{file}-months.png", width=width, height=height, alt=charts.strip_alt(line.strip)),
        trend_image=Image(
            file=f"{file}-trend.png",
            width=charts.TREND_WIDTH,
            height=charts.TREND_HEIGHT,
            alt=f"Score of three months: {', '.join(scores)}: {trend.word}",
        ),
    )


def signed(tenths: int) -> str:
    """A change in hours with its sign; nothing gained is 0.0."""
    return f"+{hours_text(tenths)}" if tenths > 0 else hours_text(tenths)


def _about(line: Line) -> str:
    """Who manages it and what it is, in small print: `cleo · strategic · by quarter`."""
    manager = plain.name(line.manager.partition("@")[0]) if line.manager else "no manager"
    facts = [manager, plain.name(line.tier) if line.tier else "", "by quarter" if line.quarterly else ""]
    return " · ".join(filter(None, facts))


def _parts(line: Line) -> Iterator[tuple[str, str]]:
    """The sum behind the hours; where it is long, what is left of it in one, so that it still adds up."""
    shown = line.parts if len(line.parts) <= PARTS_SHOWN else line.parts[: PARTS_SHOWN - 1]
    for part in shown:
        yield plain.one_line(part.text, 160), hours_text(part.tenths)
    rest = line.parts[len(shown) :]
    if rest:
        yield f"{len(rest)} more", hours_text(sum(part.tenths for part in rest))


def _not_met(digest: Digest) -> Iterator[Item]:
    for one in digest.not_met:
        last = f"last met in {month_text(one.last_met)}" if one.last_met else "never met"
        manager = plain.name(one.manager.partition("@")[0]) if one.manager else "no manager"
        yield Item(
            title=f"{plain.name(one.client)} · {manager} · {plain.one_line(last, 60)}",
            text=plain.one_line(one.sentence),
        )


def _set_aside(digest: Digest) -> Iterator[Item]:
    for one in digest.set_aside:
        names = _listed([plain.name(client) for client in one.clients])
        yield Item(
            title=str(one.meetings), text=plain.one_line(one.sentence) + (f" ({names})" if names else "")
        )


def _made(digest: Digest) -> str:
    moment = digest.generated_at
    return f"{moment.day} {month_text(f'{moment:%Y-%m}')}, {moment:%H:%M} {plain.one_line(moment.tzname() or '', 20)}"


def _slug(text: str) -> str:
    """A client's name as a part of a file name: letters and digits, nothing that a path could mean."""
    return re.sub(r"[^a-z0-9]+", "-", plain.name(text).lower()).strip("-")[:40] or "client"
