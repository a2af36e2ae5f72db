"""A moment as JSON, CSV and logs show it."""

from __future__ import annotations

from datetime import datetime


def stamp(moment: datetime) -> str:
    """UTC to the second, as in all JSON."""
    from datetime import UTC

    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
