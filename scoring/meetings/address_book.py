"""Who is ours, whose client, and who is nobody (R3 of `docs/rules.md`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from typing import Protocol, TypeVar

T = TypeVar("T")

BUILT_IN_IGNORE = (
    # resource, group and import calendars; organisers that Google makes up
    "*@resource.calendar.google.com",
    "*@group.calendar.google.com",
    "*@group.v.calendar.google.com",
    "*@import.calendar.google.com",
    "unknownorganizer@calendar.google.com",
    "calendar-notification@google.com",
    # nobody reads these
    "no-reply@*",
    "noreply@*",
    "no.reply@*",
    "no_reply@*",
    "do-not-reply@*",
    "donotreply@*",
    "*-noreply@*",
    "*-no-reply@*",
    "noreply-*@*",
    "no-reply-*@*",
    "do_not_reply@*",
    "mailer-daemon@*",
    # the common notetaker bots
    "*notetaker*@*",
    "*@*notetaker*",
    "*@fireflies.ai",
    "*@otter.ai",
    "*@read.ai",
    "*@fathom.video",
    "*@tldv.io",
    "*@meetgeek.ai",
    "*@avoma.com",
    "*@*.recall.ai",
    "*@sembly.ai",
)


class Kind(StrEnum):
    """What an address is to the company."""

    NOBODY = "nobody"
    OURS = "ours"
    CLIENT = "client"
    OTHER = "other"


_OUTSIDE = frozenset({Kind.CLIENT, Kind.OTHER})


@dataclass(frozen=True, slots=True)
class Who:
    """An address classified: the person's canonical address; `client` is the client's name, None for all others."""

    address: str
    kind: Kind
    client: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """What makes an address ours, and what makes it nobody (`ignore`: globs, added to the built-in list)."""

    domains: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A customer organisation, as the rules need it.

    `manager` is the address of who manages the account, `tier` as in the config; None where it says none. `quarterly`:
    its verdict and trend compare three months with the three before (R9).
    """

    name: str
    domains: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    manager: str | None = None
    tier: str | None = None
    quarterly: bool = False


class Classifier(Protocol):
    """Whatever can say who an address is."""

    @property
    def who(self) -> Callable[[str], Who]:
        """Answers for an address as `normalise_address` leaves it."""
        ...


class _Remembered(dict[str, T]):
    """Answers each address once and remembers."""

    def __init__(self, ask: Callable[[str], T]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, address: str) -> T:
        found = self[address] = self._ask(address)
        return found


class AddressBook:
    """Answers who an address is, and under which one address a person is counted.

    `owners` are the addresses of calendars that we read: theirs are ours. `aliases` lead to a person's primary
    address, `groups` are addresses of groups known from the directory. `who` asks R3's questions in their order, of an
    address as `normalise_address` leaves it; it is asked millions of times, so it is a dictionary's own look-up.
    """

    who: Callable[[str], Who]

    def __init__(
        self,
        company: Company,
        clients: Iterable[Client],
        *,
        owners: Iterable[str] = (),
        aliases: Mapping[str, str] | None = None,
        groups: Iterable[str] = (),
    ) -> None:
        self._aliases = _joined(aliases or {})
        globs = [*BUILT_IN_IGNORE, *(glob.lower() for glob in company.ignore)]
        self._ignored = re.compile("|".join(translate(glob) for glob in globs))
        self._groups = {_clean(group) for group in groups}
        self._owners = {self.canonical(_clean(owner)) for owner in owners}
        self._ours = {self.canonical(_clean(address)) for address in company.addresses}
        self._our_domains = {_comparable_domain(domain.lower()) for domain in company.domains}
        self._client_addresses: dict[str, str] = {}
        self._client_domains: dict[str, str] = {}
        for client in clients:
            self._client_addresses |= {self.canonical(_clean(address)): client.name for address in client.addresses}
            self._client_domains |= {_comparable_domain(domain.lower()): client.name for domain in client.domains}
        self.who = who = _Remembered(self._ask).__getitem__
        self._is_outside = _Remembered(lambda address: who(address).kind in _OUTSIDE).__getitem__
        self._is_client = _Remembered(lambda address: who(address).kind is Kind.CLIENT).__getitem__

    def canonical(self, address: str) -> str:
        """The one address of the person behind `address` (R3)."""
        return self._aliases.get(address, address)

    def _ask(self, address: str) -> Who:
        """R3's questions in their order."""
        person = self.canonical(address)
        if address in self._groups or self._ignored.match(address) or self._ignored.match(person):
            return Who(person, Kind.NOBODY)
        if person in self._owners or person in self._ours:
            return Who(person, Kind.OURS)
        client = self._client_addresses.get(person)
        if client is not None:
            return Who(person, Kind.CLIENT, client)
        suffixes = tuple(_suffixes(person.rpartition("@")[2]))
        if any(suffix in self._our_domains for suffix in suffixes):
            return Who(person, Kind.OURS)
        for suffix in suffixes:
            if suffix in self._client_domains:
                return Who(person, Kind.CLIENT, self._client_domains[suffix])
        return Who(person, Kind.OTHER)

    def has_outsiders(self, addresses: Iterable[str]) -> bool:
        """Whether anybody is from outside the company; a meeting without is not stored (R3)."""
        return any(map(self._is_outside, addresses))

    def has_client(self, addresses: Iterable[str]) -> bool:
        """Whether anybody is a client person; only then may a title be kept (`docs/design.md` 7)."""
        return any(map(self._is_client, addresses))


def _joined(aliases: Mapping[str, str]) -> dict[str, str]:
    """Each address of a person to one of them, also where directories name each other's (chains, circles)."""
    cleaned = {_clean(alias): _clean(primary) for alias, primary in aliases.items()}
    groups: dict[str, set[str]] = {}
    for alias, primary in cleaned.items():
        joined = groups.get(alias, {alias}) | groups.get(primary, {primary})
        groups.update(dict.fromkeys(joined, joined))
    known_as_alias, primaries = set(cleaned), set(cleaned.values())
    return {
        address: min((group & primaries) - known_as_alias or group & primaries) for address, group in groups.items()
    }


def normalise_address(raw: str) -> str | None:
    """An address as R3 compares it: lower-case, without `mailto:` and `+tag`, a directory's guest form decoded.

    None for what is no e-mail address (Exchange's `/o=…/cn=…`, a name, nothing).
    """
    text = raw.strip().strip("<>\"'").strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].strip().strip("<>")
    text = text.lower()
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or local.startswith("imceaex-") or _unlike_address(local + domain):
        return None
    guest, mark, _ = local.partition("#ext#")
    if mark:
        local, underscore, domain = guest.rpartition("_")
        if not underscore or not local or not domain:
            return None
    tagged = local.find("+")
    if tagged > 0:
        local = local[:tagged]
    domain = _comparable_domain(domain)
    return f"{local}@{domain}" if domain else None


_UNLIKE_ADDRESS = re.compile(r"^/|[\s@\\<>,;:()\[\]\x00-\x1f]")


def _unlike_address(text: str) -> bool:
    return len(text) > 320 or _UNLIKE_ADDRESS.search(text) is not None


def ascii_domain(domain: str) -> str:
    """An international domain as the DNS has it (IDNA 2008 after UTS 46), any other as it is.

    Raises ValueError for one that the DNS cannot have. The standard library knows IDNA 2003 alone, by which
    straße.example is strasse.example, somebody else's.
    """
    if domain.isascii():
        return domain
    import idna  # its tables take a while to load, and are hardly ever needed

    return idna.encode(domain, uts46=True).decode("ascii")


def _comparable_domain(domain: str) -> str:
    domain = domain.rstrip(".")
    try:
        return ascii_domain(domain)
    except ValueError:
        return domain


def _clean(address: str) -> str:
    return normalise_address(address) or address.strip().lower()


def _suffixes(domain: str) -> Iterable[str]:
    """`a.b.c`, `b.c`, `c`: the longest first."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]
