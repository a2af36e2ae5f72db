"""R1 to R8 as laws that hold for any company, calendars and copies.

Alphabets are small, so that people, UIDs and times collide: double bookings, aliases, forged UIDs, clock changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.meetings.address_book import AddressBook, Kind, normalise_address
from scoring.meetings.identity import identify, meeting_key, partition, settle
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Conference, Copy, CopyState, LocationKind, Meeting, Participant, Response, Setting
from scoring.months.counting import Judged, Reason, judge
from scoring.months.figures import Credited, Figures, credit, figures_of
from scoring.months.history import History
from scoring.months.hours import Ledger, share_out, tenths, thousandths
from scoring.months.month import Month, month_of
from scoring.months.steps import Rules, is_face_to_face
from tests.scoring.builders import ACME, ANA, BEA, BEN, BETA, CAT, COMPANY, JO, KIM, PAT, RULES, SAM

_SETTINGS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no failure
)
_FEW = settings(_SETTINGS, max_examples=40)

JOS_ALIAS = "jo.smith@northwind.example"
BOOK = AddressBook(COMPANY, [ACME, BETA], owners=[JO, SAM, KIM], aliases={JOS_ALIAS: JO})
OWNERS = (JO, JOS_ALIAS, SAM, KIM)
EVERYBODY = (*OWNERS, ANA, BEN, CAT, BEA, PAT, "no-reply@acme.example")
ZONES = tuple(ZoneInfo(name) for name in ("Europe/London", "America/New_York", "Pacific/Auckland"))
ALL_RULES = (
    RULES,
    Rules(video_is_meeting=False),
    Rules(responses=frozenset({Response.ACCEPTED})),
    Rules(largest_meeting=4, longest_meeting=timedelta(hours=2), long_meeting_over=timedelta(minutes=30)),
)
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
# London goes back on 25 October at 01:00 UTC, New York on 1 November at 06:00 UTC; Auckland went on in September.
ANCHORS = (
    datetime(2026, 10, 24, 23, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 10, 30, tzinfo=UTC),
    datetime(2026, 10, 31, 23, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    datetime(2026, 11, 2, 11, 30, tzinfo=UTC),
)

_responses = st.sampled_from([Response.ACCEPTED, Response.ACCEPTED, *Response])
_settings = st.builds(
    Setting,
    room=st.booleans(),
    conference=st.sampled_from(list(Conference)),
    place=st.sampled_from(list(LocationKind)),
    phone_title=st.booleans(),
)
_participants = st.builds(
    lambda ours, theirs, others: (ours, theirs, *others),
    st.builds(Participant, st.sampled_from(OWNERS), _responses),
    st.builds(Participant, st.sampled_from((ANA, BEN, BEA)), _responses),
    st.lists(st.builds(Participant, st.sampled_from(EVERYBODY), _responses), max_size=4),
)
_starts = st.builds(
    lambda anchor, quarters: anchor + timedelta(minutes=15 * quarters), st.sampled_from(ANCHORS), st.integers(0, 6)
)
_minutes = st.sampled_from([30, 60, 61, 90, 150, 15, 120, 0, -15, 660])
_changes = st.integers(0, 4).map(lambda day: datetime(2026, 10, 1 + day, 12, tzinfo=UTC))


@st.composite
def _copies(draw: st.DrawFn) -> Copy:
    """One calendar's record; UIDs are few, so most meetings have several copies, some of them forged."""
    owner = draw(st.sampled_from(OWNERS))
    all_day = draw(st.integers(0, 9)) == 9
    start = draw(_starts)
    end = start + timedelta(minutes=draw(_minutes))
    if all_day:
        start = start.replace(hour=0, minute=0)
        end = start + timedelta(days=draw(st.integers(0, 2)))
    recurs = draw(st.sampled_from([None, None, *ANCHORS[:2]]))
    return Copy(
        connector="workspace",
        calendar=owner,
        entry="e1",
        owner=owner,
        identity=identify(draw(st.sampled_from(["m1", "m2", "m3", "m4", "m5", "m6"])), at=recurs),
        state=draw(st.sampled_from([CopyState.LIVE] * 8 + [CopyState.DELETED, CopyState.CANCELLED])),
        start=start,
        end=end,
        all_day=all_day,
        organiser=draw(st.sampled_from([JO, SAM, ANA, JOS_ALIAS, BEA, PAT, None])),
        participants=draw(_participants),
        response=draw(_responses),
        setting=draw(_settings),
        changed_at=draw(_changes),
        read_at=draw(_changes),
        last_reading=draw(st.sampled_from([None, None, None, ANCHORS[2]])),
    )


def _stored(copies: list[Copy]) -> list[Copy]:
    """As a store holds them: each entry of a calendar once, and only with somebody from outside (R3)."""
    return [replace(one, entry=f"e{index}") for index, one in enumerate(copies) if BOOK.has_outsiders(one.invited)]


_calendars = st.lists(_copies(), min_size=4, max_size=10).map(_stored)


@dataclass(frozen=True)
class _World:
    """A way to look at copies: the company's zone and rules."""

    zone: ZoneInfo
    rules: Rules


_worlds = st.builds(_World, st.sampled_from(ZONES), st.sampled_from(ALL_RULES))


def _meetings(copies: Sequence[Copy], world: _World) -> list[Meeting]:
    by_key: dict[bytes, list[Copy]] = {}
    for one in copies:
        by_key.setdefault(meeting_key(one.identity), []).append(one)
    return [
        meeting
        for key in sorted(by_key)
        for meeting in meetings_of(by_key[key], canonical=BOOK.canonical, zone=world.zone)
    ]


def _judged(copies: Sequence[Copy], world: _World) -> list[Judged]:
    return [one for meeting in _meetings(copies, world) for one in judge(meeting, BOOK, world.rules, NOW)]


def _by_month(judged: Sequence[Judged], world: _World) -> dict[tuple[str, Month], list[Judged]]:
    found: dict[tuple[str, Month], list[Judged]] = {}
    for one in judged:
        found.setdefault((one.client, month_of(one.meeting.start, world.zone)), []).append(one)
    return found


def _figures(copies: Sequence[Copy], world: _World) -> dict[tuple[str, Month], Figures]:
    months = _by_month(_judged(copies, world), world)
    return {(client, month): figures_of(client, month, found, world.rules) for (client, month), found in months.items()}


def _brute_seconds(judged: Sequence[Judged], rules: Rules) -> int:
    """Man-seconds counted minute by minute, as a set of (person, minute); all times lie on whole minutes."""
    seen: set[tuple[str, int]] = set()
    for one in judged:
        if one.reason is None and is_face_to_face(one.channel, rules):
            first, last = (int(moment.timestamp()) // 60 for moment in (one.meeting.start, one.meeting.end))
            seen.update((person, minute) for person in one.people for minute in range(first, last))
    return 60 * len(seen)


@_SETTINGS
@given(_calendars, _worlds, st.randoms(use_true_random=False))
def test_r2_the_order_of_copies_and_calendars_does_not_matter(
    copies: list[Copy], world: _World, random: object
) -> None:
    shuffled = list(copies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _meetings(shuffled, world) == _meetings(copies, world)
    assert _figures(shuffled, world) == _figures(copies, world)


@_SETTINGS
@given(_calendars, _worlds)
def test_r2_the_same_copies_over_a_second_connector_change_nothing(copies: list[Copy], world: _World) -> None:
    again = [replace(one, connector="m365", entry=f"x{one.entry}") for one in copies]
    assert _meetings(copies + again, world) == _meetings(copies, world)


@_SETTINGS
@given(_calendars, _worlds, st.integers(0, 1023))
def test_r2_a_calendar_split_over_two_connectors_changes_nothing(copies: list[Copy], world: _World, which: int) -> None:
    """Unless it is the connector alone that tells two copies of one owner apart which changed at one moment."""
    tied = {(one.owner, meeting_key(one.identity), one.changed) for one in copies}
    if len(tied) < len(copies):
        return
    split = [replace(one, connector="m365") if which >> index & 1 else one for index, one in enumerate(copies)]
    assert _figures(split, world) == _figures(copies, world)


@_SETTINGS
@given(_calendars, _worlds)
def test_r7_no_minute_of_a_person_counts_twice(copies: list[Copy], world: _World) -> None:
    for (client, month), found in _by_month(_judged(copies, world), world).items():
        assert figures_of(client, month, found, world.rules).man_seconds == _brute_seconds(found, world.rules)


@_FEW
@given(st.lists(st.tuples(_starts, st.integers(1, 300)), min_size=1, max_size=6), st.sampled_from(ZONES))
def test_r8_hours_are_right_by_the_clock_across_clock_changes(
    spans: list[tuple[datetime, int]], zone: ZoneInfo
) -> None:
    """Every real second is looked at by UTC, whatever the company's wall clock says."""
    world = _World(zone, RULES)
    copies = [
        replace(
            _HOUR,
            identity=identify(f"m{index}"),
            start=start.astimezone(zone).astimezone(UTC),
            end=start + timedelta(minutes=minutes),
        )
        for index, (start, minutes) in enumerate(spans)
    ]
    judged = _judged(copies, world)
    total = sum(one.man_seconds for one in _figures(copies, world).values())
    assert total == sum(_brute_seconds(found, RULES) for found in _by_month(judged, world).values())


_HOUR = Copy(
    connector="workspace",
    calendar=JO,
    entry="e1",
    owner=JO,
    identity=identify("m1"),
    start=ANCHORS[0],
    end=ANCHORS[0] + timedelta(hours=1),
    organiser=JO,
    participants=(Participant(JO, Response.ACCEPTED), Participant(ANA, Response.ACCEPTED)),
    response=Response.ACCEPTED,
    changed_at=datetime(2026, 10, 1, tzinfo=UTC),
    read_at=NOW,
)


@_SETTINGS
@given(_calendars, _worlds, _responses)
def test_r7_one_of_ours_more_never_changes_the_man_hours_of_a_meeting_that_counts(
    copies: list[Copy], world: _World, response: Response
) -> None:
    for meeting in _meetings(copies, world):
        if any(one.address == KIM for one in meeting.participants):
            continue
        more = replace(meeting, participants=(*meeting.participants, Participant(KIM, response)))
        larger = judge(more, BOOK, world.rules, NOW)
        for before, after in zip(judge(meeting, BOOK, world.rules, NOW), larger, strict=True):
            if before.reason is None and after.reason is not Reason.TOO_MANY_PEOPLE:
                assert (after.people, after.step, after.reason) == (before.people, before.step, None)
                assert credit([after], world.rules)[0].man_seconds == credit([before], world.rules)[0].man_seconds


@_SETTINGS
@given(_calendars, _worlds)
def test_r7_figures_are_the_sum_of_the_lines_of_explain(copies: list[Copy], world: _World) -> None:
    for (client, month), found in _by_month(_judged(copies, world), world).items():
        figures, lines = figures_of(client, month, found, world.rules), credit(found, world.rules)
        assert len(lines) == len(found)
        for field in ("man_seconds", "confirmed_seconds", "phone_seconds", "our_seconds"):
            assert sum(getattr(line, field) for line in lines) == getattr(figures, field)
        assert sum(share_out([line.man_seconds for line in lines])) == tenths(figures.man_seconds)
        assert figures.largest_seconds == max(line.man_seconds for line in lines)


@_SETTINGS
@given(_calendars, _worlds)
def test_r8_a_months_total_is_the_sum_of_its_days_where_no_meetings_overlap_across_them(
    copies: list[Copy], world: _World
) -> None:
    for (client, month), found in _by_month(_judged(copies, world), world).items():
        days: dict[int, list[Judged]] = {}
        for one in found:
            days.setdefault(one.meeting.start.astimezone(world.zone).toordinal(), []).append(one)
        ends = [max(one.meeting.end for one in days[day]) for day in sorted(days)]
        starts = [min(one.meeting.start for one in days[day]) for day in sorted(days)]
        if any(end > start for end, start in zip(ends, starts[1:], strict=False)):
            continue
        parts = [figures_of(client, month, one, world.rules) for one in days.values()]
        whole = figures_of(client, month, found, world.rules)
        assert sum(part.man_seconds for part in parts) == whole.man_seconds
        assert sum(part.phone_seconds for part in parts) == whole.phone_seconds
        assert sum(part.our_seconds for part in parts) == whole.our_seconds
        assert sum(part.meetings for part in parts) == whole.meetings


@_SETTINGS
@given(_calendars, _worlds)
def test_r6_what_is_confirmed_is_never_more_than_the_whole(copies: list[Copy], world: _World) -> None:
    for (client, month), figures in _figures(copies, world).items():
        history = History(
            client=client,
            quarterly=False,
            begins=Month("2025-01"),
            running=Month("2026-11"),
            months={month: figures},
            first_met=None,
            rules=world.rules,
        )
        row = history.row(month)
        assert figures.confirmed_seconds <= figures.man_seconds
        assert row.score_confirmed <= row.score
        assert sum(figures.confirmed_steps.values()) <= figures.meetings


@_SETTINGS
@given(_calendars, _worlds)
def test_r4_every_judged_meeting_is_counted_or_has_one_reason(copies: list[Copy], world: _World) -> None:
    judged = _judged(copies, world)
    for (client, month), found in _by_month(judged, world).items():
        figures = figures_of(client, month, found, world.rules)
        assert figures.meetings == sum(1 for one in found if one.step is not None)
        assert sum(figures.set_aside.values()) == sum(1 for one in found if one.reason is not None)
        assert figures.meetings + sum(figures.set_aside.values()) == len(found)
        assert figures.client_people == len({person for one in found if one.step for person in one.people})
    for one in judged:
        assert (one.step is None) is (one.reason is not None)
        assert set(one.confirmed) <= set(one.people)
        assert not set(one.people) & set(one.declined)
        assert one.step is None or (one.people and one.ours)


@_SETTINGS
@given(_calendars, _worlds, st.randoms(use_true_random=False))
def test_r4_the_order_of_participants_does_not_matter(copies: list[Copy], world: _World, random: object) -> None:
    for meeting in _meetings(copies, world):
        shuffled = list(meeting.participants)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        other = judge(replace(meeting, participants=tuple(shuffled)), BOOK, world.rules, NOW)
        assert [replace(one, meeting=meeting) for one in other] == judge(meeting, BOOK, world.rules, NOW)


@_SETTINGS
@given(_calendars, _worlds)
def test_r3_everybody_in_a_meeting_stands_once_by_one_address(copies: list[Copy], world: _World) -> None:
    for meeting in _meetings(copies, world):
        addresses = [one.address for one in meeting.participants]
        assert len(addresses) == len(set(addresses))
        assert JOS_ALIAS not in addresses
        assert meeting.organiser is None or meeting.organiser in addresses
        assert set(meeting.calendars) <= set(addresses)
        assert all(BOOK.who(owner).kind is Kind.OURS for owner in meeting.calendars)


@_SETTINGS
@given(_calendars)
def test_r1_parting_keeps_every_copy_once_and_parts_share_nobody(copies: list[Copy]) -> None:
    key = lambda one: meeting_key(one.identity)  # noqa: E731
    for _, group in groupby(sorted(copies, key=key), key=key):
        together = list(group)
        parts = partition(together)
        assert sorted(map(repr, (one for part in parts for one in part))) == sorted(map(repr, together))
        for index, part in enumerate(parts):
            organisers = {one.organiser for one in part if one.organiser}
            others = {one.organiser for other in parts[index + 1 :] for one in other if one.organiser}
            assert not organisers & others


@_FEW
@given(_calendars, _worlds)
def test_r2_a_cancelled_meeting_never_counts_and_a_standing_one_has_a_live_copy(
    copies: list[Copy], world: _World
) -> None:
    states = {one.state for one in copies}
    for meeting in _meetings(copies, world):
        if meeting.cancelled:
            assert states != {CopyState.LIVE}
            assert all(one.reason is Reason.CANCELLED for one in judge(meeting, BOOK, world.rules, NOW))
        else:
            assert CopyState.LIVE in states


@_FEW
@given(_calendars)
def test_r1_settling_answers_only_with_identities_that_know_their_instant(copies: list[Copy]) -> None:
    dated = [replace(one.identity, at=None, on=one.start.date()) for one in copies]
    timed = [replace(one.identity, on=one.start.date()) for one in copies]
    found = settle(dated + timed)
    assert found == settle(timed[::-1] + dated[::-1])
    for one, other in found.items():
        assert one.at is None
        assert other.at is not None
        assert (one.series, one.on) == (other.series, other.on)


@_SETTINGS
@given(st.lists(st.integers(0, 100_000), max_size=12))
def test_r7_shares_add_up_and_none_is_a_tenth_off(parts: list[int]) -> None:
    shares = share_out(parts)
    assert sum(shares) == tenths(sum(parts))
    assert all(abs(360 * share - part) < 360 for part, share in zip(parts, shares, strict=True))


@_SETTINGS
@given(st.integers(0, 10_000_000))
def test_r7_rounding_is_half_up_to_the_digit(seconds: int) -> None:
    assert abs(tenths(seconds) * 360 - seconds) <= 180
    assert tenths(seconds) * 360 - seconds != -180
    assert abs(thousandths(seconds) * 3600 - seconds) <= 1.8 + 1e-6


@_SETTINGS
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.integers(0, 30)), max_size=12))
def test_r7_a_ledger_is_the_length_of_the_union(spans: list[tuple[str, int, int]]) -> None:
    ledger = Ledger()
    ordered = sorted(spans, key=lambda span: span[1])
    total = sum(ledger.credit([person], (start, start + length)) for person, start, length in ordered)
    assert total == len(
        {(person, second) for person, start, length in spans for second in range(start, start + length)}
    )


@_FEW
@given(_calendars, _worlds)
def test_the_same_input_gives_the_same_lines(copies: list[Copy], world: _World) -> None:
    def lines(order: Sequence[Copy]) -> list[Credited]:
        return credit([one for one in _judged(order, world) if one.client == "Acme"], world.rules)

    assert lines(copies) == lines(list(copies))
    assert lines(copies) == lines(copies[::-1])


_PIECES = (
    "ana",
    "A",
    "+",
    "+x",
    "_",
    "@",
    "acme.example",
    ".",
    "#EXT#",
    "mailto:",
    "<",
    ">",
    "'",
    " ",
    "münchen",
    "/o=",
)


@settings(_SETTINGS, max_examples=500)
@given(st.lists(st.sampled_from(_PIECES), max_size=8).map("".join))
def test_r3_an_address_in_its_form_is_an_address_and_stays_as_it_is(raw: str) -> None:
    address = normalise_address(raw)
    if address is not None:
        local, _, domain = address.partition("@")
        assert local
        assert domain
        assert normalise_address(address) == address
        assert BOOK.who(address).kind in Kind
