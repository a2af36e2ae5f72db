"""Seeded mutations of calendar files: whatever stands in one, a good entry beside it counts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.calendars.ics.ics_support import SAMPLES, Desk, calendar, desk, event

ROUNDS = 400
GOOD = event(uid="good", start=":20250401T100700Z")
ODD = [
    b"", b"\x00", b"\xff", b"\xed\xa0\x80", "\u202e".encode(), b":", b";", b",", b'"', b"\\", b"=", b"-1", b"0",
    b"9" * 40, b"99991231T235959Z", b"00010101", b"16010101T000000", b"P99999999999W", b"-PT1S", b"PT", b"TZID=",
    b";TZID=Nowhere", b"VALUE=DATE", b"FREQ=HOURLY", b"COUNT=-1", b"INTERVAL=0", b"UNTIL=1", b"BYDAY=99MO",
    b"BYSETPOS=0", b"RANGE=THISANDFUTURE", b"/", b"\r\n ", b"\r\n", b"\r\nBEGIN:VEVENT\r\n", b"\r\nEND:VEVENT\r\n",
    b"\r\nBEGIN:X\r\n",
    b"\r\nEND:VCALENDAR\r\n", b"\r\nBEGIN:VTIMEZONE\r\n", b"\r\nMETHOD:x\r\n", b"a" * 3_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def table() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


def entries() -> list[bytes]:
    """What stands between BEGIN:VCALENDAR and its end in the samples, of those that are not huge."""
    texts = [path.read_bytes() for path in sorted(Path(SAMPLES).rglob("*.ics")) if path.stat().st_size < 20_000]
    return [text.partition(b"BEGIN:VCALENDAR")[2].rpartition(b"END:VCALENDAR")[0] for text in texts]


def mutated(dice: random.Random, text: bytes) -> bytes:
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(text) + 1)
        until = min(len(text), at + dice.choice((0, 0, 1, 8, 40)))
        text = text[:at] + dice.choice(ODD) + text[until:]
    return text


@pytest.mark.parametrize("seed", range(4))
def test_a_good_entry_counts_beside_whatever_stands_there(table: Desk, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    good = GOOD.encode() + b"\r\n"
    for number in range(ROUNDS // 4):
        broken = mutated(dice, dice.choice(entries()))
        data = calendar().replace(b"END:VCALENDAR", broken + b"\r\n" + good + b"END:VCALENDAR")
        found = table.read(data)
        assert "2025-04-01 10:07" in found.starts, (seed, number, data)
