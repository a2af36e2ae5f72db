"""Microsoft 365 through Graph: the kind `microsoft365`, as an application, without a user.

Whose calendars there are comes from the directory, from groups or from the config; of each person the primary calendar
is read. The parts: `settings`, `credentials` and `tokens` sign in, `client` asks, `errors` and `sign_in_errors` say
what a refusal means, `directory`, `mailbox` and `listing` know what Graph has, `events` and `attendees` read what comes
back.

msal and requests are imported when the connector is first used, not with the config.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from connectors.calendars.microsoft365.settings import Settings
from connectors.calendars.shared.calendars import ProviderCalendars, RequestCounter
from connectors.calendars.shared.items import Origin
from connectors.calendars.shared.roster import Chosen
from connectors.contract import Calendars, Context, Done, Page, Person, Reading, Roster

if TYPE_CHECKING:
    from connectors.calendars.microsoft365.client import GraphClient
    from connectors.calendars.microsoft365.credentials import Credential
    from connectors.calendars.microsoft365.tokens import Tokens
    from connectors.net.retry import Patience

_PER_MINUTE = 780_000  # of an app over all mailboxes, and for each: Graph's documented limits (docs/providers.md B6)
_PER_MINUTE_AND_PERSON = 1_000


def connect(settings: Settings, context: Context, patience: Patience | None = None) -> Calendars:
    """The connector. Opens nothing yet."""
    return ProviderCalendars(
        settings.name,
        version=partial(_version, settings),
        connect=partial(_client, settings, context, patience),
        roster=partial(_roster, settings),
        listing=partial(_listing, settings),
    )


def mail_token(settings: Settings, context: Context, mailbox: str) -> str:  # noqa: ARG001  # one token serves them all
    """A token for Exchange's SMTP server, as the same application. Raises `StopConnector` or `RetryLater`."""
    from connectors.net.retry import Patience, patiently

    tokens = _tokens(settings, context)
    try:
        return patiently(lambda: tokens.get(settings.endpoints.mail_scope), Patience())
    finally:
        tokens.close()


def ends_at(settings: Settings, context: Context) -> datetime | None:
    """When the certificate ends; None for a secret, which does not tell. Raises `StopConnector`."""
    from connectors.calendars.microsoft365.credentials import certificate_end

    return None if settings.certificate_file is None else certificate_end(_credential(settings, context))


def _tokens(settings: Settings, context: Context) -> Tokens:
    from connectors.calendars.microsoft365.tokens import Tokens

    return Tokens(settings.endpoints.authority, settings.client_id, _credential(settings, context), context)


def _credential(settings: Settings, context: Context) -> Credential:
    from connectors.calendars.microsoft365.credentials import Credential

    return Credential(
        secret=settings.client_secret,
        certificate=settings.certificate_file,
        password=settings.certificate_password,
        folder=context.folder,
    )


def _version(settings: Settings) -> str:
    from connectors.calendars.microsoft365.listing import VERSION

    return f"microsoft365 {VERSION} {settings.endpoints.graph} {settings.tenant_id.lower()}"


def _client(settings: Settings, context: Context, patience: Patience | None) -> GraphClient:
    from connectors.calendars.microsoft365.client import GraphClient
    from connectors.calendars.shared.client import pacing_of, session_of

    limit = settings.requests_per_minute or _PER_MINUTE
    return GraphClient(
        _tokens(settings, context),
        settings.endpoints,
        lambda: session_of(context),
        pacing_of(context, settings.name, per_minute=limit, per_person=_PER_MINUTE_AND_PERSON, patience=patience),
    )


def _roster(settings: Settings, client: GraphClient, counter: RequestCounter) -> Roster:
    from connectors.calendars.microsoft365.directory import Directory, roster

    client.tokens.renew()
    chosen = Chosen(calendars=settings.calendars, exclude=settings.exclude)
    return roster(chosen, settings.groups, Directory(client, counter))


def _listing(
    settings: Settings, client: GraphClient, counter: RequestCounter, person: Person, reading: Reading
) -> Iterator[Page | Done]:
    from connectors.calendars.microsoft365.listing import Listing

    return Listing(client, counter, Origin.of(settings.name, person, reading), reading).run()
