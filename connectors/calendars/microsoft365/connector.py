"""Microsoft 365 through Graph: the kind `microsoft365`, as an application, without a user.

Whose calendars there are comes from the directory, from groups or from the config; of each person the primary calendar
is read. The parts: `clouds`, `credentials` and `tokens` sign in, `client`
asks, `errors` and `sign_in_errors` say what a refusal means, `directory` and
`listing` know what Graph has, `events` and `attendees` read what comes back.

msal and requests are imported when the connector is first used, not with the config.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from connectors.calendars.microsoft365.clouds import CLOUDS, Place, place_of
from connectors.calendars.shared.roster import address, calendar_name, excluded_name, groups_in
from connectors.contract import Calendars, Context, Done, Page, Person, Reading, Roster
from connectors.net.endpoints import is_safe_endpoint
from connectors.settings import CertificateFile, ConnectorSettings, Secret

if TYPE_CHECKING:
    from connectors.calendars.microsoft365.client import Access, Calls
    from connectors.calendars.microsoft365.credentials import Credential
    from connectors.calendars.microsoft365.tokens import Tokens
    from connectors.net.retry import Patience

_PER_MINUTE = 780_000  # of an app over all mailboxes, and for each: Graph's documented limits (docs/providers.md B6)
_PER_MINUTE_AND_PERSON = 1_000
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_MANY_TENANTS = frozenset({"common", "organizations", "consumers"})


def _group(text: str) -> str:
    """A group's id or address."""
    named = text.strip()
    return named.lower() if _GUID.fullmatch(named) else address(named)


def _tenant(text: str) -> str:
    if _NAME.fullmatch(text) is None or text.lower() in _MANY_TENANTS:
        raise ValueError("is the tenant's id (Entra admin center > Overview) or one of its domains")
    return text


def _client(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError("is the application's id (Entra admin center > App registrations > the app > Overview)")
    return text


def _cloud(text: str) -> str:
    if text not in CLOUDS:
        raise ValueError(f"allowed: {', '.join(CLOUDS)}")
    return text


def _authority(text: str) -> str:
    root = text.rstrip("/")
    if root and (not root.startswith("https://") or not is_safe_endpoint(root)):
        raise ValueError("must be https, on this machine too: the library that signs in takes nothing else")
    if root and not root.removeprefix("https://").partition("/")[2]:
        raise ValueError("ends with the tenant, as in https://login.microsoftonline.com/TENANT")
    return root


def _endpoint(text: str) -> str:
    root = text.rstrip("/")
    if root and not is_safe_endpoint(root):
        raise ValueError("must be https, or http on this machine")
    if root and not root.partition("://")[2].partition("/")[2]:
        raise ValueError("ends with the version, as in https://graph.microsoft.com/v1.0")
    return root


class Settings(ConnectorSettings):
    """A `[[connectors]]` table of kind `microsoft365` (`docs/interface.md`)."""

    tenant_id: Annotated[str, AfterValidator(_tenant)]
    client_id: Annotated[str, AfterValidator(_client)]
    client_secret: Secret | None = None
    certificate_file: CertificateFile | None = None
    certificate_password: Secret | None = None
    cloud: Annotated[str, AfterValidator(_cloud)] = "global"
    calendars: Annotated[
        tuple[Annotated[str, AfterValidator(partial(calendar_name, group_name=_group))], ...], Field(min_length=1)
    ]
    exclude: tuple[Annotated[str, AfterValidator(partial(excluded_name, group_name=_group))], ...] = ()
    requests_per_minute: Annotated[int, Field(ge=0)] = 0
    authority: Annotated[str, AfterValidator(_authority)] = ""
    graph_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that are named anywhere, by id or address."""
        return groups_in(self.calendars, self.exclude)

    @property
    def place(self) -> Place:
        """Where to sign in and where to ask."""
        return place_of(self.cloud, self.tenant_id, self.authority, self.graph_endpoint)

    @model_validator(mode="after")
    def _one_credential(self) -> Settings:
        if (self.client_secret is None) == (self.certificate_file is None):
            raise ValueError("needs either client_secret or certificate_file")
        if self.certificate_password is not None and self.certificate_file is None:
            raise ValueError("certificate_password is of use with certificate_file only")
        return self


def connect(settings: Settings, context: Context) -> Calendars:
    """The connector. Opens nothing yet."""
    return MicrosoftCalendars(settings, context)


def mail_token(settings: Settings, context: Context, mailbox: str) -> str:  # noqa: ARG001  # one token serves them all
    """A token for Exchange's SMTP server, as the same application. Raises `StopConnector` or `RetryLater`."""
    from connectors.net.retry import Patience, patiently

    tokens = _tokens(settings, context)
    try:
        return patiently(lambda: tokens.get(settings.place.mail_scope), Patience())
    finally:
        tokens.close()


def ends_at(settings: Settings, context: Context) -> datetime | None:
    """When the certificate ends; None for a secret, which does not tell. Raises `StopConnector`."""
    from connectors.calendars.microsoft365.credentials import certificate_end

    return None if settings.certificate_file is None else certificate_end(_credential(settings, context))


def _tokens(settings: Settings, context: Context) -> Tokens:
    from connectors.calendars.microsoft365.tokens import Tokens

    return Tokens(settings.place.authority, settings.client_id, _credential(settings, context), context)


def _credential(settings: Settings, context: Context) -> Credential:
    from connectors.calendars.microsoft365.credentials import Credential

    return Credential(
        secret=settings.client_secret,
        certificate=settings.certificate_file,
        password=settings.certificate_password,
        folder=context.folder,
    )


class MicrosoftCalendars:
    """The calendars of a tenant; see `connectors.contract.Calendars`."""

    def __init__(self, settings: Settings, context: Context, patience: Patience | None = None) -> None:
        self.name = settings.name
        self.roster_requests = 0
        self._settings = settings
        self._context = context
        self._patience = patience
        self._made: Access | None = None
        self._lock = threading.Lock()

    def query(self) -> str:
        from connectors.calendars.microsoft365.cursor import VERSION

        place = self._settings.place
        text = f"microsoft365 {VERSION} {place.endpoint} {self._settings.tenant_id.lower()}"
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def people(self) -> Roster:
        from connectors.calendars.microsoft365.client import Calls

        calls = Calls()
        self._access.tokens.renew()
        try:
            return self._roster(calls)
        finally:
            self.roster_requests = calls.made

    def _roster(self, calls: Calls) -> Roster:
        from connectors.calendars.microsoft365.directory import Directory, roster
        from connectors.calendars.shared.roster import Chosen

        chosen = Chosen(calendars=self._settings.calendars, exclude=self._settings.exclude)
        return roster(chosen, self._settings.groups, Directory(self._access, calls))

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        from connectors.calendars.microsoft365.listing import Round

        yield from Round(self._access, self.name, person, reading).run()

    @property
    def _access(self) -> Access:
        """Made on first use: the libraries take a while to import."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Access:
        from connectors.calendars.microsoft365.client import Access
        from connectors.net.rate_limit import RateLimiter
        from connectors.net.retry import Patience, Pause

        pause = Pause()
        limit = self._settings.requests_per_minute or _PER_MINUTE
        return Access(
            _tokens(self._settings, self._context),
            self._settings.place,
            self._context,
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
