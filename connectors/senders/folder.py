"""A digest into a folder: the page, the text, the sheet and the charts, as files that open by themselves.

What goes to Slack lies beside them as JSON: `message` and each of `thread` can be pasted into its Block Kit Builder.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from connectors.contract import Receipt, RenderedDigest
from connectors.errors import StopConnector

PAGE, TEXT, SLACK = "digest.html", "digest.txt", "slack.json"


class Folder:
    """Writes into one folder, which is made for nobody else to read if it is not there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, digest: RenderedDigest) -> Receipt:
        """Every file is whole or not there: written beside its place, then renamed. The page comes last."""
        files = _files(digest)
        try:
            self._make()
            return Receipt(where=tuple(str(self._write(name, data)) for name, data in files.items()))
        except OSError as problem:
            raise StopConnector(
                "unwritable",
                f"the folder {self.path} cannot be written: {problem.strerror or problem}",
                "Name another folder, or make room there and let this user write to it.",
            ) from problem

    def _make(self) -> None:
        if not self.path.is_dir():
            self.path.mkdir(mode=0o700, parents=True)

    def _write(self, name: str, data: bytes) -> Path:
        target = self.path / name
        handle, beside = tempfile.mkstemp(dir=self.path, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(beside).replace(target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        return target


def _files(digest: RenderedDigest) -> dict[str, bytes]:
    """By name, refused before anything is written if one is more than a name and would lead out of the folder."""
    for name in digest.files:
        if not name or name != Path(name).name or name.startswith("."):
            raise ValueError(f"not a file name: {name!r}")
    slack = {SLACK: _slack(digest)} if digest.blocks else {}
    return {**digest.files, **slack, TEXT: digest.text.encode(), PAGE: digest.html.encode()}


def _slack(digest: RenderedDigest) -> bytes:
    payload = {
        "message": {"blocks": digest.blocks},
        "thread": [{"blocks": blocks} for blocks in digest.thread],
        "files": digest.attached,
    }
    return (json.dumps(payload, ensure_ascii=False, indent=2) + "\n").encode()
