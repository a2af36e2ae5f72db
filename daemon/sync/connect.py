"""The connector of a `[[connectors]]` table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import cast

from connectors.contract import Allowance, Calendars
from connectors.settings import ConnectorSettings
from daemon.config.model import Config


def connect(
    settings: ConnectorSettings, config: Config, shared: Callable[[str, int], Allowance] | None = None
) -> Calendars:
    """The connector of one `[[connectors]]` table; its kind is the module's name. `shared` is as in `Context`."""
    module = import_module(f"connectors.calendars.{settings.kind}")
    return cast(Calendars, module.connect(settings, replace(config.context(), shared=shared)))
