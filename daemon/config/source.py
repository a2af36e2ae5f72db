"""One file while it is being read: its raw values, the lines of its keys, and the problems found so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connectors.settings import looks_secret
from daemon.config.problems import ConfigProblem, shown
from daemon.config.pydantic_errors import faults_of, keys_of, look_up
from daemon.config.toml_lines import KeyLines, KeyPath

Model = TypeVar("Model", bound=BaseModel)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# What stands in for a required key that is missing or wrong, so that the rest of its table can be judged all
# the same; nothing is said that rests on it (`Source.finding`).
_STAND_INS: dict[str, Any] = {
    "name": "stand-in",
    "timezone": "UTC",
    "domains": ["stand-in.invalid"],
    "host": "localhost",
    "from": "stand-in@stand-in.invalid",
}


class Source:
    """A file's values and problems. `naming` turns a path into the key that people see."""

    def __init__(
        self,
        file: str,
        raw: Any,
        lines: KeyLines,
        folder: Path,
        naming: Callable[[Any, KeyPath], str] | None = None,
    ) -> None:
        self.file = file
        self.raw = raw
        self.lines = lines
        self.folder = folder
        self.problems: list[ConfigProblem] = []
        self._naming = naming or dotted
        self._broken: set[KeyPath] = set()

    def problem(
        self, path: KeyPath, allowed: str, *, found: str | None = None, hint: str | None = None
    ) -> ConfigProblem:
        """A problem at `path`, with its key and line."""
        key, line = self._naming(self.raw, path), self.lines.of(path)
        return ConfigProblem(file=self.file, line=line, key=key, found=found, allowed=allowed, hint=hint)

    def fault(self, path: KeyPath, allowed: str, *, found: str | None = None, hint: str | None = None) -> None:
        """Something wrong with one key itself."""
        self._broken.add(path)
        self.problems.append(self.problem(path, allowed, found=found, hint=hint))

    def finding(
        self, path: KeyPath, allowed: str, *, rests_on: Iterable[KeyPath] = (), hint: str | None = None
    ) -> None:
        """Something wrong between keys; not said when one of them is wrong itself."""
        if not any(self.is_broken(key) for key in (path, *rests_on)):
            found = shown(look_up(self.raw, path))
            self.problems.append(self.problem(path, allowed, found=found, hint=hint))

    def is_broken(self, path: KeyPath) -> bool:
        """Whether a fault lies at `path`, in it or around it."""
        return any(path[: len(broken)] == broken or broken[: len(path)] == path for broken in self._broken)

    def table(self, model: type[Model], path: KeyPath, raw: Any) -> Model | None:
        """`raw` as a `model`. With faults, what is sound in it, only to judge the rest by; else None."""
        table, errors = self._validate(model, raw)
        if table is not None:
            return table
        wrong: set[str | int] = set()
        for fault in faults_of(model, raw, errors):
            self.fault((*path, *fault.path), fault.allowed, found=fault.found, hint=fault.hint)
            wrong.update(fault.path[:1])
        if not isinstance(raw, dict):
            return None
        rest = {key: value for key, value in raw.items() if key not in wrong}
        required = {key for key, field in keys_of(model).items() if field.is_required()}
        stand_ins = {key: _STAND_INS.get(key) for key in required if key in wrong}
        return self._validate(model, rest | stand_ins)[0]

    def _validate(self, model: type[Model], raw: Any) -> tuple[Model | None, list[Any]]:
        try:
            return model.model_validate(raw, context={"folder": self.folder}), []
        except ValidationError as error:
            return None, list(error.errors(include_input=False, include_url=False))


def dotted(raw: Any, path: KeyPath) -> str:
    """`clients[2].domains[0]`, and `connectors.NAME.files` for a connector that has a name."""
    text = ""
    for depth, part in enumerate(path):
        if isinstance(part, str):
            text += ("." if text else "") + _told(part)
            continue
        name = look_up(raw, (*path[: depth + 1], "name")) if path[:depth] == ("connectors",) else None
        is_name = isinstance(name, str) and _BARE_KEY.fullmatch(name) and not looks_secret(name)
        text += f".{name}" if is_name else f"[{part}]"
    return text


def _told(key: str) -> str:
    """A key as it may be shown: what is none of ours and reads like none may be a value gone astray."""
    return key if _BARE_KEY.fullmatch(key) and not looks_secret(key) else '"…"'
