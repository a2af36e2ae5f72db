"""What is wrong in a config file, as values and as sentences. Never the value of a secret.

A problem shows what was found only where that cannot be a secret: scalars of keys that hold none, and of
these none that looks like a token, a key or an address with a password in it.
"""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.settings import looks_secret

SHOWN_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigProblem:
    """One thing to put right. `found` is as in TOML; `allowed` is what may stand there, or what is wrong."""

    file: str
    line: int | None = None
    key: str = ""
    found: str | None = None
    allowed: str
    hint: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        found = None if self.found is None else f"found {self.found}"
        said = "; ".join(part for part in (found, self.allowed, self.hint) if part)
        return ": ".join(part for part in (place, self.key, said) if part)


def by_line(problem: ConfigProblem) -> int:
    """In a file's order, what concerns the whole of it first."""
    return problem.line or 0


class ConfigError(Exception):
    """A config that cannot be used: every problem of it at once, one line each."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(value: object) -> str | None:
    """A value as an error may quote it: short, on one line, and None for what may hold a secret."""
    if isinstance(value, str):
        short = value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"
        return None if looks_secret(value) else json.dumps(short, ensure_ascii=not short.isprintable())
    if isinstance(value, dict | list):
        return kind_of(value) if value else str(value)
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)[:SHOWN_CHARACTERS]


def kind_of(value: object) -> str:
    """What sort of value it is, where the value itself may not be told."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case datetime.date() | datetime.time():
            return "a date or time"
        case dict():
            return "a table"
    return "an array"


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The hint for a typo: what of `known` is most like `word`, if anything is."""
    if not isinstance(word, str):
        return None
    by_fold = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold()[:100], by_fold, n=1, cutoff=0.6)
    return f'did you mean "{by_fold[close[0]]}"?' if close else None


def listed(names: Iterable[str]) -> str:
    """`"a", "b" or "c"`."""
    quoted = [f'"{name}"' for name in names]
    return " or ".join(part for part in (", ".join(quoted[:-1]), *quoted[-1:]) if part) or "nothing"
