"""What a booked meeting will earn, what a step more would, and what is to beat (R15 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from scoring.meetings.values import Channel, Meeting
from scoring.months.counting import Judged, Reason
from scoring.months.hours import Ledger, hours_text, tenths
from scoring.months.month import Month
from scoring.months.steps import Rules, is_face_to_face, step_of
from scoring.wording import day_text, length_text, month_name, names_text, weekday_text

Name = Callable[[str], str]
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class NextStep:
    """A booked meeting: the points as booked, and with one more client person, over an hour, or both.

    `people` are those of the client who count, by canonical address. Of a call, `met` is what the same people
    would earn face to face; None for a meeting.
    """

    meeting: Meeting
    people: tuple[str, ...]
    points: int
    one_more: int
    longer: int
    both: int
    met: int | None = None


def booked(judged: Iterable[Judged]) -> list[Judged]:
    """The meetings that have not ended yet and may count, in order; all-day entries will not (R4)."""
    found = [judgement for judgement in judged if judgement.reason is Reason.NOT_YET and not judgement.meeting.all_day]
    return sorted(found, key=lambda judgement: (judgement.meeting.start, judgement.meeting.end))


def next_step(judged: Judged, rules: Rules) -> NextStep:
    """R15 for one booked meeting. Nobody who counts yet earns nothing yet."""
    count, length = len(judged.people), judged.meeting.length
    long = max(length, rules.long_meeting_over + _MINUTE)

    def points(people: int, how_long: timedelta, channel: Channel = judged.channel) -> int:
        return rules.points.get(step_of(channel, how_long, people, rules), 0) if people else 0

    call = not is_face_to_face(judged.channel, rules)
    return NextStep(
        meeting=judged.meeting,
        people=judged.people,
        points=points(count, length),
        one_more=points(count + 1, length),
        longer=points(count, long),
        both=points(count + 1, long),
        met=points(count, length, Channel.IN_PERSON) if call else None,
    )


def next_step_text(step: NextStep, zone: tzinfo, name: Name) -> str:
    """`Thursday 12 November, 45 min with Ana alone: 3. One colleague more: 8. Over an hour too: 13.`"""
    start = step.meeting.start.astimezone(zone)
    text = f"{weekday_text(start)}, {length_text(step.meeting.length)} {_with(step, name)}: {step.points}."
    if step.met is not None:
        return text if step.met <= step.points else f"{text[:-1]} as a call. Met instead: {step.met}."
    if step.one_more > step.points:
        text += f" One colleague more: {step.one_more}."
        return text if step.both <= step.one_more else f"{text} Over an hour too: {step.both}."
    return text if step.longer <= step.points else f"{text} Over an hour: {step.longer}."


def _with(step: NextStep, name: Name) -> str:
    if not step.people:
        return "with nobody who counts yet"
    if len(step.people) == 1:
        return f"with {name(step.people[0])} alone"
    return f"with {names_text([name(person) for person in step.people])}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToBeat:
    """What the running month is measured by.

    Seconds are man-seconds: `seconds` those to beat, `so_far_seconds` of the running month, `booked_seconds` of
    face-to-face meetings in it that have not ended yet, `booked` in number. `last_met` is the day in the company's zone
    and whom we met, where nothing is booked; None where something is, or nobody was ever met.
    """

    client: str
    running: Month
    seconds: int
    so_far_seconds: int
    booked_seconds: int
    booked: int
    last_met: tuple[date, tuple[str, ...]] | None = None


def booked_seconds(judged: Iterable[Judged], rules: Rules) -> int:
    """R7 for what is booked: face to face, within `longest_meeting`, no minute of a person twice."""
    time = Ledger()
    return sum(
        time.credit(coming.people, (int(coming.meeting.start.timestamp()), int(coming.meeting.end.timestamp())))
        for coming in booked(judged)
        if is_face_to_face(coming.channel, rules) and coming.meeting.length <= rules.longest_meeting
    )


def most_to_gain(judged: Iterable[Judged], rules: Rules, most: int) -> list[NextStep]:
    """The booked meetings of which a step more would earn most, in the order of their starts."""
    steps = [next_step(coming, rules) for coming in booked(judged)]
    ranked = sorted(range(len(steps)), key=lambda index: (steps[index].points - _best(steps[index]), index))
    return [steps[index] for index in sorted(ranked[:most])]


def _best(step: NextStep) -> int:
    return max(step.both, step.met or 0)


def to_beat_text(goal: ToBeat, name: Name) -> str:
    """`Acme: 6.0 h to beat; November has 1.5 h so far, and 3.0 h booked.`"""
    so_far = f"{month_name(goal.running)} has {hours_text(tenths(goal.so_far_seconds))} h so far"
    text = f"{goal.client}: {hours_text(tenths(goal.seconds))} h to beat; {so_far}, "
    if goal.booked:
        return f"{text}and {hours_text(tenths(goal.booked_seconds))} h booked."
    if goal.last_met is None:
        return f"{text}nothing booked in it, and nobody was ever met."
    day, people = goal.last_met
    return f"{text}nothing booked in it; last met {names_text([name(person) for person in people])} on {day_text(day)}."
