"""A provider's calendar as the law of all connectors (`test_calendar_laws.py`) changes it: Jo's, behind a fake.

Each provider says in its own words what moving, deleting or expiring means, and what then stands in the calendar.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from connectors.calendars.microsoft365 import Settings as MicrosoftSettings
from connectors.calendars.microsoft365 import connect
from connectors.calendars.microsoft365.events import entry_of
from connectors.contract import Calendars, Context
from connectors.net.retry import Patience
from tests.daemon.worlds import JO
from tests.fakes import google_world as google_items
from tests.fakes import microsoft_items as graph_items
from tests.fakes.google import FakeGoogle
from tests.fakes.google_client import workspace
from tests.fakes.microsoft import FakeMicrosoft

IMPATIENT = Patience(tries=1, seconds=1.0, first_wait_seconds=0.01)
LENGTH = timedelta(minutes=45)


@dataclass(frozen=True)
class Standing:
    """An item as it stands in the calendar: what the store has to hold of it, under which name."""

    entry: str
    start: datetime
    end: datetime
    title: str
    people: frozenset[str]


class Provider(ABC):
    """Jo's calendar and the connector that reads it. Items are known by the provider's ids."""

    connector: Calendars

    @abstractmethod
    def __init__(self, folder: Path, quirks: dict[str, Any]) -> None: ...

    @staticmethod
    @abstractmethod
    def quirks() -> st.SearchStrategy[dict[str, Any]]:
        """How the provider may behave, drawn once for a run."""

    @abstractmethod
    def live(self) -> list[str]:
        """Single items and occurrences that have not been deleted."""

    @abstractmethod
    def series(self) -> list[str]:
        """The series that still stand."""

    @abstractmethod
    def parts(self, series: str) -> list[str]:
        """The occurrences of a series, in order."""

    @abstractmethod
    def put(self, name: str, start: datetime, minutes: int, guest: str | None, title: str) -> None: ...

    @abstractmethod
    def put_whole_days(self, name: str, first: date, end: date) -> None: ...

    @abstractmethod
    def put_series(self, name: str, start: datetime, count: int) -> None: ...

    @abstractmethod
    def move(self, entry: str, start: datetime) -> None: ...

    @abstractmethod
    def rename(self, entry: str, title: str) -> None: ...

    @abstractmethod
    def hide(self, entry: str, *, private: bool) -> None: ...

    @abstractmethod
    def call_off(self, entry: str) -> None:
        """The organiser cancels it: it may still stand, marked so."""

    @abstractmethod
    def delete(self, entry: str) -> None: ...

    @abstractmethod
    def delete_series(self, series: str) -> None: ...

    @abstractmethod
    def rename_series(self, series: str, title: str) -> None: ...

    @abstractmethod
    def standing(self) -> Iterator[Standing]:
        """What is live and not private."""

    @abstractmethod
    def expire(self) -> None:
        """Every cursor given so far is dead, and every link between pages."""

    @abstractmethod
    def fail(self, after: int, how: dict[str, Any]) -> None: ...

    @abstractmethod
    def mend(self) -> None: ...

    @abstractmethod
    def before_page(self, hook: Callable[[int], None] | None) -> None:
        """`hook` is called with how many items came before the page."""

    @abstractmethod
    def set_now(self, now: datetime) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class Google(Provider):
    """A Workspace."""

    def __init__(self, folder: Path, quirks: dict[str, Any]) -> None:
        self._fake = FakeGoogle().__enter__()
        for name, value in quirks.items():
            setattr(self._fake, name, value)
        self._jo = self._fake.world.add(JO)
        self.connector = workspace(self._fake, folder, patience=IMPATIENT)

    @staticmethod
    def quirks() -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "empty_pages": st.booleans(),
                "repeats_items": st.booleans(),
                "page_size": st.sampled_from([1, 3, 1000]),
                "sync_tokens": st.sampled_from([True, True, True, False]),
            }
        )

    def live(self) -> list[str]:
        return [entry for entry, item in self._jo.items.items() if item["status"] != "cancelled"]

    def series(self) -> list[str]:
        found = (self._jo.items[entry].get("recurringEventId") for entry in self.live())
        return list(dict.fromkeys(address for address in found if address))

    def parts(self, series: str) -> list[str]:
        return [entry for entry in self.live() if self._jo.items[entry].get("recurringEventId") == series]

    def put(self, name: str, start: datetime, minutes: int, guest: str | None, title: str) -> None:
        self._put(name, google_items.at(start), google_items.at(start + timedelta(minutes=minutes)), guest, title)

    def put_whole_days(self, name: str, first: date, end: date) -> None:
        self._put(name, {"date": first.isoformat()}, {"date": end.isoformat()}, "ana@acme.example", "Days")

    def put_series(self, name: str, start: datetime, count: int) -> None:
        first = {
            "start": google_items.at(start),
            "end": google_items.at(start + LENGTH),
            "attendees": _rows(JO, "ana@acme.example"),
        }
        self._jo.put_series(name, first, count)

    def _put(self, name: str, start: Any, end: Any, guest: str | None, title: str) -> None:
        self._jo.put({"id": name, "start": start, "end": end, "summary": title, "attendees": _rows(JO, guest)})

    def move(self, entry: str, start: datetime) -> None:
        self._jo.change(entry, start=google_items.at(start), end=google_items.at(start + LENGTH))

    def rename(self, entry: str, title: str) -> None:
        self._jo.change(entry, summary=title)

    def hide(self, entry: str, *, private: bool) -> None:
        self._jo.change(entry, visibility="private" if private else None)

    def call_off(self, entry: str) -> None:
        self._jo.cancel(entry, details=True)

    def delete(self, entry: str) -> None:
        self._jo.cancel(entry)

    def delete_series(self, series: str) -> None:
        for entry in self.parts(series):
            self._jo.cancel(entry)

    def rename_series(self, series: str, title: str) -> None:
        for entry in self.parts(series):
            self._jo.change(entry, summary=title)

    def standing(self) -> Iterator[Standing]:
        for entry in self.live():
            item = self._jo.items[entry]
            if item.get("visibility") != "private":
                people = frozenset(row["email"] for row in item["attendees"])
                yield Standing(entry, _google(item["start"]), _google(item["end"]), item["summary"], people)

    def expire(self) -> None:
        self._jo.expire_tokens()

    def fail(self, after: int, how: dict[str, Any]) -> None:
        self._fake.fail(after=after, times=99, **how)

    def mend(self) -> None:
        self._fake.faults.clear()

    def before_page(self, hook: Callable[[int], None] | None) -> None:
        self._fake.before_page = hook

    def set_now(self, now: datetime) -> None:
        self._jo.now = now

    def close(self) -> None:
        self.connector.close()
        self._fake.__exit__()


def _rows(*addresses: str | None) -> list[dict[str, Any]]:
    return [{"email": address, "self": address == JO, "responseStatus": "accepted"} for address in addresses if address]


def _google(value: dict[str, str]) -> datetime:
    """A bound as a copy has it: a date is its midnight in UTC."""
    if "date" in value:
        return datetime.combine(date.fromisoformat(value["date"]), time(), UTC)
    return datetime.fromisoformat(value["dateTime"]).astimezone(UTC)


class Microsoft(Provider):
    """A tenant. Names of items differ in nothing but case now and then."""

    def __init__(self, folder: Path, quirks: dict[str, Any]) -> None:
        self._fake = FakeMicrosoft().__enter__()
        self._jo = self._fake.world.add(JO)
        served = {"page_size", "longest_view", "expired"}
        for name in served & quirks.keys():
            setattr(self._fake.graph, name, quirks[name])
        self._jo.quirk(**{name: value for name, value in quirks.items() if name not in served})
        self.connector = tenant(self._fake, folder, patience=IMPATIENT)

    @staticmethod
    def quirks() -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "stubs": st.booleans(),
                "masters": st.sampled_from(["present", "absent", "alone"]),
                "lone_exceptions": st.booleans(),
                "outside_tombstones": st.booleans(),
                "deleted_series": st.sampled_from(["master", "all"]),
                "original_start": st.booleans(),
                "plain_uid": st.booleans(),
                "repeats": st.booleans(),
                "empty_pages": st.booleans(),
                "page_size": st.sampled_from([1, 3, 1000]),
                "longest_view": st.sampled_from([None, None, timedelta(400)]),
                "expired": st.sampled_from(
                    [(410, "SyncStateNotFound"), (410, "ResyncRequired"), (400, "syncstatenotfound")]
                ),
            }
        )

    def live(self) -> list[str]:
        return [entry for entry, item in self._jo.items.items() if item["type"] != "seriesMaster"]

    def series(self) -> list[str]:
        return [entry for entry, item in self._jo.items.items() if item["type"] == "seriesMaster"]

    def parts(self, series: str) -> list[str]:
        return self._jo.instances(series)

    def put(self, name: str, start: datetime, minutes: int, guest: str | None, title: str) -> None:
        end = graph_items.at(start + timedelta(minutes=minutes))
        self._put(name, graph_items.at(start), end, guest, title)

    def put_whole_days(self, name: str, first: date, end: date) -> None:
        self._put(name, graph_items.on_day(first), graph_items.on_day(end), "ana@acme.example", "Days", isAllDay=True)

    def put_series(self, name: str, start: datetime, count: int) -> None:
        end = graph_items.at(start + LENGTH)
        rows = [graph_items.guest("ana@acme.example")]
        self._jo.put_series(name, {"start": graph_items.at(start), "end": end, "attendees": rows}, count)

    def _put(self, name: str, start: Any, end: Any, guest: str | None, title: str, **more: Any) -> None:
        rows = [graph_items.guest(guest)] if guest else []
        self._jo.put({"id": name, "start": start, "end": end, "subject": title, "attendees": rows, **more})

    def move(self, entry: str, start: datetime) -> None:
        self._jo.change(entry, start=graph_items.at(start), end=graph_items.at(start + LENGTH), isAllDay=False)

    def rename(self, entry: str, title: str) -> None:
        self._jo.change(entry, subject=title)

    def hide(self, entry: str, *, private: bool) -> None:
        self._jo.change(entry, sensitivity="private" if private else "normal")

    def call_off(self, entry: str) -> None:
        self._jo.cancel(entry)

    def delete(self, entry: str) -> None:
        if self._jo.items[entry]["seriesMasterId"] is None:
            self._jo.delete(entry)
        else:
            self._jo.delete_occurrence(entry)

    def delete_series(self, series: str) -> None:
        self._jo.delete(series)

    def rename_series(self, series: str, title: str) -> None:
        self._jo.change(series, subject=title)

    def standing(self) -> Iterator[Standing]:
        for entry in self.live():
            item = self._jo.items[entry]
            if not item["isCancelled"] and item["sensitivity"] == "normal":
                people = frozenset({JO, *(row["emailAddress"]["address"] for row in item["attendees"])})
                start, end = graph_items.instant(item["start"]), graph_items.instant(item["end"])
                kept = entry_of(entry, item["seriesMasterId"])
                yield Standing(kept, start, end, item["subject"], people)

    def expire(self) -> None:
        self._jo.expire_tokens()

    def fail(self, after: int, how: dict[str, Any]) -> None:
        self._fake.fail(after=after, times=99, **how)

    def mend(self) -> None:
        self._fake.faults.clear()

    def before_page(self, hook: Callable[[int], None] | None) -> None:
        self._fake.before_page = hook

    def set_now(self, now: datetime) -> None:
        self._jo.now = now

    def close(self) -> None:
        self.connector.close()
        self._fake.__exit__()
        assert self._fake.graph.violations == 0


def tenant(fake: FakeMicrosoft, folder: Path, *, patience: Patience) -> Calendars:
    """A connector to the fake that reads Jo's calendar by her address."""
    (folder / "m365.secret").write_text(fake.secret, "utf-8")
    settings = MicrosoftSettings.model_validate(
        {
            "name": "m365",
            "kind": "microsoft365",
            "tenant_id": fake.tenant_id,
            "client_id": fake.client_id,
            "client_secret": {"file": "m365.secret"},
            "calendars": [JO],
            "authority": fake.authority,
            "graph_endpoint": fake.endpoint,
        }
    )
    context = Context(folder=folder, zone=ZoneInfo("Europe/London"), ca_file=fake.ca_file, timeout_seconds=5.0)
    return connect(settings, context, patience)
