"""The outbox on both databases: who may send a delivery, and what becomes of one whose sender is gone (design 6)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from daemon.digests.claims import settle_abandoned, this_process
from daemon.digests.outbox import pause_before
from daemon.store.db.engine import Database
from daemon.store.deliveries import Delivery, State, claim, doubt, open_deliveries, read_deliveries, settle_delivery
from daemon.store.told import in_full, read_told, save_told
from scoring.digest.restatement import Told
from scoring.months.history import Verdict
from scoring.months.month import Month
from tests.daemon.worlds import NOW

OCTOBER, SEPTEMBER = Month("2026-10"), Month("2026-09")
CEO = "email:ceo@northwind.example"


def opened(store: Database, *recipients: str, again: bool = False) -> list[Delivery]:
    with store.writing() as connection:
        return open_deliveries(connection, "leadership", OCTOBER, recipients or (CEO,), NOW, again=again)


def state(store: Database) -> State:
    with store.reading() as connection:
        (found,) = read_deliveries(connection, "leadership", OCTOBER)
    return found.state


def take(store: Database, delivery: Delivery, claimant: str) -> bool:
    with store.writing() as connection:
        return claim(connection, delivery, claimant, NOW)


def settle(store: Database, delivery: Delivery, claimant: str, becomes: State) -> bool:
    with store.writing() as connection:
        return settle_delivery(connection, delivery, claimant, becomes, NOW)


def test_of_two_who_claim_one_sends(store: Database) -> None:
    (delivery,) = opened(store)
    assert [take(store, delivery, one) for one in ("a 1 1", "b 2 2")] == [True, False]
    assert not settle(store, delivery, "b 2 2", State.SENT)
    assert settle(store, delivery, "a 1 1", State.SENT)
    assert state(store) is State.SENT


def test_a_second_attempt_is_made_by_again_alone_and_only_of_what_is_settled(store: Database) -> None:
    (first,) = opened(store)
    assert [one.attempt for one in opened(store)] == [1]
    assert [one.attempt for one in opened(store, again=True)] == [1], "it is still waiting"
    take(store, first, "a 1 1")
    assert [one.attempt for one in opened(store, again=True)] == [1], "it is being sent"
    settle(store, first, "a 1 1", State.UNKNOWN)
    assert [one.attempt for one in opened(store)] == [1]
    (second,) = opened(store, again=True)
    assert (second.attempt, second.state) == (2, State.WAITING)
    assert second.key != first.key


def test_a_claim_of_an_earlier_try_is_worth_nothing(store: Database) -> None:
    (delivery,) = opened(store)
    take(store, delivery, "a 1 1")
    settle(store, delivery, "a 1 1", State.WAITING)
    assert not take(store, delivery, "b 2 2"), "it has been tried since it was read"


@pytest.mark.parametrize(
    ("claimant", "held", "becomes"),
    [
        ("living", timedelta(minutes=1), State.CLAIMED),
        ("dead", timedelta(0), State.UNKNOWN),
        ("number used again", timedelta(0), State.UNKNOWN),
        ("elsewhere.example 1 1", timedelta(minutes=29), State.CLAIMED),
        ("elsewhere.example 1 1", timedelta(minutes=31), State.UNKNOWN),
    ],
)
def test_what_a_process_that_is_gone_was_sending_is_unknown(
    sqlite_store: Database, claimant: str, held: timedelta, becomes: State
) -> None:
    if claimant == "dead":
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
        claimant = f"{socket.gethostname()} {int(gone.stdout)} 1"
    names = {"living": this_process(), "number used again": f"{socket.gethostname()} {os.getpid()} 1"}
    (delivery,) = opened(sqlite_store)
    take(sqlite_store, delivery, names.get(claimant, claimant))
    settle_abandoned(sqlite_store, NOW + held)
    assert state(sqlite_store) is becomes


def test_pauses_grow_and_respect_what_the_other_side_asks() -> None:
    pauses = [pause_before(tries, None) for tries in range(1, 12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=1), timedelta(hours=4))
    assert pause_before(1, 600.0) == timedelta(minutes=10)


def test_doubt_is_of_the_digest_and_month_that_is_meant(store: Database) -> None:
    opened(store)
    with store.writing() as connection:
        open_deliveries(connection, "managers", OCTOBER, [CEO], NOW, again=False)
        open_deliveries(connection, "leadership", SEPTEMBER, [CEO], NOW, again=False)
        assert doubt(connection, "leadership", OCTOBER, [CEO, "slack:#accounts"], NOW, "restored") == 1
    with store.reading() as connection:
        found = {(one.digest, one.month, one.recipient): one.state for one in read_deliveries(connection)}
    assert found == {
        ("leadership", OCTOBER, CEO): State.UNKNOWN,
        ("leadership", OCTOBER, "slack:#accounts"): State.UNKNOWN,
        ("managers", OCTOBER, CEO): State.WAITING,
        ("leadership", SEPTEMBER, CEO): State.WAITING,
    }


def test_the_last_that_was_told_before_a_digest(store: Database) -> None:
    def told(score: int) -> Told:
        return Told(
            client="Acme",
            month=SEPTEMBER,
            score=score,
            man_seconds=3600,
            verdict=Verdict.STEADY,
            meetings={"a": "short_one 3600"},
            rules="r",
        )

    with store.writing() as connection:
        save_told(connection, "leadership", SEPTEMBER, [told(3)], NOW)
        save_told(connection, "leadership", OCTOBER, [told(5)], NOW + timedelta(days=30))
        save_told(connection, "managers", SEPTEMBER, [told(4)], NOW + timedelta(days=1))
    with store.reading() as connection:
        before = read_told(connection, digest="leadership", before=OCTOBER)
        assert {key: in_full(connection, one) for key, one in before.items()} == {("Acme", SEPTEMBER): told(3)}
        assert read_told(connection, months=[SEPTEMBER])["Acme", SEPTEMBER].score == 5
        assert read_told(connection, months=[OCTOBER]) == {}
