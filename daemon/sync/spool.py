"""Changes wait here until their listing is complete: a few in memory, the rest in a nameless file of ours alone."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from typing import IO

from daemon.store.calendar_writes import PageChanges

_IN_MEMORY = 2_000  # copies, or so much else as takes their room
_IDS_A_COPY = 16


class Spool:
    """What pages change, in the order in which they came. To be closed."""

    def __init__(self) -> None:
        self._pages: list[PageChanges] = []
        self._items = 0
        self._file: IO[bytes] | None = None

    def add(self, page: PageChanges) -> None:
        """Keeps what a page changes until the spool is closed."""
        self._items += len(page.new) + len(page.changed) + (len(page.removed) + len(page.erased)) // _IDS_A_COPY
        if self._items <= _IN_MEMORY:
            self._pages.append(page)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="rapport-")  # noqa: SIM115  # `close` does
        pickle.dump(page, self._file, protocol=pickle.HIGHEST_PROTOCOL)

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self._pages) or self._file is not None

    def __iter__(self) -> Iterator[PageChanges]:
        yield from self._pages
        if self._file is None:
            return
        self._file.seek(0)
        while True:
            try:
                page: PageChanges = pickle.load(self._file)  # noqa: S301  # our own file, without a name
            except EOFError:
                return
            yield page

    def close(self) -> None:
        """What was spooled is gone."""
        self._pages.clear()
        if self._file is not None:
            self._file.close()
