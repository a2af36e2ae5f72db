"""Logs: structlog on standard error, JSON or console, other libraries' logs with it.

The last step before a line is written takes out secrets, titles and, unless at debug level, addresses
(`daemon.output.redaction`). An exception is told by its kind and where it came from, never by what it says.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from daemon.config.schema.tables import LogTable
from daemon.output.redaction import kind_of, scrub, scrub_value, trace

if TYPE_CHECKING:
    import structlog

LogLine = MutableMapping[str, Any]


def set_up_logs(settings: LogTable) -> None:
    """`[log]`: `auto` is console on a terminal and JSON elsewhere. May be called again with other settings."""
    import structlog

    as_console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if as_console
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    level = getattr(logging, settings.level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            Scrubber(addresses=settings.level == "debug"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=_Output()),  # type: ignore[arg-type]  # asks for write and flush
        cache_logger_on_first_use=False,
    )
    _route_other_logs(level)


class Scrubber:
    """The step that lets nothing through that must not be in a log."""

    def __init__(self, *, addresses: bool) -> None:
        self._addresses = addresses

    def __call__(self, _logger: object, _method: str, line: LogLine) -> LogLine:
        """The line with every value scrubbed, and an exception as a trace without values."""
        error = line.pop("exc_info", None)
        line.pop("stack_info", None)
        kept = {key: scrub_value(key, value, addresses=self._addresses) for key, value in line.items()}
        if (found := _exception(error)) is not None:
            kept["exception"] = trace(found)
        return kept


class _Output:
    """Standard error of the moment. Who reads it may be gone, or its disk full: that must stop nothing."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class _ToStructlog(logging.Handler):
    """What the standard library's loggers say. Of a message with values only the text around them is kept."""

    def emit(self, record: logging.LogRecord) -> None:
        import structlog

        message = scrub(record.msg) if isinstance(record.msg, str) else kind_of(record.msg)
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        log = structlog.get_logger()
        log.log(level, "library", logger=record.name, message=message, exc_info=record.exc_info)


def _route_other_logs(level: int) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _ToStructlog)]:
        root.removeHandler(handler)
    root.addHandler(_ToStructlog())
    root.setLevel(max(level, logging.WARNING))  # below that libraries tell what they ask for and with what


def tell_of_lost_threads() -> None:
    """For the service: a thread that ends by a defect says so as a line of the log, not as a traceback with values."""
    import structlog

    log = structlog.get_logger()

    def tell(ended: threading.ExceptHookArgs) -> None:
        name = ended.thread.name if ended.thread is not None else "?"
        log.error("thread_defect", thread=name, exc_info=ended.exc_value)

    threading.excepthook = tell


def _exception(given: object) -> BaseException | None:
    """What `exc_info` means: an exception, the one being handled, or the standard library's three."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if len(given) == 3 and isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None
