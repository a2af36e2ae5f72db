"""What a page of a round means for the store: a pure plan, from what is known and what was pulled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.contract import Page
from daemon.store.calendar_writes import Known
from daemon.store.packing import copy_digest
from daemon.sync.storage_policy import Policy
from scoring.meetings.values import Copy, CopyState


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The changes that a page brings. `listed` are the entries that stand in the calendar and are kept."""

    upserts: tuple[tuple[Copy, bytes], ...]
    removed: tuple[str, ...]
    erased: tuple[str, ...]
    listed: tuple[str, ...]


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
    """Whether a full listing removes so much that a second one must agree (`docs/design.md` 3)."""
    return removed > 0 and (removed >= held or (removed > 20 and removed * 2 > held))
