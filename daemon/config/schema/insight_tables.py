"""`[signals]`, `[stages]` and the rows of `people_file` and `assessments_file`: what turns figures into findings."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.settings import SettingsModel
from daemon.config.schema.addresses import Address
from daemon.config.schema.types import Count, Months, Name, Positive, parse_date, text_of
from scoring.insights.health import ELEMENTS, FURTHER
from scoring.insights.signals import DEFAULTS as SIGNALS
from scoring.insights.signals import SignalThresholds
from scoring.insights.stage import DEFAULTS as STAGES
from scoring.insights.stage import StageRequirement, StageThresholds
from scoring.months.month import Month

_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0"})
_QUARTERS = {f"Q{number}": 3 * number for number in range(1, 5)}


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError("a share above 0 and up to 1, such as 0.6")
    return float(value)


Share = Annotated[float, BeforeValidator(_share)]
Fewest = Annotated[Count, Field(ge=1, le=1_000)]


class SignalsTable(SettingsModel):
    """`[signals]`: the thresholds of R13."""

    single_threaded: Share = SIGNALS.single_threaded
    no_new_people: Months = SIGNALS.no_new_people
    gone_quiet: Positive = SIGNALS.gone_quiet
    gone_quiet_people: Fewest = SIGNALS.gone_quiet_people
    falling: Months = SIGNALS.falling
    unconfirmed: Share = SIGNALS.unconfirmed
    client_invites: Share = SIGNALS.client_invites

    def thresholds(self) -> SignalThresholds:
        """As the rules take them."""
        return SignalThresholds(**dict(self))


class CollaborativeTable(SettingsModel):
    """`stages.collaborative`: people of theirs, people of ours, and months with a meeting, of six."""

    people: Fewest = STAGES.collaborative.people
    ours: Fewest = STAGES.collaborative.ours
    months: Annotated[Count, Field(ge=1, le=6)] = STAGES.collaborative.months


class InterconnectedTable(SettingsModel):
    """`stages.interconnected`: the same, and buying centres, or more people where those are not known."""

    people: Fewest = STAGES.interconnected.people
    ours: Fewest = STAGES.interconnected.ours
    centres: Fewest = STAGES.interconnected.centres
    people_without_centres: Fewest = STAGES.interconnected.people_without_centres
    months: Annotated[Count, Field(ge=1, le=6)] = STAGES.interconnected.months


class StagesTable(SettingsModel):
    """`[stages]`: the thresholds of R14."""

    collaborative: CollaborativeTable = CollaborativeTable()
    interconnected: InterconnectedTable = InterconnectedTable()
    too_long: Months = STAGES.too_long
    key_accounts_fewest: Annotated[Count, Field(ge=0, le=1_000)] = STAGES.key_accounts_fewest
    key_accounts_most: Fewest = STAGES.key_accounts_most

    def thresholds(self) -> StageThresholds:
        """As the rules take them."""
        return StageThresholds(
            collaborative=StageRequirement(**dict(self.collaborative)),
            interconnected=StageRequirement(**dict(self.interconnected)),
            too_long=self.too_long,
            key_accounts_fewest=self.key_accounts_fewest,
            key_accounts_most=self.key_accounts_most,
        )


def _yes_or_no(value: Any) -> bool:
    word = text_of(value, "yes or no").casefold()
    if word not in _YES | _NO:
        raise ValueError("yes or no; empty where it is not known")
    return word in _YES


def _left(value: Any) -> date | bool:
    """When somebody left, or that they did."""
    word = text_of(value, "a date").casefold()
    if word in _YES | _NO:
        return word in _YES
    try:
        return parse_date(word)
    except ValueError:
        raise ValueError("a date, such as 2026-03-31, or yes; empty for who is still there") from None


class PersonRow(SettingsModel):
    """A row of `people_file`. What its cells leave empty is unknown."""

    address: Address
    name: Name | None = None
    title: Name | None = None
    buying_centre: Name | None = None
    executive: Annotated[bool | None, BeforeValidator(_yes_or_no)] = None
    same_as: Address | None = None
    left: Annotated[date | bool, BeforeValidator(_left)] = False


def _quarter(value: Any) -> Month:
    """The last month of a quarter, from `2026-Q3`."""
    year, _, quarter = text_of(value, "a quarter").upper().partition("-")
    if len(year) != 4 or not year.isdecimal() or quarter not in _QUARTERS:
        raise ValueError("a quarter, such as 2026-Q3")
    return Month(f"{year}-{_QUARTERS[quarter]:02d}")


def _element(value: Any) -> str:
    word = " ".join(text_of(value, "an element").casefold().replace("_", " ").split())
    by_words = {key.replace("_", " "): key for key in (*ELEMENTS, *FURTHER)}
    by_words |= {words: key for key, words in ELEMENTS.items()}
    if word not in by_words:
        raise ValueError(f"one of {', '.join((*ELEMENTS, *FURTHER))}")
    return by_words[word]


class AssessmentRow(SettingsModel):
    """A row of `assessments_file`: what somebody thinks of one element of an account in a quarter.

    `quarter` is its last month. `answer` is 1 to 5 for an element, a few words for what no calendar knows.
    """

    client: Name
    quarter: Annotated[Month, BeforeValidator(_quarter)]
    element: Annotated[str, BeforeValidator(_element)]
    answer: Name
    note: Name | None = None
