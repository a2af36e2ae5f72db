"""Signing in: secrets and certificates that a fake of Entra verifies, what its refusals mean, and where tokens go."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.calendars.microsoft365 import mail_token
from connectors.contract import Calendars
from connectors.errors import ConnectorError, CursorExpired, RetryLater, StopConnector, sentence
from connectors.net.retry import Patience
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_client import context, meeting, settings_for, tenant
from tests.fakes.reading import JO, copies, pull

BRIEF = Patience(tries=2, seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.02)
TOKEN = "/oauth2/"
PASSWORD = "pass word"


@pytest.fixture
def graph() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft() as fake:
        fake.world.add(JO).put(meeting("e1", subject="Secret title"))
        yield fake


def error_of(connector: Calendars) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        pull(connector)
    return raised.value


def test_a_secret(graph: FakeMicrosoft, tmp_path: Path) -> None:
    (tmp_path / "m365.secret").write_text(f"{graph.secret}\n")
    pages, _ = pull(tenant(graph, tmp_path, client_secret={"file": "m365.secret"}))
    assert len(copies(pages)) == 1


@pytest.mark.parametrize("form", ["pem", "protected pem", "pfx"])
def test_a_certificate(graph: FakeMicrosoft, tmp_path: Path, form: str) -> None:
    """The fake verifies the assertion's signature against what was uploaded."""
    password = None if form == "pem" else PASSWORD
    path = graph.pfx(tmp_path, PASSWORD) if form == "pfx" else graph.certificate(tmp_path, password=password)
    given: dict[str, Any] = {"certificate_password": password} if password else {}
    pages, _ = pull(tenant(graph, tmp_path, certificate_file=path.name, **given))
    assert len(copies(pages)) == 1


@pytest.mark.parametrize(
    ("content", "password", "told"),
    [
        (b"", None, "is empty"),
        (b"\x00\x01 no certificate", None, "neither PEM nor PFX"),
        (b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", None, "holds no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n", None, "neither PEM nor PFX"),
        ("protected", None, "certificate_password is not given"),
        ("protected", "wrong", "is not its password"),
        ("pfx", "wrong", "is not its password"),
        ("key alone", None, "no certificate of its key"),
    ],
)
def test_a_certificate_that_cannot_be_used(
    graph: FakeMicrosoft, tmp_path: Path, content: bytes | str, password: str | None, told: str
) -> None:
    path = tmp_path / "given.pem"
    if content == "protected":
        shutil.copy(graph.certificate(tmp_path, password=PASSWORD), path)
    elif content == "pfx":
        shutil.copy(graph.pfx(tmp_path, PASSWORD), path)
    elif content == "key alone":
        path.write_text(graph.certificate(tmp_path).read_text().partition("-----BEGIN CERTIFICATE")[0])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    given: dict[str, Any] = {"certificate_password": password} if password else {}
    error = error_of(tenant(graph, tmp_path, certificate_file=path.name, **given))
    assert isinstance(error, StopConnector)
    assert error.code == "credentials"
    assert told in error.what
    assert PASSWORD not in sentence(error)


@pytest.mark.parametrize(
    ("code", "name", "told", "click"),
    [
        (7000215, "credentials", "refuses the client secret", "Certificates & secrets"),
        (7000222, "credentials", "secret has expired", "Certificates & secrets"),
        (700027, "credentials", "does not know the certificate", "upload"),
        (700024, "clock", "time of the request", "clock"),
        (700016, "no_app", "no such application", "App registrations"),
        (90002, "no_tenant", "no such tenant", "Tenant ID"),
        (500011, "wrong_cloud", "does not know Microsoft Graph", "cloud"),
        (65001, "consent", "consented", "Grant admin consent"),
        (53003, "policy", "Conditional Access", "exempt"),
    ],
)
def test_a_refusal_says_what_to_click(
    graph: FakeMicrosoft, tmp_path: Path, code: int, name: str, told: str, click: str
) -> None:
    graph.tokens.denied = code
    error = error_of(tenant(graph, tmp_path, patience=BRIEF))
    assert isinstance(error, StopConnector)
    assert (error.code, f"AADSTS{code}" in error.what) == (name, True)
    assert told in error.what
    assert click in error.remedy
    assert graph.secret not in sentence(error)


def test_a_tenant_that_does_not_exist(graph: FakeMicrosoft, tmp_path: Path) -> None:
    """msal keeps the code to itself: it is asked for the tenant's endpoints first."""
    wrong = graph.authority.replace(graph.tenant_id, graph.tenant_id[:-1] + "f")
    error = error_of(tenant(graph, tmp_path, authority=wrong))
    assert (error.code, "AADSTS90002" in error.what) == ("no_tenant", True)


@pytest.mark.parametrize("code", [700016, 90002, 65001])  # answered with 400, which msal remembers for a minute
def test_what_was_put_right_works_at_once(graph: FakeMicrosoft, tmp_path: Path, code: int) -> None:
    connector = tenant(graph, tmp_path, patience=BRIEF)
    graph.tokens.denied = code
    error_of(connector)
    graph.tokens.denied = None
    assert len(copies(pull(connector)[0])) == 1


def test_a_new_secret_needs_no_restart(graph: FakeMicrosoft, tmp_path: Path) -> None:
    (tmp_path / "m365.secret").write_text("0" * 40)
    connector = tenant(graph, tmp_path, client_secret={"file": "m365.secret"})
    assert error_of(connector).code == "credentials"
    (tmp_path / "m365.secret").write_text(graph.secret)
    connector.people()
    assert len(copies(pull(connector)[0])) == 1


def test_one_token_serves_all(graph: FakeMicrosoft, tmp_path: Path) -> None:
    connector = tenant(graph, tmp_path)
    connector.people()
    _, done = pull(connector)
    pull(connector, done.cursor)
    assert graph.tokens.given == 1


def test_a_revoked_token_is_replaced_once(graph: FakeMicrosoft, tmp_path: Path) -> None:
    connector = tenant(graph, tmp_path)
    _, done = pull(connector)
    graph.tokens.revoke()
    _, done = pull(connector, done.cursor)
    assert (graph.tokens.given, done.requests) == (2, 2)


def test_a_token_that_is_refused_again_is_not_asked_for_without_end(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.fail(status=401, code="InvalidAuthenticationToken", times=100)
    error = error_of(tenant(graph, tmp_path, patience=BRIEF))
    assert isinstance(error, RetryLater)
    assert (error.code, graph.tokens.given) == ("unauthorized", 2)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 500, "body": b"<html>"},
        {"status": 429, "retry_after": 0.05},
        {"drop": True},
        {"status": 200, "body": b"<html>Sign in to the guest network</html>"},
        {"status": 200, "body": b'{"token_type": "Bearer"', "cut": True},
        {"status": 400, "body": b"no"},
        {"status": 400, "body": b'{"error": "temporarily_unavailable", "error_codes": [90033]}'},
    ],
)
def test_passing_trouble_of_signing_in_is_waited_out(
    graph: FakeMicrosoft, tmp_path: Path, fault: dict[str, Any]
) -> None:
    graph.fail(path=TOKEN, **fault)
    pages, _ = pull(tenant(graph, tmp_path))
    assert len(copies(pages)) == 1


def test_a_token_that_never_ends_is_given_up(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.fail(path=TOKEN, endless=True, times=10)
    error = error_of(tenant(graph, tmp_path, patience=BRIEF, timeout_seconds=0.2))
    assert (type(error).__mro__[1].__name__, error.code) == ("RetryLater", "slow")


def test_an_authority_that_nobody_vouches_for(graph: FakeMicrosoft, tmp_path: Path) -> None:
    error = error_of(tenant(graph, tmp_path, trusted=False))
    assert isinstance(error, StopConnector)
    assert (error.code, "network.ca_file" in error.remedy) == ("certificate", True)


def test_a_secret_is_sent_to_safe_places_alone(graph: FakeMicrosoft, tmp_path: Path) -> None:
    """Whatever the authority says of where tokens are to be had."""
    found = json.loads(graph.tokens.configuration(graph.tenant_id).body)
    leading = json.dumps({**found, "token_endpoint": "http://login.example/t/token"}).encode()
    graph.fail(path="/.well-known/", status=200, body=leading, times=10)
    error = error_of(tenant(graph, tmp_path, patience=BRIEF))
    assert (error.code, "authority" in error.remedy) == ("garbled", True)


def test_a_token_is_for_the_configured_host_alone(graph: FakeMicrosoft, tmp_path: Path) -> None:
    """Links to elsewhere are refused before anything is sent, in every way that one can be written."""
    graph.graph.page_size = 1
    graph.world.mailbox(JO).put(meeting("e2"))
    with FakeMicrosoft() as other:
        other.tokens = graph.tokens
        roots = [
            other.host,
            graph.host.replace("https://", "http://"),
            graph.host.replace("localhost", f"localhost@127.0.0.1:{other.port}/"),
            f"{other.host}\\@localhost:{graph.port}",
            graph.host.replace("localhost", "127.0.0.1"),
        ]
        for root in roots:
            graph.graph.link_root = root
            error = error_of(tenant(graph, tmp_path, patience=BRIEF))
            assert isinstance(error, RetryLater), root
            assert error.code == "foreign_link"
        assert other.seen == []


def test_a_stored_link_to_elsewhere_is_refused(graph: FakeMicrosoft, tmp_path: Path) -> None:
    connector = tenant(graph, tmp_path)
    _, done = pull(connector)
    with FakeMicrosoft() as other:
        moved = done.cursor.replace(graph.host, other.host)
        assert moved != done.cursor
        with pytest.raises(CursorExpired):
            pull(connector, moved)
        assert other.seen == []


def test_a_redirect_is_not_followed(graph: FakeMicrosoft, tmp_path: Path) -> None:
    with FakeMicrosoft() as other:
        graph.fail(status=302, headers={"Location": f"{other.endpoint}/users"}, body=b"", times=10)
        assert error_of(tenant(graph, tmp_path, patience=BRIEF)).code == "blocked"
        assert other.seen == []


def test_nothing_secret_in_logs_errors_and_cursors_repr(
    graph: FakeMicrosoft, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)  # less is let through nowhere (`daemon/output/logs.py`)
    connector = tenant(graph, tmp_path, patience=BRIEF)
    _, done = pull(connector)
    graph.fail(path=TOKEN, status=400, body=json.dumps({"error": "x", "error_description": graph.secret}).encode())
    graph.tokens.revoke()
    graph.fail(status=500, times=5, body=json.dumps({"error": {"code": "x", "message": "Secret title"}}).encode())
    with pytest.raises(ConnectorError) as raised:
        pull(connector, done.cursor)
    chain: BaseException | None = raised.value
    told = caplog.text
    while chain is not None:
        told += repr(chain)
        chain = chain.__cause__ or chain.__context__
    for secret in (graph.secret, "Secret title", "deltatoken", "Bearer", "493021"):
        assert secret not in told, secret


def test_a_token_for_mail(graph: FakeMicrosoft, tmp_path: Path) -> None:
    token = mail_token(settings_for(graph), context(graph, tmp_path), JO)
    grant = graph.tokens.grant(f"Bearer {token}")
    assert grant is not None
    assert grant.audience == "https://outlook.office365.com"


def test_a_clock_that_is_wrong(graph: FakeMicrosoft, tmp_path: Path) -> None:
    graph.tokens.skew = timedelta(days=2)
    path = graph.certificate(tmp_path)
    assert error_of(tenant(graph, tmp_path, certificate_file=path.name)).code == "clock"
