"""Which meetings count for a client, and why the others are set aside (R4 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scoring.meetings.address_book import Classifier, Kind
from scoring.meetings.values import Channel, Meeting, Participant, Response
from scoring.months.steps import Rules, Step, channel_of, step_of


class Reason(StrEnum):
    """Why a meeting is set aside, in the order in which it is asked."""

    CANCELLED = "cancelled"
    NOT_YET = "not_yet"
    ALL_DAY = "all_day"
    NO_DURATION = "no_duration"
    TOO_LONG = "too_long"
    TOO_MANY_PEOPLE = "too_many_people"
    WE_DID_NOT_ATTEND = "we_did_not_attend"
    CLIENT_DECLINED = "client_declined"
    RESPONSE_NOT_COUNTED = "response_not_counted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A meeting as one client's: counted on a step, or set aside for a reason.

    `people` are the client people who count (R6: not declined, response counted), `confirmed` those of them who
    accepted or organise, `declined` the client's people who declined; `ours` are our people who have not declined.
    All are canonical addresses, sorted. `step` is None where it is set aside, `reason` where it is counted.
    `confirmed_step` is the step with the confirmed people alone, None without any.
    """

    meeting: Meeting
    client: str
    channel: Channel
    people: tuple[str, ...]
    confirmed: tuple[str, ...]
    declined: tuple[str, ...]
    ours: tuple[str, ...]
    step: Step | None = None
    confirmed_step: Step | None = None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        if (self.step is None) is (self.reason is None):
            raise ValueError("a meeting is either counted or set aside")


def judge(meeting: Meeting, book: Classifier, rules: Rules, now: datetime) -> list[Judged]:
    """The meeting for each client that has people in it (R3, R4, R6); none for one without client people."""
    ours: list[str] = []
    clients: dict[str, list[Participant]] = {}
    people = 0
    for participant in meeting.participants:
        who = book.who(participant.address)
        if who.kind is Kind.NOBODY:
            continue
        people += 1
        if who.kind is Kind.OURS:
            if participant.response is not Response.DECLINED:
                ours.append(participant.address)
        elif who.client is not None:
            clients.setdefault(who.client, []).append(participant)
    if not clients:
        return []
    reason = _reason_for_all(meeting, people, ours, rules, now)
    channel = channel_of(meeting.setting)
    present = tuple(sorted(ours))
    return [_judge_client(meeting, name, clients[name], channel, present, reason, rules) for name in sorted(clients)]


def _reason_for_all(meeting: Meeting, people: int, ours: list[str], rules: Rules, now: datetime) -> Reason | None:
    if meeting.cancelled:
        return Reason.CANCELLED
    if meeting.end > now:
        return Reason.NOT_YET
    if meeting.all_day:
        return Reason.ALL_DAY
    if meeting.end <= meeting.start:
        return Reason.NO_DURATION
    if meeting.length > rules.longest_meeting:
        return Reason.TOO_LONG
    if people > rules.largest_meeting:
        return Reason.TOO_MANY_PEOPLE
    return None if ours else Reason.WE_DID_NOT_ATTEND


def _judge_client(
    meeting: Meeting,
    client: str,
    invited: Iterable[Participant],
    channel: Channel,
    ours: tuple[str, ...],
    reason: Reason | None,
    rules: Rules,
) -> Judged:
    standing = False
    counted: list[str] = []
    confirmed: list[str] = []
    declined: list[str] = []
    for participant in invited:
        address, response = participant.address, participant.response
        if response is Response.DECLINED:
            declined.append(address)
            continue
        standing = True
        if response in rules.responses:
            counted.append(address)
            if response is Response.ACCEPTED or address == meeting.organiser:
                confirmed.append(address)
    for addresses in (counted, confirmed, declined):
        addresses.sort()
    if reason is None and not standing:
        reason = Reason.CLIENT_DECLINED
    elif reason is None and not counted:
        reason = Reason.RESPONSE_NOT_COUNTED
    return Judged(
        meeting=meeting,
        client=client,
        channel=channel,
        people=tuple(counted),
        confirmed=tuple(confirmed),
        declined=tuple(declined),
        ours=ours,
        step=None if reason else step_of(channel, meeting.length, len(counted), rules),
        confirmed_step=None if reason or not confirmed else step_of(channel, meeting.length, len(confirmed), rules),
        reason=reason,
    )
