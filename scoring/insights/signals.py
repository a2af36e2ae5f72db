"""What the pattern of a client's meetings says, as of the end of a month (R13 of `docs/rules.md`).

A quarter is its last three months. Nothing is said of months before history, nor where what a signal asks for is not
known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from scoring.insights.circle import QUARTER, Circle, Span, last_day
from scoring.insights.findings import Finding, reaches
from scoring.months.history import History, Verdict
from scoring.months.hours import hours_text, tenths, thousandths
from scoring.months.month import Month, shift
from scoring.wording import count_text, day_text, month_name, month_text, names_text, number_text, span_text

_FEWEST_OURS = 3  # of fewer, hours would tell who worked how much
_LOOK_AHEAD = 3  # months after the one judged in which a meeting counts as booked
_HALF_YEAR = 6
_GOOD = frozenset({"new_people", "new_executive", "new_buying_centre", "client_invites"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalThresholds:
    """`[signals]`. Shares are above 0 and up to 1; `no_new_people` and `falling` are months."""

    single_threaded: float = 0.6
    no_new_people: int = 6
    gone_quiet: timedelta = timedelta(days=60)
    gone_quiet_people: int = 3
    falling: int = 2
    unconfirmed: float = 0.5
    client_invites: float = 0.25


DEFAULTS = SignalThresholds()


@dataclass(frozen=True, kw_only=True)
class View:
    """One client as of the end of a month. `name_ours`: whether our people may be named."""

    history: History
    circle: Circle
    month: Month
    thresholds: SignalThresholds = DEFAULTS
    name_ours: bool = True

    @property
    def quarter(self) -> tuple[Month, ...]:
        """Three months up to the one judged."""
        return self.back(QUARTER)

    def back(self, months: int) -> tuple[Month, ...]:
        """So many months up to the one judged."""
        return tuple(shift(self.month, -back) for back in range(months - 1, -1, -1))

    def knows(self, months: Sequence[Month]) -> bool:
        """Whether all of these months lie within history, and their people are known."""
        return months[0] >= max(self.history.begins, self.circle.begins)


Rule = Callable[[View, Span], Finding | None]


def signals_of(view: View) -> list[Finding]:
    """All of R13's signals that hold, in the rule's order. The month must have ended."""
    span = view.circle.span(view.quarter) if view.knows(view.quarter) else Span()
    found = (rule(view, span) for rule in _RULES)
    return [finding for finding in found if finding is not None]


def _signal(name: str, sentence: str, **numbers: Any) -> Finding:
    return Finding(name=name, numbers=numbers, sentence=sentence, good=name in _GOOD)


def _single_threaded(view: View, span: Span) -> Finding | None:
    if not span.total:
        return None
    person = span.by_seconds[0]
    most = span.seconds[person]
    if not reaches(most, span.total, view.thresholds.single_threaded):
        return None
    left, whole = hours_text(tenths(span.total) - tenths(most)), hours_text(tenths(span.total))
    return _signal(
        "single_threaded",
        f"If {view.circle.name(person)} leaves you keep {left} of {whole} h ({span_text(view.quarter)}).",
        person=person,
        hours=thousandths(most),
        total_hours=thousandths(span.total),
        share=round(most / span.total, 3),
    )


def _one_buying_centre(view: View, span: Span) -> Finding | None:
    met = {view.circle.profile(person).centre for person in span.by_seconds}
    if len(met) != 1 or len(view.circle.centres | met) < 2:
        return None
    (centre,) = met
    if centre is None:
        return None
    others = sorted(view.circle.centres - {centre})
    return _signal(
        "one_buying_centre",
        f"All {hours_text(tenths(span.total))} h ({span_text(view.quarter)}) lie in {centre}; "
        f"nobody of {names_text(others)} gave any.",
        centre=centre,
        hours=thousandths(span.total),
        others=others,
    )


def _one_of_ours(view: View, span: Span) -> Finding | None:
    if len(span.ours) != 1:
        return None
    (ours,) = span.ours
    who = view.circle.name(ours) if view.name_ours else "one of our people"
    return _signal(
        "one_of_ours",
        f"Only {who} met them in {span_text(view.quarter)}.",
        ours=[ours] if view.name_ours else 1,
        meetings=span.meetings,
    )


def _no_new_people(view: View, _: Span) -> Finding | None:
    months = view.back(view.thresholds.no_new_people)
    if not view.knows(months) or view.circle.new_in(months) != []:
        return None
    people = len(view.circle.span(months).seconds)
    if not people:
        return None
    same = "the same person" if people == 1 else f"the same {number_text(people)} people"
    return _signal(
        "no_new_people",
        f"Nobody new in {number_text(len(months))} months: you met {same}.",
        months=len(months),
        people=people,
    )


def _gone_quiet(view: View, _: Span) -> Finding | None:
    months = view.back(_HALF_YEAR)
    if not view.knows(months):
        return None
    span, end = view.circle.span(months), last_day(view.month)
    quiet: list[dict[str, Any]] = []
    names: dict[str, list[str]] = {}
    for person in span.by_seconds[: view.thresholds.gone_quiet_people]:
        last = view.circle.last_met(person, view.month)
        if last is None or end - last < view.thresholds.gone_quiet or view.circle.profile(person).left:
            continue
        if view.circle.met_after(person, view.month, _LOOK_AHEAD):
            continue
        seconds = span.seconds[person]
        days = (end - last).days
        quiet.append({"person": person, "last_met": last.isoformat(), "days": days, "hours": thousandths(seconds)})
        names.setdefault(day_text(last), []).append(view.circle.name(person))
    if not quiet:
        return None
    told = names_text([f"{names_text(people)} (last met {day})" for day, people in names.items()])
    verbs = ("has", "is") if len(quiet) == 1 else ("have", "are")
    return _signal("gone_quiet", f"{told} {verbs[0]} gone quiet and {verbs[1]} not booked.", people=quiet)


def _not_met(view: View, _: Span) -> Finding | None:
    """By the client's rhythm: of a quarterly one, three months without a meeting."""
    history, month = view.history, view.month
    months = view.quarter if history.quarterly else (month,)
    if months[0] < history.begins or any(history.figures(past).meetings for past in months):
        return None
    booked = sum(
        kept.meetings + max((presence.booked for presence in kept.theirs.values()), default=0)
        for ahead in range(1, _LOOK_AHEAD + 1)
        if (kept := view.circle.months.get(shift(month, ahead))) is not None
    )
    last = view.circle.last_meeting(month)
    since = f"last met {day_text(last[0])}" if last else f"never met since {month_text(history.begins)}"
    return _signal(
        "not_met",
        f"Not met in {span_text(months)}, {since}; {'a meeting is' if booked else 'nothing is'} booked.",
        booked=booked > 0,
        last_met=last[0].isoformat() if last else None,
    )


def _falling(view: View, _: Span) -> Finding | None:
    """Month after month, or quarter after quarter, `not_developing`; unless the same ones fell a year ago."""
    history, step = view.history, QUARTER if view.history.quarterly else 1
    months = [shift(view.month, -step * back) for back in range(view.thresholds.falling - 1, -1, -1)]
    if not _fell(history, months) or _fell(history, [shift(month, -12) for month in months]):
        return None
    compared = [history.row(month).compared for month in months]
    seconds = [compared[0].man_seconds_before, *(pair.man_seconds for pair in compared)]
    what = "quarters" if history.quarterly else "months"
    told = " → ".join(hours_text(tenths(amount)) for amount in seconds)
    return _signal(
        "falling",
        f"The hours have fallen {number_text(len(months))} {what} running: {told} h.",
        hours=[thousandths(amount) for amount in seconds],
        months=list(months),
    )


def _fell(history: History, months: Sequence[Month]) -> bool:
    return months[0] > history.begins and all(history.row(month).verdict is Verdict.NOT_DEVELOPING for month in months)


def _unconfirmed(view: View, span: Span) -> Finding | None:
    """More than the share; what no copy that we read could know is not held against anybody."""
    if not span.total or reaches(span.total - span.unanswered, span.total, 1 - view.thresholds.unconfirmed):
        return None
    silent, whole = hours_text(tenths(span.unanswered)), hours_text(tenths(span.total))
    return _signal(
        "unconfirmed",
        f"{silent} of {whole} h ({span_text(view.quarter)}) come from people who never answered the invitation.",
        hours=thousandths(span.unanswered),
        total_hours=thousandths(span.total),
        share=round(span.unanswered / span.total, 3),
    )


def _we_push(view: View, _: Span) -> Finding | None:
    """Ours grew and theirs shrank, in tenths as shown, from the first of the three months to the last."""
    history, first = view.history, view.quarter[0]
    if first < history.begins or history.first_met is None or first < history.first_met:
        return None
    then, now = history.figures(first), history.figures(view.month)
    ours = tenths(then.our_seconds), tenths(now.our_seconds)
    theirs = tenths(then.man_seconds), tenths(now.man_seconds)
    if ours[1] <= ours[0] or theirs[1] >= theirs[0]:
        return None
    tell = min(then.our_people, now.our_people) >= _FEWEST_OURS
    grew = f" from {hours_text(ours[0])} to {hours_text(ours[1])} h" if tell else ""
    return _signal(
        "we_push",
        f"Our hours grew{grew} from {month_name(first)} to {month_name(view.month)}, "
        f"theirs shrank from {hours_text(theirs[0])} to {hours_text(theirs[1])} h.",
        our_hours=[thousandths(then.our_seconds), thousandths(now.our_seconds)],
        hours=[thousandths(then.man_seconds), thousandths(now.man_seconds)],
    )


def _new_people(view: View, _: Span) -> Finding | None:
    people = view.circle.new_in(view.quarter)
    if not people:
        return None
    told = names_text([view.circle.name(person) for person in people])
    return _signal("new_people", f"Met for the first time in {span_text(view.quarter)}: {told}.", people=people)


def _new_executive(view: View, _: Span) -> Finding | None:
    people = [person for person in view.circle.new_in(view.quarter) or () if view.circle.profile(person).executive]
    if not people:
        return None
    told = [_with_title(view.circle, person) for person in people]
    sentence = f"An executive met for the first time in {span_text(view.quarter)}: {names_text(told)}."
    return _signal("new_executive", sentence, people=people)


def _with_title(circle: Circle, person: str) -> str:
    title = circle.profile(person).title
    return f"{circle.name(person)} ({title})" if title else circle.name(person)


def _new_buying_centre(view: View, _: Span) -> Finding | None:
    centres = view.circle.new_centres_in(view.quarter)
    if not centres:
        return None
    return _signal(
        "new_buying_centre",
        f"A buying centre met for the first time in {span_text(view.quarter)}: {names_text(centres)}.",
        centres=centres,
    )


def _client_invites(view: View, span: Span) -> Finding | None:
    if not span.called or not reaches(span.called, span.meetings, view.thresholds.client_invites):
        return None
    return _signal(
        "client_invites",
        f"They called {span.called} of {count_text(span.meetings, 'meeting', 'meetings')} "
        f"in {span_text(view.quarter)}.",
        called=span.called,
        meetings=span.meetings,
        share=round(span.called / span.meetings, 3),
    )


_RULES: tuple[Rule, ...] = (
    _single_threaded,
    _one_buying_centre,
    _one_of_ours,
    _no_new_people,
    _gone_quiet,
    _not_met,
    _falling,
    _unconfirmed,
    _we_push,
    _new_people,
    _new_executive,
    _new_buying_centre,
    _client_invites,
)
