"""A listing unpacked event by event says what it says when unpacked whole; `json_object` reads what is unusual."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.calendars.google.json_pages import UNUSUAL, in_parts
from connectors.calendars.shared.refusals import json_object

ITEM = {"id": "e1", "summary": "Zo\u00eb \U0001f600", "attendees": [{"email": "a@acme.example"}], "n": 1.5, "no": None}


@pytest.mark.parametrize(
    "answer",
    [
        {"items": [ITEM, {**ITEM, "id": "e2"}], "nextPageToken": "p"},
        {"items": [], "nextSyncToken": "s", "kind": "calendar#events"},
        {"items": [1, "text", None, [ITEM]]},  # hostile
        {"items": None},
        {},
    ],
)
def test_in_parts_or_whole_a_listing_says_the_same(answer: dict[str, Any]) -> None:
    found = in_parts(json.dumps(answer).encode())
    assert list(found["items"]) == (answer.get("items") or [])
    assert len(found["items"]) == len(answer.get("items") or [])
    assert [found["items"][index] for index in range(len(found["items"]))] == list(found["items"])
    assert found["nextPageToken"] == answer.get("nextPageToken")
    assert found["nextSyncToken"] == answer.get("nextSyncToken")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b'{"items": {"id": "e1"}}',
        b'{"items": [{"id": "e1"}',  # it broke off
        b'{"items": [{"id": "e1", "summary": "\\ud800"}]}',  # half a character, which json takes
        b'{"items": [{"id": "e1", "summary": "\xff"}]}',
        b'{"items": [], "nextPageToken": 7}',
        '{"items": []}'.encode("utf-16"),
    ],
)
def test_what_is_unusual_is_left_to_whole(body: bytes) -> None:
    with pytest.raises(UNUSUAL):
        list(in_parts(body)["items"])
    try:
        expected = json.loads(body)
    except ValueError:
        expected = None
    assert json_object(body) == (expected if isinstance(expected, dict) else None)
