"""The fake of Microsoft, where it is easy to get wrong: what it refuses, and what its rounds leave out."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msal  # type: ignore[import-untyped]  # msal ships no types
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_items import at, entry_id, guest, mutable, on_day, wrapped_uid
from tests.fakes.microsoft_world import FakeMailbox

NINE = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)
WINDOW = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2026-12-01T00:00:00Z"
IMMUTABLE = 'IdType="ImmutableId"'
JO = "jo@northwind.example"


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        fake.world.add(JO)
        yield fake


@pytest.fixture
def jo(graph: FakeMicrosoft) -> FakeMailbox:
    return graph.world.mailbox(JO)


def session_of(graph: FakeMicrosoft) -> requests.Session:
    session = requests.Session()
    session.trust_env, session.verify = False, str(graph.ca_file)
    return session


def sign_in(graph: FakeMicrosoft, credential: Any, **changes: Any) -> dict[str, Any]:
    """What msal gets for a credential."""
    given = {"client_id": graph.client_id, "authority": graph.authority, **changes}
    app = msal.ConfidentialClientApplication(
        client_credential=credential, http_client=session_of(graph), instance_discovery=False, **given
    )
    found: dict[str, Any] = app.acquire_token_for_client([f"{graph.host}/.default"])
    return found


@pytest.fixture
def session(graph: FakeMicrosoft) -> requests.Session:
    made = session_of(graph)
    made.headers["Authorization"] = f"Bearer {sign_in(graph, graph.secret)['access_token']}"
    made.headers["Prefer"] = IMMUTABLE
    return made


def refused(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def meeting(name: str = "e1", start: datetime = NINE, **more: Any) -> dict[str, Any]:
    end = start + timedelta(hours=1)
    return {"id": name, "start": at(start), "end": at(end), "attendees": [guest("ana@acme.example")], **more}


def delta(graph: FakeMicrosoft) -> str:
    return f"{graph.endpoint}/users/{JO}/calendarView/delta?{WINDOW}"


def told(row: dict[str, Any]) -> str:
    return f"{'-' if '@removed' in row else ''}{row['id']}"


def go_through(session: requests.Session, url: str) -> tuple[list[dict[str, Any]], str]:
    """A whole round: its rows, and the link to the next."""
    rows: list[dict[str, Any]] = []
    while True:
        page = session.get(url).json()
        rows += page["value"]
        if "@odata.deltaLink" in page:
            return rows, page["@odata.deltaLink"]
        url = page["@odata.nextLink"]


class TestSigningIn:
    def test_by_secret_and_by_certificate_in_every_form(self, graph: FakeMicrosoft, tmp_path: Path) -> None:
        pem, pfx = graph.certificate(tmp_path).read_text("utf-8"), graph.pfx(tmp_path, "pw")
        certificate = x509.load_pem_x509_certificate(pem.encode())
        old = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303  # msal's older way
        for credential in (
            graph.secret,
            {"private_key": pem, "public_certificate": pem},
            {"private_key": pem, "thumbprint": old},
            {"private_key_pfx_path": str(pfx), "passphrase": "pw", "public_certificate": True},
        ):
            assert "access_token" in sign_in(graph, credential), credential

    def test_the_token_tells_the_roles(self, graph: FakeMicrosoft) -> None:
        part = sign_in(graph, graph.secret)["access_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=="))
        assert set(claims["roles"]) == graph.roles
        graph.roles.clear()
        part = sign_in(graph, graph.secret)["access_token"].split(".")[1]
        assert "roles" not in json.loads(base64.urlsafe_b64decode(part + "=="))

    def test_what_does_not_hold_is_refused_with_its_code(self, graph: FakeMicrosoft, tmp_path: Path) -> None:
        assert sign_in(graph, "wrong")["error_codes"] == [7000215]
        assert sign_in(graph, graph.secret, client_id="0" * 36)["error_codes"] == [700016]
        graph.certificate(tmp_path)
        other = graph.tokens.pem(tmp_path, "two", registered=False).read_text("utf-8")
        assert sign_in(graph, {"private_key": other, "public_certificate": other})["error_codes"] == [700027]
        graph.tokens.secret_expired = True
        assert sign_in(graph, graph.secret)["error_codes"] == [7000222]
        with pytest.raises(ValueError, match="authority configuration") as raised:
            sign_in(graph, graph.secret, authority=f"{graph.host}/{'0' * 36}")
        assert "AADSTS90002" in str(raised.value.__context__)

    def test_a_stolen_thumbprint_does_not_help(self, graph: FakeMicrosoft, tmp_path: Path) -> None:
        """The certificate is the app's, the key is not."""
        good = graph.certificate(tmp_path).read_text("utf-8")
        bad = graph.tokens.pem(tmp_path, "two", registered=False).read_text("utf-8")
        assert sign_in(graph, {"private_key": bad, "public_certificate": good})["error_codes"] == [700027]

    def test_an_assertion_that_has_ended_is_refused(self, graph: FakeMicrosoft, tmp_path: Path) -> None:
        pem = graph.certificate(tmp_path).read_text("utf-8")
        graph.tokens.skew = timedelta(hours=1)
        assert sign_in(graph, {"private_key": pem, "public_certificate": pem})["error_codes"] == [700024]

    def test_tokens_end(self, graph: FakeMicrosoft, session: requests.Session) -> None:
        assert session.get(delta(graph)).status_code == 200
        graph.tokens.skew = timedelta(hours=1)
        assert refused(session.get(delta(graph))) == (401, "InvalidAuthenticationToken")


class TestPermissions:
    def test_each_address_asks_for_its_role(self, graph: FakeMicrosoft, session: requests.Session) -> None:
        graph.roles.clear()
        session.headers["Authorization"] = f"Bearer {sign_in(graph, graph.secret)['access_token']}"
        assert refused(session.get(f"{graph.endpoint}/users")) == (403, "Authorization_RequestDenied")
        assert refused(session.get(f"{graph.endpoint}/groups")) == (403, "Authorization_RequestDenied")
        assert refused(session.get(delta(graph))) == (403, "ErrorAccessDenied")
        graph.graph.scoped.add(JO)  # RBAC for Applications: no role in the token
        assert session.get(delta(graph)).status_code == 200

    def test_the_body_comes_only_with_the_full_permission(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        jo.put(meeting())
        assert "body" not in go_through(session, delta(graph))[0][0]
        graph.roles.add("Calendars.Read")
        session.headers["Authorization"] = f"Bearer {sign_in(graph, graph.secret)['access_token']}"
        assert "pin" in go_through(session, delta(graph))[0][0]["body"]["content"]


class TestPeople:
    def test_paging_and_selecting(self, graph: FakeMicrosoft, session: requests.Session) -> None:
        graph.world.add("kim@northwind.example", aliases=["k@northwind.example"])
        page = session.get(f"{graph.endpoint}/users?$select=id,proxyAddresses&$top=1").json()
        assert set(page["value"][0]) == {"id", "proxyAddresses"}
        (kim,) = session.get(page["@odata.nextLink"]).json()["value"]
        assert kim["proxyAddresses"] == ["SMTP:kim@northwind.example", "smtp:k@northwind.example"]
        assert refused(session.get(page["@odata.nextLink"] + "&$top=1")) == (400, "Directory_ExpiredPageToken")
        assert session.get(f"{graph.endpoint}/users?$top=1000").status_code == 400
        assert "proxyAddresses" not in session.get(f"{graph.endpoint}/users").json()["value"][0]  # unless asked for

    def test_members_of_groups_in_groups(self, graph: FakeMicrosoft, session: requests.Session) -> None:
        inner = graph.world.add_group("in'ner@northwind.example", [JO])
        outer = graph.world.add_group("outer@northwind.example", ["in'ner@northwind.example"])
        inner.members.append(outer.id)
        found = session.get(f"{graph.endpoint}/groups?$filter=mail eq 'in''ner@northwind.example'").json()["value"]
        assert [row["id"] for row in found] == [inner.id]
        url = f"{graph.endpoint}/groups/{outer.id}/transitiveMembers/microsoft.graph.user?$count=true&$select=mail"
        assert refused(session.get(url)) == (400, "Request_UnsupportedQuery")
        session.headers["ConsistencyLevel"] = "eventual"
        assert [row["mail"] for row in session.get(url).json()["value"]] == [JO]


class TestDelta:
    def test_what_may_not_be_asked_of_it(self, graph: FakeMicrosoft, session: requests.Session) -> None:
        assert refused(session.get(delta(graph) + "&$select=subject")) == (400, "ErrorInvalidUrlQuery")
        _, link = go_through(session, delta(graph))
        assert refused(session.get(link + "&startDateTime=2026-01-01")) == (400, "ErrorInvalidUrlQuery")
        assert refused(session.get(link.replace("%2B", "+"))) == (400, "ErrorInvalidUrlQuery")
        assert refused(session.get(delta(graph).split("?")[0])) == (400, "ErrorInvalidParameter")

    def test_ids_have_the_form_of_each_request(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        kept = jo.put(meeting())
        other = jo.put(meeting("E1"))
        assert kept.lower() == other.lower()
        url = f"{graph.endpoint}/users/{JO}/events/"
        assert session.get(url + quote(other, safe="")).json()["id"] == other
        assert session.get(url + kept).status_code == 400  # not quoted
        del session.headers["Prefer"]
        assert go_through(session, delta(graph))[0][0]["id"] == mutable(kept) != kept
        assert refused(session.get(url + quote(kept, safe=""))) == (400, "ErrorInvalidIdMalformed")

    def test_a_series_is_sent_again_without_what_was_deleted(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        master, parts = jo.put_series("s1", meeting(), 4)  # 10, 17, 24 November, 1 December
        rows, link = go_through(session, delta(graph))
        assert [told(row) for row in rows] == [master, *parts[:3]]
        assert "subject" not in rows[1]
        jo.delete_occurrence(parts[1])
        rows, link = go_through(session, link)
        assert [told(row) for row in rows] == [master, parts[0], parts[2]]
        jo.delete(master)
        rows, link = go_through(session, link)
        assert [told(row) for row in rows] == [f"-{master}"]
        assert go_through(session, link)[0] == []

    def test_what_leaves_the_window_is_removed_and_stands_elsewhere(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        entry = jo.put(meeting())
        _, link = go_through(session, delta(graph))
        later = NINE + timedelta(60)
        jo.move(entry, at(later), at(later + timedelta(hours=1)))
        outside = jo.put(meeting("e2", later))
        rows, link = go_through(session, link)
        assert [told(row) for row in rows] == [f"-{entry}", f"-{outside}"]
        assert session.get(f"{graph.endpoint}/users/{JO}/events/{quote(entry, safe='')}").status_code == 200
        jo.quirk(outside_tombstones=False)
        jo.change(outside, subject="x")
        assert go_through(session, link)[0] == []

    @pytest.mark.parametrize(
        ("masters", "expected"),
        [("present", ["s1", "s1/2026-11-10T09:00"]), ("absent", ["s1/2026-11-10T09:00"]), ("alone", ["s1"])],
    )
    def test_masters_come_or_not(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session, masters: Any, expected: list[str]
    ) -> None:
        jo.quirk(masters=masters)
        jo.put_series("s1", meeting(), 1)
        assert [row["id"] for row in go_through(session, delta(graph))[0]] == [entry_id(entry) for entry in expected]

    def test_pages_hold_what_stood_there_when_the_round_began(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        jo.quirk(empty_pages=True, repeats=True)
        graph.graph.page_size = 1
        for name in ("e1", "e2"):
            jo.put(meeting(name))
        url, pages = delta(graph), []
        while "deltatoken" not in url:
            page = session.get(url).json()
            pages.append([row["id"] for row in page["value"]])
            jo.change(entry_id("e2"), subject="meanwhile")
            url = page.get("@odata.nextLink") or page["@odata.deltaLink"]
        first, second = entry_id("e1"), entry_id("e2")
        assert pages == [[], [first], [], [first, second]]
        assert [row["subject"] for row in go_through(session, url)[0]] == ["meanwhile"]

    def test_links_expire_between_pages_too(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        graph.graph.page_size = 1
        for name in ("e1", "e2"):
            jo.put(meeting(name))
        link = session.get(delta(graph)).json()["@odata.nextLink"]
        jo.expire_tokens()
        assert refused(session.get(link)) == (410, "SyncStateNotFound")

    def test_no_more_than_four_at_once(self, graph: FakeMicrosoft, session: requests.Session) -> None:
        graph.fail(only_delay=True, delay_seconds=0.2, times=9)
        token = session.headers["Authorization"]
        codes: list[int] = []

        def ask() -> None:
            with session_of(graph) as own:
                codes.append(own.get(delta(graph), headers={"Authorization": token}).status_code)

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [200, 200, 200, 200, 429]
        assert graph.graph.violations == 1


class TestPlainListings:
    def test_the_view_tells_occurrences_in_full_and_no_masters(
        self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session
    ) -> None:
        master, parts = jo.put_series("s1", meeting(wraps="uid@google.example"), 2)
        page = session.get(f"{graph.endpoint}/users/{JO}/calendarView?{WINDOW}&$select=iCalUId,attendees&$top=1").json()
        (first,) = page["value"]
        assert first["id"] == parts[0]
        assert first["iCalUId"] == wrapped_uid("uid@google.example", NINE.date())
        assert first["attendees"][0]["emailAddress"]["address"] == "ana@acme.example"
        assert "subject" not in first
        url = f"{graph.endpoint}/users/{JO}/events/{quote(master, safe='')}/instances?{WINDOW}"
        assert [row["id"] for row in session.get(url).json()["value"]] == parts

    def test_whole_days_are_the_owners(self, graph: FakeMicrosoft, jo: FakeMailbox, session: requests.Session) -> None:
        """30 November in New York ends on 1 December at 05:00 UTC."""
        jo.zone = "America/New_York"
        day = NINE.date().replace(day=30)
        jo.put({"id": "d1", "start": on_day(day), "end": on_day(day + timedelta(1)), "isAllDay": True})
        window = "startDateTime=2026-12-01T04:00:00Z&endDateTime=2026-12-02T00:00:00Z"
        url = f"{graph.endpoint}/users/{JO}/calendarView?{window}"
        assert [row["id"] for row in session.get(url).json()["value"]] == [entry_id("d1")]
