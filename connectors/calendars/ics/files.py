"""Calendar files: which the patterns name, whose they are, whether they changed, and their bytes.

Only regular files are opened, and only inside the folder that their pattern names: whoever may put a link there must
not have other files of the machine read.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from connectors.errors import RetryLater, SkipCalendar
from scoring.meetings.address_book import normalise_address

LARGEST_BYTES = 64 * 1024 * 1024
_SUFFIX = ".ics"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTLED = timedelta(seconds=2)  # a file written later than that before reading may be written again in the same tick


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file by its path, the folder that it must lie in, and its owner; None where its name is no address."""

    path: Path
    base: Path
    key: str
    owner: str | None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def person(self) -> str:
        """Whose calendar it is: the owner's address, else what the file is called."""
        return self.owner or self.path.name


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shows cheaply that a file is as it was, once it is `settled`."""

    size: int
    modified_ns: int
    changed_ns: int
    node: int

    @property
    def modified(self) -> datetime:
        return _moment(self.modified_ns)

    def settled(self, now: datetime) -> bool:
        return now - _moment(max(self.modified_ns, self.changed_ns)) > _SETTLED


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file as read at once, with its stamp at that moment."""

    data: bytes
    stamp: Stamp

    @property
    def hash(self) -> str:
        return sha256(self.data).hexdigest()


def find_files(patterns: Iterable[str], folder: Path) -> list[FileSource]:
    """The files that the patterns name, each once, in a stable order. A plain path is named even if absent."""
    found: dict[Path, FileSource] = {}
    for pattern in patterns:
        for path, base in _matches(Path(pattern).expanduser(), folder):
            key = os.path.relpath(path, folder)
            found.setdefault(path, FileSource(path, base, key, owner_of(path)))
    return sorted(found.values(), key=lambda source: source.key)


def owner_of(path: Path) -> str | None:
    """The address after which a file is named, or None."""
    name = path.name
    if name.lower().endswith(_SUFFIX):
        return normalise_address(name[: -len(_SUFFIX)])
    return None


def _matches(pattern: Path, folder: Path) -> list[tuple[Path, Path]]:
    if not glob.has_magic(str(pattern)):
        path = folder / pattern
        return [(path, path.parent)]
    base = folder / _fixed_part(pattern)
    rest = str(pattern.relative_to(_fixed_part(pattern)))
    rest = re.sub(r"\.ics$", ".[iI][cC][sS]", rest, flags=re.IGNORECASE)
    paths = (path for path in base.glob(rest) if not _is_hidden(path.relative_to(base)))
    return [(path, base) for path in paths if not _is_plain_folder(path)]


def _fixed_part(pattern: Path) -> Path:
    """The folder that a pattern names before its first wildcard."""
    parts: list[str] = []
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _is_hidden(path: Path) -> bool:
    """What rsync, editors and macOS leave beside a file until it is complete."""
    return any(part.startswith(".") for part in path.parts)


def _is_plain_folder(path: Path) -> bool:
    """A folder that a wildcard met by chance, rather than one that is named like a calendar."""
    return not path.name.lower().endswith(_SUFFIX) and path.is_dir()


def look(source: FileSource) -> Stamp:
    """The file's stamp without reading it. Raises `SkipCalendar`."""
    try:
        return _stamp(_checked(source).lstat())
    except OSError as error:
        raise _refusal(source, error) from None


def read_file(source: FileSource) -> FileBytes:
    """The whole file. Raises `SkipCalendar`; `RetryLater` while somebody writes it."""
    try:
        with _open(source) as handle:
            before = _stamp(os.fstat(handle.fileno()))
            data = handle.read(LARGEST_BYTES + 1)
            after = _stamp(os.fstat(handle.fileno()))
    except OSError as error:
        raise _refusal(source, error) from None
    if len(data) > LARGEST_BYTES:
        raise too_large(f"the file {source.name}")
    if before != after:
        raise RetryLater("changing", f"the file {source.name} is being written")
    return FileBytes(data, after)


def too_large(what: str) -> SkipCalendar:
    limit = LARGEST_BYTES // 2**20
    return SkipCalendar("too_large", f"{what} has more than {limit} MB", "Export a shorter span of the calendar.")


def _open(source: FileSource) -> BinaryIO:
    """The file opened; what it became since it was looked at is looked at again."""
    path = _checked(source)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    handle = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        handle.close()
        raise _no_file(source)
    return handle


def _checked(source: FileSource) -> Path:
    """The path with links followed, if it is a regular file inside the folder. Raises `SkipCalendar` or OSError."""
    if source.owner is None:
        raise SkipCalendar(
            "bad_name",
            f"the file {source.name} is not named after an e-mail address",
            "Rename it to its owner's address, such as jo@northwind.example.ics.",
        )
    real = _real(source.path)
    linked = real != Path(os.path.normpath(source.path.absolute()))
    if linked and not real.is_relative_to(source.base.resolve()):
        raise SkipCalendar(
            "link",
            f"the file {source.name} is a link that leads out of its folder",
            "Put the calendar file itself there.",
        )
    if not stat.S_ISREG(real.stat().st_mode):
        raise _no_file(source)
    return real


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError:  # what pathlib makes of links in a ring
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _no_file(source: FileSource) -> SkipCalendar:
    return SkipCalendar("not_a_file", f"{source.name} is no regular file", "Put a calendar file there.")


def _refusal(source: FileSource, error: OSError) -> SkipCalendar:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return SkipCalendar("missing", f"the file {source.name} does not exist", "Export the calendar there again.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SkipCalendar("forbidden", f"the file {source.name} may not be read", "Let the service's user read it.")
    if error.errno == errno.ELOOP:
        return SkipCalendar(
            "link", f"the file {source.name} is a link that leads nowhere", "Put the calendar file itself there."
        )
    reason = os.strerror(error.errno) if error.errno else "it cannot be read"
    return SkipCalendar("unreadable", f"the file {source.name} cannot be read ({reason.lower()})")
