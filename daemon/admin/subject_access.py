"""What is stored about a person, put together for a subject access request (`rapport person`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from daemon.admin.forget import aliases_of
from daemon.figures.scoring_context import ScoringContext
from daemon.output.timestamps import stamp
from daemon.store.forgotten import read_forgotten
from daemon.store.subject_access import calendars_of, copies_of, deliveries_to, months_of
from scoring.insights.people import PeopleMonth
from scoring.meetings.address_book import Kind
from scoring.meetings.values import Copy
from scoring.months.hours import thousandths


def stored_about(connection: Connection, context: ScoringContext, address: str) -> dict[str, Any]:
    """Everything that names this address or another one of the same person, and whether they were forgotten.

    Of the other people in a meeting it says how many there are, not who: they have a right to their data too.
    """
    addresses = (address, *aliases_of(address, context))
    copies = copies_of(connection, addresses)
    who = context.book.who(address)
    return {
        "addresses": list(addresses),
        "counted_as": who.client if who.kind is Kind.CLIENT else who.kind.value,
        "forgotten": read_forgotten(connection).holds(address),
        "group": not set(addresses).isdisjoint(context.groups),
        "calendars": [
            {
                "connector": calendar.connector,
                "calendar": calendar.address,
                "read_since": calendar.joined,
                "last_read": _moment(calendar.last_success),
                "left": _moment(calendar.left_at),
                "error": calendar.error,
            }
            for calendar in calendars_of(connection, addresses)
        ],
        "copies": [_copy(copy, addresses, context) for copy in copies],
        "months": [_month(month, found) for month, found in months_of(connection, addresses)],
        "clients": sorted({client for copy in copies for client in _clients(copy, context)}),
        "deliveries": [
            {**delivery, "settled_at": _moment(delivery["settled_at"])}
            for delivery in deliveries_to(connection, addresses)
        ],
    }


def _copy(copy: Copy, addresses: Iterable[str], context: ScoringContext) -> dict[str, Any]:
    wanted = set(addresses)
    responses = [participant.response.value for participant in copy.participants if participant.address in wanted]
    if copy.owner in wanted:
        responses = [copy.response.value]
    return {
        "start": stamp(copy.start),
        "end": stamp(copy.end),
        "title": copy.title,
        "in_calendar_of": copy.owner,
        "organised": copy.organiser in wanted,
        "response": responses[0] if responses else None,
        "state": copy.state.value,
        "others": len({*copy.invited} - wanted),
        "clients": _clients(copy, context),
        "read": stamp(copy.read_at),
    }


def _month(month: PeopleMonth, address: str) -> dict[str, Any]:
    """What is kept of a client's month about them, also when its copies are gone."""
    theirs = month.theirs.get(address)
    return {
        "month": month.month,
        "client": month.client,
        "as": "ours" if theirs is None else "client person",
        "meetings": month.ours.get(address, 0) if theirs is None else theirs.meetings,
        "man_hours": None if theirs is None else thousandths(theirs.man_seconds),
    }


def _clients(copy: Copy, context: ScoringContext) -> list[str]:
    """Whose people take part."""
    found = {context.book.who(invited).client for invited in copy.invited}
    return sorted(client for client in found if client is not None)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)
