"""The soak in a short form; `make soak` runs a long one and prints its figures."""

from __future__ import annotations

from tests.e2e.soak import soak


def test_a_service_in_trouble_ends_with_the_truth_and_sends_nothing_twice() -> None:
    found = soak(12, seed=7)
    assert found.differences == []
    assert found.twice == {}
    assert found.changes > 10
    assert found.faults > 3
