"""A digest for Slack: what it says and in which order, Slack's limits for any number of clients, hostile text."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import RenderedDigest
from connectors.senders.folder import Folder
from connectors.senders.slack.markup import mrkdwn, weight
from daemon.render import render
from daemon.render.slack import ForSlack, for_slack
from daemon.render.view import view
from scoring.digest.value import Bar, ClientLine, Digest, HoursPart, NotMet, Section, SetAside
from scoring.months.history import Trend, Verdict
from tests.fakes import block_kit
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_client import envelope, sender

HOSTILE = (
    "*bold* _it_ ~gone~ `code` <!channel> <!everyone> <@U012AB3CD> <#C012> @here <https://evil.example|Click> "
    "https://evil.example/x :bomb: &amp; > quote \u202eRTL\u2066 \x1b[31m \r\n=cmd"
)


def line(client: str = "Acme", verdict: Verdict = Verdict.DEVELOPING, **fields: Any) -> ClientLine:
    """A client's month, everything filled in."""
    usual: dict[str, Any] = {
        "client": client,
        "manager": "jo@northwind.example",
        "tier": "key",
        "quarterly": False,
        "verdict": verdict,
        "verdict_text": f"{client} gave 7.0 h, 2.0 more than in September: developing this month.",
        "trend": Trend.IMPROVING,
        "tenths": 70,
        "before_tenths": 50,
        "score": 20,
        "score_confirmed": 12,
        "score_before": 17,
        "trend_scores": (14, 17, 20),
        "meetings": 4,
        "client_people": 3,
        "phone_tenths": 5,
        "parts": (HoursPart(text="steering group, 4 people, 2 h", tenths=60), HoursPart(text="1 short", tenths=10)),
        "sentences": ("A year earlier, the change was +1.0 h.",),
        "strip": tuple(Bar(month=f"2026-{month:02d}", tenths=month, score=month) for month in range(1, 11)),
    }
    return ClientLine(**(usual | fields))


def digest(*lines: ClientLine, **fields: Any) -> Digest:
    usual: dict[str, Any] = {
        "name": "leadership",
        "company": "Northwind",
        "month": "2026-10",
        "month_text": "October 2026",
        "timezone": "Europe/London",
        "generated_at": datetime(2026, 11, 1, 8, tzinfo=UTC),
        "subject": "October: 1 of 2 developing; look at Brightwater",
        "headline": "October: 1 of 2 relationships is developing",
        "developing": 1,
        "judged": len(lines),
        "complete": True,
        "lines": lines,
        "not_met": (),
        "set_aside": (),
        "lacks": (),
        "notes": ("October had 22 working days, September 22.",),
    }
    return Digest(**(usual | fields))


def slack_of(value: Digest) -> ForSlack:
    return for_slack(view(value), value.sections)


def told(blocks: Any) -> str:
    return "\n".join(text["text"] for text in block_kit.texts(blocks))


def thread_text(made: ForSlack) -> str:
    return "\n".join(map(told, made.thread))


def messages(made: ForSlack) -> Iterator[list[dict[str, Any]]]:
    yield list(made.blocks)
    yield from map(list, made.thread)


def within_limits(made: ForSlack) -> None:
    assert len(made.thread) <= 5
    assert len(made.attached) <= 10
    for blocks in messages(made):
        assert block_kit.problems(blocks) == []
        assert len(json.dumps(blocks, ensure_ascii=False).encode()) <= 12_500  # Slack has refused 13,200


def harmless(made: ForSlack) -> None:
    """No markup but our own: `*` alone, in pairs on a line, and escapes; nothing invisible that turns text around."""
    for blocks in messages(made):
        for text in block_kit.texts(blocks):
            words = text["text"]
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x09\x0b-\x1f]", words)
            if text["type"] == "plain_text":
                assert text["emoji"] is False
                continue
            assert text["verbatim"] is True
            assert not re.search(r"[<>_~`]|&(?!amp;|lt;|gt;)|:[^\s:]+:", words)
            assert all(row.count("*") % 2 == 0 for row in words.split("\n"))
            assert not re.search(r"(?m)^\s*&gt;", words)


BRIGHTWATER = line(
    "Brightwater",
    Verdict.NOT_DEVELOPING,
    verdict_text="Brightwater gave 0.5 h, 0.5 less than in September: not developing this month.",
)
TWO = digest(
    BRIGHTWATER,
    line(),
    complete=False,
    not_met=(NotMet(client="Juniper", manager=None, last_met=None, sentence="Juniper: nothing is booked."),),
    set_aside=(SetAside(reason="cancelled", meetings=4, sentence="4 meetings: cancelled."),),
    lacks=("1 calendar was not read to the end of October.",),
)


def test_first_message_stands_alone() -> None:
    assert told(slack_of(TWO).blocks).split("\n") == [
        "Northwind · October 2026",
        "*October: 1 of 2 relationships is developing*",
        "⚠ Incomplete: 1 calendar was not read to the end of October.",
        "▼ *1 not developing:* Brightwater",
        "▲ *1 developing:* Acme",
        "*Needs action first*",
        "▼ Brightwater gave 0.5 h, 0.5 less than in September: not developing this month.",
    ]


def test_thread_has_each_client_and_what_comes_after() -> None:
    words = thread_text(slack_of(TWO)).split("\n")
    assert words[7:14] == [
        "▲ *Acme* · developing · jo · key",
        "*7.0 h*, before 5.0 h (+2.0) · score *20*, before 17 · improving ↗ (14 → 17 → 20)",
        "Acme gave 7.0 h, 2.0 more than in September: developing this month.",
        "• 6.0 h: steering group, 4 people, 2 h",
        "• 1.0 h: 1 short",
        "A year earlier, the change was +1.0 h.",
        "▂▃▃▄▅▅▆▇▇█  2026-01 to 2026-10",
    ]
    assert words[14:] == [
        "*Not met*",
        "○ Juniper: nothing is booked. (no manager)",
        "*Set aside: seen but not counted*",
        "• 4 meetings: cancelled.",
        "*What the figures lack*",
        "• 1 calendar was not read to the end of October.",
        "*Notes*",
        "• October had 22 working days, September 22.",
        "• Made 1 November 2026, 08:00 (Europe/London).",
    ]


def test_sections_stand_in_the_thread() -> None:
    booked = Section(title="Booked in November", sentences=("Acme: 3 Nov Steering group, 4 people, 2 h.",))
    rendered = render(replace(TWO, sections=(booked,)))
    words = "\n".join(map(told, rendered.thread))
    assert "*Booked in November*\n• Acme: 3 Nov Steering group, 4 people, 2 h.\n*Set aside" in words


def test_complete_digest_warns_of_nothing_and_leaves_empty_lists_out() -> None:
    made = slack_of(digest(line()))
    assert "⚠" not in told(made.blocks)
    assert "Needs action" not in told(made.blocks)
    assert "Not met" not in thread_text(made)
    assert "Set aside" not in thread_text(made)


def test_unknown_month_before_is_not_shown_as_zero() -> None:
    words = thread_text(slack_of(digest(line(before_tenths=None, score_before=None))))
    assert "*7.0 h* · score *20* · improving" in words


def test_many_that_need_action_are_counted() -> None:
    made = slack_of(digest(*(line(f"Client {number}", Verdict.NO_CONTACT) for number in range(9))))
    assert told(made.blocks).count("Client") == 6 + 5  # six names of the group, five sentences
    assert told(made.blocks).endswith("and 4 more")


NAMES = ("Acme", HOSTILE, '"\\' * 5_000, "名" * 10_000, "<!everyone>" * 1_000, "&" * 10_000)


@pytest.mark.parametrize(("count", "name"), [(300, "&" * 10_000), *itertools.product((0, 1, 10), NAMES)])
def test_limits_hold_for_any_number_of_clients_with_any_name(count: int, name: str) -> None:
    lines = [
        line(
            f"{name} {number}",
            list(Verdict)[number % len(Verdict)],
            verdict_text=name,
            sentences=(name,) * 7,
            manager=f"{name}@northwind.example",
            tier=name,
            parts=tuple(HoursPart(text=name, tenths=1) for _ in range(20)),
        )
        for number in range(count)
    ]
    made = slack_of(
        digest(
            *lines,
            complete=False,
            company=name,
            headline=name,
            not_met=tuple(NotMet(client=name, manager=name, last_met=None, sentence=name) for _ in range(count)),
            set_aside=tuple(SetAside(reason="cancelled", meetings=1, sentence=name) for _ in range(9)),
            lacks=(name,) * 8,
            notes=(name,) * 4,
            sections=(Section(title=name, sentences=(name,) * 10),) * 8,
        )
    )
    within_limits(made)
    harmless(made)


def test_300_clients_are_shown_as_far_as_they_fit_and_the_rest_is_counted() -> None:
    value = digest(*(line(f"Client {number}") for number in range(300)))
    made = slack_of(value)
    within_limits(made)
    shown = thread_text(made).count("▲ *Client")
    assert shown > 100
    assert f"{300 - shown} more clients stand in the attached digest.csv only." in thread_text(made)
    assert "*Notes*" in thread_text(made)
    sheet = render(replace(value, lines=value.lines[:3])).files["digest.csv"].decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(sheet)))) == 3


def test_everything_that_fits_is_shown() -> None:
    made = slack_of(digest(*(line(f"Client {number}") for number in range(60))))
    assert thread_text(made).count("▲ *Client") == 60
    assert "digest.csv" not in thread_text(made)


def test_sheet_and_the_first_charts_are_attached() -> None:
    made = slack_of(digest(*(line(f"Client {number}") for number in range(30))))
    names = list(made.attached)
    assert names[0] == "digest.csv"
    assert names[1:] == [f"{number:03d}-client-{number - 1}-months.png" for number in range(1, 10)]
    assert made.attached["001-client-0-months.png"].startswith("Client 0: Man-hours by month")


def test_what_is_attached_is_among_the_files() -> None:
    rendered = render(TWO)
    assert set(rendered.attached) <= set(rendered.files)
    assert rendered.headline == TWO.headline


ODD = st.text(
    st.sampled_from("*_~`<>&@#!|:\\\"'\n\r\t \u202e\u2066\u200d\x1b\ud800名é0a-") | st.characters(), max_size=60
)


@given(ODD)
@settings(max_examples=300)
def test_no_text_formats_links_or_notifies(text: str) -> None:
    made = slack_of(
        digest(
            line(text, Verdict.NOT_DEVELOPING, verdict_text=text, sentences=(text,), manager=text or None, tier=text),
            company=text, headline=text, complete=False, lacks=(text,), notes=(text,),
            sections=(Section(title=text, sentences=(text,)),),
            not_met=(NotMet(client=text, manager=None, last_met=None, sentence=text),),
        )
    )  # fmt: skip
    within_limits(made)
    harmless(made)


@given(st.text(max_size=400), st.integers(min_value=3, max_value=300))
def test_cut_text_weighs_what_it_may_and_breaks_no_escape(text: str, most: int) -> None:
    cut = mrkdwn(text, most)
    assert weight(cut) <= most
    assert not re.search(r"[<>*_~`]|&(?!amp;|lt;|gt;)", cut)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A & B <c>", "A &amp; B &lt;c&gt;"),
        ("*x* _y_ ~z~ `c`", "∗x∗ ˍyˍ ∼z∼ ˋcˋ"),
        ("> quoted", "› quoted"),  # an escaped one would be a quotation, too
        ("  >>> all", "  ››› all"),
        ("a > b", "a &gt; b"),
        (":bomb:", "∶bomb:"),
        ("10:30 to 11:00", "10:30 to 11:00"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("pat: 2 of 3", "pat: 2 of 3"),
    ],
)
def test_text_is_made_harmless(text: str, shown: str) -> None:
    assert mrkdwn(text) == shown


def test_slack_takes_the_demo_of_hostile_text(tmp_path: Path) -> None:
    """Driven through the real client into the strict fake: nothing is refused, nothing missing."""
    value = digest(*(line(f"{HOSTILE} {number}", Verdict.NO_CONTACT) for number in range(4)), headline=HOSTILE)
    rendered = render(value)
    with FakeSlack() as slack, sender(slack) as bot:
        receipt = bot.send(rendered, envelope())
    assert len(receipt.where) == 2
    assert len(slack.posted) == 1 + len(rendered.thread)
    assert {one.name for one in slack.files.values()} == set(rendered.attached)
    assert not re.search(r"[<>]|:bomb:", slack.first[0].fields["text"])


def test_webhook_has_room_for_its_own_line() -> None:
    lines = [
        line("&" * 100, verdict, verdict_text="&" * 10_000)
        for verdict in (Verdict.NO_CONTACT, *Verdict)
        for _ in range(9)
    ]
    made = slack_of(digest(*lines, company="&" * 200, headline="&" * 999, complete=False, lacks=("&" * 999,), judged=1))
    rendered = RenderedDigest(subject="&" * 200, text="", html="", blocks=made.blocks, thread=made.thread)
    with FakeSlack() as slack, sender(slack, webhook_url=slack.webhook_url) as hook:
        hook.send(rendered, envelope())
    assert "not attached" in told(slack.posted[0].fields["blocks"])


def test_folder_gets_what_slack_would(tmp_path: Path) -> None:
    rendered = render(TWO)
    Folder(tmp_path).send(rendered)
    preview = json.loads((tmp_path / "slack.json").read_text("utf-8"))
    assert preview["message"]["blocks"] == list(rendered.blocks)
    assert [one["blocks"] for one in preview["thread"]] == [list(blocks) for blocks in rendered.thread]
    assert preview["files"] == dict(rendered.attached)


def test_folder_without_blocks_has_no_such_file(tmp_path: Path) -> None:
    Folder(tmp_path).send(RenderedDigest(subject="", text="", html=""))
    assert not (tmp_path / "slack.json").exists()
