"""One identity for a meeting across calendars, connectors and providers (R1 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from hashlib import blake2b

from scoring.meetings.values import Copy, Identity

_DIGEST_BYTES = 16

# [MS-OXOCAL] 2.2.1.27: a Global Object ID begins with this class id, then holds the date of the instance
# (2 bytes year, 1 month, 1 day), 8 bytes of creation time, 8 reserved, 4 of size, and the data.
_GLOBAL_OBJECT_ID = bytes.fromhex("040000008200e00074c5b7101a82e008")
_DATE_AT = 16
_DATA_AT = 40
_WRAPPED_UID = b"vCal-Uid\x01\x00\x00\x00"


def reduce_uid(uid: str) -> tuple[str, date | None]:
    """A provider's UID in the form that all share, and the occurrence's date if the UID holds one.

    R1: Exchange's Global Object IDs lose their instance date; one that wraps a foreign UID yields that UID; one too
    short for either, and any other UID, is opaque and returned as it is.
    """
    uid = uid.strip()
    if not uid.startswith("04000000"):
        return uid, None
    try:
        data = bytes.fromhex(uid)
    except ValueError:
        return uid, None
    if len(data) < _DATA_AT or not data.startswith(_GLOBAL_OBJECT_ID):
        return uid, None
    on = _instance_date(data[_DATE_AT : _DATE_AT + 4])
    wrapped = data.find(_WRAPPED_UID, _DATA_AT)
    if wrapped >= 0:
        foreign = data[wrapped + len(_WRAPPED_UID) :].split(b"\x00", 1)[0].decode("utf-8", "replace").strip()
        if foreign:
            return foreign, on
    return (data[:_DATE_AT] + bytes(4) + data[_DATE_AT + 4 :]).hex().upper(), on


def _instance_date(data: bytes) -> date | None:
    year, month, day = int.from_bytes(data[:2], "big"), data[2], data[3]
    try:
        return date(year, month, day) if year else None
    except ValueError:
        return None


def identify(
    uid: str | None, *, at: datetime | None = None, on: date | None = None, fallback: Iterable[str] = ()
) -> Identity:
    """The identity of a copy (R1).

    `at` is the occurrence's original start; `on` its date in the series' zone, alone where only that is known; neither
    where the meeting does not recur. `fallback` (connector, calendar, entry id) identifies a copy without a UID.
    """
    text = (uid or "").strip()
    if not text:
        place = tuple(fallback)
        if not any(place):
            raise ValueError("a copy without a UID needs connector, calendar and entry")
        return Identity(series=_digest("entry", *place))
    reduced, instance = reduce_uid(text)
    if at is not None:
        at = at.astimezone(UTC).replace(microsecond=0)
    return Identity(series=_digest("uid", reduced), at=at, on=on or instance)


def meeting_key(identity: Identity) -> bytes:
    """What copies of one meeting share: the series with the occurrence's instant, else its date, else alone."""
    if identity.at is not None:
        return _digest("at", identity.series.hex(), identity.at.isoformat())
    if identity.on is not None:
        return _digest("on", identity.series.hex(), identity.on.isoformat())
    return identity.series


def settle(identities: Iterable[Identity]) -> dict[Identity, Identity]:
    """Where only the date of an occurrence is known, the identity of that UID's occurrence of that date (R1).

    Answers for those identities alone that stand for another one in the given set; of several occurrences on the date
    the earliest is meant.
    """
    dated: set[Identity] = set()
    known: dict[tuple[bytes, date], Identity] = {}
    for identity in identities:
        if identity.at is None:
            if identity.on is not None:
                dated.add(identity)
        elif identity.on is not None:
            place = (identity.series, identity.on)
            other = known.get(place)
            if other is None or other.at is None or identity.at < other.at:
                known[place] = identity
    found = {identity: known.get((identity.series, identity.on)) for identity in dated if identity.on is not None}
    return {identity: other for identity, other in found.items() if other is not None}


def partition(copies: Iterable[Copy], canonical: Callable[[str], str] = str) -> list[tuple[Copy, ...]]:
    """Copies of one key, parted where the UID was reused or forged (R1).

    Copies belong together when they share the organiser or a participant who owns neither of them, by whatever
    address. The parts do not depend on the order of the copies. Takes time in proportion to the invitations' lists.
    """
    ordered = sorted(copies, key=_order)
    organisers = {canonical(copy.organiser) if copy.organiser else None for copy in ordered}
    if len(ordered) < 2 or (len(organisers) == 1 and None not in organisers):
        return [tuple(ordered)] if ordered else []
    roots = list(range(len(ordered)))
    first: dict[tuple[str, str], int] = {}
    for index, copy in enumerate(ordered):
        for sign in _signs(copy, canonical):
            one, other = _root(roots, first.setdefault(sign, index)), _root(roots, index)
            roots[max(one, other)] = min(one, other)
    parts: dict[int, list[Copy]] = {}
    for index, copy in enumerate(ordered):
        parts.setdefault(_root(roots, index), []).append(copy)
    return [tuple(part) for part in parts.values()]


def _root(roots: list[int], index: int) -> int:
    while roots[index] != index:
        roots[index] = roots[roots[index]]
        index = roots[index]
    return index


def _signs(copy: Copy, canonical: Callable[[str], str]) -> set[tuple[str, str]]:
    """What makes two copies one meeting when they share it: the organiser, or anybody but the owner."""
    people = {canonical(address) for address in copy.invited} - {canonical(copy.owner)}
    signs = {("invited", address) for address in people}
    return signs | {("organiser", canonical(copy.organiser))} if copy.organiser else signs


def _order(copy: Copy) -> tuple[str, str, str, str]:
    return (copy.owner, copy.connector, copy.calendar, copy.entry)


def _digest(*parts: str) -> bytes:
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
