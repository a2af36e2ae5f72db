"""A digest for Slack: a first message that stands alone on a phone, what is behind it in a thread, and files.

What does not fit into the thread stands in the CSV file alone, and the thread says so. Every text from outside goes
through `mrkdwn`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.contract import Block
from connectors.senders.slack.markup import mrkdwn
from daemon.output import safe_text
from daemon.render import terminal
from daemon.render.csv_attachment import FILE_NAME
from daemon.render.slack_blocks import Message, context, header, pack, section, sections
from daemon.render.view import DigestView, LineView
from scoring.digest.value import Section
from scoring.months.history import Verdict
from scoring.wording import count_text

MOST_MESSAGES = 5
MOST_FILES = 10
_MOST_ACTIONS = 5
_NEEDS_ACTION = (Verdict.NOT_DEVELOPING, Verdict.NO_CONTACT)

# The most of single texts, in bytes as JSON; nothing that is not meant to do harm is cut by them.
_NAME, _SENTENCE, _COMMENT, _GROUP = 300, 600, 1_500, 700
_MOST_SECTIONS = 8
_TAIL_MESSAGES = 3
_TAIL_LINES = (40, 20, 8, 3, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForSlack:
    """The message, what follows in its thread, and the files that go there, each with what it shows."""

    blocks: Message
    thread: tuple[Message, ...]
    attached: Mapping[str, str]


def for_slack(seen: DigestView, more: Sequence[Section] = ()) -> ForSlack:
    """The digest as Slack takes it, within its limits however many clients there are. `more` are its sections."""
    thread, shown = _thread(seen, _tail(seen, more))
    return ForSlack(blocks=tuple(_first(seen)), thread=thread, attached=_attached(seen.lines[:shown]))


def _first(seen: DigestView) -> Iterator[Block]:
    yield header(f"{seen.company} · {seen.month}")
    yield section(f"*{mrkdwn(seen.headline, _SENTENCE)}*")
    if seen.warning:
        yield section(f"⚠ {mrkdwn(seen.warning, _SENTENCE)}")
    if seen.groups:
        yield from sections(_groups(seen))
    else:
        yield section("No clients.")
    urgent = [line for line in seen.lines if line.line.verdict in _NEEDS_ACTION]
    if urgent:
        yield from sections(_actions(urgent))


def _groups(seen: DigestView) -> Iterator[str]:
    if seen.about_groups:
        yield mrkdwn(seen.about_groups)
    for group in seen.groups:
        yield f"{group.mark.shape} *{group.count} {group.mark.word}:* {mrkdwn(group.names, _GROUP)}"


def _actions(urgent: Sequence[LineView]) -> Iterator[str]:
    yield "*Needs action first*"
    for line in urgent[:_MOST_ACTIONS]:
        yield f"{line.mark.shape} {mrkdwn(line.sentence, _SENTENCE)}"
    if len(urgent) > _MOST_ACTIONS:
        yield f"and {len(urgent) - _MOST_ACTIONS} more"


def _thread(seen: DigestView, tail: list[list[Block]]) -> tuple[tuple[Message, ...], int]:
    """The thread, and how many clients it tells of: all, or as many as fit before the parts that come last."""
    clients = [list(sections(_client(line))) for line in seen.lines]

    def messages(count: int) -> tuple[Message, ...]:
        rest = len(clients) - count
        return pack([*clients[:count], *([[context(_rest(rest))]] if rest else []), *tail])

    if len(messages(len(clients))) <= MOST_MESSAGES:
        return messages(len(clients)), len(clients)
    count = max(0, bisect_right(range(len(clients)), MOST_MESSAGES, key=lambda shown: len(messages(shown))) - 1)
    return messages(count), count


def _rest(clients: int) -> str:
    stand = "stands" if clients == 1 else "stand"
    return f"{count_text(clients, 'more client', 'more clients')} {stand} in the attached {FILE_NAME} only."


def _client(line: LineView) -> Iterator[str]:
    """One client: figures now and before, the sum behind them, and the sentences."""
    about = f" · {mrkdwn(line.about, _NAME)}" if line.about else ""
    yield f"{line.mark.shape} *{mrkdwn(line.client, _NAME)}* · {line.mark.word}{about}"
    yield _figures(line)
    yield mrkdwn(line.sentence, _SENTENCE)
    for text, hours in line.parts:
        yield f"• {hours} h: {mrkdwn(text, _NAME)}"
    for finding in line.findings:
        yield f"› {mrkdwn(finding, _SENTENCE)}"
    if line.comment:
        yield mrkdwn(line.comment, _COMMENT)
    if line.line.strip:
        months = f"{line.line.strip[0].month} to {line.line.strip[-1].month}"
        yield f"{terminal.strip(line.line.strip)}  {mrkdwn(months, _NAME)}"


def _figures(line: LineView) -> str:
    before = f", before {line.before} h ({line.change})" if line.before else ""
    score_before = f", before {line.score_before}" if line.score_before else ""
    trend = f"{line.trend.word} {line.trend.shape} ({line.trend_scores})"
    return f"*{line.hours} h*{before} · score *{line.score}*{score_before} · {trend}"


def _tail(seen: DigestView, more: Sequence[Section]) -> list[list[Block]]:
    """What comes after the clients, in the fullest form that leaves room for them."""
    for most in _TAIL_LINES:
        units = [[block] for part in _parts(seen, more, most) for block in sections(part)]
        if len(pack(units)) <= _TAIL_MESSAGES:
            break
    return units


def _parts(seen: DigestView, more: Sequence[Section], most: int) -> Iterator[list[str]]:
    """Headed lists of at most so many lines each."""
    not_met = [f"{sentence} ({manager})" for sentence, manager in seen.not_met]
    if not_met:
        yield _listed("Not met", "○", not_met, most)
    for part in more[:_MOST_SECTIONS]:
        yield _listed(
            mrkdwn(safe_text.one_line(part.title), _NAME), "•", [*map(safe_text.one_line, part.sentences)], most
        )
    if seen.set_aside:
        yield _listed("Set aside: seen but not counted", "•", seen.set_aside, most)
    if seen.lacks:
        yield _listed("What the figures lack", "•", seen.lacks, most)
    yield _listed("Notes", "•", [*seen.notes, f"Made {seen.made}."], most)


def _listed(title: str, sign: str, lines: Sequence[str], most: int) -> list[str]:
    shown = [f"{sign} {mrkdwn(line, _SENTENCE)}" for line in lines[:most]]
    rest = len(lines) - len(shown)
    return [f"*{title}*", *shown, *([f"and {rest} more"] if rest else [])]


def _attached(lines: Sequence[LineView]) -> dict[str, str]:
    """The CSV file, and the charts of the first clients."""
    charts = {line.strip.file: f"{line.client}: {line.strip.alt}" for line in lines[: MOST_FILES - 1]}
    return {FILE_NAME: "Every client's figures", **charts}
