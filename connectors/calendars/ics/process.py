"""The parent's side of the child process that reads calendars: starts it, asks it, ends it when it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connectors.calendars.ics.parser.request import Request
from connectors.errors import ConnectorError, SkipCalendar

_SECONDS = 60.0  # above the processor time that the child allows itself, for a machine with much to do
_BYTES_PER_SECOND_MORE = 500_000
_ROOT = Path(__file__).resolve().parents[4]
_KEEP_BELOW_BYTES = 8_000_000
_AT_ONCE = max(1, min(4, (os.cpu_count() or 2) // 2))


class Reader:
    """Reads sources in child processes; safe from several threads. Nothing starts before it is needed.

    `seconds` bounds the time for one source, and grows with its size.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []

    def read(self, request: Request, data: bytes, what: str) -> list[bytes]:
        """The pages of a source as JSON lines. `what` names it in errors. Raises `SkipCalendar`."""
        with self._turn, self._child(len(data)) as child:
            lines = self._ask(child, request, data)
        last = _decoded(lines.pop()) if lines else {}
        if "done" in last:
            return lines
        raise _refusal(last, what)

    def close(self) -> None:
        with self._lock:
            children, self._idle = self._idle, []
        for child in children:
            _end(child)

    @contextmanager
    def _child(self, size: int) -> Iterator[subprocess.Popen[bytes]]:
        """A child that waits; put back only when it is well, and small enough to keep."""
        with self._lock:
            child = self._idle.pop() if self._idle else None
        if child is not None and child.poll() is not None:
            _end(child)
            child = None
        if child is None:
            child = _start()
        kept = False
        try:
            yield child
            kept = size < _KEEP_BELOW_BYTES and child.poll() is None
        finally:
            if kept:
                with self._lock:
                    self._idle.append(child)
            else:
                _end(child)

    def _ask(self, child: subprocess.Popen[bytes], request: Request, data: bytes) -> list[bytes]:
        """The answer's lines; without a last word where the child was ended or ended itself."""
        deadline = threading.Timer(self._seconds + len(data) / _BYTES_PER_SECOND_MORE, child.kill)
        deadline.daemon = True
        deadline.start()
        try:
            return list(_exchange(child, request, data))
        finally:
            deadline.cancel()
            deadline.join()


def _exchange(child: subprocess.Popen[bytes], request: Request, data: bytes) -> Iterator[bytes]:
    if child.stdin is None or child.stdout is None:
        return
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(asdict(request)).encode() + b"\n" + data)
        child.stdin.flush()
    for line in child.stdout:
        yield line
        if line.startswith((b'{"done"', b'{"error"')):
            return
    child.wait()


def _start() -> subprocess.Popen[bytes]:
    """A child with the parent's zones and no other part of its environment, which holds secrets."""
    environment = {"PYTHONPATH": str(_ROOT), "PYTHONTZPATH": os.pathsep.join(zoneinfo.TZPATH), "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-B", "-m", "connectors.calendars.ics.parser.main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    child.wait()


def _decoded(line: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(line)
        if isinstance(found, dict):
            return found
    return {}


def _refusal(last: dict[str, Any], what: str) -> ConnectorError:
    error = last.get("error")
    if error == "malformed":
        why = last.get("why", "it holds no calendar")
        return SkipCalendar(
            "malformed", f"{what} is no calendar: {why}", "Export the calendar again as iCalendar (.ics)."
        )
    if error == "truncated":
        return SkipCalendar(
            "truncated", f"{what} ends in the middle", "Write it under another name and rename it when complete."
        )
    return SkipCalendar(
        "too_costly", f"{what} takes too much time or memory to read", "Look for entries that repeat too often."
    )
