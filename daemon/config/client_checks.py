"""What must hold among clients, and between them and the company: names, and who claims which domain."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.config.clients_file import ClientEntry
from daemon.config.draft import Draft
from daemon.config.source import Source
from daemon.config.toml_lines import KeyPath
from scoring.meetings.address_book import normalise_address

_RESERVED = ("tier:", "manager:")


def check_clients(draft: Draft) -> None:
    """Adds to the draft's problems what is wrong among its clients, wherever they were written."""
    _names(draft.entries)
    _former_names(draft.entries)
    _claims(draft)
    _without_claims(draft.entries)
    for entry in draft.entries:
        _centres(entry)


def _names(entries: list[ClientEntry]) -> None:
    first: dict[str, ClientEntry] = {}
    for entry in entries:
        place, name = (*entry.path, "name"), entry.client.name
        if name == "*" or name.startswith(_RESERVED):
            entry.source.finding(place, 'allowed: a name that is not "*" and does not begin with "tier:" or "manager:"')
        earlier = first.setdefault(name.casefold(), entry)
        if earlier is not entry and earlier.source is entry.source:  # in both files it is one client
            where = _where(earlier.source, (*earlier.path, "name"))
            entry.source.finding(place, f"this name is taken already ({where})", rests_on=[(*earlier.path, "name")])


def _former_names(entries: list[ClientEntry]) -> None:
    owners = {entry.client.name.casefold(): entry.client.name for entry in reversed(entries)}
    for entry in entries:
        own = entry.client.name
        for number, former in enumerate(entry.client.formerly):
            owner = owners.setdefault(former.casefold(), own)
            if owner.casefold() != own.casefold():
                what = f'that name belongs to the client "{owner}" too'
                entry.source.finding((*entry.path, "formerly", number), what, rests_on=[(*entry.path, "name")])


def _claims(draft: Draft) -> None:
    """R3: a domain or address claimed twice is an error that names both."""
    first: dict[str, tuple[str, Source, KeyPath]] = {}
    for owner, value, source, path in _all_claims(draft):
        who, where, place = first.setdefault(value, (owner, source, path))
        if who.casefold() == owner.casefold():
            continue
        what = f"claimed by {owner} and by {who} ({_where(where, place)})"
        if not where.is_broken(place):
            source.finding(path, what)


def _all_claims(draft: Draft) -> Iterator[tuple[str, str, Source, KeyPath]]:
    """Owner, domain or person, and where it stands. A bad entry of a list hides the places of its others."""
    if draft.company is not None:
        for key, values in (("domains", draft.company.domains), ("addresses", draft.company.addresses)):
            for number, value in enumerate(values):
                yield "the company", _claim(value), draft.source, ("company", key, number)
    for entry in draft.entries:
        owner = f'client "{entry.client.name}"'
        for key, values in (("domains", entry.client.domains), ("addresses", entry.client.addresses)):
            for number, value in enumerate(values):
                yield owner, _claim(value), entry.source, (*entry.path, key, number)


def _claim(value: str) -> str:
    return (normalise_address(value) or value) if "@" in value else value


def _without_claims(entries: list[ClientEntry]) -> None:
    claiming = {entry.client.name.casefold() for entry in entries if entry.client.domains or entry.client.addresses}
    for entry in entries:
        if entry.client.name.casefold() not in claiming:
            keys = [(*entry.path, key) for key in ("name", "domains", "addresses")]
            if not any(entry.source.is_broken(key) for key in keys):
                entry.source.fault(entry.path, "needs a domain or an address, or nobody would belong to it")


def _centres(entry: ClientEntry) -> None:
    seen: set[str] = set()
    for number, centre in enumerate(entry.client.buying_centres):
        if centre.name.casefold() in seen:
            place = (*entry.path, "buying_centres", number, "name")
            entry.source.finding(place, "this client has a buying centre of that name already")
        seen.add(centre.name.casefold())


def _where(source: Source, path: KeyPath) -> str:
    line = source.lines.of(path)
    return source.file if line is None else f"{source.file}:{line}"
