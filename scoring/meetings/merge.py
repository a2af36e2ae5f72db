"""The copies of one meeting become the meeting (R2 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, tzinfo
from functools import lru_cache

from scoring.meetings.identity import partition
from scoring.meetings.values import Copy, CopyState, Meeting, Participant, Response, most_decided

Canonical = Callable[[str], str]
_participant = lru_cache(maxsize=200_000)(Participant)  # the same people meet again and again


def meetings_of(copies: Iterable[Copy], *, canonical: Canonical, zone: tzinfo) -> list[Meeting]:
    """The meetings that copies of one key make: one, unless the UID was reused or forged (R1).

    `canonical` gives the one address of a person; `zone` is the company's, in which all-day entries have their days.
    """
    counted = [copy for copy in copies if copy.last_reading is None or copy.start <= copy.last_reading]
    parts = partition(counted, canonical)
    reused = ("uid_reused",) if len(parts) > 1 else ()
    return [merge(part, canonical=canonical, zone=zone, flaws=reused) for part in parts]


def merge(copies: tuple[Copy, ...], *, canonical: Canonical, zone: tzinfo, flaws: tuple[str, ...] = ()) -> Meeting:
    """One meeting from its copies, one at least, whatever their order (R2)."""
    own = _one_per_owner(copies, canonical)
    organisers = [copy for owner, copy in own.items() if _organises(copy, owner, canonical)]
    live = [copy for copy in own.values() if copy.state is CopyState.LIVE]
    organiser_copy = _latest(organisers) if organisers else None
    base = organiser_copy or _latest(live or list(own.values()))
    cancelled = organiser_copy.state is not CopyState.LIVE if organiser_copy else not live
    responses = _responses([base] if organiser_copy else live or own.values(), canonical)
    _add_owners(responses, own, organiser_copy, standing=not cancelled)
    organiser = canonical(base.organiser) if base.organiser else None
    if organiser:
        responses.setdefault(organiser, Response.ACCEPTED)
    start, end = _days(base, zone) if base.all_day else (base.start, base.end)
    return Meeting(
        identity=base.identity,
        start=start,
        end=end,
        all_day=base.all_day,
        cancelled=cancelled,
        organiser=organiser,
        participants=tuple([_participant(address, response) for address, response in sorted(responses.items())]),
        setting=base.setting,
        title=base.title,
        calendars=tuple(sorted(own)),
        flaws=tuple(sorted({flaw for copy in copies for flaw in copy.flaws}.union(flaws))),
    )


def _one_per_owner(copies: tuple[Copy, ...], canonical: Canonical) -> dict[str, Copy]:
    """By canonical owner, the copy changed last: the same calendar may be read over two connectors."""
    own: dict[str, Copy] = {}
    for copy in copies:
        owner = canonical(copy.owner)
        other = own.get(owner)
        own[owner] = copy if other is None else _latest((copy, other))
    return own


def _organises(copy: Copy, owner: str, canonical: Canonical) -> bool:
    return copy.organiser is not None and canonical(copy.organiser) == owner


def _latest(copies: Sequence[Copy]) -> Copy:
    """The copy changed last; ties go to the first owner's address, then to what is live, then to any fixed order."""
    if len(copies) == 1:
        return copies[0]
    return min(
        copies,
        key=lambda copy: (
            -copy.changed.timestamp(),
            copy.owner,
            copy.state is not CopyState.LIVE,
            copy.connector,
            copy.calendar,
            copy.entry,
        ),
    )


def _responses(copies: Iterable[Copy], canonical: Canonical) -> dict[str, Response]:
    """Each person on these copies' lists once, with the most decided of their responses (R2, R3)."""
    responses: dict[str, Response] = {}
    for copy in copies:
        for participant in copy.participants:
            address, response = canonical(participant.address), participant.response
            known = responses.get(address)
            responses[address] = response if known is None else most_decided(known, response)
    return responses


def _add_owners(
    responses: dict[str, Response], own: dict[str, Copy], organiser_copy: Copy | None, *, standing: bool
) -> None:
    """Owners take part with their own response; while the meeting stands, a copy not live is its owner's decline."""
    for owner, copy in own.items():
        if standing and copy.state is not CopyState.LIVE:
            responses[owner] = Response.DECLINED
        elif organiser_copy is None:
            responses[owner] = copy.response
        else:
            responses.setdefault(owner, copy.response)


def _days(copy: Copy, zone: tzinfo) -> tuple[datetime, datetime]:
    """An all-day copy's days in the company's zone; its times are midnight UTC of their dates."""
    start, end = (datetime.combine(moment.date(), time(), zone) for moment in (copy.start, copy.end))
    return start.astimezone(UTC), end.astimezone(UTC)
