"""What went wrong, in a sentence with a remedy, and the exit code. The one place that knows every error."""

from __future__ import annotations

import os
import sys

from connectors.errors import ConnectorError, sentence
from daemon.commands.usage import UsageError
from daemon.config.problems import ConfigError
from daemon.figures.history import NothingRead, UnknownMonth
from daemon.output.redaction import trace
from daemon.store.db.errors import StoreError


def told(error: Exception) -> tuple[str, int]:
    """The text for standard error, and the exit code: 1 a failure, 2 config or usage."""
    match error:
        case ConfigError():
            count = len(error.problems)
            end = "Nothing was started." if count == 1 else f"{count} problems. Nothing was started."
            return f"{error}\n{end}", 2
        case UsageError():
            return _capital(str(error)), 2
        case UnknownMonth():
            return _capital(f"{error}."), 2
        case NothingRead():
            return "No calendar has been read yet. Run `rapport sync` first.", 1
        case StoreError():
            return f"{_capital(error.what)}. {error.remedy}", error.exit_code
        case ConnectorError():
            return _capital(sentence(error)), 1
        case OSError():
            return f"{_capital(error.strerror or 'the system reports an error')}: {error.filename or ''}".rstrip(
                ": "
            ), 1
    if os.environ.get("RAPPORT_DEBUG"):
        sys.stderr.write(trace(error) + "\n")
    name = type(error).__name__
    return f"Rapport failed ({name}). Set RAPPORT_DEBUG=1 to see where, and report it.", 1


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
