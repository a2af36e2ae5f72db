"""What the service answers when it is asked how it is."""

from __future__ import annotations

from typing import Protocol


class Health(Protocol):
    """Asked from the web's threads, as often as somebody likes. What it says names no person, client or address."""

    def alive(self) -> bool:
        """Whether the service's loop turned lately. Must answer at once and ask nobody, the store least of all:
        whoever gets a no restarts the service, and that mends no database."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether the store answers and the last sync is fresh, and if not, why, in a clause."""
        ...
