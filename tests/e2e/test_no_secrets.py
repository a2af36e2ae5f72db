"""No secret leaves: every command is run at debug level against the fakes, and all that it says and writes is searched.

Looked for are the secrets of the config, the tokens and links that the providers gave, and titles in what is logged.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import structlog
import typer.main

from connectors import known_secrets
from daemon.cli import app, main
from tests.e2e.company import Company, Ran
from tests.e2e.test_microsoft import item
from tests.fakes import google_client
from tests.fakes.google import FakeGoogle
from tests.fakes.google_world import FakeCalendar
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft import config as microsoft_config
from tests.fakes.slack import TOKEN as SLACK_TOKEN
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeMail

ADMIN, JO, KIM, ANA = "admin@northwind.example", "jo@northwind.example", "kim@northwind.example", "ana@acme.example"
WHEN = (datetime.now(UTC).replace(day=1, hour=9, minute=0, second=0, microsecond=0) - timedelta(days=10)).replace(day=6)
MONTH = f"{WHEN:%Y-%m}"
TITLE = "Takeover of Globex"
SMTP_PASSWORD, WEB_TOKEN, FEED_PART = "smtp pass-phrase", "web-token-of-ours", "private-5ecretfeed"
REST = """
[[connectors]]
name = "workspace"
kind = "google"
credentials_file = "google-service-account.json"
admin = "admin@northwind.example"
calendars = ["*"]
api_endpoint = "{google}"

[[connectors]]
name = "feeds"
kind = "ics"
feeds = [{{ owner = "sam@northwind.example", url = {{ env = "SAM_ICS_URL" }} }}]

[email]
host = "localhost"
port = {port}
username = "rapport"
password = {{ file = "smtp.password" }}
from = "Rapport <rapport@northwind.example>"

[slack]
token = {{ file = "slack.token" }}
api_url = "{slack}"

[web]
listen = "127.0.0.1:0"
token = {{ file = "web.token" }}

[[digests]]
name = "leadership"
to = ["email:jo@northwind.example", "slack:#accounts"]

[alerts]
to = ["email:jo@northwind.example"]

[log]
level = "debug"
format = "json"
"""
COMMANDS: dict[str, list[tuple[str, ...]]] = {
    "check": [("check",), ("check", "--format", "json")],
    "sync": [("sync",), ("sync", "--format", "json"), ("sync", "--full")],
    "report": [("report", "--month", MONTH), ("report", "--format", "csv")],
    "explain": [("explain", "--client", "Acme", "--month", MONTH)],
    "digest": [
        ("digest", "leadership", "--month", MONTH, "--out", "out"),
        ("digest", "leadership", "--month", MONTH, "--send"),
        ("digest", "leadership", "--month", MONTH, "--to", JO),
    ],
    "status": [("status",), ("status", "--format", "json")],
    "config check": [("config", "check"), ("config", "check", "--strict")],
    "clients suggest": [("clients", "suggest")],
    "client": [("client", "Acme")],
    "person": [("person", ANA)],
    "db backup": [("db", "backup", "copy.db")],
    "db upgrade": [("db", "upgrade")],
    "db move": [("db", "move", "postgresql+psycopg://rapport:move-password@localhost:1/rapport")],
    "db restore": [("db", "restore", "copy.db")],
    "forget": [("forget", ANA), ("forget", ANA, "--yes")],
    "run": [("run",)],
    "worker": [("worker",)],
    "demo": [("demo",)],
}
"""In the order in which they are run; each command that the product has must be here."""
WITHOUT_RUNNING = {"demo", "worker"}
"""The demo's company is its own, and has no secret; what a worker does, the service does here."""
SECRET_FILES = {
    "config.toml", "ca.pem", "google-service-account.json", "m365.secret", "smtp.password", "slack.token", "web.token",
}  # fmt: skip


@dataclass
class Outside:
    """The fakes, and what of them is secret."""

    google: FakeGoogle
    graph: FakeMicrosoft
    mail: FakeMail
    slack: FakeSlack
    key: str = ""

    def secrets(self) -> dict[str, str]:
        """Each secret by what it is; tokens and links are those that were given until now."""
        tokens = {f"token of Google {number}": one for number, one in enumerate(self.google._granted)}
        tokens |= {f"token of Microsoft {number}": one for number, one in enumerate(self.graph.tokens._grants)}
        lines = [one for one in self.key.splitlines() if len(one) > 16 and "-----" not in one]
        keys = {f"Google's key, line {number}": one for number, one in enumerate(lines)}
        auth = b64encode(f"\0rapport\0{SMTP_PASSWORD}".encode()).decode()
        return (
            tokens
            | keys
            | {
                "Microsoft's secret": self.graph.secret,
                "SMTP password": SMTP_PASSWORD,
                "SMTP password as it is sent": auth,
                "Slack token": SLACK_TOKEN,
                "web token": WEB_TOKEN,
                "feed": FEED_PART,
                "password of the store to move to": "move-password",
            }
        )

    def links(self) -> dict[str, str]:
        """What leads on in a calendar: links as they stand in addresses and as they are meant, page and sync tokens."""
        values = [
            part.partition("=")[2] for target in self.graph.graph._links for part in urlsplit(target).query.split("&")
        ]
        given = {form for value in values if value for form in (value, unquote(value))}
        shapes = {f".{calendar.generation}.{number}." for calendar in self._calendars() for number in range(20)}
        tokens = {f"{calendar.address}{shape}" for calendar in self._calendars() for shape in shapes}
        return {f"link {one}": one for one in given | tokens | set(self.google._listings)}

    def _calendars(self) -> list[FakeCalendar]:
        return [self.google.world.calendar(address) for address in (ADMIN, JO, KIM)]


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with (
        FakeGoogle() as google,
        FakeMicrosoft() as graph,
        FakeMail(users={"rapport": SMTP_PASSWORD}) as mail,
        FakeSlack() as slack,
    ):
        google.page_size = 2
        google.world.add(ADMIN, admin=True)
        for address in (JO, KIM):
            calendar = google.world.add(address)
            calendar.now = WHEN
            for number in range(4):
                calendar.put(google_client.meeting(f"g{number}", WHEN + timedelta(hours=number), 60, summary=TITLE))
            mailbox = graph.world.add(address.replace("@", ".m@"))
            mailbox.now = WHEN
            mailbox.put(item("m1", subject=TITLE))
        slack.add_channel("accounts")
        slack.add_person(JO)
        yield Outside(google, graph, mail, slack)


def company_of(outside: Outside, folder: Path) -> Company:
    made = Company(folder, {"SAM_ICS_URL": f"{outside.graph.host}/{FEED_PART}/basic.ics", "RAPPORT_DEBUG": "1"})
    outside.key = outside.google.key_file(folder).read_text("utf-8").encode().decode("unicode_escape")
    config = microsoft_config(outside.graph, folder)
    with (folder / "ca.pem").open("ab") as authorities:
        outside.mail.ca.cert_pem.write_to_path(str(folder / "mail.pem"))
        authorities.write((folder / "mail.pem").read_bytes())
    for name, value in (("smtp.password", SMTP_PASSWORD), ("slack.token", SLACK_TOKEN), ("web.token", WEB_TOKEN)):
        (folder / name).write_text(value)
        (folder / name).chmod(0o600)
    rest = REST.format(google=outside.google.url, port=outside.mail.port, slack=outside.slack.api_url)
    made.write_config(config + rest)
    return made


class Shell:
    """Runs commands in the company's folder: in this process, which is quick, the service in one of its own."""

    def __init__(self, company: Company, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.company = company
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        monkeypatch.chdir(company.folder)
        for name, value in company.environment.items():
            monkeypatch.setenv(name, value)

    def run(self, *arguments: str) -> Ran:
        """`rapport …`, beginning with no secret remembered."""
        if arguments == ("run",):
            return self._serve()
        self._monkeypatch.setattr(known_secrets, "_seen", frozenset())
        self._monkeypatch.setattr("sys.argv", ["rapport", *arguments])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capfd.readouterr()
        return Ran(int(ended.value.code or 0), told.out, told.err)

    def _serve(self) -> Ran:
        """The service, stopped when it has read a calendar."""
        said = self.company.folder / "said.txt"
        with (
            said.open("w+") as file,
            subprocess.Popen(self.company.command("run"), stdout=file, stderr=file) as service,
        ):
            deadline = time.monotonic() + 20
            while "calendar_read" not in said.read_text("utf-8") and time.monotonic() < deadline:
                time.sleep(0.05)
            service.send_signal(signal.SIGTERM)
            code = service.wait(20)
        return Ran(code, "", said.read_text("utf-8"))


@pytest.fixture
def shell(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield Shell(company_of(outside, tmp_path), monkeypatch, capfd)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    return [what for what, secret in secrets.items() if secret in text]


def names_of_commands() -> set[str]:
    group = typer.main.get_command(app)
    names = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]  # it has several
        names |= {f"{name} {one}" for one in getattr(command, "commands", {})} or {name}
    return names


def test_every_command_is_searched() -> None:
    assert names_of_commands() <= set(COMMANDS)


@pytest.mark.xdist_group("secrets")
def test_no_command_tells_or_writes_a_secret(shell: Shell, outside: Outside, tmp_path: Path) -> None:
    has = names_of_commands() - WITHOUT_RUNNING
    lines = [(*line,) for name, lines in COMMANDS.items() if name in has for line in lines]
    logged = "".join(searched(shell, outside, *line) for line in lines)
    assert "calendar_read" in logged  # the level is debug: there was something to be searched
    assert "calendar_failed" in logged
    config = tmp_path / "config.toml"
    config.write_text(config.read_text("utf-8").replace('format = "json"', 'format = "console"'))
    assert "calendar_read" in "".join(searched(shell, outside, *line) for line in (("sync", "--full"), ("status",)))
    _search_files(tmp_path, outside)
    _search_messages(outside)


def searched(shell: Shell, outside: Outside, *arguments: str) -> str:
    """What a command logs, after a search of all that it says."""
    ran = shell.run(*arguments)
    assert found_in(ran.out + ran.err, outside.secrets() | outside.links()) == [], arguments
    assert TITLE not in ran.err, arguments
    return ran.err


def _search_files(folder: Path, outside: Outside) -> None:
    """Every file but the config and what it refers to. The store and its copies keep the last link of each calendar."""
    files = [one for one in folder.rglob("*") if one.is_file() and one.name not in SECRET_FILES | {"mail.pem"}]
    assert len(files) > 5
    for one in files:
        store = ".db" in one.name or one.read_bytes()[:15] == b"SQLite format 3"
        secrets = outside.secrets() | ({} if store else outside.links())
        assert found_in(one.read_bytes().decode("latin-1"), secrets) == [], one


def _search_messages(outside: Outside) -> None:
    """What recipients get: the mail's parts, and what was posted."""
    assert outside.mail.received
    assert outside.slack.posted
    for one in outside.mail.received:
        message = BytesParser(policy=policy.default).parsebytes(one.content)
        parts = [part.get_payload(decode=True) or b"" for part in message.walk() if not part.is_multipart()]
        text = one.content + b"".join(part for part in parts if isinstance(part, bytes))
        assert found_in(text.decode("latin-1"), outside.secrets() | outside.links()) == []
    assert found_in(str([one.fields for one in outside.slack.posted]), outside.secrets() | outside.links()) == []


@pytest.mark.xdist_group("secrets")
@pytest.mark.parametrize("what", ["google", "graph", "mail", "slack"])
def test_what_the_other_side_repeats_is_not_told_either(what: str, shell: Shell, outside: Outside) -> None:
    """An answer that quotes what it was asked with."""
    config = shell.company.folder / "config.toml"
    text = config.read_text("utf-8")
    config.write_text(text[: text.index('[[connectors]]\nname = "feeds"')] + text[text.index("[email]") :])
    shell.run("sync")
    said = " ".join(outside.secrets().values()).replace('"', "")
    if what == "mail":
        for _ in range(9):
            outside.mail.fail("AUTH", f"535 5.7.8 {SMTP_PASSWORD} is wrong")
    elif what == "slack":
        outside.slack.fail("", status=500, body=said.encode(), times=20)
    elif what == "google":
        outside.google.fail(status=403, body=json.dumps({"error": {"message": said}}).encode(), times=20)
    else:
        outside.graph.fail(status=403, body=json.dumps({"error": {"code": said, "message": said}}).encode(), times=20)
    try:
        for arguments in (("check",), ("sync",), ("digest", "leadership", "--month", MONTH, "--send"), ("status",)):
            searched(shell, outside, *arguments)
    finally:
        for faults in (outside.google.faults, outside.graph.faults, outside.slack.faults, outside.mail.faults):
            faults.clear()
