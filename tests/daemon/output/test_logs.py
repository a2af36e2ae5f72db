"""What may stand in a log, and what may not: by value, by form, by name; from us and from libraries."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog

from connectors import known_secrets
from connectors.errors import StopConnector
from connectors.settings import CertificateFile, FileOrSecret, Secret
from daemon.config.schema.tables import LogTable
from daemon.output.logs import set_up_logs, tell_of_lost_threads
from daemon.output.redaction import GONE, SOMEBODY, scrub, scrub_value, trace

KEY = """-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASC
BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
-----END PRIVATE KEY-----
"""


@pytest.fixture(autouse=True)
def _forgotten_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(known_secrets, "_seen", frozenset())
    handlers, level, hook = logging.root.handlers[:], logging.root.level, threading.excepthook
    yield
    logging.root.handlers[:], threading.excepthook = handlers, hook
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    set_up_logs(LogTable(format="json", level="info"))
    return Lines(capsys)


class Lines:
    """What was logged since it was last asked."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self) -> str:
        captured = self._capsys.readouterr()
        assert captured.out == ""
        return captured.err

    def all(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def one(self) -> dict[str, object]:
        (line,) = self.all()
        return line


class TestByForm:
    """What looks like a secret, wherever it comes from."""

    @pytest.mark.parametrize(
        ("text", "lost"),
        [
            ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
            ("Authorization: Basic cmFwcG9ydDpzM2NyZXQ=", "cmFwcG9ydDpzM2NyZXQ"),
            ("xoxb-1111-2222-fakefakefake is refused", "1111-2222"),
            ("xoxe.xoxp-1-Mi0yLTEyMzQ is refused", "Mi0yLTEyMzQ"),
            ("id eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqbyJ9.c2lnbmF0dXJl", "eyJ"),
            ("token ya29.a0AfH6SMBx-abc given", "a0AfH6SMBx"),
            ("refresh 1//0gdkfjghdkfjgh-x", "0gdkfjghdkfjgh"),
            (KEY, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"),
            ("-----BEGIN RSA PRIVATE KEY----- MIIcutoff", "MIIcutoff"),
            ("https://graph.example/v1.0/users/1/events/delta?$deltatoken=R0usmc", "R0usmc"),
            ("postgresql+psycopg://rapport:hunter2@db.example/rapport", "hunter2"),
            ("https://jo:p@ss/w0rd@feeds.example/x", "w0rd"),
            ("https://hooks.slack.example/services/T01/B01/abcdef", "abcdef"),
            ("GET https://feeds.example/private-0a1b2c/basic.ics failed", "0a1b2c"),
            ('{"client_secret": "Ab8Q~short"}', "Ab8Q"),
            ("password=hunter2&user=jo", "hunter2"),
            ("syncToken=CPDAlvWDx70CEPDA", "CPDAlv"),
            ("handle 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d", "9f86d081"),
        ],
    )
    def test_it_is_taken_out(self, text: str, lost: str) -> None:
        assert lost in text
        assert lost not in scrub(text)

    @pytest.mark.parametrize(
        "text",
        [
            "calendar_failed",
            "digest leadership of 2026-10",
            "2026-11-22T03:39:35.123456Z",
            "graph.example cannot be reached. Check the network, the proxy and the firewall.",
            "AADSTS7000215 the client secret has expired",
            "sqlalchemy/engine/base.py:1967 _exec_single_context",
        ],
    )
    def test_what_is_none_stays(self, text: str) -> None:
        assert scrub(text) == text

    def test_the_host_of_a_link_stays(self) -> None:
        assert scrub("asked https://graph.example/v1.0/x?y=1 twice") == "asked https://graph.example twice"

    def test_addresses_are_for_debugging_only(self) -> None:
        text = "jo.o'neil+x@northwind.example, <kim@acme.example> and (lee@acme.example)"
        assert "@" not in scrub(text)
        assert scrub(text).count(SOMEBODY) == 3
        assert "kim@acme.example" in scrub(text, addresses=True)

    def test_it_is_one_line_without_what_moves_a_terminal(self) -> None:
        assert scrub("a\n\x1b[2Jb\u202ec\x00d") == "a [2Jbc d"

    @pytest.mark.parametrize("unit", ["@", "a@", "eyJ", "://", "x" * 63 + "@", "-----BEGIN A-----", "bearer ", "A1"])
    def test_hostile_length_costs_little(self, unit: str) -> None:
        began = time.monotonic()
        scrub(unit * (2_000_000 // len(unit)))
        assert time.monotonic() - began < 0.5


class TestByValue:
    """What was read as a secret, also where it looks like any word."""

    def test_a_password_that_looks_like_a_word(self, tmp_path: Path) -> None:
        (tmp_path / "smtp.password").write_text("correct horse\n")
        Secret.model_validate({"file": "smtp.password"}).resolve(tmp_path)
        assert scrub("535 'correct horse' refused") == f"535 '{GONE}' refused"
        assert "correct%20horse" not in scrub("said correct%20horse")

    def test_each_form_of_a_reference(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOME_SECRET", "wintergreen")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        (tmp_path / "some").write_text("peppermint")
        for form in ({"env": "SOME_SECRET"}, {"credential": "some"}, "spearmint"):
            Secret.model_validate(form).resolve(tmp_path)
        assert scrub("wintergreen peppermint spearmint") == " ".join([GONE] * 3)

    def test_the_parts_of_a_key_file(self, tmp_path: Path) -> None:
        key = {
            "type": "service_account",
            "private_key_id": "0a1b2c3d",
            "private_key": KEY,
            "client_email": "x@y.example",
        }
        (tmp_path / "key.json").write_text(json.dumps(key, indent=1))
        FileOrSecret.model_validate("key.json").resolve(tmp_path)
        assert scrub("kid 0a1b2c3d") == f"kid {GONE}"
        assert "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj" not in scrub("line BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj")
        assert scrub("service_account") == "service_account"

    def test_a_certificate_with_its_key(self, tmp_path: Path) -> None:
        (tmp_path / "m365.pem").write_text(KEY)
        CertificateFile.model_validate("m365.pem").content(tmp_path)
        assert scrub("line BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj") == f"line {GONE}"

    def test_a_stores_password_and_a_feeds_path(self, tmp_path: Path) -> None:
        Secret.model_validate("postgresql+psycopg://rapport:pep%2Fper@db.example/rapport").resolve(tmp_path)
        Secret.model_validate("https://feeds.example/private-pepperoni/basic.ics").resolve(tmp_path)
        assert scrub("pep/per, pep%2Fper") == f"{GONE}, {GONE}"
        assert "pepperoni" not in scrub("path /private-pepperoni/basic.ics")

    def test_a_stores_file_is_no_secret(self, tmp_path: Path) -> None:
        Secret.model_validate("sqlite:///rapport.db").resolve(tmp_path)
        assert scrub("rapport.db is locked") == "rapport.db is locked"

    @pytest.mark.parametrize(
        ("inner", "outer"),
        [
            ("peppermint", "peppermint-tea"),
            ("peppermint", "a-peppermint-tea"),
            ("peppermint", "strong-peppermint"),
            ("pepper/mint", "pepper/mint tea"),  # other forms of both are remembered too
        ],
    )
    @pytest.mark.parametrize("longer_first", [True, False])
    def test_of_one_within_another_nothing_is_left(
        self, tmp_path: Path, inner: str, outer: str, longer_first: bool
    ) -> None:
        for one in sorted((inner, outer), key=len, reverse=longer_first):
            Secret.model_validate(one).resolve(tmp_path)
        assert scrub(f"said {outer} and {inner}") == f"said {GONE} and {GONE}"
        assert scrub(f"said {quote(outer, safe='')}") == f"said {GONE}"

    def test_one_that_is_cut_off_by_the_limit(self, tmp_path: Path) -> None:
        Secret.model_validate("correct-horse").resolve(tmp_path)
        for size in range(1985, 2001):
            assert "correct" not in scrub("." * size + "correct-horse")


class TestLines:
    def test_a_line_says_when_what_and_about_what(self, lines: Lines) -> None:
        structlog.get_logger().info("connector_read", connector="m365", changed=4, full=True)
        line = lines.one()
        assert {
            "event": "connector_read",
            "level": "info",
            "connector": "m365",
            "changed": 4,
            "full": True,
        }.items() <= (line.items())
        assert str(line["timestamp"]).endswith("Z")

    @pytest.mark.parametrize("key", ["title", "subject", "token", "client_secret", "password", "Authorization"])
    def test_some_names_have_no_value(self, lines: Lines, key: str) -> None:
        structlog.get_logger().warning("seen", **{key: "Merger with Globex"})
        assert lines.one()[key] == GONE

    def test_depth_hides_nothing(self, lines: Lines) -> None:
        structlog.get_logger().warning("seen", deep=[{"who": ("jo@acme.example",), "title": "Merger"}])
        assert lines.one()["deep"] == [{"who": [SOMEBODY], "title": GONE}]

    def test_at_debug_level_addresses_stay_and_secrets_go(self, capsys: pytest.CaptureFixture[str]) -> None:
        set_up_logs(LogTable(format="json", level="debug"))
        structlog.get_logger().debug("seen", calendar="jo@acme.example", answer="Bearer abcdefgh")
        text = capsys.readouterr().err
        assert "jo@acme.example" in text
        assert "abcdefgh" not in text

    def test_the_console_is_scrubbed_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        set_up_logs(LogTable(format="console", level="info"))
        structlog.get_logger().warning("seen", answer="Bearer abcdefgh", title="Merger\x1b[2J")
        text = capsys.readouterr().err
        assert "seen" in text
        assert not [one for one in ("abcdefgh", "Merger", "\x1b") if one in text]

    def test_an_exception_is_its_kind_and_its_way(self, lines: Lines) -> None:
        def fail() -> None:
            title = "Merger with Globex"
            raise ValueError(f"cannot read {title} of jo@acme.example")

        try:
            try:
                fail()
            except ValueError as error:
                raise StopConnector("forbidden", "Merger is refused") from error
        except StopConnector:
            structlog.get_logger().error("calendar_defect", exc_info=True)
        text = lines.text()
        assert "Merger" not in text
        told = str(json.loads(text)["exception"])
        assert told.startswith("StopConnector (forbidden)\n")
        assert "caused by ValueError\n" in told
        assert "test_logs.py:" in told
        assert " fail" in told

    def test_libraries_speak_through_the_same_scrubber(self, lines: Lines) -> None:
        logger = logging.getLogger("some.library")
        logger.info("asked %s", "https://x.example/?token=abc")
        logger.warning("could not read %r of %s: Bearer abcdefgh", "Merger", "jo@acme.example")
        logger.error(ValueError("Merger"))
        first, second = lines.all()
        assert (first["event"], first["logger"], first["level"]) == ("library", "some.library", "warning")
        assert first["message"] == f"could not read %r of %s: Bearer {GONE}"
        assert second["message"] == "ValueError"

    def test_what_the_network_libraries_say_tells_no_address(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Addresses of feeds and links of changes are secrets; urllib3 logs each that it asks for."""
        set_up_logs(LogTable(format="json", level="debug"))
        logger = logging.getLogger("urllib3.connectionpool")
        logger.debug('%s://%s:%s "%s %s %s" %s %s', "https", "x.example", 443, "GET", "/feed-1", "HTTP/1.1", 200, 9)
        logger.warning("Failed to parse headers (url=%s): %s", "https://x.example/feed-1", "Merger")
        told = Lines(capsys).all()
        assert [line["message"] for line in told] == ["Failed to parse headers (url=%s): %s"]

    def test_before_logs_are_set_up_they_say_nothing(self) -> None:
        script = (
            "import logging, connectors.net.session\n"
            "logging.getLogger('urllib3.connectionpool').warning('Retrying after %s', 'https://x.example/feed-1')"
        )
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert (ran.stdout, ran.stderr) == ("", "")

    def test_setting_up_again_does_not_double_lines(self, lines: Lines) -> None:
        set_up_logs(LogTable(format="json", level="info"))
        logging.getLogger("some.library").warning("once")
        assert lines.one()["message"] == "once"

    def test_a_reader_that_is_gone_stops_nothing(self) -> None:
        """A full disk behind standard error, and what is logged at the very end."""
        script = (
            "import structlog; from daemon.output.logs import set_up_logs; "
            "from daemon.config.schema.tables import LogTable\n"
            "set_up_logs(LogTable(format='json', level='info')); structlog.get_logger().warning('seen'); print('on')"
        )
        with Path("/dev/full").open("wb") as full:
            ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full, check=False)
        assert ran.stdout == b"on\n"

    def test_a_thread_that_dies_says_so_without_values(self, lines: Lines) -> None:
        def die() -> None:
            raise ValueError("Merger")

        tell_of_lost_threads()
        thread = threading.Thread(target=die, name="reader")
        thread.start()
        thread.join()
        line = lines.one()
        assert (line["event"], line["thread"]) == ("thread_defect", "reader")
        assert "Merger" not in str(line)


def test_a_chain_that_turns_back_ends() -> None:
    one, two = ValueError("a"), KeyError("b")
    one.__cause__, two.__cause__ = two, one
    assert trace(one).count("caused by") == 4


def test_what_is_no_text_is_told_as_scrubbed_text() -> None:
    assert scrub_value("file", Path("/srv/jo@acme.example")) == f"{SOMEBODY}"
    assert scrub_value("error", ValueError("Merger")) == "ValueError"
