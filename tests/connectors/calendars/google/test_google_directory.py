"""Whose calendars are read: directory, groups, addresses, `exclude` (`docs/providers.md` A8; R2, R3), settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.calendars.google import Settings
from connectors.contract import Roster
from connectors.errors import RetryLater, StopConnector, sentence
from tests.fakes.google import CALENDAR, CLIENT_ID, MEMBERS, OWNED, USERS, FakeGoogle
from tests.fakes.google_client import workspace
from tests.fakes.reading import JO, pull

ADMIN, KIM, LEE = "admin@northwind.example", "kim@northwind.example", "lee@northwind.example"
SALES, TEAM = "sales@northwind.example", "team@northwind.example"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        fake.world.add(ADMIN, admin=True)
        fake.world.add(JO, aliases=["josephine@northwind.example"])
        fake.world.add(KIM)
        fake.world.add(LEE)
        fake.world.groups = {SALES: [JO, TEAM, "ana@acme.example"], TEAM: [KIM, SALES]}
        yield fake


def roster(google: FakeGoogle, folder: Path, **settings: Any) -> Roster:
    connector = workspace(google, folder, **{"admin": ADMIN, **settings})
    try:
        return connector.people()
    finally:
        connector.close()


def addresses(found: Roster) -> list[str]:
    return [person.address for person in found.people]


def test_everybody_by_the_directorys_id_with_their_aliases(google: FakeGoogle, tmp_path: Path) -> None:
    found = roster(google, tmp_path, calendars=["*"])
    assert addresses(found) == [ADMIN, JO, KIM, LEE]
    jo = found.people[1]
    user = google.world.find(JO)
    assert user is not None
    assert jo.id == user.id
    assert jo.addresses == (JO, "josephine@northwind.example")
    assert found.from_directory


@pytest.mark.parametrize("left_out", ["suspended", "archived", "guest"])
@pytest.mark.parametrize("wanted", ["*", KIM, f"group:{SALES}"])
def test_who_is_inactive_is_left_out_however_named(
    google: FakeGoogle, tmp_path: Path, left_out: str, wanted: str
) -> None:
    user = google.world.find(KIM)
    assert user is not None
    setattr(user, left_out, True)
    assert KIM not in addresses(roster(google, tmp_path, calendars=[wanted, f"group:{TEAM}"]))


@pytest.mark.parametrize("wanted", ["*", f"group:{SALES}"])
def test_a_list_that_leads_to_itself_is_given_up_at_once(google: FakeGoogle, tmp_path: Path, wanted: str) -> None:
    google.fail(path="/directory/", status=200, times=9, body=b'{"nextPageToken": "0"}')
    with pytest.raises(RetryLater, match="does not end"):
        roster(google, tmp_path, calendars=[wanted])


def test_a_renamed_person_keeps_their_id(google: FakeGoogle, tmp_path: Path) -> None:
    before = roster(google, tmp_path, calendars=["*"]).people[1]
    user = google.world.find(JO)
    assert user is not None
    user.primary, user.aliases = "jo.smith@northwind.example", [JO]
    after = roster(google, tmp_path, calendars=["*"]).people[1]
    assert after.id == before.id
    assert after.addresses == ("jo.smith@northwind.example", JO)


def test_groups_within_groups_in_pages_with_strangers_left_out(google: FakeGoogle, tmp_path: Path) -> None:
    google.page_size = 1
    found = roster(google, tmp_path, calendars=[f"group:{SALES}"])
    assert sorted(addresses(found)) == [JO, KIM]
    assert found.groups == (SALES, TEAM)


def test_addresses_alone_need_no_directory(google: FakeGoogle, tmp_path: Path) -> None:
    connector = workspace(google, tmp_path, calendars=["Jo@Northwind.example", JO])
    found = connector.people()
    assert [(person.id, person.addresses) for person in found.people] == [(JO, (JO,))]
    assert (google.seen, google.tokens, connector.roster_requests, found.from_directory) == ([], {}, 0, False)
    connector.close()


def test_an_address_that_the_directory_knows_goes_by_its_id(google: FakeGoogle, tmp_path: Path) -> None:
    wanted = ["josephine@northwind.example", "contractor@else.example", f"group:{TEAM}"]
    found = roster(google, tmp_path, calendars=wanted)
    assert addresses(found) == [JO, "contractor@else.example", KIM]
    user = google.world.find(JO)
    assert user is not None
    assert found.people[0].id == user.id


def test_an_address_is_theirs_whose_primary_one_it_is(google: FakeGoogle, tmp_path: Path) -> None:
    """Whoever else still has it as an alias, and wherever in the directory they stand."""
    jo, lee = google.world.find(JO), google.world.find(LEE)
    assert jo is not None
    assert lee is not None
    jo.aliases.append(LEE)
    found = roster(google, tmp_path, calendars=[LEE, f"group:{TEAM}"])
    assert [(one.id, one.address) for one in found.people][:2] == [(lee.id, LEE), (jo.id, JO)]


@pytest.mark.parametrize(
    ("exclude", "left", "erased"),
    [
        ([KIM], [ADMIN, JO, LEE], {KIM}),
        (["josephine@northwind.example"], [ADMIN, KIM, LEE], {JO, "josephine@northwind.example"}),  # by an alias
        ([f"group:{TEAM}"], [ADMIN, LEE], {JO, "josephine@northwind.example", KIM, "ana@acme.example"}),
        (["nobody@northwind.example"], [ADMIN, JO, KIM, LEE], {"nobody@northwind.example"}),
    ],
)
def test_who_is_excluded_is_erased_under_every_address(
    google: FakeGoogle, tmp_path: Path, exclude: list[str], left: list[str], erased: set[str]
) -> None:
    found = roster(google, tmp_path, calendars=["*"], exclude=exclude)
    assert addresses(found) == left
    assert set(found.excluded) == erased


def test_the_least_scopes_each_for_its_purpose(google: FakeGoogle, tmp_path: Path) -> None:
    google.delegated = {CALENDAR, USERS}  # a scope that is not delegated would refuse the whole token
    connector = workspace(google, tmp_path, calendars=["*"], admin=ADMIN)
    assert len(connector.people().people) == 4
    pull(connector)
    assert google.token_scopes == {CALENDAR, USERS}
    assert google.tokens == {ADMIN: 1, JO: 1}
    connector.close()


def test_scopes_of_the_config_replace_the_least(google: FakeGoogle, tmp_path: Path) -> None:
    google.delegated = {OWNED, USERS, MEMBERS}
    connector = workspace(
        google, tmp_path, calendars=[f"group:{TEAM}"], admin=ADMIN, scopes=["calendar.events.owned.readonly"]
    )
    connector.people()
    pull(connector)
    assert google.token_scopes == {OWNED, USERS, MEMBERS}
    connector.close()


def test_only_needed_fields_of_people_are_asked_for(google: FakeGoogle, tmp_path: Path) -> None:
    roster(google, tmp_path, calendars=[f"group:{TEAM}"])
    assert [request.subject for request in google.seen] == [ADMIN, ADMIN]
    asked = google.seen[0].query["fields"]
    assert "name" not in asked
    assert {"maxResults": "500", "customer": "my_customer"}.items() <= google.seen[0].query.items()
    assert google.seen[1].query["includeDerivedMembership"] == "true"


def test_a_list_that_leads_to_itself_is_not_followed(google: FakeGoogle, tmp_path: Path) -> None:
    google.fail(path="/users", status=200, times=100, body=json.dumps({"users": [], "nextPageToken": "p"}).encode())
    with pytest.raises(RetryLater) as raised:
        roster(google, tmp_path, calendars=["*"])
    assert (raised.value.code, len(google.seen)) == ("endless", 2)


def test_roster_requests_are_counted(google: FakeGoogle, tmp_path: Path) -> None:
    google.page_size = 2
    connector = workspace(google, tmp_path, calendars=[f"group:{TEAM}"], admin=ADMIN)
    for _ in range(2):
        connector.people()
        assert connector.roster_requests == 2 + 3
    connector.close()


@pytest.mark.parametrize(
    ("break_it", "code", "remedy"),
    [
        (lambda google: google.delegated.discard(USERS), "unauthorized_client", f"client ID {CLIENT_ID} exactly"),
        (lambda google: setattr(google.world.find(ADMIN), "admin", False), "not_admin", "Admin roles"),
        (lambda google: setattr(google.world.find(ADMIN), "suspended", True), "no_admin", "`admin`"),
        (lambda google: google.world.groups.pop(SALES), "no_group", "group's address"),
        (
            lambda google: google.fail(path="/admin/", status=403, reason="accessNotConfigured"),
            "api_off",
            "console.cloud.google.com/apis/library/admin.googleapis.com?project=northwind-rapport",
        ),
    ],
)
def test_a_directory_that_cannot_be_read_stops_the_connector(
    google: FakeGoogle, tmp_path: Path, break_it: Any, code: str, remedy: str
) -> None:
    break_it(google)
    with pytest.raises(StopConnector) as raised:
        roster(google, tmp_path, calendars=[f"group:{SALES}"])
    assert raised.value.code == code
    assert remedy in sentence(raised.value)


GIVEN: dict[str, Any] = {"name": "w", "kind": "google", "credentials_file": "key.json", "calendars": [JO]}


@pytest.mark.parametrize(
    "given",
    [
        {"calendars": []},
        {"calendars": ["jo"]},
        {"calendars": ["group:"]},
        {"calendars": ["group:sales"]},
        {"calendars": ["*"]},  # nobody to read the directory as
        {"calendars": [f"group:{SALES}"]},
        {"exclude": [f"group:{SALES}"]},
        {"exclude": ["*"]},
        {"admin": "administrator"},
        {"requests_per_minute": -1},
        {"api_endpoint": "http://proxy.northwind.example"},
        {"api_endpoint": "https://private.example/calendar/v3/"},
        {"api_endpoint": "ftp://private.example"},
        {"api_endpoint": "https://"},
        {"calenders": ["*"]},
    ],
)
def test_settings_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**(GIVEN | given))


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, ""),
        ({"api_endpoint": "https://private.example/"}, "https://private.example"),
        ({"api_endpoint": "http://localhost:8765"}, "http://localhost:8765"),
        ({"api_endpoint": "http://[::1]:8765"}, "http://[::1]:8765"),
    ],
)
def test_settings_that_can_be(given: dict[str, Any], endpoint: str) -> None:
    assert Settings(**(GIVEN | given)).api_endpoint == endpoint
