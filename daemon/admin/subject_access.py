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
                "connector": one.connector,
                "calendar": one.address,
                "read_since": one.joined,
                "last_read": _moment(one.last_success),
                "left": _moment(one.left_at),
                "error": one.error,
            }
            for one in calendars_of(connection, addresses)
        ],
        "copies": [_copy(one, addresses, context) for one in copies],
        "months": [_month(one, found) for one, found in months_of(connection, addresses)],
        "clients": sorted({client for one in copies for client in _clients(one, context)}),
        "deliveries": [
            {**one, "settled_at": _moment(one["settled_at"])} for one in deliveries_to(connection, addresses)
        ],
    }


def _copy(copy: Copy, addresses: Iterable[str], context: ScoringContext) -> dict[str, Any]:
    wanted = set(addresses)
    responses = [one.response.value for one in copy.participants if one.address in wanted]
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


def _month(one: PeopleMonth, address: str) -> dict[str, Any]:
    """What is kept of a client's month about them, also when its copies are gone."""
    theirs = one.theirs.get(address)
    return {
        "month": one.month,
        "client": one.client,
        "as": "ours" if theirs is None else "client person",
        "meetings": one.ours.get(address, 0) if theirs is None else theirs.meetings,
        "man_hours": None if theirs is None else thousandths(theirs.man_seconds),
    }


def _clients(copy: Copy, context: ScoringContext) -> list[str]:
    """Whose people take part."""
    found = {context.book.who(one).client for one in copy.invited}
    return sorted(one for one in found if one is not None)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)
