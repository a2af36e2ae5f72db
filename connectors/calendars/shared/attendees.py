"""Who takes part, as every provider's list of attendees tells it. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from scoring.meetings.address_book import normalise_address
from scoring.meetings.values import Participant, Response

# The same people stand on list after list.
address_of = lru_cache(maxsize=50_000)(normalise_address)
participant_of = lru_cache(maxsize=100_000)(Participant)


class Attendance(NamedTuple):
    """The list: organiser (None where no address names one), people with their answers, the answer of whoever's
    calendar it is, and whether a room is booked. `flaws` are what the list does not tell (R5)."""

    organiser: str | None
    participants: tuple[Participant, ...]
    response: Response
    room: bool
    flaws: tuple[str, ...]
