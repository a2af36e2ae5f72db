"""SIGKILL at any moment of a sync, then a sync: the figures are as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from daemon.demo import write_company
from tests.e2e.company import Company

FRACTIONS = (0.15, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def _figures(company: Company) -> list[dict[str, object]]:
    ran = company.run("report", "--months", "25", "--format", "json")
    months: list[dict[str, object]] = ran.json["months"]
    return months


def _fresh(folder: Path, today: date) -> Company:
    folder.mkdir()
    write_company(folder, today)
    return Company(folder)


def test_figures_survive_kills_at_many_points(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    whole = _fresh(tmp_path / "whole", today)
    began = time.monotonic()
    assert whole.run("sync").code == 0
    took = time.monotonic() - began
    truth = _figures(whole)

    killed = _fresh(tmp_path / "killed", today)
    kills = 0
    for fraction in FRACTIONS:
        process = subprocess.Popen(
            killed.command("sync"), cwd=killed.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(took * fraction)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    if not kills:
        pytest.fail("no sync was killed: the machine is quicker than the test")
    ran = killed.run("sync", "--format", "json")
    assert ran.code == 0, ran.err
    assert _figures(killed) == truth
