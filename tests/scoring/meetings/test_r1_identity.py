"""R1: one meeting, whatever provider, connector and calendar its copies come from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import permutations
from time import process_time

import pytest

from scoring.meetings.address_book import AddressBook
from scoring.meetings.identity import identify, meeting_key, partition, reduce_uid, settle
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Copy, Identity
from tests.scoring.builders import ACME, ANA, BEN, BOOK, COMPANY, JO, KIM, LONDON, PAT, SAM, at, copy, merged

_CLASS_ID = bytes.fromhex("040000008200E00074C5B7101A82E008")
_CREATED = bytes.fromhex("10EA3C4D5E6FDC01")


def goid(data: bytes = bytes(range(16)), *, on: date | None = None) -> bytes:
    """A Global Object ID as Exchange writes it: class id, instance date, creation time, reserved, size, data."""
    instance = bytes(4) if on is None else on.year.to_bytes(2, "big") + bytes([on.month, on.day])
    return _CLASS_ID + instance + _CREATED + bytes(8) + len(data).to_bytes(4, "little") + data


def wrapping(uid: str) -> bytes:
    """The data of a Global Object ID for a meeting that began life outside Exchange."""
    return b"vCal-Uid\x01\x00\x00\x00" + uid.encode() + b"\x00"


SERIES = goid().hex().upper()
ON = date(2026, 10, 5)


@pytest.mark.parametrize(
    ("uid", "reduced", "on"),
    [
        pytest.param("m1@northwind.example", "m1@northwind.example", None, id="a foreign UID is opaque"),
        pytest.param("  m1@northwind.example\r\n", "m1@northwind.example", None, id="blanks around it are none of it"),
        pytest.param("M1@Northwind.example", "M1@Northwind.example", None, id="a foreign UID keeps its case"),
        pytest.param(SERIES, SERIES, None, id="a series' own identifier"),
        pytest.param(goid(on=ON).hex().upper(), SERIES, ON, id="the instance date is taken out"),
        pytest.param(goid(on=ON).hex(), SERIES, ON, id="lower-case hex is the same"),
        pytest.param(goid(wrapping("m1@northwind.example")).hex(), "m1@northwind.example", None, id="a wrapped UID"),
        pytest.param(
            goid(wrapping("m1@northwind.example"), on=ON).hex().upper(),
            "m1@northwind.example",
            ON,
            id="a wrapped UID of an occurrence",
        ),
        pytest.param(goid(wrapping("käse@acme.example")).hex(), "käse@acme.example", None, id="a wrapped UID in UTF-8"),
        pytest.param(goid(wrapping("")).hex(), goid(wrapping("")).hex().upper(), None, id="the marker wraps nothing"),
        pytest.param(
            goid().hex()[:78], goid().hex()[:78], None, id="39 bytes are too short: opaque, and kept as they are"
        ),
        pytest.param(goid(b"").hex(), goid(b"").hex().upper(), None, id="40 bytes are just enough"),
        pytest.param(SERIES + "0", SERIES + "0", None, id="half a byte: no hex, opaque"),
        pytest.param("04000000-not-hex", "04000000-not-hex", None, id="begins like one, but is no hex: opaque"),
        pytest.param("0400000082" + "00" * 60, "0400000082" + "00" * 60, None, id="another class id: opaque"),
        pytest.param(goid(on=ON).hex()[:32] + "07EA0D05" + SERIES[40:], SERIES, None, id="month 13 is no date"),
        pytest.param(goid(on=ON).hex()[:32] + "07EA021E" + SERIES[40:], SERIES, None, id="30 February is no date"),
    ],
)
def test_r1_both_providers_identifiers_reduce_to_one_form(uid: str, reduced: str, on: date | None) -> None:
    assert reduce_uid(uid) == (reduced, on)


def test_r1_the_instance_date_lies_at_bytes_16_to_19_of_the_identifier() -> None:
    with_date, without = goid(on=ON), goid()
    assert [index for index in range(len(without)) if with_date[index] != without[index]] == [16, 17, 18, 19]
    assert identify(with_date.hex()).series == identify(without.hex()).series


_TEN = datetime(2026, 10, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(identify("a"), identify("a"), True, id="a meeting that does not recur: the UID alone"),
        pytest.param(identify("a"), identify("b"), False, id="different UIDs"),
        pytest.param(identify("a", at=_TEN), identify("a", at=_TEN), True, id="the same occurrence"),
        pytest.param(
            identify("a", at=_TEN), identify("a", at=_TEN + timedelta(days=7)), False, id="two occurrences of a series"
        ),
        pytest.param(
            identify("a", at=_TEN),
            identify("a", at=_TEN.astimezone(timezone(timedelta(hours=9)))),
            True,
            id="one instant told in two zones",
        ),
        pytest.param(
            identify("a", at=_TEN), identify("a", at=_TEN.replace(microsecond=9)), True, id="to the second is enough"
        ),
        pytest.param(
            identify("a", at=_TEN, on=ON), identify("a", at=_TEN), True, id="the date adds nothing to an instant"
        ),
        pytest.param(identify("a", on=ON), identify("a", on=ON), True, id="all-day occurrences of one date"),
        pytest.param(
            identify("a", on=ON), identify("a", on=ON + timedelta(days=1)), False, id="all-day occurrences of two dates"
        ),
        pytest.param(identify("a", at=_TEN), identify("a"), False, id="a series is not its occurrence"),
        pytest.param(
            identify(goid(wrapping("a")).hex(), at=_TEN), identify("a", at=_TEN), True, id="Microsoft's and Google's"
        ),
        pytest.param(
            identify(goid(on=ON).hex(), at=_TEN),
            identify(SERIES.lower(), at=_TEN),
            True,
            id="Exchange's own in an occurrence's and in a series' form",
        ),
        pytest.param(
            identify(None, fallback=("ws", JO, "e1")),
            identify("  ", fallback=("ws", JO, "e1")),
            True,
            id="no UID: connector, calendar and entry",
        ),
        pytest.param(
            identify(None, fallback=("ws", JO, "e1")),
            identify(None, fallback=("ws", JO, "e2")),
            False,
            id="no UID: another entry",
        ),
        pytest.param(
            identify(None, fallback=("ws", JO, "e1")),
            identify(None, fallback=("ws", SAM, "e1")),
            False,
            id="no UID: another calendar",
        ),
        pytest.param(
            identify(None, fallback=("ws", JO, "e1")),
            identify(None, fallback=("m365", JO, "e1")),
            False,
            id="no UID: another connector",
        ),
        pytest.param(
            identify(None, fallback=("ws", JO, "e1")), identify("ws\x1f" + JO + "\x1fe1"), False, id="no UID is no UID"
        ),
    ],
)
def test_r1_copies_of_one_uid_and_original_start_are_one_meeting(one: Identity, other: Identity, same: bool) -> None:
    assert (meeting_key(one) == meeting_key(other)) is same


def test_r1_an_identifiers_instance_date_tells_the_occurrence_where_no_start_does() -> None:
    assert identify(goid(on=ON).hex()).on == ON


def test_r1_the_date_in_the_series_zone_goes_before_the_identifiers_own() -> None:
    assert identify(goid(on=ON).hex(), on=date(2026, 10, 6)).on == date(2026, 10, 6)


def test_r1_a_copy_with_neither_uid_nor_fallback_is_refused() -> None:
    """Else all such copies would be one meeting."""
    with pytest.raises(ValueError, match="UID"):
        identify(None)


def test_r1_an_original_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Identity(series=b"s", at=datetime(2026, 10, 5, 9))  # noqa: DTZ001


_AT_9 = identify("a", at=at("2026-10-05 09:00"), on=ON)
_AT_15 = identify("a", at=at("2026-10-05 15:00"), on=ON)
_DATED = identify("a", on=ON)


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        pytest.param([_AT_9, _DATED], {_DATED: _AT_9}, id="the occurrence of that date"),
        pytest.param([_DATED, _AT_15, _AT_9], {_DATED: _AT_9}, id="of several the earliest"),
        pytest.param([_DATED], {}, id="an all-day series knows only dates"),
        pytest.param([_DATED, identify("b", at=at("2026-10-05 09:00"), on=ON)], {}, id="another UID's is none"),
        pytest.param([_DATED, identify("a", at=at("2026-10-12 09:00"), on=date(2026, 10, 12))], {}, id="another date"),
        pytest.param([_DATED, identify("a")], {}, id="a meeting that does not recur is no occurrence"),
        pytest.param(
            [_DATED, identify("a", at=at("2026-10-04 23:30"), on=ON)],
            {_DATED: identify("a", at=at("2026-10-04 23:30"), on=ON)},
            id="the date is the series' zone's, not UTC's",
        ),
        pytest.param([], {}, id="nothing"),
    ],
)
def test_r1_where_only_the_date_is_known_it_is_that_dates_occurrence(
    given: list[Identity], settled: dict[Identity, Identity]
) -> None:
    assert settle(given) == settled
    assert settle(reversed(given)) == settled


def test_r1_a_meeting_that_does_not_recur_is_one_wherever_it_is_moved() -> None:
    here = copy(JO, (JO, SAM, ANA), start="2026-10-05 09:00", changed="2026-09-02")
    moved = copy(SAM, (JO, SAM, ANA), start="2026-11-09 16:00", changed="2026-09-01", organiser=JO)
    assert merged(here, moved).start == at("2026-10-05 09:00")


@pytest.mark.parametrize(
    ("copies", "meetings"),
    [
        pytest.param([copy(JO, (JO, SAM, ANA)), copy(SAM, (JO, SAM, ANA))], 1, id="one organiser, one list"),
        pytest.param(
            [copy(JO, (JO,), organiser=ANA), copy(SAM, (SAM,), organiser=ANA)],
            1,
            id="guests hidden: the organiser alone is shared",
        ),
        pytest.param(
            [copy(JO, (JO, ANA), organiser=None), copy(SAM, (SAM, ANA), organiser=None)], 1, id="one guest is shared"
        ),
        pytest.param(
            [copy(JO, (JO, ANA), organiser=ANA), copy(SAM, (SAM, ANA), organiser=BEN)],
            1,
            id="the one's organiser is the other's guest",
        ),
        pytest.param(
            [copy(JO, (JO, ANA), organiser=ANA), copy(SAM, (SAM, PAT), organiser=PAT)], 2, id="nobody is shared: forged"
        ),
        pytest.param(
            [copy(JO, (JO, SAM, ANA), organiser=ANA), copy(SAM, (JO, SAM, PAT), organiser=PAT)],
            2,
            id="only their owners are shared: forged",
        ),
        pytest.param(
            [copy(JO, (JO, ANA), organiser=JO), copy(SAM, (SAM, PAT), organiser=SAM)],
            2,
            id="both organise: a template's UID reused",
        ),
        pytest.param(
            [copy(JO, (JO, ANA), organiser=JO), copy(SAM, (SAM, BEN), organiser=JO)],
            1,
            id="an owner who organises both is the shared organiser",
        ),
        pytest.param(
            [
                copy(JO, (JO, ANA), organiser=ANA),
                copy(SAM, (SAM, PAT), organiser=PAT),
                copy(KIM, (KIM, ANA, PAT), organiser=None),
            ],
            1,
            id="a third copy links the two",
        ),
        pytest.param([copy(JO, (), organiser=None)], 1, id="a copy that names nobody"),
        pytest.param([copy(JO, (), organiser=None), copy(SAM, (), organiser=None)], 2, id="two that name nobody"),
        pytest.param([], 0, id="no copies at all"),
    ],
)
def test_r1_copies_of_one_uid_that_share_nobody_are_separate(copies: list[Copy], meetings: int) -> None:
    found = [partition(order) for order in permutations(copies)]
    assert all(one == found[0] for one in found)
    assert len(found[0]) == meetings


def test_r1_a_reused_uid_is_a_flaw_of_each_meeting_and_neither_changes_the_other() -> None:
    true = copy(JO, (JO, ANA))
    forged = copy(SAM, (SAM, PAT), organiser=PAT, start="2026-10-06 09:00")
    alone = merged(true)
    found = meetings_of([forged, true], canonical=BOOK.canonical, zone=LONDON)
    assert [one.flaws for one in found] == [("uid_reused",), ("uid_reused",)]
    (kept,) = [one for one in found if one.calendars == (JO,)]
    assert (kept.start, kept.participants, kept.organiser) == (alone.start, alone.participants, alone.organiser)


_ALIASED = AddressBook(COMPANY, [ACME], owners=[JO, SAM], aliases={"jo.smith@northwind.example": JO})


def test_r1_an_organiser_named_by_two_addresses_is_shared() -> None:
    """R3: one person under several addresses is one person. Guests are hidden, so only the organiser is shared."""
    sams = copy(SAM, (SAM, ANA), organiser="jo.smith@northwind.example")
    kims = copy(KIM, (KIM, BEN), organiser=JO)
    assert len(meetings_of([sams, kims], canonical=_ALIASED.canonical, zone=LONDON)) == 1


def test_r1_an_owner_named_by_an_alias_is_still_only_an_owner() -> None:
    """R1: sharing the owners alone makes no meeting, by whatever address an owner is listed."""
    true = copy(JO, ("jo.smith@northwind.example", SAM, ANA), organiser=ANA)
    forged = copy(SAM, ("jo.smith@northwind.example", SAM, PAT), organiser=PAT)
    assert len(meetings_of([true, forged], canonical=_ALIASED.canonical, zone=LONDON)) == 2


def test_r1_many_forged_copies_of_one_uid_are_parted_in_reasonable_time() -> None:
    """2,500 invitations with one UID, all from different strangers: an attack, or a broken mail merge."""
    copies = [copy(f"p{n}@northwind.example", (f"x{n}@mail.example",), organiser=None) for n in range(2_500)]
    began = process_time()
    assert len(partition(copies)) == 2_500
    assert process_time() - began < 1.5
