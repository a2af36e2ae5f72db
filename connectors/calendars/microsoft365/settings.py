"""Microsoft's clouds: where each signs in and where its Graph is (`docs/providers.md` B8). Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class _Cloud:
    login: str
    graph: str
    mail: str


CLOUDS: Mapping[str, _Cloud] = {
    "global": _Cloud("login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"),
    "us_gov": _Cloud("login.microsoftonline.us", "graph.microsoft.us", "outlook.office365.us"),
    "us_dod": _Cloud("login.microsoftonline.us", "dod-graph.microsoft.us", "webmail.apps.mil"),
    "china": _Cloud("login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn", "partner.outlook.cn"),
}
"""Hosts to sign in, of Graph, and of Exchange. A token is good in one cloud only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a connector signs in and asks: `endpoint` with its version, scopes as tokens are asked for."""

    authority: str
    endpoint: str
    scope: str
    mail_scope: str


def place_of(cloud: str, tenant: str, authority: str, endpoint: str) -> Place:
    """A cloud's places, or those that are given instead. Graph's scope is its own root, whichever it is."""
    known = CLOUDS[cloud]
    root = endpoint or f"https://{known.graph}/v1.0"
    parts = urlsplit(root)
    return Place(
        authority=authority or f"https://{known.login}/{tenant}",
        endpoint=root,
        scope=f"{parts.scheme}://{parts.netloc}/.default",
        mail_scope=f"https://{known.mail}/.default",
    )
