"""What goes wrong with Graph, and what is done next, with which words (`docs/providers.md` B6, B7; G6, G7)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.calendars.microsoft365.errors import RequestInfo, calendar_error
from connectors.calendars.shared.refusals import Refusal
from connectors.contract import Calendars, Page
from connectors.errors import ConnectorError, CursorExpired, RetryLater, SkipCalendar, sentence
from connectors.net.retry import Again, Patience
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_client import meeting, tenant
from tests.fakes.reading import JO, copies, person, pull, reading

KIM = "kim@northwind.example"
BRIEF = Patience(tries=2, seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.02)
RAOP = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings."
SAMPLES = Path(__file__).parents[2] / "samples" / "graph"


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        for address in (JO, KIM):
            fake.world.add(address).put(meeting("e1", subject="Secret title"))
        yield fake


@pytest.fixture
def connector(graph: FakeMicrosoft, tmp_path: Path) -> Iterator[Calendars]:
    made = tenant(graph, tmp_path, calendars=[JO, KIM])
    yield made
    made.close()


def error_of(connector: Calendars, address: str = JO, cursor: str | None = None) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        pull(connector, cursor, address=address)
    assert "Secret" not in sentence(raised.value)
    return raised.value


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "code": "TooManyRequests"},
        {"status": 429, "code": "ApplicationThrottled", "retry_after": 0.128},
        {"status": 429, "body": b"slow down"},
        {"status": 503, "code": "serviceNotAvailable"},
        {"status": 503, "body": b""},
        {"status": 500, "code": "ErrorInternalServerError"},
        {"status": 502, "body": b"<html>Bad Gateway</html>"},
        {"status": 504},
        {"status": 509, "code": "activityLimitReached"},
        {"status": 400, "code": "ErrorServerBusy"},
        {"drop": True},
        {"status": 200, "body": b"<html>Sign in to the guest network</html>"},
        {"status": 200, "body": b"[]"},
        {"status": 200, "body": b'{"value": {}}'},
        {"status": 200, "body": b'{"value": [', "cut": True},
        {"status": 200, "body": b"[" * 100_000},
    ],
)
def test_passing_trouble_is_waited_out(graph: FakeMicrosoft, connector: Calendars, fault: dict[str, Any]) -> None:
    graph.fail(**fault)
    pages, done = pull(connector)
    assert len(copies(pages)) == 1
    assert done.requests == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}, {"status": 429, "retry_after": "0.01"}])
@pytest.mark.parametrize("path", ["/instances", "/events/"])
def test_passing_trouble_while_a_round_is_settled(
    graph: FakeMicrosoft, connector: Calendars, fault: dict[str, Any], path: str
) -> None:
    box = graph.world.mailbox(JO)
    master, _ = box.put_series("weekly", {**meeting("x"), "id": "x"}, 3)
    pages, done = pull(connector)
    held = frozenset(copies(pages))
    box.change(master, subject="Other")
    box.delete(next(entry for entry in box.items if entry != master and box.items[entry]["seriesMasterId"] is None))
    graph.fail(path=path, **fault)
    *found, _ = connector.pull(person(), reading(done.cursor, held=held))
    assert len(copies(page for page in found if isinstance(page, Page))) == 3


def test_what_is_asked_to_wait_is_waited_out(graph: FakeMicrosoft, connector: Calendars) -> None:
    graph.fail(status=429, code="TooManyRequests", retry_after="0.3")
    began = time.monotonic()
    pull(connector)
    assert 0.3 <= time.monotonic() - began < 3


def test_a_long_wait_is_left_to_the_next_pass(graph: FakeMicrosoft, connector: Calendars) -> None:
    graph.fail(status=429, code="TooManyRequests", retry_after="300")
    began = time.monotonic()
    error = error_of(connector)
    assert isinstance(error, RetryLater)
    assert (error.code, error.after_seconds) == ("rate_limit", 300)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 503}, "unavailable"),
        ({"status": 429}, "rate_limit"),
        ({"drop": True}, "unreachable"),
        ({"status": 200, "body": b"no json"}, "garbled"),
        ({"status": 403, "body": b"<html>Blocked by Example Firewall</html>"}, "blocked"),  # not Graph's word
        ({"status": 404, "body": b""}, "blocked"),
        ({"status": 400, "code": "BadRequest"}, "refused"),
        ({"status": 200, "body": b'{"value": []}'}, "endless"),  # no link at all
        ({"status": 200, "body": b'{"value": [], "@odata.nextLink": 7}'}, "foreign_link"),
    ],
)
def test_trouble_that_stays_is_tried_again_later(
    graph: FakeMicrosoft, tmp_path: Path, fault: dict[str, Any], code: str
) -> None:
    graph.fail(times=100, **fault)
    error = error_of(tenant(graph, tmp_path, patience=BRIEF))
    assert isinstance(error, RetryLater)
    assert error.code == code
    assert error.requests == len(graph.listings()) > 0


def test_an_answer_that_never_ends(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.fail(endless=True, times=100)
    assert error_of(tenant(graph, tmp_path, patience=BRIEF, timeout_seconds=0.2)).code == "slow"


@pytest.mark.parametrize(
    ("listing", "code"), [("first", "endless"), ("changes", "cursor_expired"), ("view", "endless")]
)
def test_a_list_that_leads_to_itself_is_given_up_at_once(
    graph: FakeMicrosoft, connector: Calendars, listing: str, code: str
) -> None:
    _, done = pull(connector)
    asked = len(graph.listings())
    link = f"{graph.endpoint}/users/x/calendarView/delta?$skiptoken=1"
    graph.fail(status=200, times=100, body=json.dumps({"value": [], "@odata.nextLink": link}).encode())
    with pytest.raises(ConnectorError) as raised:
        pull(connector, None if listing == "first" else done.cursor, full=listing == "view")
    assert (raised.value.code, len(graph.listings()) - asked) == (code, 2)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ((404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, or hosted on-premise."), "no_mailbox"),
        ((404, "MailboxNotSupportedForRESTAPI", "x"), "no_mailbox"),
        ((404, "mailboxNotEnabledForRestApi", "x"), "no_mailbox"),
        ((404, "ErrorNonExistentMailbox", "x"), "no_mailbox"),
        ((404, "Request_ResourceNotFound", "x"), "no_user"),
        ((404, "ErrorInvalidUser", "x"), "no_user"),
        ((403, "ErrorAccessDenied", RAOP), "forbidden"),
        ((403, "ErrorAccessDenied", "Access is denied."), "forbidden"),
        ((403, "accessDenied", "x"), "forbidden"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_left_out_for_good(
    graph: FakeMicrosoft, connector: Calendars, refusal: tuple[int, str, str], code: str
) -> None:
    """For a standing reason, which R11 names; the others go on. A cursor from better days changes nothing."""
    _, done = pull(connector)
    graph.world.mailbox(JO).refusal = refusal
    for cursor in (None, done.cursor):
        error = error_of(connector, cursor=cursor)
        assert isinstance(error, SkipCalendar)
        assert (error.code, error.standing) == (code, True)
        assert error.remedy
        assert "RAOP" not in sentence(error)
    assert len(copies(pull(connector, address=KIM)[0])) == 1


def test_no_permission_for_calendars_says_which(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.roles.discard("Calendars.ReadBasic.All")
    error = error_of(tenant(graph, tmp_path))
    assert isinstance(error, SkipCalendar)
    assert (error.code, error.standing) == ("consent", False)
    assert "Calendars.ReadBasic.All" in error.what
    assert "Grant admin consent" in error.remedy


def test_a_mailbox_outside_the_scope_of_an_app_without_permission(graph: FakeMicrosoft, connector: Calendars) -> None:
    """RBAC for Applications: the token names no permission, and reads whom the scope covers."""
    graph.roles.discard("Calendars.ReadBasic.All")
    graph.graph.scoped = {KIM}
    assert len(copies(pull(connector, address=KIM)[0])) == 1
    error = error_of(connector)
    assert isinstance(error, SkipCalendar)
    assert (error.code, error.standing) == ("forbidden", True)
    assert "management scope" in error.remedy


@pytest.mark.parametrize(
    ("sample", "status", "kind", "code"),
    [
        ("error-429-too-many-requests", 429, Again, "rate_limit"),
        ("error-501-not-implemented", 501, RetryLater, "refused"),
        ("error-access-denied-application-access-policy", 403, SkipCalendar, "forbidden"),
        ("error-nonexistent-mailbox", 404, SkipCalendar, "no_mailbox"),
    ],
)
def test_errors_of_the_documentation(sample: str, status: int, kind: type[ConnectorError], code: str) -> None:
    refusal = Refusal(status, (SAMPLES / f"{sample}.json").read_bytes(), 2.128)
    error = calendar_error(refusal, RequestInfo(subject=JO))
    assert isinstance(error, kind)
    assert error.code == code
    if isinstance(error, Again):
        assert error.after_seconds == 2.128


@pytest.mark.parametrize("code", ["SyncStateNotFound", "syncStateInvalid", "resyncRequired"])
def test_a_page_whose_link_has_expired_meanwhile(code: str) -> None:
    body = json.dumps({"error": {"code": "x", "innerError": {"code": code}}}).encode()
    assert isinstance(calendar_error(Refusal(400, body), RequestInfo(subject=JO)), CursorExpired)


@pytest.mark.parametrize("body", [b"", b"null", b'{"error": null}', b'{"error": "x"}', b'{"error": {"code": 7}}',
                                  b'{"error": {"innerError": {"innerError": []}}}', b"\xff\xfe"])  # fmt: skip
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 500])
def test_no_refusal_is_a_defect(body: bytes, status: int) -> None:
    for info in (
        RequestInfo(subject=JO),
        RequestInfo(subject=JO, with_link=True),
        RequestInfo(subject=JO, of_item=True),
    ):
        assert isinstance(calendar_error(Refusal(status, body), info), Exception)


def test_one_bad_entry_stops_no_other(graph: FakeMicrosoft, connector: Calendars) -> None:
    graph.world.mailbox(JO).put(meeting("bad", lastModifiedDateTime="?"))
    pages, done = pull(connector)
    assert len(copies(pages)) == 1
    assert [problem.reason for page in pages for problem in page.problems] == ["it is not as Graph documents entries"]
    assert done.full


def test_closing_ends_a_wait(graph: FakeMicrosoft, tmp_path: Path) -> None:
    connector = tenant(graph, tmp_path, patience=Patience(tries=3, seconds=60, first_wait_seconds=30))
    connector.people()
    graph.fail(times=100)
    connector.close()
    assert error_of(connector).code == "stopped"
