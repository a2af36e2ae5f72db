"""What goes wrong, and what is done next, with which words (`docs/providers.md` A6, A8, D; G6, G7)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Calendars
from connectors.errors import ConnectorError, RetryLater, SkipCalendar, StopConnector, sentence
from connectors.net.retry import Patience
from tests.fakes.google import CALENDAR, CLIENT_ID, FakeGoogle
from tests.fakes.google_client import meeting, workspace
from tests.fakes.reading import JO, copies, pull

KIM, ADMIN = "kim@northwind.example", "admin@northwind.example"
BRIEF = Patience(tries=2, seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.02)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        for address in (JO, KIM):
            fake.world.add(address).put(meeting("e1", summary="Secret title"))
        yield fake


@pytest.fixture
def connector(google: FakeGoogle, tmp_path: Path) -> Iterator[Calendars]:
    made = workspace(google, tmp_path, calendars=[JO, KIM])
    made.people()
    yield made
    made.close()


def error_of(connector: Calendars, address: str = JO, cursor: str | None = None) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        pull(connector, cursor, address=address)
    return raised.value


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "reason": "userRateLimitExceeded", "domain": "usageLimits"},
        {"status": 403, "reason": "rateLimitExceeded", "domain": "usageLimits"},
        {"status": 429, "reason": "rateLimitExceeded", "domain": "usageLimits"},
        {"status": 429, "body": b"slow down"},
        {"status": 429, "reason": "RATE_LIMIT_EXCEEDED", "new_style": True},
        {"status": 403, "reason": "RATE_LIMIT_EXCEEDED", "new_style": True},  # Google's library would not retry it
        {"status": 500},
        {"status": 502, "body": b"<html>Bad Gateway</html>"},
        {"status": 503, "body": b""},
        {"status": 504},
        {"status": 408},
        {"drop": True},
        {"status": 200, "body": b"<html>Sign in to the guest network</html>"},
        {"status": 200, "body": b"[]"},
        {"status": 200, "body": b"[" * 100_000},
        {"status": 200, "body": b'{"items": []}', "cut": True},
        {"path": "/token", "status": 503},
        {
            "path": "/token",
            "status": 400,
            "body": b'{"error": "internal_failure", "error_description": "Backend Error"}',
        },
        {"path": "/token", "drop": True},
        {"path": "/token", "status": 200, "body": b"<html>"},
        {"path": "/token", "status": 200, "body": b"{}"},
        {"status": 404, "reason": "notFound"},  # once it may be a slow replica
    ],
)
def test_passing_trouble_is_waited_out(google: FakeGoogle, connector: Calendars, fault: dict[str, Any]) -> None:
    google.fail(**fault)
    pages, done = pull(connector)
    assert set(copies(pages)) == {"e1"}
    assert done.full


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 403, "reason": "rateLimitExceeded"}, "rate_limit"),
        ({"status": 500}, "unavailable"),
        ({"drop": True}, "unreachable"),
        ({"status": 200, "body": b"no json"}, "garbled"),
        ({"path": "/token", "status": 500}, "unavailable"),
    ],
)
def test_lasting_trouble_is_left_for_later(
    google: FakeGoogle, tmp_path: Path, fault: dict[str, Any], code: str
) -> None:
    connector = workspace(google, tmp_path, patience=BRIEF)
    google.fail(**fault, times=100)
    error = error_of(connector)
    assert isinstance(error, RetryLater)
    assert error.code == code
    if fault.get("drop") is None:
        assert len(google.seen) == (0 if "path" in fault else BRIEF.tries)
    google.faults.clear()
    assert pull(connector)[1].full
    connector.close()


def test_the_requests_of_a_round_that_failed_are_counted(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(path="/calendar/", status=503, times=2)
    google.fail(path="/calendar/", status=403, reason="forbidden")
    assert error_of(connector).requests == 3


def test_retry_after_is_respected(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(status=429, reason="rateLimitExceeded", headers={"Retry-After": "0.4"})
    began = time.monotonic()
    pull(connector)
    assert time.monotonic() - began >= 0.4


def test_a_retry_after_beyond_patience_is_not_slept(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(status=503, headers={"Retry-After": "3600"}, times=9)
    began = time.monotonic()
    error = error_of(connector)
    assert isinstance(error, RetryLater)
    assert error.after_seconds == 3600
    assert time.monotonic() - began < 1
    assert len(google.seen) == 1


def test_a_used_up_day_is_not_hammered(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(status=403, reason="dailyLimitExceeded", times=9)
    assert {error_of(connector, address).code for address in (JO, KIM, JO)} == {"quota"}
    assert len(google.seen) == 1


def test_one_persons_quota_is_theirs(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(status=403, reason="quotaExceeded", subject=JO, times=9)
    assert isinstance(error_of(connector), RetryLater)
    assert len(google.seen) == 1
    assert pull(connector, address=KIM)[1].full


def test_a_slow_answer_is_given_up(google: FakeGoogle, tmp_path: Path) -> None:
    connector = workspace(google, tmp_path, patience=BRIEF, timeout_seconds=0.2)
    google.fail(delay_seconds=0.6, only_delay=True, times=2)
    assert error_of(connector).code == "slow"
    connector.close()


def test_a_revoked_token_is_fetched_anew_once(google: FakeGoogle, connector: Calendars) -> None:
    _, done = pull(connector)
    google.revoke_tokens()
    pull(connector, done.cursor)
    assert google.tokens == {JO: 2}
    google.fail(status=401, reason="authError", times=9)
    assert error_of(connector).code == "unauthorized"
    assert google.tokens == {JO: 3}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 403, "reason": "notACalendarUser"}, "no_calendar"),
        ({"status": 403, "reason": "forbidden"}, "forbidden"),
        ({"status": 404, "reason": "notFound"}, "not_found"),
        ({"status": 403, "reason": "insufficientPermissions"}, "insufficient"),
        ({"status": 403, "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "new_style": True}, "insufficient"),
    ],
)
def test_one_persons_trouble_stays_theirs(
    google: FakeGoogle, connector: Calendars, fault: dict[str, Any], code: str
) -> None:
    pull(connector, address=KIM)
    google.fail(**fault, subject=JO, times=9)
    error = error_of(connector)
    assert isinstance(error, SkipCalendar)
    assert (error.code, error.standing) == (code, True)
    assert error.remedy
    assert pull(connector, address=KIM)[1].full


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (("invalid_grant", "Invalid email or User ID"), "no_user"),
        (("invalid_grant", "Not a valid email"), "no_user"),
        (("invalid_grant", "The account has been deleted"), "no_user"),
        (("invalid_request", "Invalid impersonation prn email address."), "no_user"),
        (("access_denied", "Account restricted"), "no_user"),
        # of a domain that is not ours: Google words it as if nothing were delegated
        (
            ("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method."),
            "not_delegated",
        ),
        (("access_denied", "Requested client not authorized."), "not_delegated"),
        (("invalid_grant", "Something new"), "not_delegated"),
    ],
)
def test_a_refused_person_does_not_stop_the_others(
    google: FakeGoogle, connector: Calendars, said: tuple[str, str], code: str
) -> None:
    """Whoever is asked first: where it is unclear, somebody else's token tells."""
    google.token_errors[JO] = said
    error = error_of(connector)
    assert isinstance(error, SkipCalendar)
    assert (error.code, error.standing) == (code, True)
    assert pull(connector, address=KIM)[1].full


UNAUTHORIZED = ("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, or …")


@pytest.mark.parametrize(
    ("break_it", "code", "words"),
    [
        (lambda google: google.delegated.clear(), "unauthorized_client", (f"client ID {CLIENT_ID}", CALENDAR, "a day")),
        (lambda google: setattr(google, "key_name", "two"), "credentials", ("revoked", "Service Accounts")),
        (lambda google: setattr(google, "skew", timedelta(hours=2)), "clock", ("Check the clock",)),
        (
            lambda google: google.fail(status=403, reason="accessNotConfigured", times=9),
            "api_off",
            ("https://console.cloud.google.com/apis/library/calendar-json.googleapis.com?project=northwind-rapport",),
        ),
        (lambda google: google.fail(status=403, reason="SERVICE_DISABLED", new_style=True), "api_off", ("Enable it",)),
        (lambda google: google.token_errors.update({JO: ("invalid_scope", "Invalid OAuth scope")}), "scopes", ()),
        (lambda google: google.token_errors.update({JO: ("invalid_client", "gone")}), "credentials", ()),
        (
            lambda google: google.token_errors.update({JO: ("invalid_grant", "Invalid grant: account not found")}),
            "credentials",
            (),
        ),
        (lambda google: google.token_errors.update({JO: ("admin_policy_enforced", "")}), "policy", ("App access",)),
    ],
)
def test_what_concerns_everybody_stops_the_connector(
    google: FakeGoogle,
    connector: Calendars,
    break_it: Callable[[FakeGoogle], object],
    code: str,
    words: tuple[str, ...],
) -> None:
    break_it(google)
    error = error_of(connector)
    assert isinstance(error, StopConnector)
    assert error.code == code
    assert error.remedy
    assert [word for word in words if word not in sentence(error)] == []


def test_without_delegation_few_tokens_are_asked_for(google: FakeGoogle, connector: Calendars) -> None:
    """The doubt is settled once in a pass, not once for each person."""
    google.delegated.clear()
    assert [error_of(connector, address).code for address in (JO, KIM)] == ["unauthorized_client"] * 2
    assert google.token_requests == 3
    google.delegated.add(CALENDAR)
    connector.people()  # the next pass
    assert pull(connector)[1].full


def test_wrong_scopes_do_not_pass_for_a_standing_refusal(google: FakeGoogle, connector: Calendars) -> None:
    """As long as nobody can be read it may be about everybody; a standing reason would make months complete (R11)."""
    google.fail(status=403, reason="insufficientPermissions", times=9)
    error = error_of(connector)
    assert isinstance(error, SkipCalendar)
    assert not error.standing


def test_a_refusal_that_google_did_not_write_is_no_refusal(google: FakeGoogle, connector: Calendars) -> None:
    google.fail(status=403, body=b"<html>Blocked by your firewall</html>", times=9)
    error = error_of(connector)
    assert isinstance(error, RetryLater)
    assert error.code == "blocked"


def test_a_redirect_is_not_followed(google: FakeGoogle, connector: Calendars) -> None:
    """The token would go with it."""
    google.fail(status=302, body=b"", headers={"Location": f"{google.url}/elsewhere"})
    assert error_of(connector).code == "blocked"
    assert [request.path for request in google.seen if "elsewhere" in request.path] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no key"),
        ("[]", "no key"),
        ('{"type": "authorized_user"}', "no key"),
        ('{"type": "service_account"}', "lacks client_email, private_key, token_uri"),
    ],
)
def test_a_file_that_is_no_key(google: FakeGoogle, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "google-service-account.json").write_text(text or "{", "utf-8")
    connector = workspace(google, tmp_path)
    with pytest.raises(StopConnector, match=words):
        connector.people()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"}, "cannot be read"),
        ({"token_uri": "http://oauth2.northwind.example/token"}, "not https"),
        ({"client_email": None}, "lacks client_email"),
    ],
)
def test_a_key_that_cannot_be_used(google: FakeGoogle, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    google.key_file(tmp_path, **changes)
    with pytest.raises(StopConnector, match=words) as raised:
        workspace(google, tmp_path).people()
    assert "PRIVATE KEY" not in sentence(raised.value)


def test_a_missing_key_file(google: FakeGoogle, tmp_path: Path) -> None:
    connector = workspace(google, tmp_path, credentials_file={"env": "RAPPORT_NO_SUCH_KEY"})
    with pytest.raises(StopConnector, match="RAPPORT_NO_SUCH_KEY"):
        connector.people()


def test_a_new_key_needs_no_restart(google: FakeGoogle, tmp_path: Path) -> None:
    connector = workspace(google, tmp_path)
    pull(connector)
    google.key_name = "two"
    google.revoke_tokens()
    assert error_of(connector).code == "credentials"
    google.key_file(tmp_path, key_name="two")
    connector.people()
    assert pull(connector)[1].full
    connector.close()


def test_a_server_with_another_certificate_is_named_with_the_remedy(tmp_path: Path, google: FakeGoogle) -> None:
    trustme = pytest.importorskip("trustme")
    import ssl
    import threading
    from http.server import HTTPServer, SimpleHTTPRequestHandler

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = HTTPServer(("localhost", 0), SimpleHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the handshake is meant to fail
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    connector = workspace(google, tmp_path, api_endpoint=f"https://localhost:{server.server_address[1]}")
    error = error_of(connector)
    assert isinstance(error, StopConnector)
    assert (error.code, "network.ca_file" in error.remedy) == ("certificate", True)
    connector.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_nothing_secret_is_told_or_logged(
    google: FakeGoogle, connector: Calendars, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither token, key, title, page token nor sync token, whatever goes wrong."""
    caplog.set_level(logging.WARNING)  # less is let through nowhere (`daemon/output/logs.py`)
    google.page_size = 1
    google.world.calendar(JO).put(meeting("e2", summary="Secret title"))
    _, done = pull(connector)
    sync_token = json.loads(done.cursor)["token"]
    told: list[str] = [repr(connector)]
    for fault in (
        {"status": 403, "body": b"Secret title ya29.fake-0", "times": 9},
        {"status": 403, "reason": "forbidden"},
        {"status": 410, "reason": "fullSyncRequired"},
        {"drop": True, "times": 99},
        {"status": 500, "times": 9, "after": 1},
    ):
        google.fail(**fault)
        error = error_of(
            connector, cursor=done.cursor if fault["status" if "status" in fault else "drop"] == 410 else None
        )
        google.faults.clear()
        told += [sentence(error), repr(error), *_chain(error)]
    told += [caplog.text, *capfd.readouterr()]
    for secret in ("ya29", "Secret title", sync_token, "page-", "PRIVATE", "syncToken"):
        assert [text for text in told if secret in text] == []


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield repr(error)
        error = error.__cause__ or error.__context__
