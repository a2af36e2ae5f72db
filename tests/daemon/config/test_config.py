"""A good config: found, read, complete with its defaults, and quick."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from connectors.calendars import ics
from connectors.settings import SettingsModel
from daemon.config.draft import KNOWN, known_kinds
from daemon.config.load import find, load
from daemon.config.model import Config
from daemon.config.problems import ConfigError
from daemon.config.schema import tables
from scoring.insights import signals, stage
from scoring.insights.stage import StageRequirement
from scoring.months.steps import DEFAULT_POINTS, Rules, Step
from tests.daemon.config.config_files import COMPANY, good, write

ROOT = Path(__file__).parents[3]
EXAMPLE = (ROOT / "config.example.toml").read_text("utf-8")


def test_the_defaults_are_those_of_the_interface(tmp_path: Path) -> None:
    config = good(tmp_path)
    company = config.company
    assert (company.name, company.timezone) == ("Northwind", ZoneInfo("Europe/London"))
    assert (company.country, company.region, company.addresses, company.ignore) == ("", "", (), ())
    sync = config.sync
    assert (sync.every, sync.ahead, sync.reconcile) == tuple(timedelta(minutes=m) for m in (15, 86_400, 10_080))
    assert (sync.history, sync.retain, sync.workers, sync.titles) == (24, 36, 8, True)
    assert config.store_url() == f"sqlite:///{tmp_path}/rapport.db"
    assert (config.email, config.slack, config.connectors, config.clients, config.digests) == (None, None, (), (), ())
    assert (config.network.ca_file, config.network.proxy, config.network.timeout) == (None, None, timedelta(seconds=30))
    assert (config.alerts.to, config.alerts.after, config.privacy.show_ours) == ((), timedelta(hours=24), True)
    assert (config.web.listen, config.web.address, config.web.token) == ("127.0.0.1:8377", ("127.0.0.1", 8377), None)
    assert (config.scale.workers, config.log.format, config.log.level) == (False, "auto", "info")
    assert (config.signals.thresholds(), config.stages.thresholds()) == (signals.DEFAULTS, stage.DEFAULTS)
    assert (config.people, config.assessments) == ((), ())
    assert (config.clients_file, config.people_file, config.assessments_file) == (None, None, None)
    assert config.rules() == Rules()
    assert config.warnings == ("connectors: there is none, so no calendar will be read",)


def test_every_table_is_read(tmp_path: Path) -> None:
    text = """
[sync]
history = "2 years"
retain = "30 months"
[[clients]]
name = "Acme"
domains = ["Acme.example", "bücher.example"]
addresses = ["Pat.Acme@Mail.example"]
manager = "Jo@Northwind.example"
formerly = ["Akme"]
rhythm = "quarterly"
tier = "key"
stage = "basic"
since = 2024-03-01
buying_centres = [{ name = "EMEA", match = ["*@EMEA.acme.example"] }]
[scoring]
long_meeting_over = "45m"
points = { phone = 2 }
video = "phone"
responses = ["accepted"]
phone_titles = ['ring']
[email]
host = "localhost"
security = "none"
from = "r@northwind.example"
outside = ["ann@partner.example"]
[slack]
webhook_url = { env = "HOOK" }
api_url = "http://127.0.0.1:9/api"
[[digests]]
name = "one"
clients = ["acme", "tier:key", "manager:JO@northwind.example"]
to = ["manager", "email:Ann@partner.example", "email:it@sub.northwind.example", "slack:#accounts"]
schedule = "30  7 * * MON-FRI"
wait = "0h"
[web]
listen = ""
[signals]
single_threaded = 0.7
no_new_people = "9 months"
gone_quiet = "45 days"
[stages]
collaborative = { people = 4 }
interconnected = { people = 9, centres = 4 }
too_long = "18 months"
"""
    config = good(tmp_path, text)
    client = config.clients[0]
    assert (config.sync.history, config.sync.retain) == (24, 30)
    assert client.domains == ("acme.example", "xn--bcher-kva.example")
    assert (client.addresses, client.manager) == (("pat.acme@mail.example",), "jo@northwind.example")
    assert (client.formerly, client.rhythm, client.tier, client.stage) == (("Akme",), "quarterly", "key", "basic")
    assert client.since == date(2024, 3, 1)
    assert (client.buying_centres[0].name, client.buying_centres[0].match) == ("EMEA", ("*@emea.acme.example",))
    rules = config.rules()
    assert rules.long_meeting_over == timedelta(minutes=45)
    assert dict(rules.points) == {**DEFAULT_POINTS, Step.PHONE: 2}
    assert (rules.video_is_meeting, rules.phone_titles) == (False, (re.compile("ring"),))
    assert [response.value for response in rules.responses] == ["accepted"]
    assert config.email is not None
    assert (config.email.sender, config.email.port, config.email.insecure) == ("r@northwind.example", 587, False)
    assert config.slack is not None
    assert config.slack.api_url == "http://127.0.0.1:9/api/"
    digest = config.digests[0]
    assert digest.to[1] == "email:ann@partner.example"
    assert (digest.schedule, digest.wait) == ("30 7 * * mon-fri", timedelta(0))
    assert config.web.address is None
    found = config.signals.thresholds()
    assert (found.single_threaded, found.no_new_people, found.gone_quiet) == (0.7, 9, timedelta(days=45))
    stages = config.stages.thresholds()
    assert (stages.collaborative, stages.too_long) == (StageRequirement(people=4, ours=2, months=4), 18)
    assert (stages.interconnected.people, stages.interconnected.centres) == (9, 4)


def test_everything_is_frozen(tmp_path: Path) -> None:
    config = good(tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.web = None  # type: ignore[misc, assignment]  # that it cannot be done is the test
    with pytest.raises(ValueError, match="frozen"):
        config.sync.workers = 9
    for table in vars(tables).values():
        if isinstance(table, type) and issubclass(table, BaseModel):
            assert table.model_config["frozen"]
            assert table.model_config["extra"] == "forbid"
            assert table.model_config["hide_input_in_errors"]


def test_paths_are_relative_to_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    for name in ("ca.pem", "people.csv"):
        (tmp_path / "conf" / name).write_text("address", "utf-8")
    head = 'people_file = "people.csv"\n' + COMPANY
    write(tmp_path / "conf", '[network]\nca_file = "ca.pem"\n[store]\nurl = "sqlite:///data/r.db?timeout=5"', head)
    monkeypatch.chdir(tmp_path)
    config = load(Path("conf/config.toml"))
    folder = tmp_path / "conf"
    assert (config.path, config.folder) == (Path("conf/config.toml"), folder)
    assert (config.network.ca_file, config.people_file) == (folder / "ca.pem", folder / "people.csv")
    assert config.context().ca_file == folder / "ca.pem"
    assert config.store_url() == f"sqlite:///{folder}/data/r.db?timeout=5"


def test_an_absolute_store_stays_where_it_is(tmp_path: Path) -> None:
    assert good(tmp_path, '[store]\nurl = "sqlite:////var/lib/r.db"').store_url() == "sqlite:////var/lib/r.db"


def test_a_connector_is_told_what_it_needs(tmp_path: Path) -> None:
    context = good(tmp_path, '[network]\nproxy = "http://p.example:3128"\ntimeout = "5s"').context()
    assert (context.folder, context.zone, context.company_domains) == (
        tmp_path,
        ZoneInfo("Europe/London"),
        ("northwind.example",),
    )
    assert (context.proxy, context.timeout_seconds) == ("http://p.example:3128", 5.0)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + COMPANY.replace("\n", "\r\n").encode())
    assert load(path).company.name == "Northwind"


WARNINGS = [
    (
        "[scoring]\npoints = { short_many = 5, phone = 3 }",
        [
            "scoring.points: does not grow from step to step: phone earns 3, short_one 3",
            "scoring.points: does not grow from step to step: long_one earns 5, short_many 5",
        ],
    ),
    ("[[clients]]\nname = 'A'\ndomains = ['gmail.com']", ["gmail.com: anybody can have an address there"]),
    ("[[clients]]\nname = 'A'\ndomains = ['x.northwind.example']", ["x.northwind.example: lies within the company's"]),
    (
        "[[digests]]\nname = 'd'\nto = ['manager', 'slack:#x']",
        ['digest "d": goes to e-mail addresses', 'digest "d": goes to Slack'],
    ),
    (
        "[alerts]\nto = ['slack:@jo@northwind.example']\n[slack]\nwebhook_url = { env = 'X' }",
        ["alerts: a Slack webhook reaches its own channel only"],
    ),
    ("[[digests]]\nname = 'd'", []),
]


@pytest.mark.parametrize(("text", "warnings"), WARNINGS)
def test_what_works_but_should_be_changed(text: str, warnings: list[str], tmp_path: Path) -> None:
    said = good(tmp_path, text).warnings[:-1]  # the last is about connectors
    assert len(said) == len(warnings)
    assert all(full.startswith(start) for full, start in zip(said, warnings, strict=True))


# Finding it


def test_the_config_is_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAPPORT_CONFIG", raising=False)
    monkeypatch.setattr("daemon.config.load.DEFAULT_PLACES", (Path("config.toml"), tmp_path / "etc" / "config.toml"))
    with pytest.raises(ConfigError, match=r"there is no config file; copy config\.example\.toml there, or name yours"):
        find(None)
    (tmp_path / "etc").mkdir()
    for name in ("etc/config.toml", "config.toml", "environment.toml", "given.toml"):
        (tmp_path / name).write_text(COMPANY, "utf-8")
    assert find(Path("given.toml")) == Path("given.toml")
    assert find(None) == Path("config.toml")
    monkeypatch.setenv("RAPPORT_CONFIG", "environment.toml")
    assert find(None) == Path("environment.toml")
    assert find(Path("given.toml")) == Path("given.toml")
    monkeypatch.setenv("RAPPORT_CONFIG", "")
    (tmp_path / "config.toml").unlink()
    assert find(None) == tmp_path / "etc" / "config.toml"


def test_a_config_that_was_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"absent\.toml: there is no such config file; it was named by --config"):
        find(Path("absent.toml"))
    monkeypatch.setenv("RAPPORT_CONFIG", "absent.toml")
    with pytest.raises(ConfigError, match=r"it was named by \$RAPPORT_CONFIG"):
        find(None)


# The example


def load_example(folder: Path, text: str = EXAMPLE) -> Config:
    references = re.findall(r'^\w+ = \{ file = "([^"]+)" \}', text, re.MULTILINE)
    for name in references + re.findall(r'^credentials_file = "([^"]+)"', text, re.MULTILINE):
        (folder / name).write_text("secret\n", "utf-8")
        (folder / name).chmod(0o600)
    (folder / "config.toml").write_text(text, "utf-8")
    return load(folder / "config.toml")


def test_the_example_is_valid_once_its_secret_files_exist(tmp_path: Path) -> None:
    config = load_example(tmp_path)
    config.resolve_secrets()
    assert config.warnings == ()
    assert [key for key, _ in config.secrets()] == [
        "store.url",
        "connectors.workspace.credentials_file",
        "connectors.m365.client_secret",
        "email.password",
        "slack.token",
    ]


def test_the_example_shows_every_key_with_its_default(tmp_path: Path) -> None:
    keys = set(re.findall(r"^(?:# )?(\w+) = ", EXAMPLE, re.MULTILINE))
    headers = set(re.findall(r"^\[+(\w+)\]+$", EXAMPLE, re.MULTILINE))
    assert set(KNOWN) <= keys | headers
    shown = load_example(tmp_path)
    for table in (*vars(shown).values(), *shown.connectors, *shown.clients, *shown.digests):
        if not isinstance(table, SettingsModel):
            continue
        for name, field in type(table).model_fields.items():
            assert (field.alias or name) in keys, f"{type(table).__name__}.{name}"
    plain = good(tmp_path)
    for name in ("store", "sync", "scoring", "network", "alerts", "privacy", "web", "scale", "log"):
        assert getattr(shown, name) == getattr(plain, name), name
    points = re.search(r"^points = \{(.*?)\}", EXAMPLE, re.MULTILINE)
    assert points is not None
    assert re.findall(r"(\w+) =", points[1]) == list(tables.PointsTable.model_fields)


def test_every_line_of_the_example_says_why() -> None:
    lines = [line for line in EXAMPLE.splitlines() if re.match(r"(# )?\w+ = ", line)]
    shown_before: set[str] = set()
    for line in lines:
        key = line.removeprefix("# ").partition(" = ")[0]
        assert "# " in line.removeprefix("# ") or key in shown_before or key == "feeds", line
        shown_before.add(key)


def test_the_words_of_the_interface_are_those_of_the_models() -> None:
    assert get_args(tables.Tier) == ("key", "strategic", "standard", "prospect")
    assert "ics" in known_kinds()
    assert not any(kind.startswith("_") for kind in known_kinds())
    assert issubclass(ics.Settings, SettingsModel)


# What it costs


def test_what_is_not_needed_is_not_imported() -> None:
    heavy = ["sqlmodel", "sqlalchemy", "holidays", "requests", "icalendar", "apscheduler", "email_validator", "typer"]
    code = f"import sys, daemon.config; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_config_without_ics_does_not_import_it(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    code = (
        f"import sys, pathlib, daemon.config.load as c; c.load(pathlib.Path({str(path)!r})); "
        "print([name for name in sys.modules if name.startswith('connectors.calendars.') or name == 'holidays'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_of_twelve_clients_loads_at_once(tmp_path: Path) -> None:
    clients = "\n".join(
        f'[[clients]]\nname = "C{n}"\ndomains = ["c{n}.example", "d{n}.example"]\nmanager = "jo@northwind.example"'
        for n in range(12)
    )
    path = write(tmp_path, clients)
    load(path)
    begin = time.perf_counter()
    load(path)
    assert time.perf_counter() - begin < 0.05  # 2 ms, and room for a busy machine
