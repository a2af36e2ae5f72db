"""Everything that goes wrong on the way to a mail server, and what may be done next: the heart of "exactly once"."""

from __future__ import annotations

import logging
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, OutcomeUnknown, RetryLater, StopConnector, Undeliverable
from connectors.senders.email import connector
from tests.connectors.senders.email.email_world import DIGEST, envelope, sender
from tests.fakes.smtp import FakeMail

USER = {"username": "rapport", "password": "pass word"}
LARGE = replace(DIGEST, files={"large.bin": bytes(2**23)})  # more than waits in buffers on the way
BEFORE_THE_DOT = ("connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "body")


def failing(mail: FakeMail, folder: Path, *, timeout_seconds: float = 10.0) -> ConnectorError:
    """The error of a delivery."""
    with pytest.raises(ConnectorError) as told:
        sender(mail, folder, timeout_seconds=timeout_seconds, **USER).send(DIGEST, envelope())
    return told.value


@pytest.fixture
def mail() -> FakeMail:
    return FakeMail(users={"rapport": "pass word"})


@pytest.mark.parametrize(
    ("step", "answer", "kind", "code"),
    [
        # 4xx: later, wherever it comes
        ("connect", "421 4.3.2 busy", RetryLater, "busy"),
        ("EHLO", "421 4.3.2 busy", RetryLater, "busy"),
        ("STARTTLS", "454 TLS not available now", RetryLater, "busy"),
        ("AUTH", "454 4.7.0 try later", RetryLater, "busy"),
        ("AUTH", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", RetryLater, "busy"),
        ("MAIL", "451 4.3.0 try later", RetryLater, "busy"),
        ("RCPT", "450 4.2.0 greylisted", RetryLater, "busy"),
        ("RCPT", "421 4.7.0 shutting down", RetryLater, "busy"),
        ("DATA", "451 4.3.0 try later", RetryLater, "busy"),
        ("dot", "451 4.3.0 try later", RetryLater, "busy"),
        # 5xx that are about the recipient or the message
        ("RCPT", "550 5.1.1 no such user", Undeliverable, "recipient_refused"),
        ("RCPT", "554 5.7.1 Relay access denied", Undeliverable, "recipient_refused"),
        ("DATA", "554 5.5.1 no valid recipients", Undeliverable, "content_refused"),
        ("dot", "550 5.7.1 looks like spam", Undeliverable, "message_refused"),
        ("MAIL", "552 5.3.4 Message size exceeds fixed limit", Undeliverable, "too_large"),
        ("dot", "552 5.3.4 Message too big", Undeliverable, "too_large"),
        # 5xx that are about the account or this machine, whichever step they come at
        ("connect", "554 5.7.1 your address is listed", StopConnector, "refused"),
        ("STARTTLS", "501 syntax", StopConnector, "refused"),
        ("AUTH", "535 5.7.8 wrong", StopConnector, "sign_in"),
        ("MAIL", "530 5.7.57 Client not authenticated to send mail", StopConnector, "sign_in_needed"),
        ("MAIL", "550 5.7.30 Basic authentication is not supported", StopConnector, "basic_auth_ended"),
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", StopConnector, "tls_needed"),
        ("MAIL", "530 5.5.1 Authentication Required", StopConnector, "sign_in_needed"),
        ("MAIL", "553 5.7.1 not owned by user", StopConnector, "sender_refused"),
        ("RCPT", "550 5.7.54 Unable to relay recipient in non-accepted domain", StopConnector, "relay"),
        ("dot", "554 5.2.252 SendAsDenied; rapport@northwind.example not allowed", StopConnector, "send_as"),
        ("dot", "550 5.7.60 permissions to send as this sender", StopConnector, "send_as"),
        # what is no SMTP
        ("connect", "HTTP/1.1 400 Bad Request", RetryLater, "garbled"),
        ("RCPT", "what?", RetryLater, "garbled"),
        ("DATA", "250 fine", RetryLater, "garbled"),
        ("dot", "what?", OutcomeUnknown, "outcome_unknown"),
        ("dot", "354 go on", OutcomeUnknown, "outcome_unknown"),
        ("dot", "5" * 9000, OutcomeUnknown, "outcome_unknown"),
    ],
)  # fmt: skip
def test_each_answer_means_what_to_do_next(
    tmp_path: Path, mail: FakeMail, step: str, answer: str, kind: type[ConnectorError], code: str
) -> None:
    with mail:
        mail.fail(step, answer)
        error = failing(mail, tmp_path)
    assert (type(error), error.code) == (kind, code)
    assert f"localhost:{mail.port}" in error.what
    if code not in ("garbled", "outcome_unknown"):
        assert answer[:16] in error.what
    if kind in (StopConnector, Undeliverable, OutcomeUnknown):
        assert error.remedy


@pytest.mark.parametrize("step", BEFORE_THE_DOT)
def test_a_connection_lost_before_the_dot_is_tried_again(tmp_path: Path, mail: FakeMail, step: str) -> None:
    with mail:
        mail.fail(step, drop=True)
        with pytest.raises(RetryLater):
            sender(mail, tmp_path, **USER).send(LARGE, envelope())
        assert mail.received == []
        sender(mail, tmp_path, **USER).send(DIGEST, envelope())
    assert len(mail.received) == 1


@pytest.mark.parametrize("step", [*BEFORE_THE_DOT[:-1], "dot"])
def test_a_server_that_says_nothing_more_is_not_waited_for_forever(
    tmp_path: Path, mail: FakeMail, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(connector, "_FINAL_ANSWERS", 1)  # a patience of ten minutes, for a test
    with mail:
        mail.fail(step, silent=True)
        error = failing(mail, tmp_path, timeout_seconds=0.3)
    assert isinstance(error, OutcomeUnknown if step == "dot" else RetryLater)
    assert error.code == ("outcome_unknown" if step == "dot" else "slow")


def test_a_connection_lost_after_the_dot_has_an_unknown_outcome(tmp_path: Path, mail: FakeMail) -> None:
    with mail:
        mail.fail("dot", drop=True)
        error = failing(mail, tmp_path)
    assert isinstance(error, OutcomeUnknown)
    (received,) = mail.received  # it is there, and nobody told us
    message_id = error.what.rpartition(" ")[2]
    assert f"Message-ID: {message_id}".encode() in received.content


def test_an_answer_cut_off_after_the_dot_has_an_unknown_outcome(tmp_path: Path, mail: FakeMail) -> None:
    with mail:
        mail.fail("dot", "250-2.0.0 queued", drop=True)
        assert isinstance(failing(mail, tmp_path), OutcomeUnknown)


@pytest.mark.parametrize("fault", [{"drop": True}, {"reply": "500 no"}, {"reply": "what?"}])
def test_what_goes_wrong_after_the_yes_changes_nothing(
    tmp_path: Path, mail: FakeMail, fault: dict[str, object]
) -> None:
    with mail:
        mail.fail("QUIT", **fault)  # type: ignore[arg-type]  # a table of keywords
        sender(mail, tmp_path, **USER).send(DIGEST, envelope())
    assert len(mail.received) == 1


@pytest.mark.parametrize("way", ["endless", "dribble"])
@pytest.mark.parametrize("step", ["connect", "EHLO", "RCPT", "dot"])
def test_answers_without_end_end(
    tmp_path: Path, mail: FakeMail, monkeypatch: pytest.MonkeyPatch, step: str, way: str
) -> None:
    """Each byte comes in time, so that no timeout of the socket would ever help."""
    monkeypatch.setattr(connector, "_WHOLE_ANSWERS", 1)
    with mail:
        mail.fail(step, **{way: True})  # type: ignore[arg-type]  # as above
        error = failing(mail, tmp_path, timeout_seconds=0.6)
    assert isinstance(error, OutcomeUnknown if step == "dot" else RetryLater)
    if step in ("EHLO", "RCPT"):  # what never stops is too much at once, what trickles takes too long
        assert error.code == ("dropped" if way == "endless" else "slow")


def test_a_server_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(RetryLater) as told:
            sender(None, tmp_path, host="127.0.0.1", port=port).send(DIGEST, envelope())
    assert told.value.code == "unreachable"
    assert f"127.0.0.1:{port}" in told.value.what
    assert "firewall" in told.value.remedy


@pytest.mark.parametrize("host", ["mail.invalid", "x" * 70 + ".example", ".example"])
def test_a_name_that_leads_nowhere_is_tried_again(tmp_path: Path, host: str) -> None:
    with pytest.raises(RetryLater) as told:
        sender(None, tmp_path, host=host).send(DIGEST, envelope())
    assert told.value.code == "unknown_host"
    assert "email.host" in told.value.remedy


def test_tls_with_a_server_that_speaks_none_says_which_port_goes_with_what(tmp_path: Path) -> None:
    with FakeMail(security="none") as mail, pytest.raises(RetryLater) as told:
        sender(mail, tmp_path, security="tls").send(DIGEST, envelope())
    assert told.value.code == "tls"
    assert "587" in told.value.remedy


def test_starttls_with_a_server_that_begins_in_tls_says_so_too(tmp_path: Path) -> None:
    with FakeMail(security="tls") as mail, pytest.raises(RetryLater) as told:
        sender(mail, tmp_path, security="starttls", timeout_seconds=0.3).send(DIGEST, envelope())
    assert told.value.code == "slow"
    assert "465" in told.value.remedy


def test_what_a_server_says_is_shown_short_and_harmless(tmp_path: Path, mail: FakeMail) -> None:
    with mail:
        mail.fail("RCPT", "550-5.1.1 \x1b[31mno\u202e\r\n550-such\x07 user\r\n550 " + "x " * 900)
        error = failing(mail, tmp_path)
    assert error.what.isprintable()
    assert "550 5.1.1 [31mno 5" not in error.what
    assert len(error.what) < 300


def test_one_recipients_fault_is_not_the_next_ones(tmp_path: Path, mail: FakeMail) -> None:
    with mail:
        email = sender(mail, tmp_path, **USER)
        mail.fail("RCPT", "550 5.1.1 no such user")
        with pytest.raises(Undeliverable):
            email.send(DIGEST, envelope("gone@northwind.example"))
        email.send(DIGEST, envelope())
    assert [received.recipients for received in mail.received] == [("jo@northwind.example",)]


def test_closing_ends_what_waits(tmp_path: Path, mail: FakeMail) -> None:
    caught: list[ConnectorError] = []
    with mail:
        mail.fail("dot", silent=True)
        email = sender(mail, tmp_path, **USER)

        def deliver() -> None:
            try:
                email.send(DIGEST, envelope())
            except ConnectorError as error:
                caught.append(error)

        waiting = threading.Thread(target=deliver)
        waiting.start()
        while not mail.received:
            waiting.join(0.01)
        email.close()
        waiting.join(5)
        assert not waiting.is_alive()
    assert [type(error) for error in caught] == [OutcomeUnknown]


def test_threads_share_a_sender(tmp_path: Path, mail: FakeMail) -> None:
    with mail:
        email = sender(mail, tmp_path, **USER)
        threads = [
            threading.Thread(target=email.send, args=(DIGEST, envelope(f"p{number}@northwind.example")))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({received.recipients for received in mail.received}) == 6


def test_nothing_is_logged_or_printed(
    tmp_path: Path, mail: FakeMail, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with mail:
        sender(mail, tmp_path, **USER).send(DIGEST, envelope())
        mail.fail("AUTH", "535 no")
        failing(mail, tmp_path)
    assert [record for record in caplog.records if not record.name.startswith(("mail.log", "asyncio"))] == []
    assert capsys.readouterr() == ("", "")
