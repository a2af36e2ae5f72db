"""The way out of a company: through its proxy, past its inspecting CA (`[network]`), to a provider's host by name."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
import requests
import trustme

from connectors.errors import StopConnector
from connectors.net.retry import Again
from connectors.net.session import Session, transport_trouble
from tests.fakes.http_fake import Answer, HttpFake, json_answer
from tests.fakes.proxy import FakeProxy

HOST = "calendar.example"


class Provider(HttpFake):
    """Says who asked for what."""

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:  # noqa: ARG002  # HttpFake's
        return json_answer(200, {"host": headers["Host"], "proxy": headers["Proxy-Authorization"]})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def provider(authority: trustme.CA) -> Iterator[Provider]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with Provider(context=context) as made:
        yield made


def ask(proxy: str, ca_file: Path | None) -> requests.Response:
    session = Session(ca_file=ca_file, proxy=proxy, timeout_seconds=5.0)
    try:
        return session.get(f"https://{HOST}/calendar/v3")
    finally:
        session.close()


def test_a_provider_is_reached_through_the_proxy_and_the_companys_ca(provider: Provider, ca_file: Path) -> None:
    with FakeProxy(provider.port, "rapport:s3cret") as proxy:
        answer = ask(proxy.url("rapport:s3cret"), ca_file)
    assert (answer.status_code, proxy.asked) == (200, [f"{HOST}:443"])
    assert answer.json() == {"host": HOST, "proxy": None}, "the proxy's password is for the proxy alone"


def test_an_inspecting_proxy_without_its_ca_is_named(provider: Provider) -> None:
    with FakeProxy(provider.port) as proxy, pytest.raises(requests.RequestException) as raised:
        ask(proxy.url(), None)
    trouble = transport_trouble(raised.value, HOST)
    assert isinstance(trouble, StopConnector)
    assert "network.ca_file" in trouble.remedy


def test_a_proxy_that_refuses_is_named_without_its_password(provider: Provider, ca_file: Path) -> None:
    with FakeProxy(provider.port, "rapport:s3cret") as proxy, pytest.raises(requests.RequestException) as raised:
        ask(proxy.url("rapport:0ld-s3cret"), ca_file)
    trouble = transport_trouble(raised.value, HOST)
    assert isinstance(trouble, Again)
    assert "through the proxy" in trouble.what
    assert "s3cret" not in f"{trouble.what} {trouble.remedy}"
