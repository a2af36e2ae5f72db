"""The config file: found, read, judged as a whole. Every problem comes in one go, never a secret's value.

Reads files and the environment, and nothing else: no store, no network. Of the connector kinds, only those in
use are imported.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from daemon.config.checks import check
from daemon.config.draft import Draft
from daemon.config.model import Config
from daemon.config.problems import ConfigError, ConfigProblem
from daemon.config.warnings import warnings_of

DEFAULT_PLACES = (Path("config.toml"), Path("/etc/rapport/config.toml"))
REMEDY = "copy config.example.toml there, or name yours with --config"


def find(path: Path | None) -> Path:
    """Where the config is: `path` (--config), $RAPPORT_CONFIG or the usual places. Raises `ConfigError`."""
    named = path or (Path(os.environ["RAPPORT_CONFIG"]) if os.environ.get("RAPPORT_CONFIG") else None)
    if named is None:
        for place in DEFAULT_PLACES:
            if place.is_file():
                return place
        looked = " or ".join(str(place) for place in DEFAULT_PLACES)
        raise ConfigError([ConfigProblem(file=looked, allowed="there is no config file", hint=REMEDY)])
    if not named.exists():
        by = "--config" if path else "$RAPPORT_CONFIG"
        hint = f"it was named by {by}; {REMEDY}"
        raise ConfigError([ConfigProblem(file=str(named), allowed="there is no such config file", hint=hint)])
    return named


def load(path: Path) -> Config:
    """The config in `path`. Raises `ConfigError` with every problem of it and of the files that it names."""
    draft = Draft.read(path)
    check(draft)
    problems = draft.problems()
    if problems:
        raise ConfigError(problems)
    config = Config(path=path, folder=draft.folder, _lines=draft.source.lines, **draft.tables())
    return replace(config, warnings=tuple(warnings_of(config)))
