"""A model of the schedule over any number of calendars and workers, in virtual time: a second of it takes microseconds.

What decides is the service's own: when a batch is due next and who reads it (`daemon.workers.assignment`), how large
batches are, how requests are held below a quota (`TokenBucket`). What takes time is drawn or reckoned from `Costs`.
A batch is the unit: its requests run side by side, its CPU waits for the worker's one core, what it writes waits for
the one writer; it is read when the slowest of these is done.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple

from connectors.net.rate_limit import TokenBucket
from daemon.store.scale.batches import MOST_CALENDARS, Batch
from daemon.workers.assignment import assign, next_slot

JOBS_AT_ONCE, JOBS_WAITING, THREADS = 3, 6, 8
"""Of a worker (`daemon/workers/worker.py`, `backend.py`), and side by side in a job (`sync.workers`)."""
GONE_SECONDS, STALLED_SECONDS = 20.0, 30.0
"""After which a killed worker's waiting and begun jobs are handed out again (`daemon/store/scale/workers.py`)."""
SHARED_MARGIN = 0.97  # `daemon/store/scale/rate_limits.py`
_BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What things cost, on the machine that docs/scaling.md names. CPU in seconds of one core."""

    cpu_round: float
    cpu_token: float
    cpu_entry: float
    write_round: float
    write_entry: float
    answer: float
    answer_sigma: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """A service's limits and habits. `token_seconds` is how long a person's token is good; None: one for everybody."""

    name: str
    per_minute: int
    page: int
    token_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """Shares are of a round's calendars: `changed` since the last, `listed` in full, `gaining` a day of the window."""

    calendars: int
    every: timedelta
    entries: int
    changed: float
    listed: float
    gaining: float

    def requests(self, provider: Provider, *, voided: bool = False) -> float:
        """What a calendar's round costs on average; with its cursor voided, one attempt and a listing."""
        pages = -(-self.entries // provider.page)
        return 1.0 + pages if voided else 1.0 + self.gaining + self.listed * (pages - 1)


class Read(NamedTuple):
    """A batch has been read: when, how many seconds after its moment, and which."""

    at: float
    late: float
    batch: int


@dataclass(kw_only=True)
class Seen:
    """What came of it: the readings, the requests by minute of virtual time, and what they cost."""

    reads: list[Read] = field(default_factory=list)
    minutes: Counter[int] = field(default_factory=Counter)
    cpu_seconds: float = 0.0
    writer_seconds: float = 0.0
    tokens: int = 0

    def late_by(self, share: float, begin: float = 0.0, end: float = float("inf")) -> float:
        """By how many seconds that share of the batches read in this time were late at most."""
        found = sorted(one.late for one in self.reads if begin <= one.at < end)
        return found[min(int(share * len(found)), len(found) - 1)] if found else float("inf")

    def between(self, begin: float = 0.0) -> list[float]:
        """Seconds between two readings of a batch, of those that ended since then, in order."""
        last: dict[int, float] = {}
        found = []
        for at, _, number in self.reads:
            if number in last and at >= begin:
                found.append(at - last[number])
            last[number] = at
        return sorted(found)

    def busiest(self, begin: float = 0.0, end: float = float("inf")) -> int:
        """The most requests in a minute."""
        return max((n for minute, n in self.minutes.items() if begin <= minute * 60 < end), default=0)


@dataclass(kw_only=True)
class _Worker:
    name: str
    waiting: deque[Batch] = field(default_factory=deque)
    doing: int = 0
    free_at: float = 0.0


class Simulation:
    """One company, one provider, some workers. Times are seconds since it began."""

    def __init__(self, company: Company, provider: Provider, costs: Costs, workers: int, *, seed: int = 1) -> None:
        self.now = 0.0
        self.seen = Seen()
        self._company, self._provider, self._costs = company, provider, costs
        self._pick = random.Random(seed)
        self._bucket = TokenBucket(int(provider.per_minute * SHARED_MARGIN), clock=lambda: self.now)
        self._workers = {f"w{number:03}": _Worker(name=f"w{number:03}") for number in range(workers)}
        names = list(self._workers)
        full, rest = divmod(company.calendars, MOST_CALENDARS)
        self._sizes = dict(enumerate([MOST_CALENDARS] * full + [rest] * (rest > 0)))
        self._due = [
            (self._slot(number, -company.every.total_seconds() / 2), number, names[number % workers])
            for number in self._sizes
        ]
        self._due.sort()
        life = provider.token_seconds
        self._tokens = {
            number: (names[number % workers], self._pick.uniform(0, life) if life else float("inf"))
            for number in self._sizes
        }
        self._voided: set[int] = set()
        self._running: list[tuple[float, int, Batch, str]] = []
        self._lost: list[tuple[float, Batch]] = []
        self._later: list[tuple[float, int, str]] = []
        self._writer_free = 0.0
        self._silent_until = 0.0

    def run(self, seconds: float) -> Seen:
        """Lets so much virtual time pass; every second what is due is handed out."""
        until = self.now + seconds
        while self.now < until:
            tick = self.now + 1.0
            self._finish(tick)
            self.now = tick
            if tick >= self._silent_until:
                self._hand_out()
        return self.seen

    def go_silent(self, seconds: float) -> None:
        """An outage: whatever goes on stops, nothing is handed out for so long, and no cursor is good afterwards."""
        self._silent_until = self.now + seconds
        self._voided = set(self._sizes)
        stopped = [batch for _, _, batch, _ in self._running]
        for worker in self._workers.values():
            stopped += worker.waiting
            worker.waiting.clear()
            worker.doing = 0
        self._lost += [(self.now, batch) for batch in stopped]
        self._running = []

    def kill(self) -> None:
        """The first worker ends without a word, at the next moment at which it does something."""
        name = next(iter(self._workers))
        while not self._workers[name].doing:
            self.run(1.0)
        dead = self._workers.pop(name)
        self._lost += [(self.now + GONE_SECONDS, one) for one in dead.waiting]
        self._lost += [(self.now + STALLED_SECONDS, batch) for _, _, batch, by in self._running if by == name]
        self._running = sorted(one for one in self._running if one[3] != name)

    @property
    def unread(self) -> int:
        """How many calendars have not been read since their cursors were voided."""
        return sum(self._sizes[number] for number in self._voided)

    def _slot(self, number: int, now: float) -> float:
        moment = next_slot(number, _BEGIN + timedelta(seconds=now), self._company.every)
        return (moment - _BEGIN).total_seconds()

    def _hand_out(self) -> None:
        back = [one for at, one in self._lost if at <= self.now]
        self._lost = [one for one in self._lost if one[0] > self.now]
        for batch in back:
            heappush(self._due, (self._seconds(batch.due_at), batch.id, batch.worker or ""))
        rooms = {one.name: JOBS_WAITING - len(one.waiting) for one in self._workers.values()}
        most = sum(rooms.values())
        due: list[Batch] = []
        while self._due and self._due[0][0] <= self.now and len(due) < most:
            at, number, worker = heappop(self._due)
            due.append(Batch(id=number, connector="", due_at=_BEGIN + timedelta(seconds=at), worker=worker))
        for batch, name in assign(due, rooms):
            self._workers[name].waiting.append(batch)
            self._begin(self._workers[name], self.now)

    def _finish(self, until: float) -> None:
        while self._running and self._running[0][0] <= until:
            at, number, batch, name = heappop(self._running)
            self._workers[name].doing -= 1
            self._voided.discard(number)
            self.seen.reads.append(Read(at, at - self._seconds(batch.due_at), number))
            heappush(self._due, (self._slot(number, at), number, name))
            self.now = at
            self._begin(self._workers[name], at)

    def _begin(self, worker: _Worker, at: float) -> None:
        while worker.waiting and worker.doing < JOBS_AT_ONCE:
            batch = worker.waiting.popleft()
            worker.doing += 1
            heappush(self._running, (self._read(batch, worker, at), batch.id, batch, worker.name))

    def _read(self, batch: Batch, worker: _Worker, at: float) -> float:
        """When a batch that is begun now will be read."""
        company, costs, size = self._company, self._costs, self._sizes[batch.id]
        voided = batch.id in self._voided
        listed = size if voided else self._some(size, company.listed)
        pages = -(-company.entries // self._provider.page)
        requests = listed * pages + (size if voided else size - listed + self._some(size, company.gaining))
        changed = self._some(size - listed, company.changed)
        tokens = self._tokens_for(batch, worker.name, size, at)
        answers = [self._answer() for _ in range(requests + tokens)]
        waits = [self._bucket.take() for _ in range(requests)]
        self.seen.minutes.update(int((at + wait) // 60) for wait in waits)
        entries = listed * company.entries
        cpu = size * costs.cpu_round + tokens * costs.cpu_token + entries * costs.cpu_entry
        write = (changed + listed) * costs.write_round + entries * costs.write_entry
        worker.free_at = max(worker.free_at, at) + cpu
        self._writer_free = max(self._writer_free, at) + write
        self.seen.cpu_seconds += cpu
        self.seen.writer_seconds += write
        self.seen.tokens += tokens
        network = at + max(sum(answers) / THREADS, *answers)
        paced = at + max(waits) + answers[-1]
        return max(network, paced, worker.free_at, self._writer_free if write else 0.0)

    def _tokens_for(self, batch: Batch, worker: str, size: int, at: float) -> int:
        """How many tokens must be fetched: all of a batch's when another worker had them, or when they are too old."""
        life = self._provider.token_seconds
        holder, until = self._tokens[batch.id]
        if life is None or (holder == worker and at < until):
            return 0
        self._tokens[batch.id] = (worker, at + life)
        return size

    def _some(self, size: int, share: float) -> int:
        return sum(self._pick.random() < share for _ in range(size)) if share else 0

    def _answer(self) -> float:
        return self._costs.answer * self._pick.lognormvariate(0.0, self._costs.answer_sigma)

    @staticmethod
    def _seconds(moment: datetime) -> float:
        return (moment - _BEGIN).total_seconds()
