"""A `[[connectors]]` table of kind `microsoft365`: which cloud it leads to, as whom, and whose calendars it names.

Costs no library: configs are checked with it. Where each cloud signs in and where its Graph is: `docs/providers.md` B8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from connectors.calendars.shared.roster import address, calendar_name, excluded_name, groups_in
from connectors.net.endpoints import is_safe_endpoint
from connectors.settings import CertificateFile, ConnectorSettings, Secret

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_MANY_TENANTS = frozenset({"common", "organizations", "consumers"})


@dataclass(frozen=True, slots=True)
class _Cloud:
    login: str
    graph: str
    mail: str


_CLOUDS: Mapping[str, _Cloud] = {
    "global": _Cloud("login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"),
    "us_gov": _Cloud("login.microsoftonline.us", "graph.microsoft.us", "outlook.office365.us"),
    "us_dod": _Cloud("login.microsoftonline.us", "dod-graph.microsoft.us", "webmail.apps.mil"),
    "china": _Cloud("login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn", "partner.outlook.cn"),
}
"""Hosts to sign in, of Graph, and of Exchange. A token is good in one cloud only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """Where a connector signs in and where it asks: addresses, Graph's with its version; scopes as tokens want them."""

    authority: str
    graph: str
    scope: str
    mail_scope: str


def _endpoints(cloud: str, tenant: str, authority: str, endpoint: str) -> Endpoints:
    """A cloud's own, or those that are given instead. Graph's scope is its own root, whichever it is."""
    known = _CLOUDS[cloud]
    root = endpoint or f"https://{known.graph}/v1.0"
    parts = urlsplit(root)
    return Endpoints(
        authority=authority or f"https://{known.login}/{tenant}",
        graph=root,
        scope=f"{parts.scheme}://{parts.netloc}/.default",
        mail_scope=f"https://{known.mail}/.default",
    )


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
    if text not in _CLOUDS:
        raise ValueError(f"allowed: {', '.join(_CLOUDS)}")
    return text


def _authority(text: str) -> str:
    root = text.rstrip("/")
    if root and (not root.startswith("https://") or not is_safe_endpoint(root)):
        raise ValueError("must be https, on this machine too: the library that signs in takes nothing else")
    if root and not root.removeprefix("https://").partition("/")[2]:
        raise ValueError("ends with the tenant, as in https://login.microsoftonline.com/TENANT")
    return root


def _graph_endpoint(text: str) -> str:
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
    graph_endpoint: Annotated[str, AfterValidator(_graph_endpoint)] = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that are named anywhere, by id or address."""
        return groups_in(self.calendars, self.exclude)

    @property
    def endpoints(self) -> Endpoints:
        """Where to sign in and where to ask."""
        return _endpoints(self.cloud, self.tenant_id, self.authority, self.graph_endpoint)

    @model_validator(mode="after")
    def _one_credential(self) -> Settings:
        if (self.client_secret is None) == (self.certificate_file is None):
            raise ValueError("needs either client_secret or certificate_file")
        if self.certificate_password is not None and self.certificate_file is None:
            raise ValueError("certificate_password is of use with certificate_file only")
        return self
