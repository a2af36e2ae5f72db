"""Keeps urllib3 from logging what holds secrets: the addresses of feeds, sync tokens, page tokens.

Per thread, and only while we ask, so that nobody else's logs are touched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Quiet(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.state = threading.local()

    def filter(self, _record: logging.LogRecord) -> bool:
        return not getattr(self.state, "quiet", False)


_QUIET = _Quiet()
for _name in ("connectionpool", "connection", "response", "util.retry", "poolmanager"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_QUIET)


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing that urllib3 logs in this thread gets through."""
    before = getattr(_QUIET.state, "quiet", False)
    _QUIET.state.quiet = True
    try:
        yield
    finally:
        _QUIET.state.quiet = before
