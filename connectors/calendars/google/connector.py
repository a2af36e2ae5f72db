"""Google Calendar of a Workspace: the kind `google`, by a service account with domain-wide delegation.

Whose calendars there are comes from the directory, from groups or from the config; of each person the primary
calendar is read, as that person. The parts: `credentials` and `client` ask, `errors` says what a
refusal means, `directory` and `listing` know the two APIs, `events` reads what
comes back.

Google's libraries are imported when the connector is first used, not with the config.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from connectors.calendars.google.credentials import calendar_scopes, directory_scopes
from connectors.calendars.google.events import FIELDS
from connectors.calendars.shared.roster import EVERYBODY, address, calendar_name, excluded_name, groups_in
from connectors.contract import Calendars, Context, Done, Page, Person, Reading, Roster
from connectors.net.endpoints import is_safe_endpoint
from connectors.settings import ConnectorSettings, FileOrSecret

if TYPE_CHECKING:
    from connectors.calendars.google.client import Access, Calls
    from connectors.net.retry import Patience

_MAIL_SCOPE = "https://mail.google.com/"
_PER_MINUTE = 10_000  # of a project, and of a person in it: Google's documented limits (docs/providers.md A6)
_PER_MINUTE_AND_PERSON = 600


def _admin(text: str) -> str:
    return address(text) if text else ""


def _endpoint(text: str) -> str:
    if not text:
        return ""
    root = text.rstrip("/")
    if not is_safe_endpoint(root):
        raise ValueError("must be https, or http on this machine")
    if root.endswith("/calendar/v3"):
        raise ValueError("is a root, without /calendar/v3")
    return root


class Settings(ConnectorSettings):
    """A `[[connectors]]` table of kind `google` (`docs/interface.md`)."""

    credentials_file: FileOrSecret
    admin: Annotated[str, AfterValidator(_admin)] = ""
    calendars: Annotated[tuple[Annotated[str, AfterValidator(calendar_name)], ...], Field(min_length=1)]
    exclude: tuple[Annotated[str, AfterValidator(excluded_name)], ...] = ()
    requests_per_minute: Annotated[int, Field(ge=0)] = 0
    scopes: tuple[str, ...] = ()
    api_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that are named anywhere, without `group:`."""
        return groups_in(self.calendars, self.exclude)

    @property
    def reads_directory(self) -> bool:
        return EVERYBODY in self.calendars or bool(self.groups)

    @model_validator(mode="after")
    def _an_admin(self) -> Settings:
        if self.reads_directory and not self.admin:
            raise ValueError('needs admin for "*" and "group:…": an administrator, as whom the directory is read')
        return self


def connect(settings: Settings, context: Context) -> Calendars:
    """The connector. Opens nothing yet."""
    return GoogleCalendars(settings, context)


def mail_token(settings: Settings, context: Context, mailbox: str) -> str:
    """A token for Gmail's SMTP server as this mailbox, by delegation. Raises `StopConnector` or `RetryLater`."""
    from connectors.calendars.google.errors import Asked
    from connectors.calendars.google.sessions import Line
    from connectors.calendars.google.tokens import Tokens
    from connectors.net.retry import Patience, patiently

    tokens = Tokens(settings.credentials_file, context)
    asked = Asked(api="mail", subject=mailbox, scopes=(_MAIL_SCOPE,))
    line = Line(context, settings.api_endpoint)
    try:
        return str(patiently(lambda: tokens.of(line, asked), Patience()).token)
    finally:
        line.session.close()


class GoogleCalendars:
    """The calendars of a Workspace; see `connectors.contract.Calendars`."""

    def __init__(self, settings: Settings, context: Context, patience: Patience | None = None) -> None:
        self.name = settings.name
        self.roster_requests = 0
        self._settings = settings
        self._context = context
        self._patience = patience
        self._scopes = calendar_scopes(settings.scopes)
        self._made: Access | None = None
        self._lock = threading.Lock()

    def query(self) -> str:
        from connectors.calendars.google.listing import VERSION

        text = f"google {VERSION} {FIELDS} {sorted(self._scopes)}"
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def people(self) -> Roster:
        from connectors.calendars.google.client import Calls

        calls = Calls()
        self._access.tokens.renew()
        try:
            roster = self._roster(calls)
        finally:
            self.roster_requests = calls.made
        self._access.tokens.meet([*(one.address for one in roster.people), self._settings.admin])
        return roster

    def _roster(self, calls: Calls) -> Roster:
        from connectors.calendars.google.directory import Directory
        from connectors.calendars.shared.roster import Chosen, roster_of

        chosen = Chosen(calendars=self._settings.calendars, exclude=self._settings.exclude)
        if not self._settings.reads_directory:
            return roster_of(chosen, [], {})
        groups = self._settings.groups
        scopes = directory_scopes(self._settings.scopes, groups=bool(groups))
        directory = Directory(self._access, self._settings.admin, scopes, calls)
        return roster_of(chosen, directory.users(), {group: directory.members(group) for group in groups})

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        from connectors.calendars.google.listing import Round

        yield from Round(self._access, self.name, self._scopes, person, reading).run()

    @property
    def _access(self) -> Access:
        """Made on first use: Google's libraries take half a second to import."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Access:
        from connectors.calendars.google.client import Access
        from connectors.calendars.google.sessions import Lines
        from connectors.calendars.google.tokens import Tokens
        from connectors.net.rate_limit import RateLimiter
        from connectors.net.retry import Patience, Pause

        pause = Pause()
        limit = self._settings.requests_per_minute or _PER_MINUTE
        return Access(
            Tokens(self._settings.credentials_file, self._context),
            Lines(self._context, self._settings.api_endpoint),
            pacer=RateLimiter(
                per_minute=limit,
                per_person=_PER_MINUTE_AND_PERSON,
                sleep=pause,
                all_together=self._context.shared(self.name, limit) if self._context.shared else None,
            ),
            patience=self._patience or Patience(),
            pause=pause,
        )

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
