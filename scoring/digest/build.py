"""Builds a month's digest from figures, meetings and how far the calendars are known. Pure; renders nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scoring.digest.lines import WorkingDays, line_of
from scoring.digest.sections import Aside, sections_of
from scoring.digest.value import ClientLine, Digest, NotMet, SetAside
from scoring.meetings.address_book import Client
from scoring.meetings.values import Identity
from scoring.months.counting import Reason
from scoring.months.figures import Credited
from scoring.months.history import Coverage, History, Verdict
from scoring.months.hours import hours_text, tenths
from scoring.months.month import Month, shift
from scoring.wording import REASON_WORDS, count_text, month_name, month_text, names_text

_READING_ORDER = (
    Verdict.NOT_DEVELOPING,
    Verdict.NO_CONTACT,
    Verdict.STEADY,
    Verdict.SO_FAR,
    Verdict.NEW,
    Verdict.DEVELOPING,
)
_TIER_ORDER = ("key", "strategic", None, "standard", "prospect")
_HEADLINE_TIERS = ("key", "strategic", None)
_NAMED_REASONS = (Reason.ALL_DAY, Reason.TOO_LONG)
_MOST_NAMED = 5
FLAW_WORDS = {
    "additional_guests": "guests without an address",
    "no_address": "participants whose address is no e-mail address",
    "group": "a group as a guest, whose members are not known",
    "uid_reused": "an identifier that another meeting uses too",
    "attendees_omitted": "a guest list that the provider left out",
    "unknown_zone": "a time zone that is not known",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What a digest is made of. `meetings` are the month's, by client; `missing` the calendars it lacks (R11).

    `timezone` is the company's, by its IANA name; `now` an aware moment; `running` the month that has not ended.
    `histories` are those of `clients` at least, by name. `incomplete` are months of the strip that lack calendars.
    `findings` are the most important of each client's (R13, R14), as sentences.
    """

    name: str
    company: str
    timezone: str
    month: Month
    running: Month
    now: datetime
    clients: Sequence[Client]
    histories: Mapping[str, History]
    meetings: Mapping[str, Sequence[Credited]]
    coverage: Sequence[Coverage]
    missing: Sequence[str]
    incomplete: frozenset[Month]
    working_days: WorkingDays
    show_ours: bool = True
    findings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aside: Aside = field(default_factory=Aside)


def build_digest(material: Material) -> Digest:
    """The digest of one month over the given clients."""
    lines = sorted(
        (_line(material, client) for client in material.clients), key=lambda line: _reading_order(material, line)
    )
    judged = [line for line in lines if line.tier in _HEADLINE_TIERS and line.verdict is not Verdict.SO_FAR]
    developing = sum(line.verdict is Verdict.DEVELOPING for line in judged)
    headline = _headline(material, lines, judged, developing)
    return Digest(
        name=material.name,
        company=material.company,
        month=material.month,
        month_text=month_text(material.month),
        timezone=material.timezone,
        generated_at=material.now,
        subject=_subject(material, judged, developing, headline),
        headline=headline,
        developing=developing,
        judged=len(judged),
        complete=not material.missing and material.month < material.running,
        lines=tuple(lines),
        not_met=tuple(_not_met(material, line) for line in lines if not _is_met(material, line)),
        set_aside=tuple(_set_aside(material)),
        lacks=tuple(_lacks(material)),
        notes=tuple(_notes(material, lines)),
        sections=sections_of(material.aside, lines, material.month, material.timezone),
    )


def _line(material: Material, client: Client) -> ClientLine:
    return line_of(
        material.histories[client.name],
        material.month,
        material.meetings.get(client.name, ()),
        manager=client.manager,
        tier=client.tier,
        incomplete=material.incomplete,
        working_days=material.working_days,
        findings=material.findings.get(client.name, ()),
    )


def _reading_order(material: Material, line: ClientLine) -> tuple[int, int, int, str]:
    """Those that need action first; of those, key accounts, and the largest loss."""
    tier = _TIER_ORDER.index(line.tier) if line.tier in _TIER_ORDER else len(_TIER_ORDER)
    compared = material.histories[line.client].row(material.month).compared
    change = tenths(compared.man_seconds) - tenths(compared.man_seconds_before)
    loss = -change if line.verdict is Verdict.DEVELOPING else change
    return (_READING_ORDER.index(line.verdict), tier, loss, line.client)


def _headline(material: Material, lines: Sequence[ClientLine], judged: Sequence[ClientLine], developing: int) -> str:
    name = month_name(material.month)
    if material.month >= material.running:
        seconds = sum(material.histories[line.client].figures(material.month).man_seconds for line in lines)
        return f"{name} so far: {hours_text(tenths(seconds))} hours of clients' time"
    if not judged:
        return f"{name}: no relationship to judge"
    verb = "is" if developing == 1 else "are"
    new = sum(line.verdict is Verdict.NEW for line in judged)
    also = f", {new} {'is' if new == 1 else 'are'} new" if new else ""
    return f"{name}: {developing} of {count_text(len(judged), 'relationship', 'relationships')} {verb} developing{also}"


def _subject(material: Material, judged: Sequence[ClientLine], developing: int, headline: str) -> str:
    """The verdict and at most three names."""
    if material.month >= material.running or not judged:
        return headline
    names = [line.client for line in judged if line.verdict in (Verdict.NOT_DEVELOPING, Verdict.NO_CONTACT)]
    subject = f"{month_name(material.month)}: {developing} of {len(judged)} developing"
    return f"{subject}; look at {names_text(names)}" if names else subject


def _is_met(material: Material, line: ClientLine) -> bool:
    """Whether any meeting counted in the month, or in the three months that a quarterly rhythm looks at (R9)."""
    history = material.histories[line.client]
    return any(history.figures(month).meetings for month in (material.month, *history.row(material.month).compared.now))


def _not_met(material: Material, line: ClientLine) -> NotMet:
    history = material.histories[line.client]
    met = [month for month, figures in history.months.items() if figures.meetings and month <= material.month]
    last = max(met, default=None)
    booked = sum(
        figures.set_aside.get(Reason.NOT_YET, 0) for month, figures in history.months.items() if month >= material.month
    )
    first = history.first_met
    since = f"last met in {month_text(last)}" if last else f"never met since {month_text(history.begins)}"
    if last is None and first is not None and first <= material.month:
        since = f"first met in {month_text(first)}, but not of late"
    next_one = f"{count_text(booked, 'meeting is', 'meetings are')} booked" if booked else "nothing is booked"
    return NotMet(
        client=line.client,
        manager=line.manager,
        last_met=last,
        sentence=f"{line.client}: {since}; {next_one}.",
    )


def _set_aside(material: Material) -> Iterable[SetAside]:
    found: dict[Reason, set[tuple[Identity, tuple[str, ...]]]] = {}
    named: dict[Reason, set[str]] = {}
    for client in material.clients:
        for credited in material.meetings.get(client.name, ()):
            if credited.judged.reason is not None:
                meeting = credited.judged.meeting
                found.setdefault(credited.judged.reason, set()).add((meeting.identity, meeting.calendars))
                named.setdefault(credited.judged.reason, set()).add(client.name)
    for reason in Reason:
        if reason in found:
            count = len(found[reason])
            clients = tuple(sorted(named[reason])) if reason in _NAMED_REASONS else ()
            whose = f" with {names_text(clients, most=_MOST_NAMED)}" if clients else ""
            yield SetAside(
                reason=reason.value,
                meetings=count,
                sentence=f"{count_text(count, 'meeting', 'meetings')}{whose}: {REASON_WORDS[reason]}.",
                clients=clients,
            )


def _lacks(material: Material) -> Iterable[str]:
    """R11: from what the figures are incomplete, and what was never read."""
    if material.missing:
        calendars = count_text(len(material.missing), "calendar was", "calendars were")
        yield f"{calendars} not read to the end of {month_name(material.month)}{_who(material, material.missing)}."
    in_scope = [known for known in material.coverage if known.left is None and known.joined <= material.month]
    never = sorted({known.calendar for known in in_scope if known.never_read is not None})
    if never:
        yield f"{count_text(len(never), 'calendar is', 'calendars are')} never read{_who(material, never)}."
    flawed: dict[str, set[tuple[Identity, tuple[str, ...]]]] = {}
    for client in material.clients:
        for credited in material.meetings.get(client.name, ()):
            meeting = credited.judged.meeting
            for flaw in meeting.flaws:
                flawed.setdefault(flaw, set()).add((meeting.identity, meeting.calendars))
    for flaw, meetings in sorted(flawed.items()):
        if flaw in FLAW_WORDS:
            yield f"{count_text(len(meetings), 'meeting has', 'meetings have')} {FLAW_WORDS[flaw]}."


def _read_through(material: Material) -> int:
    """How many calendars the month's figures know to its end (R11)."""
    scope = {
        known.calendar for known in material.coverage if known.never_read is None and known.joined <= material.month
    }
    gone = {known.calendar for known in material.coverage if known.left is not None and known.left < material.month}
    return len(scope - gone - set(material.missing))


def _who(material: Material, calendars: Sequence[str]) -> str:
    return f": {names_text(calendars, most=_MOST_NAMED)}" if material.show_ours else ""


def _notes(material: Material, lines: Sequence[ClientLine]) -> Iterable[str]:
    figures = [material.histories[line.client].figures(material.month) for line in lines]
    total = sum(month.man_seconds for month in figures)
    if total:
        share = round(100 * sum(month.confirmed_seconds for month in figures) / total)
        yield f"{share} % of the hours come from people who accepted or organised."
    if material.month < material.running and (read := _read_through(material)):
        yield f"{count_text(read, 'calendar was', 'calendars were')} read to the end of {month_name(material.month)}."
    if any(line.quarterly for line in lines):
        names = names_text([line.client for line in lines if line.quarterly], most=_MOST_NAMED)
        yield f"Quarterly rhythm, three months against the three before: {names}."
    before = shift(material.month, -1)
    days, days_before = material.working_days(material.month), material.working_days(before)
    yield f"{month_name(material.month)} had {days} working days, {month_name(before)} {days_before}."
    yield "Figures come from invitations that were not declined; to correct a meeting, edit or decline its entry."
