"""A date as HTTP has them (RFC 9110 5.6.7), from whoever answers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """The instant, in UTC unless it says otherwise; None for what is no date, or lies beyond every calendar."""
    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
