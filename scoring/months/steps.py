"""How people met, which step of commitment a meeting is, and what it earns (R5 and R6 of `docs/rules.md`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from scoring.meetings.values import Channel, Conference, LocationKind, Response, Setting

TITLE_LIMIT = 500
"""Titles are cut here before any pattern runs over them (`docs/design.md` 12)."""


class Step(StrEnum):
    """The rungs of commitment, and beside them the phone."""

    PHONE = "phone"
    SHORT_ONE = "short_one"
    LONG_ONE = "long_one"
    SHORT_MANY = "short_many"
    LONG_MANY = "long_many"


DEFAULT_POINTS: Mapping[Step, int] = {
    Step.PHONE: 1,
    Step.SHORT_ONE: 3,
    Step.LONG_ONE: 5,
    Step.SHORT_MANY: 8,
    Step.LONG_MANY: 13,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the company may decide about scoring (`[scoring]`). `points` never change what is stored.

    `largest_meeting` are participants, ours included. `responses` are those with which somebody counts (R4).
    """

    long_meeting_over: timedelta = timedelta(hours=1)
    longest_meeting: timedelta = timedelta(hours=10)
    largest_meeting: int = 100
    points: Mapping[Step, int] = field(default_factory=lambda: DEFAULT_POINTS)
    video_is_meeting: bool = True
    responses: frozenset[Response] = frozenset({Response.ACCEPTED, Response.TENTATIVE, Response.NONE})
    phone_titles: tuple[re.Pattern[str], ...] = (
        re.compile(r"(?i)\bphone\b"),
        re.compile(r"(?i)^call\b"),
    )

    def __post_init__(self) -> None:
        if Response.DECLINED in self.responses:
            raise ValueError("a declined invitation is never counted")


# A number alone, perhaps with an extension or a pin after commas; seven digits or more, so that rooms are none.
_PHONE_NUMBER = re.compile(
    r"(?:tel:)?\+?[\d\s().\-/\u00a0\u2010-\u2013]{7,40}(?:(?:;ext=|,+|x|ext\.?)\s*[\d\s,#*]{1,20})?",
    re.IGNORECASE,
)
_VIDEO_LINK = re.compile(
    r"(?:^|[\s/.<(\"'@;,:])(?:"
    r"zoom\.(?:us|com)|zoomgov\.com|teams\.(?:microsoft|live)\.(?:com|us)|meet\.google\.com|hangouts\.google\.com"
    r"|webex\.com|gotomeeting\.com|gotomeet\.me|goto\.com|meet\.goto\.com|bluejeans\.com|whereby\.com|meet\.jit\.si"
    r"|chime\.aws|ringcentral\.com|vc\.ringcentral\.com|lifesize\.com|starleaf\.com|join\.skype\.com|meet\.lync\.com"
    r")(?:[/?:#\s>)\"',;]|$)",
    re.IGNORECASE,
)
_VIDEO_NAME = re.compile(
    r"\s*(?:microsoft teams|zoom|google meet|webex)\b(?:[ -](?:meeting|besprechung))?\s*", re.IGNORECASE
)


def place_of(location: str | None) -> LocationKind:
    """What a location text says about how people meet (R5)."""
    text = (location or "").strip()
    if not text:
        return LocationKind.EMPTY
    text = text[:TITLE_LIMIT]
    if _VIDEO_LINK.search(text) or _VIDEO_NAME.fullmatch(text):
        return LocationKind.VIDEO
    if text.lower().startswith("tel:"):
        return LocationKind.PHONE
    if _PHONE_NUMBER.fullmatch(text) and sum(character.isdigit() for character in text) >= 7:
        return LocationKind.PHONE
    return LocationKind.ELSEWHERE


def is_phone_title(title: str | None, rules: Rules) -> bool:
    """Whether a title says that the meeting is a call (R5)."""
    return title is not None and any(pattern.search(title[:TITLE_LIMIT]) for pattern in rules.phone_titles)


def channel_of(setting: Setting) -> Channel:
    """How people met: the first that fits (R5)."""
    if setting.room:
        return Channel.IN_PERSON
    if setting.conference is Conference.VIDEO or setting.place is LocationKind.VIDEO:
        return Channel.VIDEO
    if setting.conference is Conference.PHONE or setting.place is LocationKind.PHONE:
        return Channel.PHONE
    if setting.place is LocationKind.EMPTY and setting.phone_title:
        return Channel.PHONE
    return Channel.IN_PERSON


def is_face_to_face(channel: Channel, rules: Rules) -> bool:
    """Whether time in this channel is man-hours; otherwise it is phone time (R5)."""
    return channel is Channel.IN_PERSON or (channel is Channel.VIDEO and rules.video_is_meeting)


def step_of(channel: Channel, length: timedelta, client_people: int, rules: Rules) -> Step:
    """The step of a meeting (R6). `client_people` are those who count, one at least."""
    if not is_face_to_face(channel, rules):
        return Step.PHONE
    if length > rules.long_meeting_over:
        return Step.LONG_MANY if client_people > 1 else Step.LONG_ONE
    return Step.SHORT_MANY if client_people > 1 else Step.SHORT_ONE


def score_of(steps: Mapping[Step, int], rules: Rules) -> int:
    """The points of so many meetings on each step."""
    points = rules.points
    score = 0
    for step, count in steps.items():  # asked for every month of a report: a plain loop is twice as quick
        score += points.get(step, 0) * count
    return score
