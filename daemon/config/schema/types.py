"""The kinds of value that the config file's tables are made of: what each accepts and how it is kept.

Every parser raises ValueError with what is allowed, never with what was found (`daemon.config.problems` adds that).
"""

from __future__ import annotations

import re
import warnings
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Strict, StringConstraints, ValidationInfo

from connectors.settings import Secret, parse_duration
from daemon.config.problems import nearest

Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict()]
Label = Annotated[str, StringConstraints(pattern=r"^[\w.-]+$", max_length=100)]

_MONTHS = re.compile(r"\s*(\d{1,4})\s*(months?|years?)\s*")


def text_of(value: Any, allowed: str) -> str:
    """`value` if it is a string without control characters; else ValueError."""
    if not isinstance(value, str) or any(ord(character) < 32 for character in value):
        raise ValueError(allowed)
    return value.strip()


def without_controls(value: str) -> str:
    """A name fits on a line of a message."""
    return text_of(value, "text on one line")


def parse_months(value: Any) -> int:
    """`"24 months"` or `"2 years"` as months."""
    allowed = 'whole months from 1 to 240, such as "24 months" or "2 years"'
    match = _MONTHS.fullmatch(text_of(value, allowed).lower())
    months = int(match[1]) * (12 if match[2].startswith("year") else 1) if match else 0
    if not 1 <= months <= 240:
        raise ValueError(allowed)
    return months


@cache
def known_zones() -> tuple[str, ...]:
    """The names of the locked tzdata package, the same on every machine."""
    from importlib.resources import files

    return tuple(files("tzdata").joinpath("zones").read_text("utf-8").split())


def parse_zone(value: Any) -> ZoneInfo:
    """An IANA zone, by its exact name."""
    allowed = 'an IANA time zone, such as "Europe/London"'
    name = text_of(value, allowed)
    if name not in known_zones():
        hint = nearest(name, known_zones())
        raise ValueError(f"{allowed}; {hint}" if hint else allowed)
    return ZoneInfo(name)


def parse_pattern(value: Any) -> re.Pattern[str]:
    """A regular expression that Python compiles without complaint."""
    if not isinstance(value, str):
        raise ValueError(r"a regular expression, such as '(?i)\bphone\b'")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return re.compile(value)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise ValueError(f"a regular expression; this one does not compile: {error}") from None


def parse_date(value: Any) -> date:
    """A day as TOML writes it, or as text (the CSV)."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date, such as 2024-03-01") from None


def parse_path(value: Any, info: ValidationInfo) -> Path | None:
    """An existing file, relative to the config's folder; None for an empty string."""
    text = text_of(value, "a path to a file")
    if not text:
        return None
    folder: Path = (info.context or {}).get("folder", Path())
    path = folder / Path(text).expanduser()
    if not path.is_file():
        raise ValueError("a path to a file that exists (relative to the config file)")
    return path


def parse_optional_secret(value: Any) -> Any:
    """`""` says that there is none."""
    return None if value == "" else value


def parse_positive_duration(value: Any) -> Any:
    """A duration of a second at least."""
    duration = parse_duration(value)
    if not duration:
        raise ValueError('at least "1s"')
    return duration


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(without_controls)
]
Months = Annotated[int, BeforeValidator(parse_months)]
Zone = Annotated[ZoneInfo, BeforeValidator(parse_zone)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(parse_pattern)]
Day = Annotated[date, BeforeValidator(parse_date)]
Positive = Annotated[timedelta, BeforeValidator(parse_positive_duration)]
ExistingFile = Annotated[Path | None, BeforeValidator(parse_path)]
OptionalSecret = Annotated[Secret | None, BeforeValidator(parse_optional_secret)]
