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
from heapq import heapify, heappop, heappush
from math import ceil, inf
from typing import NamedTuple

from connectors.net.rate_limit import TokenBucket
from daemon.store.scale.batches import MOST_CALENDARS, Batch
from daemon.workers.assignment import assign, next_slot

JOBS_AT_ONCE, JOBS_WAITING, THREADS = 3, 6, 8
"""Of a worker (`daemon/workers/worker.py`, `backend.py`), and side by side in a job (`sync.workers`)."""
GONE_SECONDS, STALLED_SECONDS = 20.0, 30.0
"""After which a killed worker's waiting and begun jobs are handed out again (`daemon/store/scale/workers.py`)."""
SHARED_MARGIN = 0.97  # `daemon/store/scale/rate_limits.py`
CHANGED, GAINING, LISTED = timedelta(hours=5), timedelta(days=1), timedelta(days=5.25)
"""A calendar changes (assumed), the window gains a day, a listing in full (`sync.reconcile` of 7 days, spread)."""
_BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """In seconds; CPU of one core.

    Measured by `benchmarks.calendars` and by passes over `benchmarks.google` into PostgreSQL, eight threads, 2 cores
    (docs/scaling.md): CPU of an unchanged round, of a token, of an entry listed again; and how long the writer's turn
    is held, waits for the interpreter included. Assumed: half of a provider's answers within 0.15 s, one of a hundred
    after 1 s.
    """

    cpu_round: float = 0.0035
    cpu_token: float = 0.003
    cpu_entry: float = 0.000_029
    write_round: float = 0.009
    write_entry: float = 0.000_037
    answer: float = 0.15
    answer_sigma: float = 0.8


@dataclass(frozen=True, slots=True)
class Provider:
    """A service's limits and habits. `token_seconds` is how long a person's token is good; None: one for everybody."""

    name: str
    per_minute: int
    page: int
    token_seconds: float | None


@dataclass(frozen=True, slots=True)
class Company:
    """Assumed of each calendar: so many entries in the window, a change with outsiders every `CHANGED`."""

    calendars: int
    every: timedelta = timedelta(minutes=15)
    entries: int = 3_000

    @property
    def seconds(self) -> float:
        return self.every.total_seconds()

    def share(self, period: timedelta) -> float:
        """In how many of a round's calendars something happens that happens in each once in a period."""
        return min(1.0, self.every / period)

    def pages(self, provider: Provider) -> int:
        """Of a full listing."""
        return ceil(self.entries / provider.page)

    def requests(self, provider: Provider) -> float:
        """What a calendar's round costs on average."""
        return 1.0 + self.share(GAINING) + self.share(LISTED) * (self.pages(provider) - 1)


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

    def late_by(self, share: float, begin: float = 0.0) -> float:
        """By how many seconds that share of the batches read since then were late at most."""
        found = sorted(read.late for read in self.reads if begin <= read.at)
        return found[min(int(share * len(found)), len(found) - 1)] if found else inf

    def between(self, begin: float = 0.0) -> list[float]:
        """Seconds between two readings of a batch, of those that ended since then, in order."""
        last: dict[int, float] = {}
        found = []
        for at, _, batch in self.reads:
            if batch in last and at >= begin:
                found.append(at - last[batch])
            last[batch] = at
        return sorted(found)

    def busiest(self, begin: float = 0.0) -> int:
        """The most requests in a minute."""
        return max((requests for minute, requests in self.minutes.items() if begin <= minute * 60), default=0)


@dataclass
class _Worker:
    waiting: deque[_Job] = field(default_factory=deque)
    doing: int = 0
    free_at: float = 0.0


class _Job(NamedTuple):
    """A batch that is to be read: from when on it may be handed out, when it was due, which, and who had it last."""

    from_: float
    due: float
    batch: int
    worker: str


class Simulation:
    """One company, one provider, some workers. Times are seconds since it began."""

    def __init__(self, company: Company, provider: Provider, costs: Costs, workers: int, *, seed: int = 1) -> None:
        self.now = 0.0
        self.seen = Seen()
        self._company, self._provider, self._costs = company, provider, costs
        self._pick = random.Random(seed)
        self._bucket = TokenBucket(int(provider.per_minute * SHARED_MARGIN), clock=lambda: self.now)
        self._workers = {f"w{number:03}": _Worker() for number in range(workers)}
        full, rest = divmod(company.calendars, MOST_CALENDARS)
        self._sizes = [MOST_CALENDARS] * full + [rest] * (rest > 0)
        names = list(self._workers)
        had_by = {batch: names[batch % workers] for batch in range(len(self._sizes))}
        self._due = [self._next(batch, -company.seconds / 2, name) for batch, name in had_by.items()]
        heapify(self._due)
        life = provider.token_seconds
        self._tokens = {batch: (name, self._pick.uniform(0, life) if life else inf) for batch, name in had_by.items()}
        self._voided: set[int] = set()
        self._running: list[tuple[float, _Job, str]] = []
        self._writer_free = 0.0
        self._silent_until = 0.0

    def run(self, seconds: float) -> Seen:
        """Lets so much virtual time pass; every second what is due is handed out."""
        until = self.now + seconds
        while self.now < until:
            tick = self.now + 1.0
            while self._running and self._running[0][0] <= tick:
                self._finish(*heappop(self._running))
            self.now = tick
            if tick >= self._silent_until:
                self._hand_out()
        return self.seen

    def go_silent(self, seconds: float) -> None:
        """An outage: whatever goes on stops, nothing is handed out for so long, and no cursor is good afterwards."""
        self._silent_until = self.now + seconds
        self._voided = set(range(len(self._sizes)))
        for name in self._workers:
            self._stop(name, 0.0, 0.0)

    def kill(self) -> None:
        """The first worker ends without a word, at the next moment at which it does something."""
        name = next(iter(self._workers))
        while not self._workers[name].doing:
            self.run(1.0)
        self._stop(name, GONE_SECONDS, STALLED_SECONDS)
        del self._workers[name]

    @property
    def unread(self) -> int:
        """How many calendars have not been read since their cursors were voided."""
        return sum(self._sizes[batch] for batch in self._voided)

    def _stop(self, name: str, waiting_for: float, begun_for: float) -> None:
        """What a worker has is due as it was, and may be handed out again after so many seconds."""
        worker = self._workers[name]
        begun = [job for _, job, by in self._running if by == name]
        self._running = sorted(entry for entry in self._running if entry[2] != name)
        for jobs, seconds in ((worker.waiting, waiting_for), (begun, begun_for)):
            for job in jobs:
                heappush(self._due, job._replace(from_=self.now + seconds if seconds else job.due))
        worker.waiting.clear()
        worker.doing = 0

    def _next(self, batch: int, now: float, worker: str) -> _Job:
        slot = next_slot(batch, _BEGIN + timedelta(seconds=now), self._company.every)
        due = (slot - _BEGIN).total_seconds()
        return _Job(due, due, batch, worker)

    def _hand_out(self) -> None:
        rooms = {name: JOBS_WAITING - len(worker.waiting) for name, worker in self._workers.items()}
        most = sum(rooms.values())
        due: dict[int, _Job] = {}
        while self._due and self._due[0].from_ <= self.now and len(due) < most:
            job = heappop(self._due)
            due[job.batch] = job
        batches = [Batch(id=job.batch, connector="", due_at=_BEGIN, worker=job.worker) for job in due.values()]
        for batch, name in assign(batches, rooms):
            self._workers[name].waiting.append(due[batch.id])
            self._begin(name, self.now)

    def _finish(self, at: float, job: _Job, name: str) -> None:
        self.now = at
        self._workers[name].doing -= 1
        self._voided.discard(job.batch)
        self.seen.reads.append(Read(at, at - job.due, job.batch))
        heappush(self._due, self._next(job.batch, at, name))
        self._begin(name, at)

    def _begin(self, name: str, at: float) -> None:
        worker = self._workers[name]
        while worker.waiting and worker.doing < JOBS_AT_ONCE:
            job = worker.waiting.popleft()
            worker.doing += 1
            heappush(self._running, (self._read_at(job.batch, name, at), job, name))

    def _read_at(self, batch: int, name: str, at: float) -> float:
        """When a batch that is begun now will be read."""
        company, costs, worker, size = self._company, self._costs, self._workers[name], self._sizes[batch]
        voided = batch in self._voided
        listed = size if voided else self._some(size, company.share(LISTED))
        others = size if voided else size - listed + self._some(size, company.share(GAINING))
        requests = listed * company.pages(self._provider) + others
        changed = self._some(size - listed, company.share(CHANGED))
        tokens = self._tokens_for(batch, name, size, at)
        answers = [costs.answer * self._pick.lognormvariate(0.0, costs.answer_sigma) for _ in range(requests + tokens)]
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

    def _tokens_for(self, batch: int, name: str, size: int, at: float) -> int:
        """How many tokens must be fetched: all of a batch's when another worker had them, or when they are too old."""
        life = self._provider.token_seconds
        holder, until = self._tokens[batch]
        if life is None or (holder == name and at < until):
            return 0
        self._tokens[batch] = (name, at + life)
        return size

    def _some(self, size: int, share: float) -> int:
        return sum(self._pick.random() < share for _ in range(size)) if share else 0
