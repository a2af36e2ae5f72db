"""R2: the copies of one meeting become the meeting, whatever their order."""

from __future__ import annotations

from itertools import permutations

import pytest

from scoring.meetings.address_book import AddressBook
from scoring.meetings.merge import meetings_of, merge
from scoring.meetings.values import Conference, Copy, CopyState, Meeting, Setting
from tests.scoring.builders import (
    ACME,
    ANA,
    BEN,
    BETA,
    BOOK,
    COMPANY,
    JO,
    KIM,
    LONDON,
    SAM,
    at,
    copy,
    merged,
    responses,
)

DELETED, CANCELLED, LIVE = CopyState.DELETED, CopyState.CANCELLED, CopyState.LIVE


def in_every_order(*copies: Copy) -> Meeting:
    """The meeting, the same in every order of its copies."""
    found = [merged(*order) for order in permutations(copies)]
    assert all(one == found[0] for one in found)
    return found[0]


@pytest.mark.parametrize(
    ("copies", "cancelled"),
    [
        pytest.param([copy(JO)], False, id="the organiser's copy is live"),
        pytest.param([copy(JO, state=DELETED)], True, id="the organiser removed it"),
        pytest.param([copy(JO, state=CANCELLED)], True, id="the organiser called it off"),
        pytest.param([copy(JO, state=CANCELLED), copy(SAM, (JO, SAM, ANA))], True, id="over live copies of attendees"),
        pytest.param([copy(JO, state=DELETED), copy(SAM, (JO, SAM, ANA))], True, id="whichever way it is not live"),
        pytest.param(
            [copy(JO, (JO, SAM, ANA)), copy(SAM, (JO, SAM, ANA), state=CANCELLED)],
            False,
            id="live over attendees' copies that are not",
        ),
        pytest.param([copy(SAM, organiser=ANA), copy(JO, organiser=ANA, state=DELETED)], False, id="one live is left"),
        pytest.param(
            [copy(SAM, organiser=ANA, state=CANCELLED), copy(JO, organiser=ANA, state=DELETED)],
            True,
            id="no live copy is left",
        ),
        pytest.param([copy(SAM, organiser=None, state=DELETED)], True, id="nobody organises, none is left"),
    ],
)
def test_r2_the_organisers_copy_decides_else_whether_a_live_one_is_left(copies: list[Copy], cancelled: bool) -> None:
    assert in_every_order(*copies).cancelled is cancelled


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        pytest.param(
            [copy(JO, {JO: "accepted", SAM: "none", ANA: "accepted"}), copy(SAM, (JO, SAM, ANA), response="accepted")],
            {JO: "accepted", SAM: "none", ANA: "accepted"},
            id="over an attendee's own copy",
        ),
        pytest.param(
            [
                copy(JO, {JO: "accepted", SAM: "accepted", ANA: "accepted"}, changed="2026-09-01"),
                copy(SAM, {ANA: "declined", SAM: "accepted"}, response="declined", changed="2026-09-20"),
            ],
            {JO: "accepted", SAM: "accepted", ANA: "accepted"},
            id="even if changed earlier",
        ),
        pytest.param(
            [copy(JO, {JO: "accepted", ANA: "tentative"}), copy(SAM, {ANA: "declined", BEN: "accepted"})],
            {JO: "accepted", ANA: "tentative", SAM: "accepted"},
            id="whom it does not list was not invited, but an owner takes part",
        ),
        pytest.param([copy(JO, {ANA: "accepted"})], {ANA: "accepted", JO: "accepted"}, id="the organiser takes part"),
        pytest.param(
            [copy(JO, {JO: "declined", ANA: "accepted"})],
            {JO: "declined", ANA: "accepted"},
            id="an organiser may decline",
        ),
    ],
)
def test_r2_the_organisers_copy_has_the_truth_on_everybodys_response(
    copies: list[Copy], expected: dict[str, str]
) -> None:
    assert responses(in_every_order(*copies)) == expected


def test_r2_the_organisers_copy_has_the_truth_on_time_and_place() -> None:
    room = Setting(room=True)
    moved = copy(SAM, (JO, SAM, ANA), start="2026-10-05 11:00", changed="2026-09-20", title="Theirs")
    found = in_every_order(copy(JO, (JO, SAM, ANA), setting=room, title="Ours"), moved)
    assert (found.start, found.setting, found.title) == (at("2026-10-05 09:00"), room, "Ours")


@pytest.mark.parametrize("state", [DELETED, CANCELLED])
def test_r2_while_a_meeting_stands_a_copy_not_live_is_its_owners_decline_over_the_list(state: CopyState) -> None:
    found = in_every_order(copy(JO, (JO, SAM, ANA)), copy(SAM, (JO, SAM, ANA), response="accepted", state=state))
    assert responses(found) == {JO: "accepted", SAM: "declined", ANA: "accepted"}


def test_r2_a_copy_not_live_is_a_decline_without_the_organisers_copy_too() -> None:
    live = copy(JO, (JO, SAM, ANA), organiser=ANA)
    removed = copy(SAM, (JO, SAM, ANA), organiser=ANA, response="accepted", state=DELETED)
    assert responses(in_every_order(live, removed))[SAM] == "declined"


def test_r2_an_owner_off_the_list_whose_copy_is_not_live_declined() -> None:
    """Invited through a group, and removed it."""
    found = in_every_order(copy(JO, (JO, ANA)), copy(KIM, (JO, ANA), response="accepted", state=DELETED))
    assert responses(found)[KIM] == "declined"


@pytest.mark.parametrize("answer", ["accepted", "declined", "tentative", "none"])
def test_r2_without_the_organisers_copy_each_own_copy_has_the_truth_on_its_owner(answer: str) -> None:
    own = copy(JO, {JO: "none", SAM: "none"}, organiser=ANA, response=answer, changed="2026-09-01")
    other = copy(SAM, {JO: "declined", SAM: "declined"}, organiser=ANA, response="tentative", changed="2026-09-20")
    found = responses(in_every_order(own, other))
    assert (found[JO], found[SAM]) == (answer, "tentative")


@pytest.mark.parametrize(
    ("told", "response"),
    [
        pytest.param(("none", "tentative"), "tentative", id="tentative over none"),
        pytest.param(("tentative", "accepted"), "accepted", id="accepted over tentative"),
        pytest.param(("accepted", "declined"), "declined", id="declined over accepted"),
        pytest.param(("none", "declined"), "declined", id="declined over none"),
        pytest.param(("tentative", "declined"), "declined", id="declined over tentative"),
        pytest.param(("none", "accepted"), "accepted", id="accepted over none"),
        pytest.param(("none", "none"), "none", id="nobody knows"),
    ],
)
@pytest.mark.parametrize("later", [0, 1], ids=["told first", "told last"])
def test_r2_of_other_participants_the_most_decided_response_any_copy_has(
    told: tuple[str, str], response: str, later: int
) -> None:
    changed = ["2026-09-01", "2026-09-02"]
    one = copy(JO, {JO: "accepted", ANA: told[0], BEN: "none"}, organiser=BEN, changed=changed[later])
    other = copy(SAM, {SAM: "accepted", ANA: told[1], BEN: "none"}, organiser=BEN, changed=changed[1 - later])
    assert responses(in_every_order(one, other))[ANA] == response


@pytest.mark.parametrize(
    ("changed", "start"),
    [
        pytest.param(("2026-09-01", "2026-09-02"), "2026-10-05 11:00", id="the most recently changed"),
        pytest.param(("2026-09-02", "2026-09-01"), "2026-10-05 09:00", id="whoever it belongs to"),
        pytest.param(("2026-09-01", "2026-09-01"), "2026-10-05 09:00", id="a tie: the owner's address"),
        pytest.param(("2027-05-01", "2026-11-30 11:59"), "2026-10-05 09:00", id="later than the reading: when read"),
        pytest.param(
            ("2026-11-30 12:00", "2031-01-01"), "2026-10-05 09:00", id="later than the reading wins no tie by itself"
        ),
    ],
)
def test_r2_without_the_organisers_copy_the_most_recently_changed_has_the_truth_on_the_rest(
    changed: tuple[str, str], start: str
) -> None:
    listed = {JO: "accepted", SAM: "accepted", ANA: "accepted"}
    one = copy(JO, listed, organiser=ANA, start="2026-10-05 09:00", changed=changed[0])
    other = copy(SAM, listed, organiser=ANA, start="2026-10-05 11:00", changed=changed[1])
    assert in_every_order(one, other).start == at(start)


def test_r2_a_change_later_than_our_reading_counts_as_the_time_of_reading() -> None:
    wrong_clock = copy(JO, organiser=ANA, start="2026-10-05 09:00", changed="2030-01-01", read="2026-09-01")
    later = copy(SAM, (SAM, ANA), organiser=ANA, start="2026-10-05 11:00", changed="2026-09-02", read="2026-10-01")
    assert in_every_order(wrong_clock, later).start == at("2026-10-05 11:00")


def test_r2_what_stands_is_told_by_live_copies_however_late_another_was_removed() -> None:
    removed = copy(JO, organiser=ANA, start="2026-10-05 09:00", state=DELETED, changed="2026-11-01")
    live = copy(SAM, (SAM, ANA), organiser=ANA, start="2026-10-05 11:00", changed="2026-09-02")
    assert in_every_order(removed, live).start == at("2026-10-05 11:00")


_LEFT = at("2026-10-10 18:00")


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        pytest.param("2026-10-05 09:00", True, id="before the last reading: as it was last read"),
        pytest.param("2026-10-10 18:00", True, id="at the last reading"),
        pytest.param("2026-10-10 18:01", False, id="after it: does not count"),
    ],
)
def test_r2_copies_of_a_calendar_no_longer_read_count_up_to_its_last_reading(start: str, kept: bool) -> None:
    found = meetings_of([copy(JO, start=start, last_reading=_LEFT)], canonical=BOOK.canonical, zone=LONDON)
    assert bool(found) is kept


def test_r2_a_later_meeting_of_one_who_left_counts_by_the_others_copies() -> None:
    left = copy(JO, (JO, SAM, ANA), start="2026-10-12 09:00", last_reading=_LEFT, state=CANCELLED)
    stays = copy(SAM, (JO, SAM, ANA), start="2026-10-12 11:00")
    found = in_every_order(left, stays)
    assert (found.cancelled, found.start, found.calendars) == (False, at("2026-10-12 11:00"), (SAM,))


def test_r2_copies_that_all_start_after_the_last_reading_make_no_meeting() -> None:
    copies = [copy(JO, start="2026-10-12 09:00", last_reading=_LEFT)]
    assert meetings_of(copies, canonical=BOOK.canonical, zone=LONDON) == []
    assert meetings_of([], canonical=BOOK.canonical, zone=LONDON) == []


def test_r2_one_owners_copies_over_two_connectors_are_one() -> None:
    google = copy(JO, (JO, ANA), connector="workspace", response="none", organiser=ANA, changed="2026-09-01")
    graph = copy(JO, (JO, ANA), connector="m365", response="declined", organiser=ANA, changed="2026-09-02")
    found = in_every_order(google, graph)
    assert (found.calendars, responses(found)[JO]) == ((JO,), "declined")


def test_r2_one_owners_copies_changed_at_once_tie_to_the_live_one() -> None:
    live = copy(JO, connector="workspace")
    removed = copy(JO, connector="m365", state=DELETED)
    assert in_every_order(live, removed).cancelled is False


_ALIASED = AddressBook(COMPANY, [ACME, BETA], owners=[JO, SAM], aliases={"jo.smith@northwind.example": JO})


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(copy("jo.smith@northwind.example", (JO, ANA), state=CANCELLED), id="the owner by an alias"),
        pytest.param(copy(JO, organiser="jo.smith@northwind.example", state=CANCELLED), id="the organiser by an alias"),
    ],
)
def test_r2_the_organisers_copy_is_known_by_any_of_their_addresses(found: Copy) -> None:
    stands = copy(SAM, (JO, SAM, ANA), organiser=found.organiser)
    result = merged(found, stands, book=_ALIASED)
    assert result.cancelled
    assert result.organiser == JO
    assert JO in result.calendars


def test_r2_a_copy_that_names_nobody_is_merged_without_a_fault() -> None:
    found = merged(copy(JO, (), organiser=None, response="tentative"))
    assert (responses(found), found.organiser) == ({JO: "tentative"}, None)


def test_r2_flaws_of_all_copies_are_the_meetings() -> None:
    one = copy(JO, (JO, SAM, ANA), flaws=("no_address",))
    other = copy(SAM, (JO, SAM, ANA), flaws=("additional_guests", "no_address"))
    assert in_every_order(one, other).flaws == ("additional_guests", "no_address")


def test_r2_merging_itself_does_not_depend_on_the_order_of_copies() -> None:
    """`merge` promises it, whoever calls it: participants included."""
    copies = [copy(JO, (JO, ANA)), copy(SAM, (JO, ANA), entry="e2"), copy(KIM, (JO, ANA), entry="e3")]
    found = [merge(order, canonical=BOOK.canonical, zone=LONDON) for order in permutations(copies)]
    assert all(one == found[0] for one in found)


def test_r2_a_conference_on_an_attendees_copy_alone_is_not_the_organisers() -> None:
    theirs = copy(SAM, (JO, SAM, ANA), setting=Setting(conference=Conference.PHONE))
    assert in_every_order(copy(JO, (JO, SAM, ANA)), theirs).setting == Setting()
