"""Whom the store has to forget: keyed hashes of addresses and domains, and what they are found in (`docs/design.md` 7).

The address itself is not kept. The key is made once, with the first hash, and stands beside the hashes: so it goes
wherever the store goes (a backup, another database, another machine), and a key that is lost would bring people back.
Each row names its own key, so that the rows of two stores can be put together by a restore.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b

from sqlalchemy import Connection, inspect, select

from daemon.store.db.bulk import table_of, upsert
from daemon.store.db.tables import ForgottenRow
from scoring.meetings.address_book import normalise_address

_FORGOTTEN = table_of(ForgottenRow)
_ANYWHERE = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+|[\w-]+(?:\.[\w-]+)+")
_BEFORE_ADDRESS = re.compile(r".*['=/&?`{|}]")
REDACTED = "(forgotten)"


@dataclass(frozen=True, slots=True)
class Hash:
    """An address or a domain that was forgotten, as the store keeps it."""

    digest: bytes
    key: bytes
    forgotten_at: datetime


@dataclass(frozen=True)
class Forgotten:
    """Answers whether somebody has been forgotten. Of nobody, every answer costs next to nothing."""

    hashes: frozenset[Hash] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    @cached_property
    def _digests(self) -> dict[bytes, frozenset[bytes]]:
        keys = {kept.key for kept in self.hashes}
        return {key: frozenset(kept.digest for kept in self.hashes if kept.key == key) for key in keys}

    @cached_property
    def _answers(self) -> dict[str, bool]:
        return {}

    def holds(self, address: str) -> bool:
        """Whether this address was forgotten, by itself or with a domain that it belongs to (sub-domains do, R3)."""
        if not self.hashes:
            return False
        known = self._answers.get(address)
        if known is None:
            known = self._answers[address] = self._holds(address)
        return known

    def holds_itself(self, address: str) -> bool:
        """Whether this very address was forgotten, and not just its domain."""
        return bool(self.hashes) and self._has(_clean(address))

    def holds_domain(self, domain: str) -> bool:
        """Whether this domain was forgotten, or one above it."""
        parts = domain.lower().strip(".").split(".")
        return any(self._has(".".join(parts[start:])) for start in range(len(parts)))

    def redact(self, text: str) -> str:
        """A text with every forgotten address or domain in it replaced."""
        return _ANYWHERE.sub(lambda found: REDACTED if self._is_meant(found[0]) else found[0], text) if self else text

    def is_in(self, text: str) -> bool:
        """Whether a text names a forgotten address or domain."""
        return bool(self.hashes) and any(self._is_meant(found) for found in _ANYWHERE.findall(text))

    def _is_meant(self, word: str) -> bool:
        if "@" not in word:
            return self.holds_domain(word)
        return any(self.holds(name) for name in {word, _BEFORE_ADDRESS.sub("", word)})

    def _holds(self, address: str) -> bool:
        clean = _clean(address)
        return self._has(clean) or self.holds_domain(clean.rpartition("@")[2])

    def _has(self, name: str) -> bool:
        return any(_digest(name, key) in digests for key, digests in self._digests.items())


NOBODY = Forgotten()


def _clean(address: str) -> str:
    return normalise_address(address) or address.strip().lower()


def _digest(name: str, key: bytes) -> bytes:
    """An address has an @ and a domain has none, so one kind of hash tells them apart."""
    return blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=16).digest()


def read_forgotten(connection: Connection) -> Forgotten:
    """Everybody whom this store has to forget."""
    rows = connection.execute(select(_FORGOTTEN.c.digest, _FORGOTTEN.c.key, _FORGOTTEN.c.forgotten_at))
    hashes = frozenset(Hash(bytes(digest), bytes(key), moment) for digest, key, moment in rows)
    return Forgotten(hashes) if hashes else NOBODY


def hashed(names: Iterable[str], known: Forgotten, now: datetime) -> Forgotten:
    """These addresses and domains alone, as they are to be forgotten: with the store's key, made if it has none."""
    key = min((kept.key for kept in known.hashes), default=None) or secrets.token_bytes(32)
    return Forgotten(frozenset(Hash(_digest(name, key), key, now) for name in names))


def keeps_forgotten(connection: Connection) -> bool:
    """Whether there is a place for them; a backup of an early version has none."""
    return inspect(connection).has_table(str(ForgottenRow.__tablename__))


def save_forgotten(connection: Connection, forgotten: Forgotten) -> None:
    """Keeps these beside what is kept already. What was forgotten before keeps its moment."""
    before = {kept.digest for kept in read_forgotten(connection).hashes}
    rows = [
        {"digest": kept.digest, "key": kept.key, "forgotten_at": kept.forgotten_at}
        for kept in forgotten.hashes
        if kept.digest not in before
    ]
    upsert(connection, ForgottenRow, rows, key=("digest",))
