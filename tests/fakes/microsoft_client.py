"""The connector under test, made for a fake of Microsoft: quick to lose patience, else as the config makes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.calendars.microsoft365 import Settings, connect
from connectors.calendars.shared.items import Origin
from connectors.contract import Calendars, Context
from connectors.net.retry import Patience
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_items import at, guest
from tests.fakes.reading import ANA, JO, NOW, QUICK

ORIGIN = Origin(connector="m365", calendar=JO, addresses=(JO,), read_at=NOW)


def tenant(
    graph: FakeMicrosoft, folder: Path, *, patience: Patience = QUICK, trusted: bool = True, **settings: Any
) -> Calendars:
    """A connector to the fake; Jo's calendar by her address, unless `settings` say otherwise."""
    reached = context(graph, folder, settings.pop("timeout_seconds", 5.0), trusted=trusted)
    return connect(settings_for(graph, **settings), reached, patience)


def settings_for(graph: FakeMicrosoft, **settings: Any) -> Settings:
    """The table of the config for the fake, by a secret unless `settings` name a certificate."""
    given = {
        "name": "m365",
        "kind": "microsoft365",
        "tenant_id": graph.tenant_id,
        "client_id": graph.client_id,
        "calendars": [JO],
        "authority": graph.authority,
        "graph_endpoint": graph.endpoint,
        **settings,
    }
    if "certificate_file" not in given:
        given.setdefault("client_secret", graph.secret)
    return Settings(**given)


def context(graph: FakeMicrosoft, folder: Path, timeout_seconds: float = 5.0, *, trusted: bool = True) -> Context:
    """How to reach the fake; its certificate is only good for who trusts its CA."""
    ca_file = graph.ca_file if trusted else None
    return Context(folder=folder, zone=ZoneInfo("Europe/London"), ca_file=ca_file, timeout_seconds=timeout_seconds)


def meeting(name: str, begins: datetime = NOW - timedelta(days=5), minutes: int = 60, /, **more: Any) -> dict[str, Any]:
    """An item: Jo with Ana, five days ago, for an hour, unless `more` says otherwise."""
    return {
        "id": name,
        "start": at(begins),
        "end": at(begins + timedelta(minutes=minutes)),
        "attendees": [guest(ANA, "accepted")],
        **more,
    }
