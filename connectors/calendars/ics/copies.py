"""Pages of the child process made pages of copies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.contract import Page, Problem
from scoring.meetings.identity import identify
from scoring.meetings.values import Conference, Copy, CopyState, LocationKind, Participant, Response, Setting

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where copies come from. `where` names the source to people, `written` is its time, for entries without one."""

    connector: str
    owner: str
    where: str
    written: datetime
    read_at: datetime


def page_of(line: bytes, origin: Origin) -> Page:
    """One page of the child as the service takes it."""
    found = json.loads(line)
    shared = [_shared(details, origin) for details in found["details"]]
    problems = (Problem(where=f"{origin.where}, line {number}", reason=reason) for number, reason in found["problems"])
    return Page(
        copies=tuple(_copy(row, found["details"][row[0]], shared[row[0]], origin) for row in found["rows"]),
        erased=tuple(found["erased"]),
        problems=tuple(problems),
        entries=found["events"],
    )


def _shared(details: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """What all occurrences of an entry have in common."""
    changed = details["changed"]
    return {
        "connector": origin.connector,
        "calendar": origin.owner,
        "owner": origin.owner,
        "organiser": details["organiser"],
        "participants": tuple(Participant(address, Response(answer)) for address, answer in details["participants"]),
        "response": Response(details["response"]),
        "setting": Setting(
            room=details["room"], conference=Conference(details["conference"]), place=LocationKind(details["place"])
        ),
        "title": details["title"],
        "changed_at": origin.written if changed is None else _moment(changed),
        "read_at": origin.read_at,
        "flaws": tuple(details["flaws"]),
    }


def _copy(row: list[Any], details: dict[str, Any], shared: dict[str, Any], origin: Origin) -> Copy:
    _, entry, cancelled, start, end, all_day, at, on = row
    return Copy(
        entry=entry,
        identity=identify(
            details["uid"],
            at=None if at is None else _moment(at),
            on=None if on is None else date.fromisoformat(on),
            fallback=(origin.connector, origin.owner, entry),
        ),
        state=CopyState.CANCELLED if cancelled else CopyState.LIVE,
        start=_moment(start),
        end=_moment(end),
        all_day=all_day,
        **shared,
    )


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
