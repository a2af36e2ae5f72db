"""When a batch is due next, and who is to read what: decided by values alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import zip_longest

from daemon.store.scale.batches import Batch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


JOBS_A_WORKER = 6
"""That wait or are being done: enough that it never waits for the scheduler, few enough that others get theirs."""


def next_slot(batch: int, now: datetime, every: timedelta) -> datetime:
    """The batch's own moment in each `every`, by a hash, the next that is at least half of `every` away.

    So batches are spread, and stay so after an outage, when all are read at once.
    """
    share = int.from_bytes(blake2b(str(batch).encode(), digest_size=4).digest(), "big") / 2**32
    first = _EPOCH + every * share
    rounds = (now + every / 2 - first) // every + 1
    return first + every * rounds


def in_turns(due: Sequence[Sequence[Batch]]) -> list[Batch]:
    """One of each connector after the other, so that one that is far behind does not keep the others waiting."""
    return [batch for row in zip_longest(*due) for batch in row if batch is not None]


def assign(due: Sequence[Batch], capacity: Mapping[str, int]) -> list[tuple[Batch, str]]:
    """Each due batch with a worker that has room: whoever read it last, else whoever has most room; longest due first.

    `capacity` says how many more jobs each worker may have waiting. Batches that find no room stay due.
    """
    left = dict(capacity)
    found: list[tuple[Batch, str]] = []
    others: list[Batch] = []
    for batch in due:
        if batch.worker is not None and left.get(batch.worker, 0) > 0:
            left[batch.worker] -= 1
            found.append((batch, batch.worker))
        else:
            others.append(batch)
    for batch in others:
        name = least_busy(left)
        if name is None:
            break
        left[name] -= 1
        found.append((batch, name))
    return found


def capacity_of(workers: Iterable[str], jobs: Iterable[tuple[str, bool]]) -> dict[str, int]:
    """How many more jobs each worker may have waiting. Whoever reads something that may kill it gets nothing else.

    `jobs` are those that are open: whose each is, and whether it is of that sort.
    """
    listed = list(jobs)
    count = Counter(worker for worker, _ in listed)
    alone = {worker for worker, is_apart in listed if is_apart}
    return {worker: 0 if worker in alone else max(JOBS_A_WORKER - count[worker], 0) for worker in workers}


def least_busy(capacity: Mapping[str, int]) -> str | None:
    """Who has most room; None when nobody has any."""
    name = max(sorted(capacity), key=lambda worker: capacity[worker], default=None)
    return name if name is not None and capacity[name] > 0 else None


def first_piece(calendars: Iterable[int], suspects: Mapping[int, int]) -> tuple[int, ...] | None:
    """What of a batch is read next, when workers were killed over some of it: None for as if nothing had been.

    `calendars` are those left to read, `suspects` how many workers each has cost. Those that are trusted come first; of
    the others a half, those that have cost most, and so on. Who is read alone and kills again is found out.
    """
    left = list(calendars)
    trusted = tuple(calendar for calendar in left if calendar not in suspects)
    if trusted:
        return trusted if len(trusted) < len(left) else None
    alike = sorted(left, key=lambda calendar: (-suspects[calendar], calendar))
    return tuple(alike[: (len(alike) + 1) // 2]) or None


def comes_back_after(kills: int, every: timedelta, longest: timedelta) -> timedelta:
    """How long a calendar that kills whoever reads it is left alone: twice as long each time."""
    return min(every * float(2 ** min(kills, 16)), longest)
