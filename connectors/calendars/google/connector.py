"""Google Calendar of a Workspace: the kind `google`, by a service account with domain-wide delegation.

Whose calendars there are comes from the directory, from groups or from the config; of each person the primary
calendar is read, as that person. The parts: `credentials`, `tokens`, `sessions` and `client` ask, `errors` says what a
refusal means, `directory` and `listing` know the two APIs, `events` and `attendees` read what comes back.

Google's libraries are imported when the connector is first used, not with the config.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from connectors.calendars.google.credentials import calendar_scopes, directory_scopes
from connectors.calendars.google.events import FIELDS
from connectors.calendars.shared.calendars import ProviderCalendars, RequestCounter
from connectors.calendars.shared.items import Origin
from connectors.calendars.shared.roster import (
    EVERYBODY,
    Chosen,
    Members,
    User,
    address,
    calendar_name,
    excluded_name,
    groups_in,
    roster_of,
)
from connectors.contract import Calendars, Context, Done, Page, Person, Reading, Roster
from connectors.net.endpoints import is_safe_endpoint
from connectors.settings import ConnectorSettings, FileOrSecret

if TYPE_CHECKING:
    from connectors.calendars.google.client import GoogleClient
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


def connect(settings: Settings, context: Context, patience: Patience | None = None) -> Calendars:
    """The connector. Opens nothing yet."""
    return ProviderCalendars(
        settings.name,
        version=partial(_version, settings),
        connect=partial(_client, settings, context, patience),
        roster=partial(_roster, settings),
        listing=partial(_listing, settings),
    )


def mail_token(settings: Settings, context: Context, mailbox: str) -> str:
    """A token for Gmail's SMTP server as this mailbox, by delegation. Raises `StopConnector` or `RetryLater`."""
    from connectors.calendars.google.errors import RequestInfo
    from connectors.calendars.google.sessions import Connection, Services
    from connectors.calendars.google.tokens import Tokens
    from connectors.net.retry import Patience, patiently

    tokens = Tokens(settings.credentials_file, context)
    info = RequestInfo(api="mail", subject=mailbox, scopes=(_MAIL_SCOPE,))
    connection = Connection(context, Services(settings.api_endpoint))
    try:
        return str(patiently(lambda: tokens.of(connection, info), Patience()).token)
    finally:
        connection.close()


def _version(settings: Settings) -> str:
    from connectors.calendars.google.listing import VERSION

    return f"google {VERSION} {FIELDS} {sorted(calendar_scopes(settings.scopes))}"


def _client(settings: Settings, context: Context, patience: Patience | None) -> GoogleClient:
    from connectors.calendars.google.client import GoogleClient
    from connectors.calendars.google.sessions import Connection, Services
    from connectors.calendars.google.tokens import Tokens
    from connectors.calendars.shared.client import pacing_of

    services = Services(settings.api_endpoint)
    limit = settings.requests_per_minute or _PER_MINUTE
    return GoogleClient(
        Tokens(settings.credentials_file, context),
        lambda: Connection(context, services),
        pacing_of(context, settings.name, per_minute=limit, per_person=_PER_MINUTE_AND_PERSON, patience=patience),
    )


def _roster(settings: Settings, client: GoogleClient, counter: RequestCounter) -> Roster:
    from connectors.calendars.google.directory import Directory

    client.tokens.renew()
    users: list[User] = []
    groups: dict[str, Members] = {}
    if settings.reads_directory:
        scopes = directory_scopes(settings.scopes, groups=bool(settings.groups))
        directory = Directory(client, settings.admin, scopes, counter)
        users = directory.users()
        groups = {group: directory.members(group) for group in settings.groups}
    roster = roster_of(Chosen(calendars=settings.calendars, exclude=settings.exclude), users, groups)
    client.tokens.meet([*(person.address for person in roster.people), settings.admin])
    return roster


def _listing(
    settings: Settings, client: GoogleClient, counter: RequestCounter, person: Person, reading: Reading
) -> Iterator[Page | Done]:
    from connectors.calendars.google.listing import Listing

    origin = Origin.of(settings.name, person, reading)
    return Listing(client, counter, calendar_scopes(settings.scopes), origin, reading).run()
