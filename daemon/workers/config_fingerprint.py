"""What a worker must have in common with the scheduler: the config, and the rules of this version.

Secrets, places of files, the store's address and what concerns one machine alone may differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
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
    """The same for configs that lead to the same figures and digests, in every process: sets are put in order."""
    parts = {name: getattr(config, name) for name in _SHARED}
    text = msgspec.json.encode([VERSIONS, parts], enc_hook=_plain, order="deterministic")
    return blake2b(text, digest_size=12).hexdigest()


def _plain(value: Any) -> Any:
    """What msgspec does not know by itself: models by their fields, secrets and places of files as nothing."""
    if isinstance(value, Secret | Path):
        return None
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, re.Pattern):
        return [value.pattern, value.flags]
    if isinstance(value, ZoneInfo):
        return value.key
    raise TypeError(f"{type(value).__name__} has no place in a fingerprint")
