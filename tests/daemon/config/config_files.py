"""Writes configs for tests: a correct one, and a correct one with lines before or behind it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from daemon.config.load import load
from daemon.config.model import Config
from daemon.config.problems import ConfigError

COMPANY = """\
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]
"""
"""Four lines; what a test adds behind them begins on the fifth."""

KIND = '''\
"""A kind for tests, with a secret of every sort."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr, model_validator

from connectors.settings import ConnectorSettings, FileOrSecret, Secret, SettingsModel


class Feed(SettingsModel):
    owner: str
    url: Secret


def _refused(text):
    raise ValueError("is no owner")


class Settings(ConnectorSettings):
    files: tuple[str, ...] = ()
    feeds: tuple[Feed, ...] = ()
    client_secret: Secret | None = None
    certificate_file: FileOrSecret | None = None
    plain: SecretStr | None = None
    both: bool = False
    owner: Annotated[str, AfterValidator(_refused)] = ""

    @model_validator(mode="after")
    def _whole(self):
        if self.both:
            raise ValueError("both is not supported")
        return self
'''


def cases(name: str) -> list[Any]:
    """Bad files from a text file beside this one: blocks of a file's text and, behind `=> `, what is said about it."""
    found = []
    for block in Path(__file__).with_name(name).read_text("utf-8").split("\n\n"):
        lines = block.splitlines()
        said = [line.removeprefix("=> ") for line in lines if line.startswith("=> ")]
        if said:  # else it is a heading
            text = "\n".join(line for line in lines if not line.startswith("=> "))
            found.append(pytest.param(text, said, id=text.replace("\n", " ")[:60]))
    return found


def write(folder: Path, text: str, company: str = COMPANY) -> Path:
    """A config file with a correct `[company]` first."""
    path = folder / "config.toml"
    path.write_text(company + text, "utf-8")
    return path


def good(folder: Path, text: str = "", company: str = COMPANY) -> Config:
    """The config, which must load."""
    return load(write(folder, text, company))


def problems(folder: Path, text: str, company: str = COMPANY) -> list[str]:
    """What is said about it, without the file's name: `5: sync.evry: …`."""
    path = write(folder, text, company)
    try:
        load(path)
    except ConfigError as error:
        return [re.sub(r"^config\.toml:(?=\d)", "", str(problem)) for problem in error.problems]
    return []
