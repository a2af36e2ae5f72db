"""Sending to a real mail server: TLS, signing in, what arrives, and what `rapport check` tries."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from connectors.errors import RetryLater, StopConnector, Undeliverable
from tests.connectors.senders.email.email_world import DIGEST, envelope, parsed, sender
from tests.fakes.smtp import CramMail, FakeMail

JO = {"rapport": "pass word"}


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_digest_arrives_whole(tmp_path: Path, security: str) -> None:
    with FakeMail(security=security, users=JO) as mail:
        receipt = sender(mail, tmp_path, username="rapport", password="pass word").send(DIGEST, envelope())
    (received,) = mail.received
    message = parsed(received.content)
    assert received.tls is (security != "none")
    assert (received.sender, received.recipients) == ("rapport@northwind.example", ("jo@northwind.example",))
    assert receipt.where == ("jo@northwind.example", message["Message-ID"])
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == DIGEST.text  # lines of dots too
    assert mail.names()[-1] == "QUIT"


def test_nothing_is_told_of_this_machine(tmp_path: Path) -> None:
    with FakeMail() as mail:
        sender(mail, tmp_path).send(DIGEST, envelope())
    assert [command for command in mail.commands if command.startswith("EHLO")] == 2 * ["EHLO northwind.example"]
    assert socket.gethostname().encode() not in mail.received[0].content


def test_without_a_username_nobody_signs_in(tmp_path: Path) -> None:
    with FakeMail() as mail:
        sender(mail, tmp_path).send(DIGEST, envelope())
    assert mail.received[0].login is None
    assert "AUTH" not in mail.names()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("password", ["pass word", "pässwörd", "\\\"'"])
def test_signs_in_by_each_way_with_any_password(tmp_path: Path, mechanism: str, password: str) -> None:
    with FakeMail(users={"räpport": password}, mechanisms=(mechanism,)) as mail:
        sender(mail, tmp_path, username="räpport", password=password).send(DIGEST, envelope())
    assert mail.received[0].login == "räpport"


def test_signs_in_by_challenge(tmp_path: Path) -> None:
    with CramMail(users=JO, mechanisms=()) as mail:
        sender(mail, tmp_path, username="rapport", password="pass word").send(DIGEST, envelope())
        with pytest.raises(StopConnector):
            sender(mail, tmp_path, username="rapport", password="wrong").send(DIGEST, envelope())
    assert mail.received[0].login == "rapport"


@pytest.mark.parametrize("auth", ["microsoft", "google"])
def test_signs_in_by_token_as_the_sender_or_as_the_username(tmp_path: Path, auth: str) -> None:
    long = "eyJ" + "x1" * 1200  # Microsoft's are longer than a command of RFC 5321
    with FakeMail(tokens={"rapport@northwind.example": long, "shared@northwind.example": "other"}) as mail:
        sender(mail, tmp_path, auth=auth, token=lambda: long).send(DIGEST, envelope())
        other = sender(mail, tmp_path, auth=auth, username="shared@northwind.example", token=lambda: "other")
        other.send(DIGEST, envelope())
    assert [received.login for received in mail.received] == ["rapport@northwind.example", "shared@northwind.example"]


@pytest.mark.parametrize("challenges", [True, False])
@pytest.mark.parametrize(("auth", "named"), [("microsoft", "SMTP.SendAsApp"), ("google", "https://mail.google.com/")])
def test_a_token_that_is_refused_names_the_way_out(tmp_path: Path, auth: str, named: str, challenges: bool) -> None:
    fake = FakeMail(challenge_on_refusal=challenges, refusal="535 5.7.3 Authentication unsuccessful")
    with fake as mail, pytest.raises(StopConnector) as told:
        sender(mail, tmp_path, auth=auth, token=lambda: "old").send(DIGEST, envelope())
    assert told.value.code == "sign_in"
    assert "535 5.7.3" in told.value.what
    assert named in told.value.remedy
    assert mail.received == []


def test_a_token_that_cannot_be_had_is_told_as_it_is(tmp_path: Path) -> None:
    def token() -> str:
        raise RetryLater("unreachable", "login.example cannot be reached")

    with FakeMail() as mail, pytest.raises(RetryLater, match=r"login\.example"):
        sender(mail, tmp_path, auth="microsoft", token=token).send(DIGEST, envelope())


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    with FakeMail(users=JO) as mail, pytest.raises(StopConnector) as told:
        sender(mail, tmp_path, username="rapport", password="wrong").send(DIGEST, envelope())
    assert mail.names().count("AUTH") == 1
    assert "email.password" in told.value.remedy


@pytest.mark.parametrize(
    ("answer", "code", "named"),
    [
        ("550 5.7.30 Basic authentication is not supported for Client Submission.", "basic_auth_ended", "SendAsApp"),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
            "smtp_auth_off",
            "admin.micr",
        ),
        ("534-5.7.9 Application-specific password required.\r\n534 5.7.9 more", "sign_in", "app password"),
        ("535 5.7.8 Error: authentication failed", "sign_in", "email.password"),
        ("538 5.7.11 Encryption required", "sign_in", "email.password"),
    ],
)
def test_a_refused_sign_in_names_the_way_out(tmp_path: Path, answer: str, code: str, named: str) -> None:
    with FakeMail(users=JO) as mail:
        mail.fail("AUTH", answer)
        with pytest.raises(StopConnector) as told:
            sender(mail, tmp_path, username="rapport", password="pass word").send(DIGEST, envelope())
    assert told.value.code == code
    assert named in told.value.remedy
    assert "\n" not in told.value.what


def test_a_server_that_takes_tokens_only_says_so(tmp_path: Path) -> None:
    with FakeMail(mechanisms=("XOAUTH2",)) as mail, pytest.raises(StopConnector) as told:
        sender(mail, tmp_path, username="rapport", password="x").send(DIGEST, envelope())
    assert "email.auth" in told.value.remedy


def test_a_server_without_tokens_says_so(tmp_path: Path) -> None:
    with FakeMail(mechanisms=("PLAIN",)) as mail, pytest.raises(StopConnector, match="does not offer XOAUTH2"):
        sender(mail, tmp_path, auth="google", token=lambda: "t").send(DIGEST, envelope())


def test_no_error_tells_a_password_or_a_token(tmp_path: Path) -> None:
    """Not even where the server says them back, plain or as they came."""
    shown = []
    secrets = ("hunter2", "AHJhcHBvcnQAaHVudGVyMg==", "aHVudGVyMg==")
    with FakeMail() as mail:
        for _ in range(2):
            mail.fail("AUTH", "535 5.7.8 hunter2 is wrong, AHJhcHBvcnQAaHVudGVyMg== aHVudGVyMg== too")
        bad = sender(mail, tmp_path, username="rapport", password="hunter2")
        tokens = sender(mail, tmp_path, auth="google", token=lambda: "hunter2")
        for email in (bad, tokens):
            with pytest.raises(StopConnector) as told:
                email.send(DIGEST, envelope())
            shown += [told.value.what, told.value.remedy, repr(told.value), str(told.value)]
            shown += [repr(email), repr(vars(email)["_settings"]), repr(vars(email)["_server"])]
            assert "is wrong" in told.value.what
    assert not [text for text in shown for secret in secrets[:1] if secret in text]
    assert not [text for text in shown[:4] for secret in secrets if secret in text]


def test_nothing_goes_out_in_the_clear_where_starttls_was_taken_away(tmp_path: Path) -> None:
    with FakeMail(security="none", users=JO) as mail, pytest.raises(StopConnector) as told:
        asked = sender(mail, tmp_path, security="starttls", username="rapport", password="pass word")
        asked.send(DIGEST, envelope())
    assert told.value.code == "no_starttls"
    assert set(mail.names()) <= {"EHLO", "QUIT"}


def test_what_is_said_in_the_clear_before_tls_is_forgotten(tmp_path: Path) -> None:
    """Answers slipped in behind the one to STARTTLS would otherwise count as the server's own."""
    with FakeMail(users=JO) as mail:
        mail.fail("STARTTLS", "220 go on\r\n250-evil.example\r\n250 AUTH LOGIN")
        with pytest.raises((RetryLater, StopConnector)):
            sender(mail, tmp_path, username="rapport", password="pass word").send(DIGEST, envelope())
    assert "AUTH" not in mail.names()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_we_know_stops(tmp_path: Path, security: str) -> None:
    with FakeMail(security=security, ca=trustme.CA(), users=JO) as mail, pytest.raises(StopConnector) as told:
        sender(mail, tmp_path, trusted=False, username="rapport", password="pass word").send(DIGEST, envelope())
    assert told.value.code == "certificate"
    assert "network.ca_file" in told.value.remedy
    assert "AUTH" not in mail.names()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_host_stops(tmp_path: Path, security: str) -> None:
    with FakeMail(security=security, host_of_certificate="other.example") as mail, pytest.raises(StopConnector) as told:
        sender(mail, tmp_path).send(DIGEST, envelope())
    assert told.value.code == "certificate"
    assert "email.host" in told.value.remedy


def test_a_ca_file_without_certificates_is_told(tmp_path: Path) -> None:
    for security in ("starttls", "tls"):
        with FakeMail(security=security) as mail, pytest.raises(StopConnector) as told:
            email = sender(mail, tmp_path)
            (tmp_path / "ca.pem").write_text("nothing", encoding="utf-8")
            email.send(DIGEST, envelope())
        assert told.value.code == "ca_file"


def test_letters_beyond_ascii_in_an_address_need_a_server_that_takes_them(tmp_path: Path) -> None:
    with FakeMail() as mail:
        sender(mail, tmp_path).send(DIGEST, envelope("zoë@northwind.example"))
    assert mail.received[0].recipients == ("zoë@northwind.example",)
    assert "SMTPUTF8" in mail.received[0].options
    assert "\r\nTo: zoë@northwind.example\r\n".encode() in mail.received[0].content
    with FakeMail(utf8=False) as mail:
        with pytest.raises(Undeliverable, match="SMTPUTF8"):
            sender(mail, tmp_path).send(DIGEST, envelope("zoë@northwind.example"))
        with pytest.raises(StopConnector, match="SMTPUTF8"):
            sender(mail, tmp_path, sender="räpport@northwind.example").send(DIGEST, envelope())
        sender(mail, tmp_path).send(DIGEST, envelope())
    assert len(mail.received) == 1


def test_too_large_a_message_is_not_begun(tmp_path: Path) -> None:
    with FakeMail(size=1000) as mail, pytest.raises(Undeliverable) as told:
        sender(mail, tmp_path).send(DIGEST, envelope())
    assert told.value.code == "too_large"
    assert "MAIL" not in mail.names()


def test_a_large_message_arrives_whole(tmp_path: Path) -> None:
    files = {f"{number:03d}.png": bytes([number]) * 20_000 for number in range(100)}
    page = "".join(f'<img src="{name}">' for name in files)
    with FakeMail() as mail:
        sender(mail, tmp_path).send(replace(DIGEST, files=files, html=page), envelope())
    images = [part for part in parsed(mail.received[0].content).walk() if part.get_content_maintype() == "image"]
    assert [part.get_content() for part in images] == list(files.values())


def test_check_tries_everything_and_sends_nothing(tmp_path: Path) -> None:
    with FakeMail(users=JO) as mail:
        found = list(sender(mail, tmp_path, username="rapport", password="pass word").probe(["jo@northwind.example"]))
    assert [(probe.check, probe.error) for probe in found] == [("connection", None), ("login", None)]
    assert found[0].note.startswith("TLS")
    assert "rapport@northwind.example" in found[1].note
    assert mail.names() == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RSET", "QUIT"]
    assert mail.received == []


def test_check_says_at_which_step_it_fails(tmp_path: Path) -> None:
    with FakeMail(users=JO) as mail:
        mail.fail("connect", "554 5.7.1 not you")
        (first,) = sender(mail, tmp_path).probe([])
        connected, refused = sender(mail, tmp_path, username="rapport", password="wrong").probe([])
        mail.fail("MAIL", "550 5.7.60 Client does not have permissions to send as this sender")
        _, other = sender(mail, tmp_path).probe([])
    assert (first.check, getattr(first.error, "code", "")) == ("connection", "refused")
    assert (connected.check, connected.error) == ("connection", None)
    assert (refused.check, getattr(refused.error, "code", "")) == ("login", "sign_in")
    assert (other.check, getattr(other.error, "code", "")) == ("login", "send_as")


def test_a_token_is_needed_where_a_token_signs_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a token"):
        sender(None, tmp_path, host="localhost", auth="google")


def test_a_server_is_dialled_by_its_own_name_and_not_by_one_that_looks_alike(tmp_path: Path) -> None:
    """By the standard library's IDNA, the password would go to strasse.example."""
    email = sender(None, tmp_path, host="mail.straße.example")
    assert vars(email)["_route"].host == "mail.xn--strae-oqa.example"
