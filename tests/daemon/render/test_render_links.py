"""What outsiders write makes no link in a digest, wherever it is read."""

from __future__ import annotations

import html
import json
import re

import pytest

from daemon.render import render
from scoring.digest.lines import parts_of
from scoring.digest.sections import Aside, sections_of
from scoring.months.figures import credit
from scoring.months.history import Verdict
from scoring.months.month import Month
from tests.daemon.render.test_render import digest_of, line
from tests.scoring.builders import RULES, at, judged, meeting

LINK = re.compile(r"://|mailto:|\\\\|\w[\u200c\u200d]*[.\u3002\uff0e\uff61\u2024][\u200c\u200d]*[^\W\d]", re.IGNORECASE)
"""What mail programs (Gmail, Outlook, Apple Mail) and Slack make one of: schemes, bare domains and addresses with every
dot that a browser takes for one, shares of Windows."""

HOSTILE = [
    "your-password-expired.example",
    "https://203.0.113.5/x",
    "HTTPS://a.evil.example/x?y=z.com",
    "www.evil.example",
    "boss@evil.example",
    "mailto:boss@evil",
    "evil.\u200bexample",
    "evil\u2060.\u200dexample",
    "https:\u200b//evil",
    "evil\u3002example",
    "evil\uff0eexample",
    "пример.испытание",
    r"\\203.0.113.5\share",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_outsiders_becomes_a_link(text: str) -> None:
    """As the title of a counted and of a booked meeting, and as the domain of somebody who is nobody's client."""
    met = credit([judged(meeting(title=text))], RULES)
    coming = credit([judged(meeting(title=text, start="2026-11-05 09:00"), now=at("2026-11-01"))], RULES)
    lines = [line("Acme", Verdict.STEADY, 10, 10, parts=parts_of(met))]
    aside = Aside(booked={"Acme": coming}, strangers=[(text, 3)])
    rendered = render(digest_of(*lines, sections=sections_of(aside, lines, Month("2026-10"), "Europe/London")))
    page = re.sub(r"<style>.*?</style>|<[^>]*>", " ", rendered.html, flags=re.DOTALL)
    slack = json.dumps([rendered.blocks, rendered.thread], ensure_ascii=False).replace("\\\\", "\\")
    for shown in (html.unescape(page), rendered.text, slack):
        assert shown.count("[") >= 3
        assert LINK.search(shown.replace("digest.csv", "")) is None


@pytest.mark.parametrize(
    "text", ["Plan 2.0", "1.5 h", "Lunch @ Acme", "Why? Now. Then...", "Re: plan", "10:30", "❤\ufe0f"]
)
def test_other_text_stays(text: str) -> None:
    (part,) = parts_of(credit([judged(meeting(title=text))], RULES))
    assert part.text == f"{text}, 1 person, 1 h"
