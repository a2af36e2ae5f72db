"""What is said about bad files: the line, the key, what was found, what is allowed, the nearest known key."""

from __future__ import annotations

from pathlib import Path

import pytest

import connectors.calendars
from daemon.config.load import load
from daemon.config.problems import ConfigError
from tests.daemon.config.config_files import COMPANY, KIND, cases, problems

DOMAIN = 'allowed: a domain such as "acme.example", without "@", "*" or "https://"; its sub-domains are meant too'
NO_DOMAINS = ("@a.example", "*.a.example", "https://a.example", ".a.example", "a.example.", "example", "a b.example")


@pytest.fixture(autouse=True)
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kinds"
    for package in ("pretended", "shared"):
        (folder / package).mkdir(parents=True)
    (folder / "pretended" / "__init__.py").write_text(KIND, "utf-8")
    (folder / "shared" / "__init__.py").write_text("", "utf-8")
    monkeypatch.setattr(connectors.calendars, "__path__", [str(folder)])


@pytest.mark.parametrize(("text", "said"), cases("bad_configs.txt"))
def test_a_bad_config(text: str, said: list[str], tmp_path: Path) -> None:
    assert problems(tmp_path, text) == said


@pytest.mark.parametrize(("text", "said"), cases("bad_files.txt"))
def test_a_bad_file(text: str, said: list[str], tmp_path: Path) -> None:
    assert problems(tmp_path, "", text) == said


def test_an_empty_file(tmp_path: Path) -> None:
    assert problems(tmp_path, "", "") == ["config.toml: company: is missing; it needs name, timezone and domains"]


@pytest.mark.parametrize("domain", [*NO_DOMAINS, "-a.example", "a..example", "10.0.0.1", ""])
def test_what_is_no_domain(domain: str, tmp_path: Path) -> None:
    company = COMPANY.replace('["northwind.example"]', f'[\n"ok.example",\n"{domain}",\n]')
    assert problems(tmp_path, "", company) == [f'6: company.domains[1]: found "{domain}"; {DOMAIN}']


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000])
def test_what_python_cannot_take(value: str, tmp_path: Path) -> None:
    said = "config.toml: is no valid TOML; a number is too long, or brackets nest too deep"
    assert problems(tmp_path, "", f"a = {value}") == [said]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match=r"^config\.toml: cannot be read: Is a directory; look at its permissions$"):
        load(tmp_path / "config.toml")


def test_a_file_that_is_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(COMPANY.encode() + b"\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"^config\.toml:6: is no UTF-8 text; save it as UTF-8$"):
        load(path)


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    text = """\
[sync]
evry = "15m"
every = "soon"
retain = "1 month"
[[connectors]]
name = "a"
kind = "pretended"
files = 5
[[connectors]]
name = "a"
kind = "unknown"
[email]
prot = 25
host = "mail.example"
security = "none"
[[clients]]
name = "Acme"
tier = "kye"
domains = ["acme.example"]
[[clients]]
domains = ["acme.example"]
[[clients]]
name = "Beta"
stage = 5
domains = ["acme.example"]
[[digests]]
clients = ["Gamma"]
to = ["email:x@elsewhere.example"]
schedule = "never"
[web]
listen = "0.0.0.0:80"
colour = 1
"""
    company = COMPANY.replace("London", "Londno").replace('"Northwind"', "5")
    keys = [text.split(": ")[0:2] for text in problems(tmp_path, text, company)]
    assert keys == [
        ["2", "company.name"],
        ["3", "company.timezone"],
        ["6", "sync.evry"],
        ["7", "sync.every"],
        ["8", "sync.retain"],
        ["12", "connectors.a.files"],
        ["14", "connectors.a.name"],
        ["15", "connectors.a.kind"],
        ["16", "email.from"],
        ["17", "email.prot"],
        ["19", "email.security"],
        ["22", "clients[0].tier"],
        ["24", "clients[1].name"],
        ["25", "clients[1].domains[0]"],
        ["28", "clients[2].stage"],
        ["29", "clients[2].domains[0]"],
        ["30", "digests[0].name"],
        ["32", "digests[0].to[0]"],
        ["33", "digests[0].schedule"],
        ["35", "web.listen"],
        ["36", "web.colour"],
    ]


def test_nothing_is_said_that_rests_on_what_is_wrong_itself(tmp_path: Path) -> None:
    """The default of a bad key is no ground to judge another by."""
    found = problems(
        tmp_path,
        '[sync]\nhistory = "x"\nretain = "1 month"\n[[digests]]\nname = "a"\nclients = ["B"]\n[[clients]]\nx = 1\n',
    )
    assert [text.split(": ")[1] for text in found] == ["sync.history", "clients[0].name", "clients[0].x"]
