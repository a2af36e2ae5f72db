"""`rapport config check`: the config file alone, offline; for reloads and pipelines."""

from __future__ import annotations

from pathlib import Path

from daemon.config.load import find, load
from daemon.output.terminal import print_line, say


def config_check(path: Path | None, *, strict: bool) -> int:
    """Reads the file and those that it names, and nothing else: no secret, store or network.

    1 if there are warnings and `strict` says that they count. Raises `ConfigError` with every problem.
    """
    file = find(path)
    warnings = load(file).warnings
    for warning in warnings:
        say(f"warning: {warning}")
    print_line(f"{file} can be used.")
    return 1 if strict and warnings else 0
