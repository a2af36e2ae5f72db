"""The config as the rules take it; fingerprints that tell which change of it asks for what (`docs/design.md` 1).

A key decides what is read (then calendars are listed again), what is scored (then figures are derived again), or what
is shown (then neither): points, verdicts, names of managers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from hashlib import blake2b
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from daemon.config.model import Config
from daemon.store.calendars import Calendar, read_calendars
from daemon.store.meta import read_groups
from scoring.meetings.address_book import AddressBook, Client, Company
from scoring.meetings.values import Window
from scoring.months.month import begins, month_of, shift
from scoring.months.steps import Rules


@dataclass(frozen=True)
class ScoringContext:
    """Who is who and what counts, by the config and the calendars known."""

    config: Config
    calendars: tuple[Calendar, ...]
    groups: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return self.config.company.timezone

    @cached_property
    def rules(self) -> Rules:
        return self.config.rules()

    @cached_property
    def clients(self) -> tuple[Client, ...]:
        return tuple(
            Client(
                name=client.name,
                domains=client.domains,
                addresses=client.addresses,
                manager=client.manager,
                tier=client.tier,
                quarterly=client.rhythm == "quarterly",
            )
            for client in self.config.clients
        )

    @cached_property
    def book(self) -> AddressBook:
        """R3, with whoever's calendar we read as ours and with the aliases that the connectors told."""
        company = self.config.company
        return AddressBook(
            Company(domains=company.domains, addresses=company.addresses, ignore=company.ignore),
            self.clients,
            owners=(calendar.address for calendar in self.calendars),
            aliases=dict(self._same()) | dict(self._aliases()),
            groups=self.groups,
        )

    def window(self, now: datetime) -> Window:
        """From the first of the month, `history` back, to the end of the day, `ahead` on; it moves on once a day."""
        first = shift(month_of(now, self.zone), -self.config.sync.history)
        last_day = now.astimezone(self.zone).date() + self.config.sync.ahead + timedelta(days=1)
        return Window(start=begins(first, self.zone), end=datetime.combine(last_day, time(), self.zone))

    def read_with(self) -> str:
        """Of what decides which copies are kept and what is noted of them: a change lists again."""
        company = self.config.company
        patterns = [pattern.pattern for pattern in self.rules.phone_titles]
        return _fingerprint(
            company.domains,
            company.addresses,
            company.ignore,
            patterns,
            self.config.sync.titles,
            company.timezone.key,
        )

    def titles_of(self) -> str:
        """Of whose meetings' titles may be kept."""
        clients = [(client.name, client.domains, client.addresses) for client in self.clients]
        return _fingerprint(clients, self.config.sync.titles)

    def scored_with(self) -> str:
        """Of what decides the kept figures, and which copies and titles may stay. Points are not in it."""
        rules = self.rules
        return _fingerprint(
            _VERSION,
            self.read_with(),
            self.titles_of(),
            rules.long_meeting_over.total_seconds(),
            rules.longest_meeting.total_seconds(),
            rules.largest_meeting,
            rules.video_is_meeting,
            sorted(rules.responses),
            self._foreign_owners(),
            self.groups,
            sorted(self._aliases()),
            _PEOPLE_VERSION,
            self._same(),
        )

    def told_with(self) -> str:
        """Of the rules by which figures are told: with others, the same meetings give other figures."""
        rules = self.rules
        return _fingerprint(
            _VERSION,
            {step.value: points for step, points in rules.points.items()}.items(),
            rules.long_meeting_over.total_seconds(),
            rules.longest_meeting.total_seconds(),
            rules.largest_meeting,
            rules.video_is_meeting,
            sorted(rules.responses),
            [pattern.pattern for pattern in rules.phone_titles],
        )

    def seen_with(self) -> str:
        """Of what decides which insights follow from the kept figures and people (R12 to R14)."""
        config = self.config
        return _fingerprint(
            _SEEN_VERSION,
            config.signals.model_dump(mode="json"),
            config.stages.model_dump(mode="json"),
            [person.model_dump(mode="json") for person in config.people],
            [
                client.model_dump(mode="json", include={"name", "tier", "stage", "since", "rhythm", "buying_centres"})
                for client in config.clients
            ],
            config.privacy.show_ours,
            self.titles_of(),
            self.scored_with(),
        )

    def _aliases(self) -> list[tuple[str, str]]:
        """Other addresses of those whose calendars we read, as the connectors told them."""
        return [(alias, calendar.address) for calendar in self.calendars for alias in calendar.aliases]

    def _same(self) -> list[tuple[str, str]]:
        """Addresses that `people_file` says are another one's person (R3)."""
        return sorted((person.address, person.same_as) for person in self.config.people if person.same_as is not None)

    def _foreign_owners(self) -> list[str]:
        """Owners who are ours only because we read their calendars; the others change nothing."""
        company = self.config.company
        without = AddressBook(Company(domains=company.domains, addresses=company.addresses), ())
        return sorted({calendar.address for calendar in self.calendars if without.has_outsiders([calendar.address])})


def read_scoring_context(connection: Connection, config: Config) -> ScoringContext:
    """The config with the calendars and groups known now; nobody goes on from these calendars' cursors."""
    return ScoringContext(config, tuple(read_calendars(connection, cursors=False)), read_groups(connection))


_VERSION = 1
"""Of the arithmetic: raised when the same copies give other figures."""

_SEEN_VERSION = 3
"""Of signals and stages, and of their sentences: raised when the same people and figures say something else."""

_PEOPLE_VERSION = 1
"""Of what is kept of a month's people (R12): raised when the same copies give another. No figure is others for it."""

VERSIONS = (_VERSION, _SEEN_VERSION, _PEOPLE_VERSION)
"""Of all that figures and digests are made by: processes that work together have the same."""


def _fingerprint(*parts: object) -> str:
    text = json.dumps(parts, default=_plain, ensure_ascii=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in a fingerprint")
