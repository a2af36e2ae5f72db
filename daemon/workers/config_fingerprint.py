"""What a worker must have in common with the scheduler: the config, and the rules of this version.

Secrets, places of files, the store's address and what concerns one machine alone may differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from connectors.settings import Secret
from daemon.config.model import Config
from daemon.figures.scoring_context import VERSIONS

_SHARED = (
    "company",
    "sync",
    "connectors",
    "clients",
    "scoring",
    "email",
    "slack",
    "digests",
    "privacy",
    "signals",
    "stages",
    "people",
    "assessments",
)


def fingerprint(config: Config) -> str:
    """The same for configs that lead to the same figures and digests."""
    parts = {name: _plain(getattr(config, name)) for name in _SHARED}
    text = json.dumps([VERSIONS, parts], sort_keys=True, ensure_ascii=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _plain(value: Any) -> Any:
    """As JSON, the same in every process: sets in order, models by their fields, secrets as nothing."""
    if isinstance(value, Secret | Path):
        return None
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return sorted((json.dumps(_plain(key)), _plain(one)) for key, one in value.items())
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(_plain(one), sort_keys=True) for one in value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, re.Pattern):
        return [value.pattern, int(value.flags)]
    if isinstance(value, Enum):
        return _plain_scalar(value.value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, ZoneInfo):
        return value.key
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a fingerprint")
