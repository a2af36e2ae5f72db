"""Recorded replies (`samples/google/README.md`), and whether the fake writes what the discovery document says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
import pytest

from connectors.calendars.google.credentials import CALENDAR_SCOPES, Key
from connectors.calendars.google.errors import DailyLimit, NotFound, RequestInfo, calendar_error
from connectors.calendars.google.events import FIELDS, read_page
from connectors.calendars.shared.items import Origin
from connectors.calendars.shared.refusals import Refusal
from connectors.contract import Page
from connectors.errors import ConnectorError, CursorExpired, RetryLater
from connectors.net.retry import Again
from scoring.meetings.identity import identify
from scoring.meetings.values import Response
from tests.fakes.google import populate
from tests.fakes.google_client import meeting
from tests.fakes.google_world import FakeUser, World, at, complete, masked
from tests.fakes.reading import JO, NOW

SAMPLES = Path(__file__).parents[2] / "samples" / "google"
OWNER = "some.person@gmail.example"
KEY = Key(account="a@b.example", client_id="1", project="p", token_uri="https://x.example", info={})


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def page_of(name: str, items: slice = slice(None)) -> Page:
    origin = Origin(connector="workspace", calendar="1", addresses=(OWNER,), read_at=NOW)
    return read_page(sample(name)["items"][items], origin)


def test_every_sample_stands_in_the_table() -> None:
    table = (SAMPLES / "README.md").read_text("utf-8")
    assert [path.name for path in SAMPLES.glob("*.json") if path.name not in table] == []


def test_an_entry_organised_by_a_group_calendar() -> None:
    (copy,) = page_of("events-list-masters-page-nextpagetoken", slice(1)).copies
    assert copy.organiser == "klei8jnelo09nflqehnvfzipgs@group.calendar.google.com"
    assert copy.response is Response.ACCEPTED  # nobody is listed
    assert copy.start == datetime(2011, 10, 3, 16, 30, tzinfo=UTC)
    assert copy.end == datetime(2011, 10, 3, 17, 30, tzinfo=UTC)


def test_of_two_items_with_one_id_the_one_changed_last_counts() -> None:
    """The recorded page repeats an id: 9 January's change is older than 13 January's."""
    page = page_of("events-list-masters-page-nextpagetoken")
    assert [copy.title for copy in page.copies] == ["Skype Meeting", "Sales Staff Meeting"]
    assert page.entries == 3


def test_an_item_without_a_uid() -> None:
    entry = "_75342gho74p3aba4852j6b9k6l0j2ba16l23cba18p2j8h9p74o4adhh6k"
    copy = page_of("events-list-masters-page-nextpagetoken").copies[1]
    assert (copy.entry, copy.identity) == (entry, identify(None, fallback=("workspace", "1", entry)))


def test_pages_with_one_item_and_with_none() -> None:
    assert len(page_of("events-list-series-master-last-page").copies) == 1
    assert page_of("events-list-empty-last-page") == Page()


def test_a_cancelled_occurrence_is_a_tombstone() -> None:
    item = sample("event-cancelled-instance-of-a-split-series")
    page = read_page([item], Origin(connector="w", calendar="1", addresses=(OWNER,), read_at=NOW))
    assert page.removed == ("5hskl88u70fdekmted80rkjut4_20150701T010000Z",)


@pytest.mark.parametrize(
    ("name", "with_token", "kind", "code"),
    [
        ("error-400-time-range-empty", False, RetryLater, "refused"),
        ("error-400-time-range-empty", True, CursorExpired, "cursor_expired"),  # any 400 of a round (A2)
        ("error-401-invalid-credentials", False, RetryLater, "unauthorized"),
        ("error-403-daily-limit-exceeded", False, DailyLimit, "quota"),
        ("error-403-quota-exceeded", False, RetryLater, "quota"),
        ("error-403-rate-limit-exceeded", True, Again, "rate_limit"),
        ("error-403-user-rate-limit-exceeded", False, Again, "rate_limit"),
        ("error-404-not-found", False, NotFound, "not_found"),
        ("error-410-deleted", True, CursorExpired, "cursor_expired"),
        ("error-410-full-sync-required", True, CursorExpired, "cursor_expired"),
        ("error-410-updated-min-too-long-ago", True, CursorExpired, "cursor_expired"),
        ("error-410-full-sync-required", False, RetryLater, "refused"),  # of a listing's page token
        ("error-429-rate-limit-exceeded", False, Again, "rate_limit"),
        ("error-500-backend-error", True, Again, "unavailable"),
    ],
)
def test_recorded_errors(name: str, with_token: bool, kind: type[ConnectorError], code: str) -> None:
    body = (SAMPLES / f"{name}.json").read_bytes()
    info = RequestInfo(api="calendar", subject=JO, scopes=CALENDAR_SCOPES, with_token=with_token)
    error = calendar_error(Refusal(int(name.split("-")[1]), body), info, KEY)
    assert (type(error), error.code) == (kind, code)


@cache
def discovery(name: str) -> Any:
    path = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / f"{name}.json"
    return json.loads(path.read_text("utf-8"))


_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "object": dict, "array": list}


def wrong(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str = "") -> list[str]:
    """Where a value is not as a discovery schema says: unknown keys, wrong types."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if kind == "any":
        return []
    if not isinstance(value, _TYPES[kind]):
        return [f"{where} is no {kind}"]
    if kind == "array":
        return [complaint for item in value for complaint in wrong(item, schema["items"], schemas, f"{where}[]")]
    known = schema.get("properties", {})
    if kind != "object" or not known:
        return []
    unknown = [f"{where}.{key} is unknown" for key in value if key not in known]
    deeper = (wrong(one, known[key], schemas, f"{where}.{key}") for key, one in value.items() if key in known)
    return unknown + [complaint for found in deeper for complaint in found]


def test_the_fake_writes_entries_as_the_discovery_document_says() -> None:
    schemas = discovery("calendar.v3")["schemas"]
    world = World()
    populate(world, 2, 10, NOW)
    calendar = world.calendar("person0@northwind.example")
    calendar.put(meeting("e1", location="Room 4", visibility="private", attendeesOmitted=True))
    calendar.put_series("s", {**meeting("s"), "start": {"date": "2026-10-06"}, "end": {"date": "2026-10-07"}}, 2)
    calendar.cancel("e1")
    for item in calendar.items.values():
        assert wrong(item, schemas["Event"], schemas) == []
    assert wrong({"id": 7, "x": 1}, schemas["Event"], schemas) == [".x is unknown", ".id is no string"]


def test_the_fake_writes_people_and_members_as_the_discovery_document_says() -> None:
    schemas = discovery("admin.directory_v1")["schemas"]
    world = World(groups={"all@northwind.example": ["jo@northwind.example", "ana@acme.example"]})
    world.add("jo@northwind.example")
    user = FakeUser(id="1", primary="kim@northwind.example", aliases=["k@northwind.example"], suspended=True)
    assert wrong(user.resource(), schemas["User"], schemas) == []
    for row in world.members("all@northwind.example", derived=True):
        assert wrong(row, schemas["Member"], schemas) == []


def test_every_field_asked_for_is_in_the_discovery_document() -> None:
    """A name that Google does not know would be refused with 400."""
    schemas = discovery("calendar.v3")["schemas"]
    full = _everything({"$ref": "Events"}, schemas, 5)
    kept = masked(full, FIELDS)
    assert set(kept) == {"nextPageToken", "nextSyncToken", "items"}
    asked = FIELDS.split("items(", 1)[1]
    for name in ("eventType", "guestsCanSeeOtherGuests", "endTimeUnspecified", "attendeesOmitted", "conferenceData"):
        assert name in asked
        assert name in kept["items"][0]
    assert kept["items"][0]["conferenceData"]["entryPoints"] == [{"entryPointType": "string"}]
    assert set(kept["items"][0]["attendees"][0]) == {"email", "self", "resource", "responseStatus", "additionalGuests"}


def _everything(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    """A value with every property that a schema has."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if schema.get("type") == "array":
        return [_everything(schema["items"], schemas, depth)]
    if schema.get("type") != "object" or depth == 0:
        return schema.get("type")
    return {key: _everything(one, schemas, depth - 1) for key, one in schema.get("properties", {}).items()}


def test_items_of_the_fake_hold_what_must_not_be_asked_for() -> None:
    item = complete({"id": "e1", "start": at(NOW), "end": at(NOW)}, JO, NOW)
    assert {"description", "htmlLink", "creator"} <= item.keys()
