"""Pages wait here until their round is complete: a few in memory, the rest in a nameless file of ours alone."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from connectors.contract import Page

_IN_MEMORY = 2_000  # copies, or so much else as takes their room
_IDS_A_COPY = 16


class Spool:
    """Pages in the order in which they came. A context manager: what was spooled is gone at its end."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._items = 0
        self._file: IO[bytes] | None = None

    def add(self, page: Page) -> None:
        """Keeps a page until it is read back."""
        self._items += len(page.copies) + (len(page.removed) + len(page.erased)) // _IDS_A_COPY
        if self._items <= _IN_MEMORY:
            self._pages.append(page)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="rapport-")  # noqa: SIM115  # closed by __exit__
        pickle.dump(page, self._file, protocol=pickle.HIGHEST_PROTOCOL)

    def __bool__(self) -> bool:
        """Whether it holds any page."""
        return bool(self._pages) or self._file is not None

    def __iter__(self) -> Iterator[Page]:
        yield from self._pages
        if self._file is None:
            return
        self._file.seek(0)
        while True:
            try:
                page: Page = pickle.load(self._file)  # noqa: S301  # our own file, without a name
            except EOFError:
                return
            yield page

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
