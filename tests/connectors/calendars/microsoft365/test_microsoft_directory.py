"""Whose calendars are read: directory, groups, addresses, `exclude`, by the least permission (docs/providers.md B8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Roster
from connectors.errors import RetryLater, StopConnector
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_client import meeting, tenant
from tests.fakes.reading import JO, copies, pull

KIM, LEE = "kim@northwind.example", "lee@northwind.example"
SALES, TEAM = "sales@northwind.example", "team@northwind.example"
LOGIN = "jo.smith@northwind.example"


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        fake.world.add(JO, upn=LOGIN, aliases=["josephine@northwind.example"])
        fake.world.add(KIM)
        fake.world.add(LEE)
        fake.world.add_group(TEAM, [KIM])
        fake.world.add_group(SALES, [JO, TEAM])
        yield fake


def roster(graph: FakeMicrosoft, folder: Path, **settings: Any) -> Roster:
    connector = tenant(graph, folder, **settings)
    try:
        return connector.people()
    finally:
        connector.close()


def addresses(found: Roster) -> list[str]:
    return [person.address for person in found.people]


def test_everybody_by_object_id_with_their_aliases(graph: FakeMicrosoft, tmp_path: Path) -> None:
    found = roster(graph, tmp_path, calendars=["*"])
    assert addresses(found) == [JO, KIM, LEE]
    jo, user = found.people[0], graph.world.find(JO)
    assert user is not None
    assert (jo.id, jo.addresses) == (user.id, (JO, LOGIN, "josephine@northwind.example"))
    assert found.from_directory
    assert found.groups == (SALES, TEAM)  # groups are nobody (R3)


@pytest.mark.parametrize("change", [{"enabled": False}, {"user_type": "Guest"}])
@pytest.mark.parametrize("wanted", ["*", KIM, f"group:{TEAM}"])
def test_guests_and_shut_accounts_are_left_out_however_named(
    graph: FakeMicrosoft, tmp_path: Path, change: dict[str, Any], wanted: str
) -> None:
    user = graph.world.find(KIM)
    assert user is not None
    for name, value in change.items():
        setattr(user, name, value)
    assert KIM not in addresses(roster(graph, tmp_path, calendars=[wanted, JO]))


def test_groups_within_groups_in_pages_by_address_or_id(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.graph.page_size = 1
    group = graph.world.find_group(SALES)
    assert group is not None
    for named in (SALES, group.id, SALES.upper()):
        assert addresses(roster(graph, tmp_path, calendars=[f"group:{named}"])) == [JO, KIM]


def test_exclude_takes_everybody_by_any_of_their_addresses(graph: FakeMicrosoft, tmp_path: Path) -> None:
    found = roster(graph, tmp_path, calendars=["*"], exclude=["josephine@northwind.example", f"group:{TEAM}"])
    assert addresses(found) == [LEE]
    assert set(found.excluded) == {JO, LOGIN, "josephine@northwind.example", KIM}


@pytest.mark.parametrize("wanted", ["*", f"group:{SALES}"])
def test_a_list_that_leads_to_itself_is_given_up_at_once(graph: FakeMicrosoft, tmp_path: Path, wanted: str) -> None:
    link = f"{graph.endpoint}/users?$skiptoken=1"
    graph.fail(path="/v1.0/", status=200, times=9, body=json.dumps({"value": [], "@odata.nextLink": link}).encode())
    with pytest.raises(RetryLater, match="does not end"):
        roster(graph, tmp_path, calendars=[wanted])


@pytest.mark.parametrize("wanted", [JO, LOGIN, "josephine@northwind.example"])
def test_an_address_of_the_config_is_the_person_who_has_it(graph: FakeMicrosoft, tmp_path: Path, wanted: str) -> None:
    """By the name to sign in with at once, by another address through a search."""
    found = roster(graph, tmp_path, calendars=[wanted])
    user = graph.world.find(JO)
    assert user is not None
    assert [person.id for person in found.people] == [user.id]
    assert not found.from_directory  # the config named them


def test_an_address_that_nobody_has_is_kept_to_say_so(graph: FakeMicrosoft, tmp_path: Path) -> None:
    connector = tenant(graph, tmp_path, calendars=["nobody@northwind.example"])
    (person,) = connector.people().people
    assert person.id == "nobody@northwind.example"


def test_addresses_need_no_permission_but_that_for_calendars(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.roles.intersection_update({"Calendars.ReadBasic.All"})
    graph.world.mailbox(KIM).put(meeting("e1"))
    connector = tenant(graph, tmp_path, calendars=[KIM, LEE])
    found = connector.people()
    assert [person.id for person in found.people] == [KIM, LEE]
    assert connector.roster_requests == 1  # once refused, nothing more is asked
    assert len(copies(pull(connector, address=KIM)[0])) == 1


@pytest.mark.parametrize(
    ("roles", "calendars", "missing"),
    [
        ({"Calendars.ReadBasic.All"}, ["*"], "User.Read.All"),
        ({"Calendars.ReadBasic.All", "User.Read.All"}, [f"group:{SALES}"], "GroupMember.Read.All"),
        ({"Calendars.ReadBasic.All", "GroupMember.Read.All"}, [f"group:{SALES}"], "User.Read.All"),
    ],
)
def test_the_permission_that_is_missing_is_named(
    graph: FakeMicrosoft, tmp_path: Path, roles: set[str], calendars: list[str], missing: str
) -> None:
    graph.roles.intersection_update(roles)
    with pytest.raises(StopConnector) as raised:
        roster(graph, tmp_path, calendars=calendars)
    assert raised.value.code == "consent"
    assert missing in raised.value.what
    assert missing in raised.value.remedy
    assert "Grant admin consent" in raised.value.remedy


def test_a_list_that_leads_to_itself_is_not_followed(graph: FakeMicrosoft, tmp_path: Path) -> None:
    link = f"{graph.endpoint}/users?$skiptoken=1"
    graph.fail(path="/users", status=200, times=100, body=json.dumps({"value": [], "@odata.nextLink": link}).encode())
    with pytest.raises(RetryLater) as raised:
        roster(graph, tmp_path, calendars=["*"])
    assert (raised.value.code, len(graph.seen)) == ("endless", 2)


def test_everybody_without_the_permission_for_groups(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.roles.discard("GroupMember.Read.All")
    found = roster(graph, tmp_path, calendars=["*"])
    assert (len(found.people), found.groups) == (3, ())


@pytest.mark.parametrize("group", ["other@northwind.example", "4d0ef681-e88f-42a3-a2db-e6bf1e249e10"])
def test_a_group_that_does_not_exist(graph: FakeMicrosoft, tmp_path: Path, group: str) -> None:
    with pytest.raises(StopConnector) as raised:
        roster(graph, tmp_path, calendars=[f"group:{group}"])
    assert (raised.value.code, group in raised.value.what) == ("no_group", True)


def test_a_wrong_secret_is_told_and_not_taken_for_a_missing_permission(graph: FakeMicrosoft, tmp_path: Path) -> None:
    with pytest.raises(StopConnector) as raised:
        roster(graph, tmp_path, client_secret="0" * 40)
    assert raised.value.code == "credentials"


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "retry_after": "0.02"}, {"drop": True}])
def test_passing_trouble_is_waited_out(graph: FakeMicrosoft, tmp_path: Path, fault: dict[str, Any]) -> None:
    graph.fail(path="/v1.0/users", **fault)
    assert len(roster(graph, tmp_path, calendars=["*"]).people) == 3


def test_a_directory_that_stays_away_is_no_empty_one(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.fail(path="/v1.0/users", status=503, times=100)
    for wanted in ("*", JO):
        with pytest.raises(RetryLater):
            roster(graph, tmp_path, calendars=[wanted])


def test_requests_are_counted(graph: FakeMicrosoft, tmp_path: Path) -> None:
    connector = tenant(graph, tmp_path, calendars=["*", f"group:{SALES}"])
    connector.people()
    assert connector.roster_requests == len(graph.seen) == 4  # people, the group, its members, the groups' addresses
    assert {request.consistency for request in graph.seen} == {"eventual"}
