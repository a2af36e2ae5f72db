"""`rapport digest NAME`: a month's digest as files to look at, or sent to its recipients once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Envelope
from connectors.errors import ConnectorError, OutcomeUnknown, sentence
from daemon.commands.common import CommandSession, month_option, named, opened
from daemon.commands.usage import UsageError
from daemon.digests.editions import Edition, Unmade, editions_apart
from daemon.digests.month_data import load_month
from daemon.digests.senders import EMAIL, NoSender, Senders, service_of
from daemon.output.terminal import print_line, say
from daemon.service.status import stale_for
from daemon.store.deliveries import Delivery, State
from daemon.sync.connect import close_all
from daemon.sync.run import run_sync
from daemon.sync.run_values import SyncRun
from scoring.months.month import Month

_TROUBLE = (State.WAITING, State.FAILED, State.UNKNOWN)
_WORDS = {
    State.SENT: "sent",
    State.WAITING: "not sent yet",
    State.CLAIMED: "being sent by another process",
    State.FAILED: "FAILED",
    State.UNKNOWN: "UNKNOWN",
}


def digest(
    path: Path | None,
    *,
    name: str,
    month: str | None,
    out: Path | None,
    send: bool = False,
    again: bool = False,
    to: str | None = None,
) -> int:
    """Writes the digest of a month, the last complete one unless told otherwise, to a folder; sends it if asked.

    With `to` a test is sent there, and nothing to the recipients, whatever `send` says.

    1 if a delivery failed, is still waiting after a failure, or cannot be known.
    """
    asked = month_option(month)
    if out is None and not send and to is None:
        raise UsageError("say what is to be done with the digest: --out DIR, --send, or --to ADDRESS.")
    if again and not send:
        raise UsageError("--again says to send once more: it belongs to --send.")
    with opened(path, resolve_secrets=send or to is not None) as session:
        named("digest", name, [settings.name for settings in session.config.digests])
        recipient = None if to is None else _test_recipient(session, to)
        if send or recipient is not None:
            _sync_what_is_stale(session, name, asked)
        wanted, made, unmade = make_editions(session, name=name, month=asked)
        failed = bool(unmade)
        for edition in unmade:
            whose = " ".join(edition.recipients) or name
            say(f"{whose}: Rapport failed while making it ({edition.defect}). Report this.")
        if out is not None:
            for file in write_editions(made, out):
                print_line(file)
        if recipient is not None:
            failed = not (made and _send_test(session, made[0], recipient)) or failed
        elif send:
            failed = not _send(session, name, wanted, made, unmade, again=again) or failed
    return 1 if failed else 0


def make_editions(
    session: CommandSession, *, name: str, month: Month | None = None
) -> tuple[Month, list[Edition], list[Unmade]]:
    """The editions of a digest that the config has, of a month or the last complete one, from the store as it is."""
    settings = next(digest for digest in session.config.digests if digest.name == name)
    session.fresh_context()
    with session.database.reading() as connection:
        data = load_month(connection, session.config, settings, month, session.now)
    return data.month, *editions_apart(data)


def write_editions(made: Sequence[Edition], folder: Path) -> list[str]:
    """The files written, the page of the first edition last. Managers' editions lie in folders of their own."""
    from connectors.senders.folder import Folder
    from daemon.render import render

    written: list[str] = []
    for edition in reversed(made):
        place = folder / _folder_name(edition.manager) if edition.manager else folder
        written += Folder(place).send(render(edition.digest)).where
    return written


def _folder_name(address: str) -> str:
    """An address as a folder's name, in which nothing leads elsewhere."""
    return "".join(letter if letter.isalnum() or letter in "@.-_+" else "_" for letter in address).lstrip(".")


def _sync_what_is_stale(session: CommandSession, name: str, month: Month | None) -> None:
    """Reads the calendars that have not been read lately, or not since the month ended."""
    context = session.context()
    stale = stale_for(context, session.now, month)
    wanted = {calendar.connector for calendar in stale} or {
        settings.name for settings in session.config.connectors if not context.calendars
    }
    chosen = [session.connect(settings) for settings in session.config.connectors if settings.name in wanted]
    if not chosen:
        return
    say(f"{name}: reading what is stale first.")
    numbers = frozenset(calendar.id for calendar in stale) if context.calendars else None
    try:
        work = SyncRun(database=session.database, context=context, now=session.now, only=numbers)
        for result in run_sync(work, chosen, all_connectors=False):
            for failure in result.failed:
                say(f"{result.name}: {failure.calendar}: {failure.message}")
    finally:
        close_all(chosen)


def _send(
    session: CommandSession,
    name: str,
    month: Month,
    made: Sequence[Edition],
    unmade: Sequence[Unmade],
    *,
    again: bool,
) -> bool:
    """Whether nothing went wrong, now or earlier."""
    from daemon.digests.outbox import NO_SEND, Outbox, sending_is_off

    if sending_is_off():
        say(f"Nothing is sent: {NO_SEND} is set.")
        return True
    if not any(edition.recipients for edition in made) and not unmade:
        raise UsageError(f"digest {name!r} goes to nobody: the config's `to` is empty.")
    with Senders(session.config) as senders:
        outbox = Outbox(database=session.database, senders=senders, digest=name, month=month)
        try:
            deliveries = outbox.deliver(made, unmade, again=again)
        except NoSender as error:
            raise UsageError(f"{error}.") from None
    for delivery in deliveries:
        print_line(_told(delivery, session.now))
    return not any(delivery.state in _TROUBLE for delivery in deliveries)


def _told(delivery: Delivery, began: datetime) -> str:
    """`sent  email:ceo@northwind.example`, with why not."""
    earlier = delivery.settled_at is not None and delivery.settled_at < began
    word = f"{_WORDS[delivery.state]} already" if earlier and delivery.state is State.SENT else _WORDS[delivery.state]
    reason = f": {delivery.reason}" if delivery.reason else ""
    if delivery.state is State.SENT and delivery.place:
        reason = f" ({delivery.place})"
    ahead = (
        f" The next try is due at {delivery.next_try:%Y-%m-%dT%H:%M:%SZ}." if delivery.state is State.WAITING else ""
    )
    return f"{word}  {delivery.recipient}{reason}{ahead}"


def _test_recipient(session: CommandSession, to: str) -> str:
    """`--to`: an address, or a recipient as the config has them, who may receive figures. Raises `UsageError`."""
    from daemon.config.checks import is_inside
    from daemon.config.schema.addresses import parse_recipient

    try:
        recipient = parse_recipient(to if ":" in to else f"email:{to}")
    except ValueError as error:
        raise UsageError(f"--to {to!r} is no recipient; allowed: {error}.") from None
    service, whom = service_of(recipient)
    if recipient == "manager" or (
        service == EMAIL and not is_inside(whom, session.config.company, session.config.email)
    ):
        raise UsageError(f"--to {to!r} is no address of the company, nor in email.outside.")
    return recipient


def _send_test(session: CommandSession, edition: Edition, recipient: str) -> bool:
    """Sends an edition to somebody who wants to see it. The outbox knows nothing of it."""
    from daemon.digests.outbox import NO_SEND, Renderings, sending_is_off

    if sending_is_off():
        say(f"Nothing is sent: {NO_SEND} is set.")
        return True
    service, whom = service_of(recipient)
    message = Renderings(edition).of(service)
    message = replace(message, subject=f"Test: {message.subject}")
    now = datetime.now(UTC)
    envelope = Envelope(to=whom, key=f"test|{recipient}|{now.isoformat()}", topic=edition.digest.name, at=now)
    with Senders(session.config) as senders:
        try:
            receipt: Any = senders.of(service).send(message, envelope)
        except NoSender as error:
            raise UsageError(f"{error}.") from None
        except ConnectorError as error:
            word = "UNKNOWN" if isinstance(error, OutcomeUnknown) else "FAILED"
            print_line(f"{word}  {recipient}: {sentence(error)}")
            return False
    print_line(f"sent as a test  {recipient} ({' '.join(receipt.where)})")
    return True
