"""Telling IT what needs them (`[alerts]`): calendars unread, deliveries in doubt, a certificate that ends, the clock.

Each trouble is told once when it begins and once when it is over; what has been told is kept in the store.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib import import_module

import structlog
from sqlalchemy import Connection

from connectors.contract import Envelope, RenderedDigest
from connectors.errors import ConnectorError, sentence
from daemon.config.model import Config
from daemon.digests.senders import NoSender, Senders, service_of
from daemon.figures.scoring_context import ScoringContext
from daemon.service.schedule import digest_held
from daemon.store.db.engine import Database
from daemon.store.deliveries import State, recent_deliveries
from daemon.store.meta import CLOCK_AHEAD, CONFIG_REFUSED, get_meta, set_meta
from scoring.wording import count_text, names_text

log = structlog.get_logger()

_TOLD = "alerts told"
_ENDS_SOON = timedelta(days=30)
_MOST_NAMED = 5
Problems = Mapping[str, str]
"""What is wrong at this moment: a sentence for each, by a key that stays while it lasts."""


def problems_of(connection: Connection, context: ScoringContext, now: datetime) -> dict[str, str]:
    """Everything that somebody has to see to, from the store and the config's certificates."""
    return {
        **dict(_unread(context, now)),
        **dict(_held(connection, context)),
        **dict(_deliveries(connection, now)),
        **dict(_certificates(context.config, now)),
        **dict(_clock(connection)),
        **dict(_config(connection)),
    }


def _unread(context: ScoringContext, now: datetime) -> Iterator[tuple[str, str]]:
    """Calendars that could be read and have not been for longer than `alerts.after`, a line for each connector."""
    after = context.config.alerts.after
    read = [calendar for calendar in context.calendars if calendar.left_at is None and not calendar.standing]
    for connector in context.config.connectors:
        own = [calendar for calendar in read if calendar.connector == connector.name]
        late = [
            calendar for calendar in own if calendar.last_success is not None and now - calendar.last_success > after
        ]
        if late:
            hours = int(after.total_seconds() // 3600)
            reason = next((calendar.error for calendar in late if calendar.error), None) or "nothing has tried to."
            whose = names_text([calendar.address for calendar in late], most=_MOST_NAMED)
            what = "no calendar was" if len(late) == len(own) else f"{len(late)} of {len(own)} calendars were not"
            text = f"{connector.name}: {what} read for over {hours} hours ({whose}): {reason}"
            yield f"unread {connector.name}", text


def _held(connection: Connection, context: ScoringContext) -> Iterator[tuple[str, str]]:
    """Digests that are due and could not be dealt with."""
    for digest in context.config.digests:
        reason = digest_held(connection, digest)
        if reason is not None:
            yield f"held {digest.name}", f"digest {digest.name} is due and could not go to everybody yet: {reason}"


def _deliveries(connection: Connection, now: datetime) -> Iterator[tuple[str, str]]:
    for delivery in recent_deliveries(connection, now):
        if delivery.state in (State.UNKNOWN, State.FAILED):
            word = "may or may not have gone" if delivery.state is State.UNKNOWN else "did not go"
            reason = (delivery.reason or "nobody knows why").rstrip(".")
            what = f"digest {delivery.digest} of {delivery.month} {word} to {delivery.recipient}: {reason}."
            way = f"`rapport digest {delivery.digest} --month {delivery.month} --send --again` sends it once more."
            yield f"delivery {delivery.key}", f"{what} {way}"


def _certificates(config: Config, now: datetime) -> Iterator[tuple[str, str]]:
    """What a connector signs in with and knows the end of."""
    for settings in config.connectors:
        module = import_module(f"connectors.calendars.{settings.kind}")
        ends_at: Callable[..., datetime | None] | None = getattr(module, "ends_at", None)
        if ends_at is None:
            continue
        try:
            end = ends_at(settings, config.context())
        except ConnectorError:
            continue  # reading fails as well, and says so
        if end is not None and end - now < _ENDS_SOON:
            word = "ended" if end <= now else "ends"
            way = "Add a new one to the app registration, and put it where certificate_file points."
            yield f"certificate {settings.name}", f"{settings.name}: its certificate {word} on {end:%Y-%m-%d}. {way}"


def _clock(connection: Connection) -> Iterator[tuple[str, str]]:
    ahead = get_meta(connection, CLOCK_AHEAD)
    if ahead is not None:
        yield "clock", f"this machine's clock is {int(ahead) // 60} minutes off; digests and retention wait."


def _config(connection: Connection) -> Iterator[tuple[str, str]]:
    refused = get_meta(connection, CONFIG_REFUSED)
    if refused is not None:
        yield "config", f"{refused}."


class Alarm:
    """Compares what is wrong with what has been told, and tells the difference."""

    def __init__(self, database: Database, config: Config, senders: Senders) -> None:
        self._database = database
        self._config = config
        self._senders = senders

    def tell(self, found: Problems, now: datetime) -> int:
        """Sends what is new and what is over to everybody in `alerts.to`; answers how many were told.

        What could not be sent to anybody is tried again the next time.
        """
        with self._database.reading() as connection:
            told = _load(get_meta(connection, _TOLD))
        new = {key: text for key, text in found.items() if key not in told}
        over = {key: text for key, text in told.items() if key not in found}
        if not new and not over:
            return 0
        message = _message(list(new.values()), list(over.values()))
        reached = sum(self._send(recipient, message, now) for recipient in self._config.alerts.to)
        if reached or not self._config.alerts.to:
            with self._database.writing() as connection:
                set_meta(connection, _TOLD, json.dumps(dict(found)) if found else None)
        return reached

    def _send(self, recipient: str, message: RenderedDigest, now: datetime) -> bool:
        service, whom = service_of(recipient)
        envelope = Envelope(to=whom, key=f"alert|{recipient}|{now.isoformat()}", topic="alerts", at=now)
        try:
            self._senders.of(service).send(message, envelope)
        except (ConnectorError, NoSender) as error:
            problem = sentence(error) if isinstance(error, ConnectorError) else str(error)
            log.warning("alert_not_sent", service=service, problem=problem)
            return False
        return True


def _message(new: list[str], over: list[str]) -> RenderedDigest:
    """Plain sentences, in mail and in Slack."""
    needs = f"Rapport needs you: {count_text(len(new), 'problem', 'problems')}"
    passed = ["", "No longer so:", *over] if over else []
    lines = [*new, *passed, "", "`rapport status` and `rapport check` tell more."]
    subject = needs if new else "Rapport: it works again"
    text = "\n".join(lines) + "\n"
    page = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
    block = {"type": "section", "text": {"type": "plain_text", "text": text[:2900]}}
    return RenderedDigest(subject=subject, text=text, html=f"<html><body>{page}</body></html>", blocks=(block,))


def _load(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
