"""Calendar files and feeds (iCalendar, RFC 5545): the kind `ics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.calendars.ics.connector import Settings, connect

__all__ = ["Settings", "connect"]


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: the child process of `parser` passes here too, and needs none of it."""
    if name not in __all__:
        raise AttributeError(name)
    from connectors.calendars.ics import connector

    return getattr(connector, name)
