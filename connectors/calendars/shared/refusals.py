"""A provider's refusal, and the trouble that every provider may be in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import RetryLater
from connectors.net.retry import Again


def json_object(body: bytes) -> dict[str, Any] | None:
    """An answer unpacked; None for what is no JSON object, or one that is nested without end."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than 2xx. `retry_after`: the seconds that it asks to wait, None where it does not say."""

    status: int
    body: bytes
    retry_after: float | None = None

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The `error` of its JSON; None where it has none."""
        error = (json_object(self.body) or {}).get("error")
        return error if isinstance(error, Mapping) else None


def passing_error(provider: str, refusal: Refusal, *, slow: bool) -> Again:
    """Trouble that has nothing to do with what was asked; `slow`: too much was asked."""
    what = f"{provider} asks to be asked more slowly" if slow else f"{provider} answers {refusal.status}"
    return Again("rate_limit" if slow else "unavailable", what, after_seconds=refusal.retry_after)


def blocked(provider: str, refusal: Refusal, remedy: str) -> RetryLater:
    """An answer that the provider did not write."""
    return RetryLater("blocked", f"something on the way to {provider} answers {refusal.status}", remedy)
