"""Every case of `cases/` gives the figures worked out by hand. New files in a cases folder count at once."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scoring.meetings.address_book import AddressBook, Client, Company, normalise_address
from scoring.meetings.identity import identify, meeting_key
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Conference, Copy, CopyState, Participant, Response, Setting
from scoring.months.counting import Judged, judge
from scoring.months.figures import figures_of
from scoring.months.history import History, Row
from scoring.months.hours import thousandths
from scoring.months.month import Month, month_of, shift
from scoring.months.steps import Rules, is_phone_title, place_of

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "cases", _HERE.parents[2] / "shared" / "cases")
_FILES = {file.name: file for folder in _FOLDERS if folder.is_dir() for file in sorted(folder.glob("*.json"))}
_RULES = Rules()


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_case_gives_the_figures_worked_out_by_hand(name: str) -> None:
    case = json.loads(_FILES[name].read_text("utf-8"))
    rows = _rows(case)
    for expected in case["expect"]:
        row = rows[expected["client"], Month(expected["month"])]
        got = {key: _field(row, key) for key in expected if key not in ("client", "month")}
        want = {key: value for key, value in expected.items() if key not in ("client", "month")}
        if "steps" in want:
            want["steps"] = {key: value for key, value in want["steps"].items() if value}
        assert got == want, (expected["client"], expected["month"], case["why"])


def test_the_cases_are_there() -> None:
    assert len(_FILES) >= 13


def _rows(case: dict[str, Any]) -> dict[tuple[str, Month], Row]:
    zone = ZoneInfo(case["company"]["timezone"])
    now = datetime.fromisoformat(case["now"])
    clients = [
        Client(name=one["name"], domains=tuple(one["domains"]), addresses=tuple(one.get("addresses", ())))
        for one in case["clients"]
    ]
    book = AddressBook(
        Company(domains=tuple(case["company"]["domains"]), ignore=tuple(case["company"].get("ignore", ()))),
        clients,
        owners={copy["owner"] for copy in case["copies"]},
    )
    copies = [_copy(one, index, now) for index, one in enumerate(case["copies"]) if not one["private"]]
    keys: dict[bytes, list[Copy]] = {}
    for copy in copies:
        keys.setdefault(meeting_key(copy.identity), []).append(copy)
    judged: dict[tuple[str, Month], list[Judged]] = {}
    for group in keys.values():
        for meeting in meetings_of(group, canonical=book.canonical, zone=zone):
            for one in judge(meeting, book, _RULES, now):
                judged.setdefault((one.client, month_of(meeting.start, zone)), []).append(one)
    running = month_of(now, zone)
    history = [shift(running, -back) for back in range(25)]
    rows: dict[tuple[str, Month], Row] = {}
    for client in clients:
        kept = {
            month: figures_of(name, month, found, _RULES)
            for (name, month), found in judged.items()
            if name == client.name
        }
        past = History(
            client=client.name,
            quarterly=False,
            begins=history[-1],
            running=running,
            months=kept,
            first_met=min((month for month, figures in kept.items() if figures.meetings), default=None),
            rules=_RULES,
        )
        rows |= {(client.name, month): past.row(month) for month in history}
    return rows


def _copy(one: dict[str, Any], index: int, now: datetime) -> Copy:
    all_day = one.get("all_day", False)
    start, end = (_moment(one[key], all_day) for key in ("start", "end"))
    original = one["original_start"]
    moment = None if original is None or all_day else _moment(original, all_day)
    conference = Conference(one["conference"] or "none")
    return Copy(
        connector="case",
        calendar=one["owner"],
        entry=str(index),
        owner=one["owner"],
        identity=identify(one["uid"], at=moment, on=start.date() if all_day else None),
        state=_state(one),
        start=start,
        end=end,
        all_day=all_day,
        organiser=normalise_address(one["organizer"] or ""),
        participants=tuple(
            Participant(address, Response(attendee["response"]))
            for attendee in one["attendees"]
            if not attendee.get("resource") and (address := normalise_address(attendee["email"]))
        ),
        response=Response(one["my_response"]),
        setting=Setting(
            room=any(attendee.get("resource") for attendee in one["attendees"]),
            conference=conference,
            place=place_of(one["location"]),
            phone_title=is_phone_title(one["title"], _RULES),
        ),
        title=one["title"],
        changed_at=datetime.fromisoformat(one["updated"]),
        read_at=now,
    )


def _state(one: dict[str, Any]) -> CopyState:
    if one["status"] != "cancelled":
        return CopyState.LIVE
    return CopyState.CANCELLED if one["organizer"] == one["owner"] else CopyState.DELETED


def _moment(text: str, all_day: bool) -> datetime:
    if all_day:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    return datetime.fromisoformat(text).astimezone(UTC)


def _field(row: Row, key: str) -> object:
    figures = row.figures
    return {
        "meetings": figures.meetings,
        "score": row.score,
        "score_confirmed": row.score_confirmed,
        "man_hours": thousandths(figures.man_seconds),
        "man_hours_confirmed": thousandths(figures.confirmed_seconds),
        "phone_hours": thousandths(figures.phone_seconds),
        "our_hours": thousandths(figures.our_seconds),
        "client_people": figures.client_people,
        "steps": {step.value: count for step, count in figures.steps.items()},
        "set_aside": {reason.value: count for reason, count in figures.set_aside.items()},
        "verdict": row.verdict.value,
        "trend": row.trend.value,
    }[key]
