"""Who plays: our people, the clients with theirs, and what each relationship is meant to show."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.demo.entry import DOMAIN

OURS: dict[str, str] = {
    "ada": "Ada",
    "ben": "Ben",
    "cleo": "Cleo",
    "dan": "Dan",
    "eli": "Eli",
    "fay": "Fay",
    "gus": "Gus",
    "hana": "Hana",
    "ivo": "Ivo",
    "zoe": "Zoë",
}
"""First names by local part. Ada leads; Ben, Cleo, Dan and Eli manage accounts; the rest do the work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoClient:
    """A client as the config names it. `more` are further lines of its table, as somebody types them."""

    name: str
    domain: str
    manager: str
    tier: str
    people: str
    story: str
    more: str = ""

    def person(self, name: str) -> str:
        return f"{name}@{self.domain}"

    def people_named(self, names: str) -> tuple[str, ...]:
        """Some of its people by first name, blank between."""
        return tuple(map(self.person, names.split()))

    def team(self, count: int) -> tuple[str, ...]:
        """The first so many of its people."""
        return tuple(map(self.person, self.people.split()[:count]))


ACME = DemoClient(
    name="Acme",
    domain="acme.example",
    manager="ben",
    tier="key",
    people="pia quinn rosa sven tara ugo vera wim",
    story="Began as a coffee and climbs all four steps, up to a steering group of eight: now interconnected.",
    more=(
        'stage = "collaborative"\n'
        'buying_centres = [{ name = "EMEA", match = ["tara@acme.example", "*@emea.acme.example"] },\n'
        '                  { name = "IT", match = ["vera@acme.example"] }]\n'
    ),
)
BRIGHTWATER = DemoClient(
    name="Brightwater",
    domain="brightwater.example",
    manager="cleo",
    tier="strategic",
    people="abel bea carl dora",
    story="Fades: from a steering group with four to half an hour with one, to whom we bring more and more of ours.",
    more='stage = "interconnected"    # or so we believe\n',
)
CALDER = DemoClient(
    name="Calder Foods",
    domain="calder.example",
    manager="dan",
    tier="strategic",
    people="vida finn",
    story="Hangs on a single person in one division: nearly every hour is Vida's, though the marks are good.",
)
DUNMORE = DemoClient(
    name="Dunmore",
    domain="dunmore.example",
    manager="eli",
    tier="standard",
    people="greta hugo",
    story="Only ever phones: calls every month, never a meeting.",
)
EASTGATE = DemoClient(
    name="Eastgate Council",
    domain="eastgate.example",
    manager="ben",
    tier="prospect",
    people="",
    story="On the list for two years, and nobody has ever met them.",
)
FAIRHOLM = DemoClient(
    name="Fairholm",
    domain="fairholm.example",
    manager="cleo",
    tier="key",
    people="mia noor omar petra raj",
    story="Has a double-booked week: the same people in two meetings at once, whose minutes count once.",
)
GRANTA = DemoClient(
    name="Granta Labs",
    domain="granta.example",
    manager="dan",
    tier="strategic",
    people="sofia timo una",
    story="Went live over the night of the clock change, which is not as long as the wall clock says.",
)
HARROW = DemoClient(
    name="Harrow Rail",
    domain="harrow.example",
    manager="eli",
    tier="key",
    people="jonas kaja lara",
    story="A steady weekly series to which nobody ever answered, with holidays left out, one moved and one called off.",
    more='addresses = ["jonas@mail.example"]    # Jonas, from home\n',
)
IVYBRIDGE = DemoClient(
    name="Ivybridge",
    domain="ivybridge.example",
    manager="dan",
    tier="standard",
    people="nils olga paco runa silas",
    story="Meets once a quarter, for a whole day, with more people each time.",
    more='rhythm = "quarterly"\n',
)
JUNIPER = DemoClient(
    name="Juniper",
    domain="juniper.example",
    manager="ben",
    tier="strategic",
    people="tomas ulla",
    story="Cancelled the whole series, and has been silent since.",
)
KESTREL = DemoClient(
    name="Kestrel Insurance",
    domain="kestrel.example",
    manager="eli",
    tier="key",
    people="vito wanda xenia",
    story="The same review every month, no more and no less.",
)
LARKFIELD = DemoClient(
    name="Larkfield",
    domain="larkfield.example",
    manager="dan",
    tier="prospect",
    people="yara zeno",
    story="New: met for the first time last month.",
)
MOSSBANK = DemoClient(
    name="Mossbank",
    domain="mossbank.example",
    manager="cleo",
    tier="standard",
    people="anton birte",
    story="Declines what it is invited to; its site visits are all-day entries, which cannot count.",
)

CLIENTS: tuple[DemoClient, ...] = (
    ACME,
    BRIGHTWATER,
    CALDER,
    DUNMORE,
    EASTGATE,
    FAIRHOLM,
    GRANTA,
    HARROW,
    IVYBRIDGE,
    JUNIPER,
    KESTREL,
    LARKFIELD,
    MOSSBANK,
)

OAKLINE = "oakline.example"
"""Met often, claimed by no client: what `rapport clients suggest` is for."""

JONAS_AT_HOME = "jonas@mail.example"
"""One of Harrow's under an address that is not Harrow's: the config claims it."""

CONSULTANT = "noa@mail.example"
"""Somebody who writes from a free-mail provider: counts for no one."""


def name_of(address: str) -> str:
    """What a calendar program shows for an address: a first name, with the organisation for outsiders."""
    local, _, domain = address.partition("@")
    if domain == DOMAIN:
        return OURS.get(local, local.title())
    by_domain = {client.domain: client.name for client in CLIENTS}
    return f"{local.title()} ({by_domain[domain]})" if domain in by_domain else local.title()
