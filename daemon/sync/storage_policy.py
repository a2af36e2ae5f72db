"""What of a page may be kept at all, and in which form (docs/design.md 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.contract import Page, Problem
from daemon.store.forgotten import NOBODY, Forgotten
from daemon.sync.storable import storable_page
from scoring.meetings.address_book import AddressBook
from scoring.meetings.values import Copy, Window
from scoring.months.month import can_be_reckoned
from scoring.months.steps import TITLE_LIMIT, Rules, is_phone_title


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What may be kept: meetings with outsiders, titles only where allowed, entries that lie in the window.

    Nothing is kept of whom the store has `forgotten`.
    """

    book: AddressBook
    rules: Rules
    titles: bool
    window: Window
    forgotten: Forgotten = NOBODY


def prepare(page: Page, policy: Policy) -> Page:
    """The page without what may not be kept; done before anything is spooled (`docs/design.md` 7)."""
    page = storable_page(page)
    kept: list[Copy] = []
    erased = list(page.erased)
    problems = list(page.problems)
    for read in page.copies:
        if not (can_be_reckoned(read.start) and can_be_reckoned(read.end)):
            where = f"entry {read.entry[:100]}"
            problems.append(Problem(where=where, reason="its dates are no time of meetings", entry=read.entry))
            continue
        copy = _without_forgotten(read, policy.forgotten) if policy.forgotten else read
        invited = copy.invited
        if policy.book.has_outsiders(invited):
            kept.append(_least(copy, invited, policy, named=copy is not read))
        else:
            erased.append(copy.entry)
    return replace(page, copies=tuple(kept), erased=tuple(erased), problems=tuple(problems))


def _without_forgotten(copy: Copy, forgotten: Forgotten) -> Copy:
    """The copy without whom the store has forgotten; the same one where it does not name them."""
    participants = tuple(participant for participant in copy.participants if not forgotten.holds(participant.address))
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
