"""A digest in all its renderings: what it says, in which order, and that hostile text does no harm to any."""

from __future__ import annotations

import csv
import io
import re
import struct
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from daemon.output import safe_text
from daemon.render import render, terminal
from daemon.render.csv_attachment import COLUMNS
from scoring.digest.value import Bar, ClientLine, Digest, HoursPart, NotMet, Section, SetAside
from scoring.months.history import Trend, Verdict


def strip(*tenths: int | None) -> tuple[Bar, ...]:
    """24 months up to October 2026; those that are not given are unknown."""
    hours = (None,) * (24 - len(tenths)) + tenths
    months = [f"{2024 + (10 + index) // 12}-{(10 + index) % 12 + 1:02d}" for index in range(24)]
    return tuple(Bar(month=month, tenths=one, score=one) for month, one in zip(months, hours, strict=True))


def line(client: str, verdict: Verdict, tenths: int, before: int | None, **fields: object) -> ClientLine:
    """A client's month with the fields that a test is not about filled in."""
    values: dict[str, object] = {
        "client": client,
        "manager": "ben@northwind.example",
        "tier": "standard",
        "quarterly": False,
        "verdict": verdict,
        "verdict_text": f"{client} gave {tenths / 10} h.",
        "trend": Trend.FLAT,
        "tenths": tenths,
        "before_tenths": before,
        "score": 14,
        "score_confirmed": 14,
        "score_before": 14,
        "trend_scores": (14, 14, 14),
        "meetings": 3,
        "client_people": 2,
        "phone_tenths": 0,
        "parts": (),
        "sentences": (),
        "strip": strip(*range(24)),
    }
    return ClientLine(**(values | fields))  # type: ignore[arg-type]  # the fields are checked by the values' own type


def digest_of(*lines: ClientLine, **fields: object) -> Digest:
    values: dict[str, object] = {
        "name": "leadership",
        "company": "Northwind",
        "month": "2026-10",
        "month_text": "October 2026",
        "timezone": "Europe/London",
        "generated_at": datetime(2026, 11, 1, 8, tzinfo=UTC),
        "subject": "October: 4 of 12 developing; look at Harrow Rail, Brightwater and Mossbank",
        "headline": "October: 4 of 12 relationships are developing, 1 is new",
        "developing": 4,
        "judged": 12,
        "complete": True,
        "lines": lines,
        "not_met": (),
        "set_aside": (),
        "lacks": (),
        "notes": (
            "81 % of the hours come from people who accepted or organised.",
            "Figures come from invitations that were not declined; to correct a meeting, edit or decline its entry.",
        ),
    }
    return Digest(**(values | fields))  # type: ignore[arg-type]  # as above


@pytest.fixture(scope="module")
def northwind() -> Digest:
    """Twelve clients, a mix of verdicts, and everything else that a digest can hold."""
    return digest_of(*_twelve(), **_below())


def _twelve() -> list[ClientLine]:
    down, up = Verdict.NOT_DEVELOPING, Verdict.DEVELOPING
    return [
        line(
            "Brightwater", down, 5, 10, manager="cleo@northwind.example", tier="strategic", score=3, score_before=3,
            score_confirmed=3, trend=Trend.DECLINING, trend_scores=(8, 3, 3), meetings=1, client_people=1,
            verdict_text="Brightwater gave 0.5 h, 0.5 less than in September: not developing this month.",
            parts=(HoursPart(text="1 short one-to-one", tenths=5),),
            sentences=("A year earlier it was 9.0 h in October.",),
            strip=strip(
                170, 170, 200, 170, 170, 200, 200, 170, 200, 200, 200, 140,
                90, 90, 20, 40, 40, 20, 10, 10, 10, 10, 10, 5,
            ),
        ),
        line(
            "Harrow Rail", down, 45, 60, manager="eli@northwind.example", tier="key", score=24, score_before=32,
            score_confirmed=16, trend=Trend.DECLINING, trend_scores=(45, 32, 24), client_people=2,
            verdict_text="Harrow Rail gave 4.5 h, 1.5 less than in September: not developing this month.",
            parts=(HoursPart(text="3 short, 2 people", tenths=45),),
            sentences=("One was called off and one moved.",),
            strip=strip(
                110, 45, 60, 110, 75, 60, 110, 75, 60, 110, 75, 60,
                110, 45, 45, 60, 75, 60, 110, 75, 60, 125, 60, 45,
            ),
        ),
        line(
            "Mossbank", down, 0, 28, manager="cleo@northwind.example", score=0, score_before=11, score_confirmed=0,
            trend=Trend.DECLINING, trend_scores=(8, 11, 0), meetings=0, client_people=0,
            verdict_text="Mossbank gave 0.0 h, 2.8 less than in September: not developing this month.",
            strip=strip(
                20, 8, 20, 0, 28, 0, 20, 8, 0, 0, 28, 0,
                0, 8, 20, 0, 28, 0, 20, 8, 20, 0, 28, 0,
            ),
        ),
        line(
            "Eastgate Council", Verdict.NO_CONTACT, 0, 0, tier="prospect", score=0, score_before=0, score_confirmed=0,
            trend=Trend.NEW, trend_scores=(0, 0, 0), meetings=0, client_people=0,
            verdict_text="Eastgate Council has not been met: no contact.", strip=strip(*(24 * [0])),
        ),
        line(
            "Juniper", Verdict.NO_CONTACT, 0, 0, score=0, score_before=0, score_confirmed=0,
            trend=Trend.DECLINING, trend_scores=(8, 0, 0), meetings=0, client_people=0,
            verdict_text="Juniper gave no time in September and October: no contact.",
            strip=strip(
                13, 0, 13, 13, 13, 13, 73, 53, 53, 40, 53, 73,
                53, 40, 53, 53, 53, 73, 53, 40, 53, 0, 0, 0,
            ),
        ),
        line(
            "Kestrel Insurance", Verdict.STEADY, 60, 60, manager="eli@northwind.example", score=13, score_before=13,
            score_confirmed=13, trend_scores=(13, 13, 13), meetings=1, client_people=3,
            verdict_text="Kestrel Insurance gave 6.0 h, as in September: not developing this month.",
            parts=(HoursPart(text="Kestrel monthly review, 3 people, 2 h", tenths=60),), strip=strip(*(24 * [60])),
        ),
        line(
            "Dunmore", Verdict.STEADY, 0, 0, manager="eli@northwind.example", score=3, score_before=3,
            score_confirmed=2, trend_scores=(3, 3, 3), client_people=2, phone_tenths=11,
            verdict_text="Dunmore gave 0.0 h, as in September: not developing this month.",
            sentences=("3 calls, 1.1 h by phone: calls keep a relationship, they do not develop it.",),
            strip=strip(*(24 * [0])),
        ),
        line(
            "Acme", up, 220, 200, tier="key", score=37, score_before=37, score_confirmed=29, trend=Trend.IMPROVING,
            trend_scores=(34, 37, 37), meetings=5, client_people=8,
            verdict_text="Acme gave 22.0 h, 2.0 more than in September: developing.",
            parts=(
                HoursPart(text="Steering group, 8 people, 2 h", tenths=160),
                HoursPart(text="2 Project review, 2 people, 0.8 h each", tenths=30),
                HoursPart(text="Working lunch, Acme, 1 person, 1.5 h", tenths=15),
                HoursPart(text="1 short one-to-one", tenths=15),
            ),
            sentences=("Steering group is over half of it: without it October was 6.0 h, September 6.0.",),
            strip=strip(
                0, 0, 5, 5, 5, 5, 20, 15, 20, 20, 20, 35,
                50, 50, 50, 50, 70, 85, 30, 130, 120, 180, 200, 220,
            ),
        ),
        line(
            "Fairholm", up, 180, 30, manager="cleo@northwind.example", tier="key", score=66, score_before=14,
            score_confirmed=53, trend=Trend.IMPROVING, trend_scores=(17, 14, 66), meetings=7, client_people=4,
            verdict_text="Fairholm gave 18.0 h, 15.0 more than in September: developing.",
            parts=(
                HoursPart(text="2 Roll-out: stores, 2 people, 2 h", tenths=80),
                HoursPart(text="2 Roll-out: depots, 2 people, 2 h (1 h of it double-booked)", tenths=60),
                HoursPart(text="Fairholm planning, 3 people, 1 h", tenths=30),
                HoursPart(text="2 short one-to-one", tenths=10),
            ),
            strip=strip(
                30, 35, 30, 35, 10, 35, 30, 40, 30, 230, 230, 240,
                225, 240, 225, 235, 230, 35, 30, 40, 25, 40, 30, 180,
            ),
        ),
        line(
            "Granta Labs", up, 240, 60, manager="dan@northwind.example", tier="strategic", score=39, score_before=26,
            score_confirmed=39, trend=Trend.IMPROVING, trend_scores=(39, 26, 39), meetings=3, client_people=3,
            verdict_text="Granta Labs gave 24.0 h, 18.0 more than in September: developing.",
            parts=(
                HoursPart(text="Go-live night, Granta, 3 people, 6 h", tenths=180),
                HoursPart(text="2 Granta working session, 2 people, 1.5 h", tenths=60),
            ),
            sentences=("Go-live night, Granta is over half of it: without it October was 6.0 h, September 6.0.",),
            strip=strip(
                60, 150, 60, 60, 30, 150, 60, 60, 60, 120, 60, 60,
                60, 30, 60, 60, 30, 150, 60, 60, 60, 150, 60, 240,
            ),
        ),
        line(
            "Ivybridge", up, 0, 325, manager="dan@northwind.example", quarterly=True, score=0, score_before=14,
            score_confirmed=0, trend_scores=(0, 14, 0), meetings=0, client_people=0,
            verdict_text="Ivybridge gave 32.5 h in three months, 6.5 more than in the three before: developing.",
            strip=strip(
                0, 65, 0, 0, 65, 0, 0, 130, 0, 0, 195, 0,
                0, 195, 0, 0, 260, 0, 0, 260, 0, 0, 325, 0,
            ),
        ),
        line(
            "Larkfield", Verdict.NEW, 20, None, manager="dan@northwind.example", tier="prospect", score=8,
            score_before=None, score_confirmed=8, trend=Trend.NEW, trend_scores=(None, None, 8), meetings=1,
            verdict_text="Larkfield gave 2.0 h in its first month.",
            parts=(HoursPart(text="Getting to know each other, 2 people, 1 h", tenths=20),), strip=strip(20),
        ),
    ]  # fmt: skip


def _below() -> dict[str, object]:
    return {
        "complete": False,
        "not_met": (
            NotMet(
                client="Eastgate Council", manager="ben@northwind.example", last_met=None,
                sentence="Eastgate Council: never met since November 2024; nothing is booked.",
            ),
            NotMet(
                client="Juniper", manager="ben@northwind.example", last_met="2026-07",
                sentence="Juniper: last met in July 2026; nothing is booked.",
            ),
            NotMet(
                client="Mossbank", manager=None, last_met="2026-09",
                sentence="Mossbank: last met in September 2026; 2 meetings are booked.",
            ),
        ),
        "set_aside": (
            SetAside(reason="cancelled", meetings=4, sentence="4 meetings: cancelled."),
            SetAside(
                reason="all_day", meetings=1, clients=("Mossbank",),
                sentence="1 meeting with Mossbank: an all-day entry: not counted; enter each day with its hours.",
            ),
            SetAside(
                reason="too_long", meetings=1, clients=("Granta Labs",),
                sentence="1 meeting with Granta Labs: too long for one meeting: enter each day with its hours.",
            ),
            SetAside(reason="client_declined", meetings=1, sentence="1 meeting: declined by everybody of the client."),
        ),
        "lacks": ("1 calendar was not read to the end of October: hana@northwind.example.",),
    }  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of the HTML: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def images(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == "img"]


def in_order(text: str, *pieces: str) -> bool:
    """Whether the pieces stand in the text, one after the other."""
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def png_size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def rows(csv_file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_file.decode("utf-8-sig"), newline="")))


def one_strip(*bars: Bar) -> bytes:
    """The strip chart of a digest with one client."""
    files = render(digest_of(line("Acme", Verdict.STEADY, 0, 0, strip=bars))).files
    return files["001-acme-months.png"]


def test_same_digest_gives_same_bytes(northwind: Digest) -> None:
    assert render(northwind) == render(northwind)


def test_subject_is_the_digests(northwind: Digest) -> None:
    assert render(northwind).subject == northwind.subject


def test_text_and_page_have_the_issues_order(northwind: Digest) -> None:
    rendered = render(northwind)
    order = [
        "October: 4 of 12 relationships",
        "Brightwater",
        "1 short one-to-one",
        "Acme",
        "Steering group, 8 people, 2 h",
    ]
    order += [
        "Juniper: last met in July 2026",
        "4 meetings: cancelled.",
        "1 calendar was not read",
        "accepted or organised",
    ]
    assert in_order(rendered.text, *order)
    assert in_order(Page(rendered.html).text, *order)


@pytest.mark.parametrize(
    ("client", "shape", "words"),
    [
        ("Harrow Rail", "▼", "not developing"),
        ("Juniper", "○", "no contact"),
        ("Kestrel Insurance", "■", "not developing (unchanged)"),
        ("Acme", "▲", "developing"),
        ("Larkfield", "●", "new"),
    ],
)
def test_verdict_is_told_by_shape_and_by_word(northwind: Digest, client: str, shape: str, words: str) -> None:
    rendered = render(northwind)
    assert f"{shape} {client}: {words}\n" in rendered.text
    assert f"{client} {shape} {words} " in Page(rendered.html).text


def test_running_month_is_not_judged() -> None:
    rendered = render(digest_of(line("Acme", Verdict.SO_FAR, 10, 20), complete=False))
    assert "◆ Acme: so far" in rendered.text
    assert "The month is not over: nothing is judged yet." in rendered.text
    assert "The month is not over: nothing is judged yet." in rendered.html


def test_first_screen_names_the_clients_of_each_verdict(northwind: Digest) -> None:
    first = render(northwind).text.split("MAN-HOURS BY CLIENT")[0]
    assert "▼   3 not developing: Brightwater, Harrow Rail and Mossbank" in first
    assert "▲   4 developing: Acme, Fairholm, Granta Labs and Ivybridge" in first
    assert "! Incomplete: 1 calendar was not read to the end of October" in first


def test_headline_that_judges_fewer_clients_is_explained(northwind: Digest) -> None:
    note = "All 12 clients, where the headline counts key, strategic and untiered ones:"
    assert note not in render(northwind).text
    assert note in render(replace(northwind, judged=5)).text
    assert note in Page(render(replace(northwind, judged=5)).html).text


def test_complete_digest_says_so_and_warns_of_nothing() -> None:
    rendered = render(digest_of(line("Acme", Verdict.DEVELOPING, 20, 10)))
    assert "every calendar was read after the month ended" in rendered.text
    assert "ncomplete:" not in rendered.text
    assert 'class="warn' not in rendered.html


def test_empty_sections_are_left_out() -> None:
    rendered = render(digest_of(line("Acme", Verdict.DEVELOPING, 20, 10)))
    assert "NOT MET" not in rendered.text
    assert "SET ASIDE" not in rendered.text
    assert "Not met" not in rendered.html


def test_digest_without_clients_is_a_digest() -> None:
    rendered = render(digest_of())
    assert "No clients." in rendered.text
    assert "No clients." in rendered.html
    assert rows(rendered.files["digest.csv"]) == []


def test_text_is_78_columns_wide(northwind: Digest) -> None:
    long = replace(northwind.lines[0], client="名" * 60, verdict_text="名" * 300, sentences=("word " * 60,))
    text = render(replace(northwind, lines=(long, *northwind.lines[1:]))).text
    assert max(map(safe_text.columns, text.splitlines())) <= 78
    assert not [one for one in text.splitlines() if one != one.rstrip()]


def test_text_table_shows_now_before_change_and_scores(northwind: Digest) -> None:
    table = {one[2:32].strip(): one[32:].split() for one in render(northwind).text.splitlines() if one[:1] in "▲▼●"}
    assert table["Fairholm"] == ["18.0", "3.0", "+15.0", "66", "14", "↗"]
    assert table["Mossbank"] == ["0.0", "2.8", "−2.8", "0", "11", "↘"]
    assert table["Larkfield"] == ["2.0", "–", "–", "8", "–", "·"]


def test_quarterly_client_is_not_compared_with_the_month_before(northwind: Digest) -> None:
    rendered = render(northwind)
    (row,) = (one for one in rendered.text.splitlines() if one.startswith("▲ Ivybridge  "))
    assert row.split()[2:] == ["0.0", "–", "–", "0", "14", "→"]
    assert "dan · standard · by quarter" in rendered.text
    assert "Ivybridge gave 32.5 h in three months" in rendered.text


@pytest.mark.parametrize(
    ("tenths", "drawn"),
    [
        ((None, None, 0, 10), "··▁█"),  # unknown is not zero
        ((0, 1, 70, 0), "▁▂█▁"),  # the least is more than none
        ((10, 20, 30, 40), "▃▅▇█"),
        ((0, 0, 0, 0), "▁▁▁▁"),
    ],
)
def test_strip_of_block_characters(tenths: tuple[int | None, ...], drawn: str) -> None:
    assert terminal.strip(strip(*tenths)[-4:]) == drawn


def test_long_sums_still_add_up() -> None:
    parts = tuple(HoursPart(text=f"meeting {index}", tenths=index) for index in range(1, 21))
    text = render(digest_of(line("Acme", Verdict.DEVELOPING, 210, 10, parts=parts))).text
    shown = re.findall(r"^ {2,5}(\d+\.\d)  (meeting \d+|\d+ more)$", text, re.MULTILINE)
    assert shown[-1][1] == "13 more"
    assert sum(float(hours) for hours, _ in shown) == pytest.approx(21.0)


def test_every_chart_of_the_page_is_a_file_and_says_what_it_shows(northwind: Digest) -> None:
    rendered = render(northwind)
    images = Page(rendered.html).images()
    assert sorted(str(image["src"]) for image in images) == sorted(set(rendered.files) - {"digest.csv"})
    assert len(images) == 2 * len(northwind.lines)
    assert all(image["alt"] for image in images)
    for image in images:
        shown = (int(image["width"] or 0), int(image["height"] or 0))
        assert png_size(rendered.files[str(image["src"])]) == (2 * shown[0], 2 * shown[1])


def test_alternative_text_tells_what_the_strip_shows(northwind: Digest) -> None:
    acme, larkfield = (
        next(
            str(image["alt"])
            for image in Page(render(digest_of(one)).html).images()
            if "Man-hours" in str(image["alt"])
        )
        for one in (northwind.lines[7], northwind.lines[11])
    )
    assert acme == "Man-hours by month, November 2024 to October 2026; most 22.0 in October 2026; last 22.0"
    assert larkfield.endswith("23 earlier months are unknown")


def test_images_are_referred_to_as_the_caller_wants(northwind: Digest) -> None:
    page = Page(render(northwind, image_src=lambda file: f"cid:{file}@rapport").html)
    assert all(str(image["src"]).startswith("cid:0") for image in page.images())


def test_nothing_is_fetched_from_elsewhere(northwind: Digest) -> None:
    html = render(northwind).html
    assert "http:" not in html
    assert "https:" not in html
    assert "<link" not in html
    assert "<script" not in html


def test_styles_are_inlined_and_media_queries_kept(northwind: Digest) -> None:
    html = render(northwind).html
    assert "prefers-color-scheme" in html
    assert "max-width:640px" in html.replace(" ", "")
    assert re.search(r"<h1 style=\"[^\"]*font-size", html)


def many(northwind: Digest, clients: int, **fields: object) -> Digest:
    """So many clients in the digest's order, each with a name and hours of its own."""
    base = northwind.lines
    lines = [
        replace(base[index * len(base) // clients], client=f"Client {index}", tenths=index % 97, **fields)  # type: ignore[arg-type]  # a line's own fields
        for index in range(clients)
    ]
    return replace(northwind, lines=tuple(lines))


@pytest.mark.parametrize("clients", [1, 25, 26, 100, 300])
def test_page_of_any_portfolio_stays_below_gmails_limit(northwind: Digest, clients: int) -> None:
    rendered = render(many(northwind, clients))
    assert len(rendered.html.encode()) < 102_000
    assert len(rows(rendered.files["digest.csv"])) == clients


def test_page_stays_below_gmails_limit_however_long_the_texts(northwind: Digest) -> None:
    long = {"parts": tuple(HoursPart(text="名" * 400, tenths=1) for _ in range(8)), "sentences": ("名" * 400,) * 5}
    rendered = render(many(northwind, 120, **long))
    assert len(rendered.html.encode()) < 102_000
    assert "only in the attached digest.csv" in rendered.html


def test_small_portfolio_is_told_in_full(northwind: Digest) -> None:
    rendered = render(many(northwind, 25))
    assert "in full:" not in rendered.text
    assert "in short" not in rendered.html
    assert len(Page(rendered.html).images()) == 50


def test_of_a_large_portfolio_those_that_need_action_and_the_movers_are_told_in_full(northwind: Digest) -> None:
    digest = many(northwind, 300, parts=(), sentences=())
    moved = replace(digest.lines[290], client="Mover", tenths=900, before_tenths=0)
    digest = replace(digest, lines=(*digest.lines[:290], moved, *digest.lines[291:]))
    rendered = render(digest)
    shown, _, behind = rendered.text.partition("THE SUM BEHIND")
    first = [one.client for one in digest.lines[:15]]
    assert in_order(behind, *[f"{name}:" for name in first], "Mover:")
    assert len(Page(rendered.html).images()) == 50
    for text in (rendered.text, Page(rendered.html).text):
        flat = " ".join(text.split())
        assert "25 of 300 clients in full: those that need action first, and those whose hours changed most." in flat
        assert "200 more clients are only in the attached digest.csv, which has all 300." in flat
    assert len(re.findall(r"^. (?:Client \d+|Mover) ", shown, re.MULTILINE)) == 100


def test_charts_are_drawn_only_for_clients_told_in_full(northwind: Digest) -> None:
    rendered = render(many(northwind, 300))
    named = {str(image["src"]) for image in Page(rendered.html).images()}
    assert named == set(rendered.files) - {"digest.csv"}


def test_long_list_of_clients_not_met_ends(northwind: Digest) -> None:
    one = northwind.not_met[0]
    rendered = render(replace(northwind, not_met=tuple(replace(one, sentence=f"C{n}: never met.") for n in range(200))))
    for text in (rendered.text, Page(rendered.html).text):
        assert "C29: never met." in text
        assert "C30: never met." not in text
        assert "And 170 more" in text


def test_sections_stand_between_the_clients_and_those_not_met(northwind: Digest) -> None:
    booked = Section(title="Booked <next> month", sentences=("Acme: Thursday & Friday.", *(f"{n}." for n in range(30))))
    rendered = render(replace(northwind, sections=(booked,)))
    assert in_order(rendered.text, "THE SUM BEHIND", "BOOKED <NEXT> MONTH", "Acme: Thursday & Friday.", "NOT MET")
    shown = Page(rendered.html).text
    assert in_order(shown, "Larkfield", "Booked <next> month", "Acme: Thursday & Friday.", "And 11 more.", "Not met")


def test_unknown_month_is_drawn_unlike_zero() -> None:
    known = [Bar(month=f"2026-{month:02d}", tenths=10, score=3) for month in range(2, 11)]
    pictures = {
        one_strip(Bar(month="2026-01", tenths=tenths, score=None, complete=complete), *known)
        for tenths, complete in ((None, True), (0, True), (10, True), (10, False))
    }
    assert len(pictures) == 4


def test_months_own_bar_has_the_accent() -> None:
    bars = strip(*range(24))
    october = render(digest_of(line("Acme", Verdict.STEADY, 0, 0, strip=bars))).files
    september = render(digest_of(line("Acme", Verdict.STEADY, 0, 0, strip=bars), month="2026-09")).files
    assert october["001-acme-months.png"] != september["001-acme-months.png"]


@pytest.mark.parametrize("scores", [(None, None, None), (None, None, 8), (0, 0, 0), (3, None, 5), (1, 2, 30000)])
def test_any_three_scores_can_be_drawn(scores: tuple[int | None, int | None, int | None]) -> None:
    files = render(digest_of(line("Acme", Verdict.STEADY, 0, 0, trend_scores=scores, strip=()))).files
    assert png_size(files["001-acme-trend.png"]) == (112, 48)


def test_sheet_has_the_figures_as_numbers(northwind: Digest) -> None:
    rendered = render(northwind)
    assert rendered.files["digest.csv"].startswith(("﻿" + ",".join(COLUMNS) + "\r\n").encode())
    by_client = {row["client"]: row for row in rows(rendered.files["digest.csv"])}
    assert by_client["Harrow Rail"] == {
        "month": "2026-10",
        "client": "Harrow Rail",
        "manager": "eli@northwind.example",
        "tier": "key",
        "verdict": "not developing",
        "trend": "declining",
        "man_hours": "4.5",
        "man_hours_before": "6.0",
        "change": "-1.5",
        "score": "24",
        "score_before": "32",
        "score_confirmed": "16",
        "meetings": "3",
        "client_people": "2",
        "phone_hours": "0.0",
    }
    assert by_client["Larkfield"]["man_hours_before"] == by_client["Larkfield"]["change"] == ""
    assert by_client["Fairholm"]["change"] == "15.0"


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</text></svg><rect/>&unknown;",
    "Acme\r\nBcc: everybody@evil.example",
    "Acme\x00\x07\x1b[31m\x9b2J red",
    "Acme \u202egnp.exe \u2066\u200f\u061c",
    "Acme\u2028\u2029\u0085end",
    "*_~`<!channel> <http://evil.example|here>",
    "{{ 7 * 7 }}{% raw %}",
    "\ud800 alone",
    "x" * 10_000,
    "\u200b\u200b",
    "../../etc/passwd",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_no_harm(text: str) -> None:
    bad = line(text, Verdict.DEVELOPING, 20, 10, manager=text, tier=text, verdict_text=text)
    bad = replace(bad, parts=(HoursPart(text=text, tenths=20),), sentences=(text,))
    rendered = render(
        digest_of(
            bad,
            company=text,
            subject=text,
            headline=text,
            complete=False,
            lacks=(text,),
            notes=(text,),
            not_met=(NotMet(client=text, manager=text, last_met=None, sentence=text),),
            set_aside=(SetAside(reason="all_day", meetings=1, sentence=text, clients=(text,)),),
        )
    )
    harmless = render(digest_of(line("Acme", Verdict.DEVELOPING, 20, 10), complete=False, lacks=("x",)))
    assert {tag for tag, _ in Page(rendered.html).tags} <= {tag for tag, _ in Page(harmless.html).tags} | {
        "bdi",
        "span",
    }
    assert not [
        attributes for _, attributes in Page(rendered.html).tags if any(name.startswith("on") for name in attributes)
    ]
    for shown in (rendered.subject, rendered.text.replace("\n", ""), rendered.html.replace("\n", "")):
        assert not re.search(
            r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]", shown
        )
    assert "\n" not in rendered.subject
    assert len(rendered.text) < 12_000
    assert max(map(safe_text.columns, rendered.text.splitlines())) <= 78
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in rendered.files)
    assert len(rows(rendered.files["digest.csv"])) == 1
    rendered.html.encode()
    rendered.text.encode()


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1", "＝1+1", "＋1", "－1", "＠SUM(A1)", "\u200b=1+1"],
)
def test_sheet_holds_no_formula(text: str) -> None:
    (row,) = rows(render(digest_of(line(text, Verdict.STEADY, 0, 0, manager=text, tier=text))).files["digest.csv"])
    assert {row["client"][0], row["manager"][0], row["tier"][0]} == {"'"}


def test_clients_of_one_name_have_files_of_their_own() -> None:
    lines = [line(name, Verdict.STEADY, 0, 0) for name in ("Äcme", "ácme", "名前", "名")]
    assert len(render(digest_of(*lines)).files) == 2 * len(lines) + 1


def test_joined_letters_stay_joined() -> None:
    assert safe_text.one_line("می\u200cخواهم") == "می\u200cخواهم"


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("short", 10, "short"),
        ("a\tb\r\nc", 10, "a b c"),
        ("exactly ten", 11, "exactly ten"),
        ("more than ten", 10, "more than…"),
        ("\u200b" * 5000 + "x", 10, "…"),  # what lies behind so much that is not seen is not looked for
    ],
)
def test_one_line(text: str, limit: int, line: str) -> None:
    assert safe_text.one_line(text, limit) == line
