"""At which stage a relationship is by the evidence of six months, and what we believe (R14 of `docs/rules.md`).

Movement down is told as plainly as up. Where fewer than six months are known, the evidence says so and nothing is
concluded from what may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from scoring.insights.circle import Circle, last_day
from scoring.insights.findings import Finding
from scoring.months.month import Month, shift
from scoring.wording import count_text, month_text, names_text

EVIDENCE_MONTHS = 6
PROSPECT = "prospect"


class Stage(StrEnum):
    """How far a relationship has come, lowest first."""

    EXPLORATORY = "exploratory"
    BASIC = "basic"
    COLLABORATIVE = "collaborative"
    INTERCONNECTED = "interconnected"


ORDER = tuple(Stage)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRequirement:
    """What a stage asks of the six months: so many people of theirs and of ours, and months with a meeting.

    `centres` are buying centres; `people_without_centres` is asked instead of `people` where none is known.
    """

    people: int
    ours: int
    months: int
    centres: int = 0
    people_without_centres: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StageThresholds:
    """`[stages]`. `too_long` are months at `collaborative`; the key accounts are what a mature company can serve."""

    collaborative: StageRequirement = StageRequirement(people=3, ours=2, months=4)
    interconnected: StageRequirement = StageRequirement(
        people=8, ours=4, months=6, centres=3, people_without_centres=12
    )
    too_long: int = 12
    key_accounts_fewest: int = 15
    key_accounts_most: int = 30


DEFAULTS = StageThresholds()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What six months show. `months` of them are known, `months_met` had a counted meeting.

    `people` are theirs, `ours` ours; `centres` is None where no buying centre is known. `called` of the `meetings` were
    called by the client's people.
    """

    months: int
    people: int
    ours: int
    centres: int | None
    months_met: int
    meetings: int
    called: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A client's stage as of the end of a month. `lacks` is what the next stage asks for beyond the evidence, in words.

    `next` is None at the highest stage, `believed` where the config names no stage. `since` is the month at whose end
    it was first seen at this stage without a break, as far as is known.
    """

    stage: Stage
    evidence: Evidence
    next: Stage | None
    lacks: tuple[str, ...]
    believed: Stage | None
    since: Month
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the config says of a client beside its people; None where it says nothing. `since`: when it became one."""

    tier: str | None = None
    since: date | None = None
    believed: Stage | None = None


def evidence_of(circle: Circle, month: Month) -> Evidence:
    """The six months up to `month`."""
    months = _six(month)
    span = circle.span(months)
    centres = {circle.profile(person).centre for person in span.seconds} - {None}
    return Evidence(
        months=sum(past >= circle.begins for past in months),
        people=len(span.seconds),
        ours=len(span.ours),
        centres=len(centres) if circle.centres else None,
        months_met=span.months_met,
        meetings=span.meetings,
        called=span.called,
    )


def _six(month: Month) -> tuple[Month, ...]:
    return tuple(shift(month, -back) for back in range(EVIDENCE_MONTHS - 1, -1, -1))


def stage_of(account: Account, evidence: Evidence, month: Month, thresholds: StageThresholds = DEFAULTS) -> Stage:
    """R14's table, the first that fits."""
    if account.tier == PROSPECT or (account.since is not None and last_day(month) < account.since):
        return Stage.EXPLORATORY
    for stage in (Stage.INTERCONNECTED, Stage.COLLABORATIVE):
        if not any(short for short, _ in _short_of(stage, evidence, thresholds)):
            return stage
    return Stage.BASIC


def _short_of(stage: Stage, evidence: Evidence, thresholds: StageThresholds) -> Iterable[tuple[int, str]]:
    """How much of each thing is missing for a stage, with its words."""
    asked = thresholds.interconnected if stage is Stage.INTERCONNECTED else thresholds.collaborative
    unknown = evidence.centres is None and asked.centres
    people = max((asked.people_without_centres if unknown else asked.people) - evidence.people, 0)
    yield people, count_text(people, "more person of theirs", "more people of theirs")
    ours = max(asked.ours - evidence.ours, 0)
    yield ours, count_text(ours, "more of ours", "more of ours")
    if not unknown:
        centres = max(asked.centres - (evidence.centres or 0), 0)
        yield centres, count_text(centres, "more buying centre", "more buying centres")
    months = max(asked.months - evidence.months_met, 0)
    yield months, f"a meeting in {count_text(months, 'more month', 'more months')} of six"


def lacks_of(stage: Stage, account: Account, evidence: Evidence, thresholds: StageThresholds) -> tuple[str, ...]:
    """What is missing for the stage after this one."""
    if stage is Stage.INTERCONNECTED:
        return ()
    if stage is Stage.EXPLORATORY:
        return ("to become a client: its tier is prospect" if account.tier == PROSPECT else "to become a client",)
    following = ORDER[ORDER.index(stage) + 1]
    return tuple(words for short, words in _short_of(following, evidence, thresholds) if short)


def standings_of(
    account: Account, circle: Circle, months: Sequence[Month], thresholds: StageThresholds = DEFAULTS
) -> dict[Month, Standing]:
    """The stage at the end of each of these months, which follow one another; movement is against the one before."""
    found: dict[Month, Standing] = {}
    before: Standing | None = None
    for month in months:
        evidence = evidence_of(circle, month)
        stage = stage_of(account, evidence, month, thresholds)
        since = before.since if before is not None and before.stage is stage else month
        found[month] = before = Standing(
            stage=stage,
            evidence=evidence,
            next=None if stage is Stage.INTERCONNECTED else ORDER[ORDER.index(stage) + 1],
            lacks=lacks_of(stage, account, evidence, thresholds),
            believed=account.believed,
            since=since,
            findings=tuple(_findings(account, evidence, stage, since, month, before, thresholds)),
        )
    return found


def _findings(
    account: Account,
    evidence: Evidence,
    stage: Stage,
    since: Month,
    month: Month,
    before: Standing | None,
    thresholds: StageThresholds,
) -> Iterable[Finding]:
    if evidence.months < EVIDENCE_MONTHS:
        return
    if before is not None and before.evidence.months == EVIDENCE_MONTHS and before.stage is not stage:
        yield _moved(before.stage, stage)
    if account.believed is not None and stage is not Stage.EXPLORATORY:
        yield from _belief(account.believed, stage, evidence)
    if stage is Stage.COLLABORATIVE and since < shift(month, -thresholds.too_long):
        yield Finding(
            name="too_long",
            numbers={"since": since, "months": thresholds.too_long},
            sentence=(
                f"Collaborative since {month_text(since)} or longer without moving: that is too expensive to last."
            ),
        )


def _moved(was: Stage, stage: Stage) -> Finding:
    up = ORDER.index(stage) > ORDER.index(was)
    return Finding(
        name="moved_up" if up else "moved_down",
        numbers={"from": was.value, "to": stage.value},
        sentence=f"The stage moved {'up' if up else 'down'} this month, from {was} to {stage}.",
        good=up,
    )


def _belief(believed: Stage, stage: Stage, evidence: Evidence) -> Iterable[Finding]:
    numbers = {"believed": believed.value, "evidence": stage.value}
    if ORDER.index(believed) > ORDER.index(stage):
        sentence = f"We believe it {believed}; the evidence is {stage} ({evidence_text(evidence)})."
        yield Finding(name="believed_above", numbers=numbers, sentence=sentence)
    elif ORDER.index(believed) < ORDER.index(stage):
        sentence = f"The evidence is {stage}, ahead of {believed}, which is what we believe."
        yield Finding(name="evidence_ahead", numbers=numbers, sentence=sentence, good=True)


def evidence_text(evidence: Evidence) -> str:
    """`3 people, 2 of ours, 2 buying centres, a meeting in 5 of 6 months`; what is not known is left out."""
    parts = [count_text(evidence.people, "person", "people"), f"{evidence.ours} of ours"]
    if evidence.centres is not None:
        parts.append(count_text(evidence.centres, "buying centre", "buying centres"))
    parts.append(f"a meeting in {evidence.months_met} of {EVIDENCE_MONTHS} months")
    return ", ".join(parts)


def standing_text(standing: Standing) -> str:
    """The stage with its evidence and what is missing for the next one, in a sentence or two."""
    evidence = standing.evidence
    known = f"; only {evidence.months} of {EVIDENCE_MONTHS} months are known" * (evidence.months < EVIDENCE_MONTHS)
    text = f"{standing.stage.capitalize()}: {evidence_text(evidence)}{known}."
    if standing.next is None:
        return text
    return f"{text} For {standing.next} it lacks {names_text(standing.lacks, most=4)}."


def portfolio_texts(
    tiers: Iterable[str | None], seconds: Iterable[int], thresholds: StageThresholds = DEFAULTS
) -> tuple[str, ...]:
    """R14 for all clients: key accounts against what a company can serve, and the share of hours in the top fifth.

    `seconds` are each client's man-seconds.
    """
    keys = sum(tier == "key" for tier in tiers)
    fewest, most = thresholds.key_accounts_fewest, thresholds.key_accounts_most
    served = f"a mature company can serve {fewest} to {most}, a young one about 5"
    found = [f"{count_text(keys, 'key account', 'key accounts')}; {served}."]
    ranked = sorted(seconds, reverse=True)
    top = ranked[: -(-len(ranked) // 5)]
    if sum(ranked):
        share = round(100 * sum(top) / sum(ranked))
        clients = count_text(len(ranked), "client", "clients")
        found.append(f"The top fifth ({len(top)} of {clients}) gave {share} % of all man-hours.")
    return tuple(found)
