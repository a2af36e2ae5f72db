"""What a page of a round means for the store: a pure plan, from what is known and what was pulled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from connectors.contract import Page
from daemon.store.calendar_writes import Known
from daemon.store.forgotten import NOBODY, Forgotten
from daemon.store.packing import copy_digest
from scoring.meetings.address_book import Book
from scoring.meetings.values import Copy, CopyState, Window
from scoring.months.steps import TITLE_LIMIT, Rules, is_phone_title


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What may be kept: meetings with outsiders, titles only where allowed, entries that lie in the window.

    Nothing is kept of whom the store has `forgotten`.
    """

    book: Book
    rules: Rules
    titles: bool
    window: Window
    forgotten: Forgotten = NOBODY


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The changes that a page brings. `listed` are the entries that stand in the calendar and are kept."""

    upserts: tuple[tuple[Copy, bytes], ...]
    removed: tuple[str, ...]
    erased: tuple[str, ...]
    listed: tuple[str, ...]


def prepare(page: Page, policy: Policy) -> Page:
    """The page without what may not be kept; done before anything is spooled (`design.md` 7)."""
    kept: list[Copy] = []
    erased = list(page.erased)
    for read in page.copies:
        copy = _without_forgotten(read, policy.forgotten) if policy.forgotten else read
        invited = copy.invited
        if policy.book.has_outsiders(invited):
            kept.append(_least(copy, invited, policy, named=copy is not read))
        else:
            erased.append(copy.entry)
    return replace(page, copies=tuple(kept), erased=tuple(erased))


def _without_forgotten(copy: Copy, forgotten: Forgotten) -> Copy:
    """The copy without whom the store has forgotten; the same one where it does not name them."""
    participants = tuple(one for one in copy.participants if not forgotten.holds(one.address))
    organiser = None if copy.organiser and forgotten.holds(copy.organiser) else copy.organiser
    if organiser == copy.organiser and len(participants) == len(copy.participants):
        return copy
    return replace(copy, participants=participants, organiser=organiser)


def _least(copy: Copy, invited: tuple[str, ...], policy: Policy, *, named: bool) -> Copy:
    """The copy with the phone pattern's result (R5), and its title only where it may be kept.

    The title of a meeting that `named` somebody forgotten may name them too.
    """
    title, setting = copy.title, copy.setting
    if title is not None:
        phone = is_phone_title(title, policy.rules)
        if phone != setting.phone_title:
            setting = replace(setting, phone_title=phone)
        allowed = policy.titles and title and not named and policy.book.has_client(invited)
        title = title[:TITLE_LIMIT] if allowed and not policy.forgotten.is_in(title[:TITLE_LIMIT]) else None
    if title == copy.title and setting is copy.setting:
        return copy
    return replace(copy, setting=setting, title=title)


def plan(known: Mapping[str, Known], page: Page, policy: Policy) -> Plan:
    """Which copies are new or changed, which are gone, and which must not be kept.

    An entry outside the window is taken only if it is held already: then it has moved out.
    """
    latest = {copy.entry: copy for copy in page.copies}
    upserts: list[tuple[Copy, bytes]] = []
    listed: list[str] = []
    for entry, copy in latest.items():
        held = known.get(entry)
        if held is None and not policy.window.holds(copy.start, copy.end):
            continue
        listed.append(entry)
        digest = copy_digest(copy)
        if held is None or held.digest != digest:
            upserts.append((copy, digest))
    return Plan(
        upserts=tuple(upserts),
        removed=tuple(one for one in page.removed if one in known and known[one].state is CopyState.LIVE),
        erased=tuple(one for one in page.erased if one in known),
        listed=tuple(listed),
    )


def is_suspicious(removed: int, held: int) -> bool:
    """Whether a full listing removes so much that a second one must agree (`design.md` 3)."""
    return removed > 0 and (removed >= held or (removed > 20 and removed * 2 > held))
