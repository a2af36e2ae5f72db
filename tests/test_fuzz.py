"""Some of the cases of `tests/fuzz.py`; `make fuzz` goes on for as long as one likes."""

from __future__ import annotations

import pytest

from tests import fuzz


@pytest.mark.parametrize("seed", [*range(8), 22, 50_002])  # the last two broke something once
def test_whatever_a_provider_answers_the_others_are_read_and_the_reason_is_told(seed: int) -> None:
    fuzz.run(seed)
