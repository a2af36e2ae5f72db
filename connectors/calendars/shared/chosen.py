"""How `calendars` and `exclude` of a config name people: `"*"`, addresses, and `group:…`."""

from __future__ import annotations

from scoring.meetings.address_book import normalise_address

GROUP = "group:"


def address(text: str) -> str:
    """An address as R3 compares it. Raises ValueError."""
    found = normalise_address(text)
    if found is None:
        raise ValueError("is no e-mail address")
    return found


def groups_in(*lists: tuple[str, ...]) -> tuple[str, ...]:
    """The groups that are named anywhere, once each, without `group:`."""
    named = (one for listed in lists for one in listed if one.startswith(GROUP))
    return tuple(dict.fromkeys(one.removeprefix(GROUP) for one in named))
