"""What the config and `people_file` say of client people: name, title, buying centre, executive, gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from functools import cache

from daemon.config.schema.insight_tables import PersonRow
from daemon.figures.scoring_context import ScoringContext
from scoring.insights.circle import UNKNOWN, Profile
from scoring.meetings.address_book import normalise_address


class Profiles:
    """Answers by a person's one address (R3). What nobody has told is None."""

    def __init__(self, context: ScoringContext) -> None:
        self._book = context.book
        self._told: dict[str, Profile] = {}
        self._centres: dict[str, list[tuple[str, re.Pattern[str]]]] = {
            client.name: [
                (centre.name, re.compile("|".join(translate(glob.lower()) for glob in centre.match)))
                for centre in client.buying_centres
            ]
            for client in context.config.clients
        }
        for person in context.config.people:
            address = self._book.canonical(normalise_address(person.address) or person.address)
            self._told[address] = _joined(self._told.get(address, UNKNOWN), person)
        self._names = {
            client: {name.casefold(): name for name, _ in centres} for client, centres in self._centres.items()
        }

    def profile_of(self, client: str) -> Callable[[str], Profile]:
        """What is known of each of a client's people."""

        @cache
        def profile(address: str) -> Profile:
            told = self._told.get(address, UNKNOWN)
            centre = self._named(client, told.centre) if told.centre else self._matched(client, address)
            return Profile(name=told.name, title=told.title, centre=centre, executive=told.executive, left=told.left)

        return profile

    def centres_of(self, client: str) -> frozenset[str]:
        """The buying centres that the client is known to have."""
        told = {
            self._named(client, profile.centre)
            for address, profile in self._told.items()
            if profile.centre and self._book.who(address).client == client
        }
        return frozenset(told | {name for name, _ in self._centres.get(client, ())})

    def knows_executives(self, client: str) -> bool:
        """Whether it was said of anybody of the client whether they are an executive."""
        return any(
            profile.executive is not None and self._book.who(address).client == client
            for address, profile in self._told.items()
        )

    def _named(self, client: str, centre: str) -> str:
        """A centre as the config spells it."""
        return self._names.get(client, {}).get(centre.casefold(), centre)

    def _matched(self, client: str, address: str) -> str | None:
        return next((name for name, match in self._centres.get(client, ()) if match.match(address)), None)


def _joined(known: Profile, person: PersonRow) -> Profile:
    """Two rows of one person: what the first leaves open, the second may tell."""
    return Profile(
        name=known.name or person.name,
        title=known.title or person.title,
        centre=known.centre or person.buying_centre,
        executive=person.executive if known.executive is None else known.executive,
        left=known.left or bool(person.left),
    )
