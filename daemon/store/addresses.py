"""Addresses that no copy and nobody's months name any more, and the mark that tells when they changed."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, delete, select

from daemon.store.db.bulk import in_chunks, table_of, upsert
from daemon.store.db.tables import AddressRow, CopyRow, Meta
from daemon.store.people import drop_people_without_address, numbers_in_people

_ADDRESSES = table_of(AddressRow)
_COPIES = table_of(CopyRow)
_META = table_of(Meta)
_MARK = "addresses_mark"


def addresses_mark(connection: Connection) -> str | None:
    """Is another one as soon as any address has been erased: its number may then stand for somebody else."""
    mark: str | None = connection.execute(select(_META.c.value).where(_META.c.key == _MARK)).scalar()
    return mark


def mark_addresses(connection: Connection) -> None:
    """Addresses have been erased: whoever remembers their numbers forgets them."""
    upsert(connection, Meta, [{"key": _MARK, "value": secrets.token_hex(8)}], key=("key",))


def erase_unused_addresses(connection: Connection) -> None:
    """Deletes the addresses that neither a copy nor a kept month's people name any more. Reads every copy once."""
    drop_people_without_address(connection)
    used = numbers_in_people(connection)
    for organiser, packed in connection.execute(select(_COPIES.c.organiser_id, _COPIES.c.participants)):
        used.update(int(token[:-1]) for token in packed.split())
        if organiser is not None:
            used.add(organiser)
    known = connection.execute(select(_ADDRESSES.c.id)).scalars().all()
    unused = [number for number in known if number not in used]
    for chunk in in_chunks(unused):
        connection.execute(delete(_ADDRESSES).where(_ADDRESSES.c.id.in_(chunk)))
    if unused:
        mark_addresses(connection)
