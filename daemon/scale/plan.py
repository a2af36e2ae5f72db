"""When a batch is due next, and who is to read what: decided by values alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from daemon.store.batches import Batch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    """A job for a worker: a batch, or those of its calendars that are read apart from the others."""

    worker: str
    batch: int
    calendars: tuple[int, ...] | None = None


def next_slot(batch: int, now: datetime, every: timedelta) -> datetime:
    """The batch's own moment in each `every`, by a hash, the next that is at least half of `every` away.

    So batches are spread, and stay so after an outage, when all are read at once.
    """
    share = int.from_bytes(blake2b(str(batch).encode(), digest_size=4).digest(), "big") / 2**32
    first = _EPOCH + every * share
    rounds = (now + every / 2 - first) // every + 1
    return first + every * rounds


def assign(due: Sequence[Batch], rooms: Mapping[str, int]) -> list[tuple[Batch, str]]:
    """Each due batch with a worker that has room: whoever read it last, else whoever has most room; longest due first.

    `rooms` says how many more jobs each worker may have waiting. Batches that find no room stay due.
    """
    left = {name: room for name, room in rooms.items() if room > 0}
    found: list[tuple[Batch, str]] = []
    others: list[Batch] = []
    for batch in due:
        if batch.worker is not None and left.get(batch.worker, 0) > 0:
            left[batch.worker] -= 1
            found.append((batch, batch.worker))
        else:
            others.append(batch)
    for batch in others:
        name = max(sorted(left), key=lambda one: left[one], default=None)
        if name is None or left[name] <= 0:
            break
        left[name] -= 1
        found.append((batch, name))
    return found


def pieces(calendars: Iterable[int], suspects: Mapping[int, int]) -> list[tuple[int, ...] | None]:
    """How a batch is read: as a whole (None), or, when workers were killed over some of it, these apart, halved.

    `suspects` tells how many workers each of those has cost. Who is read alone and kills again is found out.
    """
    if not suspects:
        return [None]
    trusted = tuple(one for one in calendars if one not in suspects)
    found: list[tuple[int, ...] | None] = [trusted] if trusted else []
    for kills in sorted(set(suspects.values())):
        alike = sorted(one for one, count in suspects.items() if count == kills)
        half = (len(alike) + 1) // 2
        found += [tuple(part) for part in (alike[:half], alike[half:]) if part]
    return found


def comes_back_after(kills: int, every: timedelta, longest: timedelta) -> timedelta:
    """How long a calendar that kills whoever reads it is left alone: twice as long each time."""
    return min(every * float(2 ** min(kills, 16)), longest)
