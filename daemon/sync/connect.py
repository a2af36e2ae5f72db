"""The connector of a `[[connectors]]` table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from typing import cast

import structlog

from connectors.contract import Allowance, Calendars
from connectors.settings import ConnectorSettings
from daemon.config.model import Config

log = structlog.get_logger()


def connect(
    settings: ConnectorSettings, config: Config, shared: Callable[[str, int], Allowance] | None = None
) -> Calendars:
    """The connector of one `[[connectors]]` table; its kind is the module's name. `shared` is as in `Context`."""
    module = import_module(f"connectors.calendars.{settings.kind}")
    return cast(Calendars, module.connect(settings, replace(config.context(), shared=shared)))


def close_all(connectors: Iterable[Calendars]) -> None:
    """Lets go of every connector; one that fails to is told in the log, and keeps nothing from ending."""
    for connector in connectors:
        try:
            connector.close()
        except Exception:  # a defect in one connector must not stop the others
            log.error("connector_defect", connector=connector.name, during="close", exc_info=True)
