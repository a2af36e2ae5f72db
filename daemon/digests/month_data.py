"""What a digest of a month is made of, read from one state of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from daemon.config.model import Config
from daemon.config.schema.tables import DigestTable
from daemon.digests.audience import MANAGER, portfolio
from daemon.figures.derive import meetings_in
from daemon.figures.history import KnownMonths, known_months, read_histories
from daemon.figures.insights import Insight, insights_of
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.reporting.meetings import credited_meetings, read_meetings
from daemon.reporting.next_steps import without_booking
from daemon.reporting.restatements import restated_months
from daemon.reporting.suggestions import Suggestion, suggest_from
from daemon.store.people import read_people
from daemon.store.told import read_told
from scoring.digest.restatement import Restated, Told
from scoring.insights.people import PeopleMonth
from scoring.meetings.address_book import Client
from scoring.months.figures import Credited
from scoring.months.history import History
from scoring.months.month import Month, shift

_YEARS_BACK = 37  # months: a strip of 24, and a year earlier than its first three


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthData:
    """Everything that the editions of one digest for one month are made of. Nothing of it is asked for again.

    Of calendars and people outside, all texts are as they were invited: hostile (`docs/design.md` 12).
    """

    context: ScoringContext
    """The config, and the calendars and groups as they were known when the rest was read."""
    digest: DigestTable
    """Which digest: its name, the clients that it selects, and its recipients."""
    month: Month
    """What it is about, by the company's zone; the running month or an earlier one."""
    known: KnownMonths
    """From when to when months are known."""
    now: datetime
    """When it is made (UTC)."""
    clients: Sequence[Client]
    """Those that the digest selects, in the config's order."""
    histories: Mapping[str, History]
    """The kept figures of each of `clients`, by name, as far back as a digest looks."""
    meetings: Mapping[str, Sequence[Credited]] = field(default_factory=dict)
    """The month's meetings by client, set-aside ones included; a client without any may be left out."""
    coming: Mapping[str, Sequence[Credited]] = field(default_factory=dict)
    """The same of the month after."""
    insights: Mapping[str, Insight] = field(default_factory=dict)
    """What the pattern of meetings says, by client; empty for the running month."""
    strangers: Sequence[Suggestion] = ()
    """Organisations that are nobody's client and were met in the month, most man-hours first."""
    restated: Sequence[tuple[Restated, Told]] = ()
    """What this digest told of other months of `clients` and stands otherwise now, with what is to be told instead."""
    people: Mapping[str, Mapping[Month, PeopleMonth]] = field(default_factory=dict)
    """Whom we met, of clients with something to beat in the running month and nothing booked in it (R15).

    Read for managers' editions of the last complete month alone, which tell next steps.
    """


def load_month(
    connection: Connection, config: Config, digest: DigestTable, month: Month | None, now: datetime
) -> MonthData:
    """Reads a digest's month, or the last complete one. `connection` is to see one state of the store all along.

    The figures are those kept, so whoever asks brings them up to date first (`rescore`). Raises `NothingRead` and
    `UnknownMonth`.
    """
    context = read_scoring_context(connection, config)
    known = known_months(connection, context, now)
    return _read(connection, context, digest, known.check(month or known.last), known, now)


def _read(
    connection: Connection,
    context: ScoringContext,
    digest: DigestTable,
    month: Month,
    known: KnownMonths,
    now: datetime,
) -> MonthData:
    clients = portfolio(context, digest.clients)
    found = read_histories(connection, context, known, shift(month, -_YEARS_BACK), clients)
    histories = {history.client: history for history in found}
    meetings = tuple(meetings_in(connection, context, month))
    coming = read_meetings(connection, context, shift(month, 1), now)
    told = read_told(connection, digest=digest.name, before=month)
    alone = without_booking(histories, month, coming) if tells_next_steps(digest, month, known) else []
    return MonthData(
        context=context,
        digest=digest,
        month=month,
        known=known,
        now=now,
        clients=clients,
        histories=histories,
        meetings=credited_meetings(meetings, context, now),
        coming=coming,
        insights={client: insight for (client, _), insight in insights_of(connection, [month]).items()},
        strangers=suggest_from([(month, meetings)], context, now),
        restated=restated_months(connection, context, histories, told, now, apart_from=month),
        people=read_people(connection, alone),
    )


def tells_next_steps(digest: DigestTable, month: Month, known: KnownMonths) -> bool:
    """Whether a digest of a month tells R15: to account managers, of the month after, which is running."""
    return MANAGER in digest.to and shift(month, 1) == known.running
