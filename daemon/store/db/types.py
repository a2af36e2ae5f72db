"""How values stand in the database: moments as integers, so that no driver and no database drops an offset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_millis(moment: datetime) -> int:
    """Milliseconds since 1970 UTC. Raises ValueError for a naive time."""
    if moment.tzinfo is not UTC and moment.utcoffset() is None:
        raise ValueError("a stored moment needs a zone")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def from_millis(millis: int) -> datetime:
    """The aware UTC moment of so many milliseconds since 1970."""
    return datetime.fromtimestamp(millis / 1000, UTC)  # exact: a float tells microseconds apart for millennia


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as epoch milliseconds; naive ones are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's
        return None if value is None else to_millis(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        return None if value is None else from_millis(value)
