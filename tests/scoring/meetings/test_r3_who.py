"""R3: who is ours, whose client, and who is nobody; and when two addresses are one person."""

from __future__ import annotations

from itertools import permutations

import pytest

from scoring.meetings.address_book import BUILT_IN_IGNORE, AddressBook, Client, Company, Kind, normalise_address
from scoring.months.counting import judge
from tests.scoring.builders import ACME, ANA, BOOK, COMPANY, JO, KIM, NOW, RULES, SAM, copy, merged, responses


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        pytest.param("ana@acme.example", ANA, id="as it is"),
        pytest.param("Ana@ACME.Example", ANA, id="lower-case"),
        pytest.param(" ana@acme.example\n", ANA, id="blanks around it"),
        pytest.param("ana+sales@acme.example", ANA, id="without its tag"),
        pytest.param("ana+a+b@acme.example", ANA, id="without all its tags"),
        pytest.param("+ana@acme.example", "+ana@acme.example", id="a plus in front is no tag"),
        pytest.param("mailto:ana@acme.example", ANA, id="mailto"),
        pytest.param("MAILTO:Ana@acme.example", ANA, id="mailto in any case"),
        pytest.param("<ana@acme.example>", ANA, id="in angle brackets"),
        pytest.param("'ana@acme.example'", ANA, id="in quotes, as Outlook writes it"),
        pytest.param("ana@acme.example.", ANA, id="a dot at the end of the domain"),
        pytest.param("ana_acme.example#EXT#@northwind.example", ANA, id="a directory's guest"),
        pytest.param("Ana_Acme.Example#ext#@Northwind.example", ANA, id="a guest in any case"),
        pytest.param("ana_lee_acme.example#EXT#@northwind.example", "ana_lee@acme.example", id="the last underscore"),
        pytest.param("ana+x_acme.example#EXT#@northwind.example", ANA, id="a guest with a tag"),
        pytest.param("ana@münchen.example", "ana@xn--mnchen-3ya.example", id="an international domain"),
        pytest.param("ana@MÜNCHEN.example", "ana@xn--mnchen-3ya.example", id="an international domain in capitals"),
        pytest.param("ana@xn--mnchen-3ya.example", "ana@xn--mnchen-3ya.example", id="encoded already"),
        pytest.param("ana@STRAßE.example", "ana@xn--strae-oqa.example", id="not strasse.example, which is another"),
        pytest.param("ana@💼.example", "ana@💼.example", id="a domain that the DNS cannot have"),
        pytest.param("o'neil@acme.example", "o'neil@acme.example", id="an apostrophe inside"),
        pytest.param("/o=ExchangeLabs/ou=Group/cn=Recipients/cn=ana", None, id="X.500"),
        pytest.param("/o=Acme/cn=ana@acme.example", None, id="X.500 with an at sign"),
        pytest.param("IMCEAEX-_o=x@acme.example", None, id="X.500 in an address"),
        pytest.param("Ana Lee", None, id="a name"),
        pytest.param("Ana Lee <ana@acme.example>", None, id="a name before it"),
        pytest.param("", None, id="nothing"),
        pytest.param("mailto:", None, id="mailto nobody"),
        pytest.param("@acme.example", None, id="nobody at a domain"),
        pytest.param("ana@", None, id="at nowhere"),
        pytest.param("ana@.", None, id="at a dot"),
        pytest.param("a@b@acme.example", None, id="two at signs"),
        pytest.param("nounderscore#EXT#@northwind.example", None, id="a guest that cannot be decoded"),
        pytest.param("a" * 400 + "@acme.example", None, id="far too long"),
        pytest.param("ana\x00@acme.example", None, id="a control character"),
    ],
)
def test_r3_addresses_are_compared_in_one_form(raw: str, address: str | None) -> None:
    assert normalise_address(raw) == address


@pytest.mark.parametrize("raw", ["Ana+x@ACME.example", "ana_acme.example#EXT#@n.example", "ana@münchen.example"])
def test_r3_an_address_in_that_form_stays_as_it_is(raw: str) -> None:
    once = normalise_address(raw)
    assert once is not None
    assert normalise_address(once) == once


_EMEA = Client(name="Acme EMEA", domains=("emea.acme.example",))
_NESTED = Client(name="Inside", domains=("lab.northwind.example",), addresses=("temp@northwind.example",))
_PAT = Client(name="Pat's", addresses=("Pat+work@Mail.example",))
_NORTH = Company(
    domains=("Northwind.example",),
    addresses=("max@mail.example", "own@acme.example"),
    ignore=("Front-Desk@*", "*-room@acme.example"),
)
_MANY = AddressBook(
    _NORTH,
    [ACME, _EMEA, _NESTED, _PAT],
    owners=["agency@acme.example"],
    aliases={"j@northwind.example": JO, "boss@acme.example": "agency@acme.example"},
    groups=["team@acme.example", "all@northwind.example"],
)


@pytest.mark.parametrize(
    ("address", "kind", "client"),
    [
        pytest.param(JO, Kind.OURS, None, id="the company's domain"),
        pytest.param("kim@uk.northwind.example", Kind.OURS, None, id="a sub-domain of ours"),
        pytest.param("max@mail.example", Kind.OURS, None, id="ours, though elsewhere"),
        pytest.param("own@acme.example", Kind.OURS, None, id="our exact address before a client's domain"),
        pytest.param("temp@northwind.example", Kind.CLIENT, "Inside", id="a client's exact address before our domain"),
        pytest.param("x@lab.northwind.example", Kind.OURS, None, id="our domain before a client's, though shorter"),
        pytest.param(ANA, Kind.CLIENT, "Acme", id="a client's domain"),
        pytest.param("lee@uk.acme.example", Kind.CLIENT, "Acme", id="a client's sub-domain"),
        pytest.param("lee@emea.acme.example", Kind.CLIENT, "Acme EMEA", id="the longest suffix"),
        pytest.param("lee@de.emea.acme.example", Kind.CLIENT, "Acme EMEA", id="a sub-domain of the longest suffix"),
        pytest.param("pat@mail.example", Kind.CLIENT, "Pat's", id="a client's exact address, without its tag"),
        pytest.param("lee@notacme.example", Kind.OTHER, None, id="a domain that only ends alike"),
        pytest.param("lee@acme.example.mail.example", Kind.OTHER, None, id="a domain that only begins alike"),
        pytest.param("someone@mail.example", Kind.OTHER, None, id="free mail"),
        pytest.param("consultant@vendor.example", Kind.OTHER, None, id="a consultant"),
        pytest.param("agency@acme.example", Kind.OURS, None, id="whoever's calendar we read is ours"),
        pytest.param("boss@acme.example", Kind.OURS, None, id="and so by an alias"),
        pytest.param("team@acme.example", Kind.NOBODY, None, id="a group known from the directory"),
        pytest.param("all@northwind.example", Kind.NOBODY, None, id="our own group"),
        pytest.param("front-desk@acme.example", Kind.NOBODY, None, id="company.ignore, in any case"),
        pytest.param("blue-room@acme.example", Kind.NOBODY, None, id="company.ignore with a glob"),
        pytest.param("blue-room@acme.example.mail.example", Kind.OTHER, None, id="a glob is matched to its end"),
        pytest.param("no-reply@acme.example", Kind.NOBODY, None, id="nobody before a client's domain"),
        pytest.param("noreply@northwind.example", Kind.NOBODY, None, id="nobody before our domain"),
        pytest.param("no-reply-calendar@acme.example", Kind.NOBODY, None, id="no-reply with more"),
        pytest.param("notetaker@acme.example", Kind.NOBODY, None, id="a notetaker bot"),
        pytest.param("reply@acme.example", Kind.CLIENT, "Acme", id="somebody who does reply"),
    ],
)
def test_r3_who_is_asked_in_this_order(address: str, kind: Kind, client: str | None) -> None:
    found = _MANY.who(address)
    assert (found.kind, found.client) == (kind, client)


@pytest.mark.parametrize("glob", BUILT_IN_IGNORE)
def test_r3_the_built_in_list_is_nobody_whatever_the_domains(glob: str) -> None:
    address = glob.replace("*", "x")
    claiming = Client(name="All", domains=(address.rpartition("@")[2],))
    assert AddressBook(Company(domains=("northwind.example",)), [claiming]).who(address).kind is Kind.NOBODY


def test_r3_the_order_of_clients_in_the_config_does_not_matter() -> None:
    for clients in ([ACME, _EMEA], [_EMEA, ACME]):
        assert AddressBook(COMPANY, clients).who("lee@emea.acme.example").client == "Acme EMEA"


@pytest.mark.parametrize("domain", ["münchen.example", "MÜNCHEN.example", "xn--mnchen-3ya.example"])
def test_r3_an_international_domain_claims_its_addresses_however_it_is_written(domain: str) -> None:
    book = AddressBook(COMPANY, [Client(name="Munich", domains=(domain,))])
    address = normalise_address("ana@münchen.example")
    assert address is not None
    assert book.who(address).client == "Munich"


def test_r3_a_clients_exact_address_is_found_by_the_persons_alias_too() -> None:
    """`same_as` of `people_file` may lead from the address in the config to another one of the same person."""
    book = AddressBook(COMPANY, [_PAT], aliases={"pat@mail.example": "pat@private.example"})
    assert book.who("pat@mail.example").client == "Pat's"


@pytest.mark.parametrize(
    "aliases",
    [
        pytest.param({"b@northwind.example": "a@northwind.example"}, id="an alias"),
        pytest.param(
            {"c@northwind.example": "b@northwind.example", "b@northwind.example": "a@northwind.example"},
            id="an alias of an alias: two directories with other primary addresses",
        ),
        pytest.param(
            {"a@northwind.example": "b@northwind.example", "b@northwind.example": "a@northwind.example"},
            id="in a circle: each directory takes the other's for the alias",
        ),
    ],
)
def test_r3_all_addresses_of_one_of_ours_are_one_person(aliases: dict[str, str]) -> None:
    book = AddressBook(COMPANY, [ACME], aliases=aliases)
    addresses = {*aliases, *aliases.values()}
    assert len({book.canonical(address) for address in addresses}) == 1
    assert len({book.who(address).address for address in addresses}) == 1


_A, _B, _C, _D = (f"{name}@northwind.example" for name in "abcd")


@pytest.mark.parametrize(
    ("aliases", "primary"),
    [
        pytest.param({_A: _C, _B: _C}, _C, id="the directory's, though it is the last in the alphabet"),
        pytest.param({_A: _B, _B: _C}, _C, id="an alias of an alias: the one that is nobody's alias"),
        pytest.param({_B: _A, _C: _B}, _A, id="the same the other way round"),
        pytest.param({_C: _D, _D: _C}, _C, id="in a circle: the first in the alphabet"),
        pytest.param({_A: _B, _B: _C, _C: _B}, _B, id="a circle with an alias: never what no directory calls primary"),
        pytest.param({_A: _C, _B: _D, _D: _C}, _C, id="two that lead to one"),
    ],
)
def test_r3_a_person_is_counted_under_the_primary_address(aliases: dict[str, str], primary: str) -> None:
    """Figures and people are kept under it: another one, by chance or by the order of calendars, would part them."""
    for ordered in permutations(aliases.items()):
        book = AddressBook(COMPANY, [ACME], aliases=dict(ordered))
        for address in {*aliases, *aliases.values()}:
            assert (book.canonical(address), book.who(address).address) == (primary, primary)


_ALIASED = AddressBook(
    COMPANY, [ACME], owners=[JO], aliases={"j.smith@northwind.example": JO, "a.lee@acme.example": ANA}
)


@pytest.mark.parametrize(
    ("one", "other", "response"),
    [
        pytest.param("none", "accepted", "accepted", id="accepted over none"),
        pytest.param("accepted", "none", "accepted", id="in either order"),
        pytest.param("declined", "accepted", "declined", id="declined over accepted"),
        pytest.param("tentative", "none", "tentative", id="tentative over none"),
    ],
)
def test_r3_a_person_twice_in_a_meeting_is_one_with_the_most_decided_response(
    one: str, other: str, response: str
) -> None:
    found = merged(copy(JO, {JO: "accepted", ANA: one, "a.lee@acme.example": other}), book=_ALIASED)
    assert responses(found) == {JO: "accepted", ANA: response}


def test_r3_aliases_of_ours_in_two_calendars_are_one_owner() -> None:
    primary = copy(JO, (JO, ANA), organiser=ANA)
    alias = copy("j.smith@northwind.example", ("j.smith@northwind.example", ANA), organiser=ANA, connector="m365")
    found = merged(primary, alias, book=_ALIASED)
    assert (found.calendars, responses(found)) == ((JO,), {JO: "accepted", ANA: "accepted"})


def test_r3_the_organiser_is_a_participant_even_if_absent_from_the_list() -> None:
    found = merged(copy(JO, (JO,), organiser=ANA))
    (judged,) = judge(found, BOOK, RULES, NOW)
    assert (judged.people, judged.confirmed) == ((ANA,), (ANA,))


def test_r3_an_organiser_who_is_nobody_is_no_participant_that_counts() -> None:
    found = merged(copy(JO, (JO,), organiser="no-reply@acme.example"))
    assert judge(found, BOOK, RULES, NOW) == []


@pytest.mark.parametrize("response", ["accepted", "declined", "tentative", "none"])
def test_r3_the_owner_of_a_copy_is_a_participant_with_its_response(response: str) -> None:
    """Invited through a group, say."""
    for organiser in (SAM, ANA):
        owners = copy(KIM, (SAM, ANA), organiser=organiser, response=response)
        found = merged(copy(SAM, (SAM, ANA), organiser=organiser), owners)
        assert responses(found)[KIM] == response


@pytest.mark.parametrize(
    ("addresses", "outsiders", "client"),
    [
        pytest.param([JO, SAM], False, False, id="ours alone"),
        pytest.param([JO, ANA], True, True, id="with a client person"),
        pytest.param([JO, "someone@mail.example"], True, False, id="with another outsider"),
        pytest.param([JO, "no-reply@acme.example"], False, False, id="nobody is no outsider"),
        pytest.param([], False, False, id="without anybody"),
    ],
)
def test_r3_meetings_with_no_one_outside_the_company_are_told_apart(
    addresses: list[str], outsiders: bool, client: bool
) -> None:
    assert (BOOK.has_outsiders(addresses), BOOK.has_client(addresses)) == (outsiders, client)


def test_r3_others_count_for_no_one() -> None:
    assert judge(merged(copy(JO, (JO, "someone@mail.example"))), BOOK, RULES, NOW) == []
