"""The service in numbers for Prometheus, on a registry of its own.

Labels are connectors, states, error codes, hosts asked and statuses: no client, person, address or path is in any.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.net.request_counts import REQUEST_COUNTS, RequestCounts
from daemon.sync.run_values import ConnectorResult
from daemon.web.snapshot import Snapshot

log = structlog.get_logger()

_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400)
State = Callable[[], Snapshot]


def version_of_rapport() -> str:
    """The installed version."""
    try:
        return version("rapport-daemon")
    except PackageNotFoundError:  # run from a tree that was never installed
        return "unknown"


class Metrics:
    """What the service counts as it goes, and what is looked up when somebody asks.

    `state` is called at each scrape; where it fails, the store counts as down and what it would have told is left out.
    """

    def __init__(self, state: State | None = None, request_counts: RequestCounts = REQUEST_COUNTS) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there; else each counter has a second sample
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._read = self._counter("calendars_read", "Calendars read, in full or what changed")
        self._entries = self._counter("entries", "Entries that calendars answered with")
        self._changed = self._counter("changes", "Copies added, changed or removed in the store")
        self._asked = self._counter("connector_requests", "Requests that rounds have taken")
        self._held = self._counter("listings_held", "Listings that removed too much to be believed")
        self._unreadable = self._counter("entries_unreadable", "Entries that could not be read")
        self._failed = self._counter("calendars_failed", "Readings of calendars that failed", "connector", "error")
        self._delivered = self._counter("deliveries", "Attempts to deliver, by how they ended", "state")
        self._refused = Gauge(
            "rapport_config_refused",
            "1 while a changed config is refused and the one before is in force",
            registry=self.registry,
        )
        self._phases = Histogram(
            "rapport_phase_seconds",
            "How long the phases take: pass (all connectors), reading (one connector), rescore",
            ["phase"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        built = Gauge("rapport_build_info", "Always 1", ["version", "python"], registry=self.registry)
        built.labels(version_of_rapport(), platform.python_version()).set(1)
        self._stored = _Stored(state)
        self.registry.register(_Requests(request_counts))
        self.registry.register(self._stored)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"rapport_{name}", what, labels or ("connector",), registry=self.registry)

    def run_ended(self, results: Sequence[ConnectorResult], seconds: float) -> None:
        """A run over the connectors is over; it took so many seconds in all."""
        self._phases.labels("pass").observe(seconds)
        for result in results:
            self._read.labels(result.name).inc(result.synced)
            self._entries.labels(result.name).inc(result.entries)
            self._changed.labels(result.name).inc(result.changed)
            self._asked.labels(result.name).inc(result.requests)
            self._held.labels(result.name).inc(len(result.held))
            self._unreadable.labels(result.name).inc(len(result.flaws))
            self._phases.labels("reading").observe(result.seconds)
            for failure in result.failed:
                self._failed.labels(result.name, failure.code).inc()

    def rescored(self, seconds: float) -> None:
        """Figures were derived anew."""
        self._phases.labels("rescore").observe(seconds)

    def delivered(self, digest_state: str) -> None:
        """An attempt to deliver a digest ended in this state (`sent`, `waiting`, `failed`, `unknown`)."""
        self._delivered.labels(digest_state).inc()

    def config_refused(self, refused: bool) -> None:
        """Whether the config in force is an older one than the file's, which is wrong."""
        self._refused.set(int(refused))

    def store_up(self, up: bool) -> None:
        """Whether the store answered lately; a scrape that asks it says so by itself."""
        self._stored.up = up

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Requests(Collector):
    """Requests and repeated tries, counted where they are made."""

    def __init__(self, request_counts: RequestCounts) -> None:
        self._counts = request_counts

    def collect(self) -> Iterator[Metric]:
        made = CounterMetricFamily(
            "rapport_http_requests", "Requests by host and status; none where no answer came", labels=["host", "status"]
        )
        for (host, status), count in sorted(self._counts.requests().items()):
            made.add_metric([host, status], count)
        yield made
        yield CounterMetricFamily("rapport_http_retries", "Requests tried again", value=self._counts.retries())


class _Stored(Collector):
    """What the store says at the moment of asking, and whether it does. `up` is what is known where nobody asks it."""

    def __init__(self, state: State | None) -> None:
        self._state = state
        self.up = False

    def describe(self) -> list[Metric]:
        """Nothing: registering a collector must not ask the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        found: Snapshot | None = None
        if self._state is not None:
            try:
                found = self._state()
            except Exception as error:  # noqa: BLE001  # a store that is away must not take the other numbers with it
                log.warning("numbers_missing", kind=type(error).__name__)
            self.up = found is not None
        yield GaugeMetricFamily("rapport_store_up", "1 while the store answers", value=int(self.up))
        if found is not None:
            yield from _families(found)


def _families(found: Snapshot) -> Iterator[Metric]:
    calendars = GaugeMetricFamily("rapport_calendars", "Calendars by state", labels=["connector", "state"])
    for (connector, state), count in sorted(found.calendars.items()):
        calendars.add_metric([connector, state], count)
    yield calendars
    digests = GaugeMetricFamily("rapport_digests", "Deliveries of the last three months by state", labels=["state"])
    for state, count in sorted(found.digests.items()):
        digests.add_metric([state], count)
    yield digests
    ages = GaugeMetricFamily(
        "rapport_last_reading_age_seconds", "Seconds since a calendar of it was last read", labels=["connector"]
    )
    for connector, seconds in sorted(found.reading_age_seconds.items()):
        ages.add_metric([connector], seconds)
    yield ages
    workers = GaugeMetricFamily("rapport_workers", "Workers by state, where others do the work", labels=["state"])
    for state, count in found.workers.items():
        workers.add_metric([state], count)
    yield workers
