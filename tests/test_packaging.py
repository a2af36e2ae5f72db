"""What is installed: what it says it needs, that it has types, and that a `daemon` of somebody else's is noticed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("scoring", "connectors", "daemon")
ENTRY = "rapport_daemon"
OURS = {*PACKAGES, ENTRY}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def imported() -> set[str]:
    """The top-level names of all that the packages import, anywhere in a module."""
    found: set[str] = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found.update(name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return {name.partition(".")[0] for name in found} - OURS - set(sys.stdlib_module_names)


def test_what_is_imported_is_declared() -> None:
    """Not left to what another dependency happens to bring."""
    said = project()["project"]
    extras = [text for extra, texts in said["optional-dependencies"].items() if extra != "dev" for text in texts]
    declared = {canonicalize_name(Requirement(text).name) for text in (*said["dependencies"], *extras)}
    providers = packages_distributions()
    missing = {
        name: providers.get(name)
        for name in imported()
        if declared.isdisjoint(canonicalize_name(provider) for provider in providers.get(name, ()))
    }
    assert missing == {}


def test_each_package_ships_its_types() -> None:
    wheel = project()["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {name.removesuffix(".py") for name in wheel["packages"]} == OURS
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)


def test_the_command_begins_outside_the_package_that_may_be_overwritten() -> None:
    (command,) = entry_points(group="console_scripts", name="rapport")
    assert command.value == f"{ENTRY}:main"


@pytest.mark.parametrize(
    ("theirs", "start"),
    [
        ("class DaemonContext: ...", ["-c", "from rapport_daemon import main; main()"]),
        ("class DaemonContext: ...", ["-m", "daemon"]),
        ("import a_lock_that_is_not_installed", ["-c", "from rapport_daemon import main; main()"]),
    ],
)
def test_a_daemon_of_somebody_elses_is_named_with_a_remedy(tmp_path: Path, theirs: str, start: list[str]) -> None:
    """As python-daemon leaves ours when it is installed over it: `__init__` is its own, one more module."""
    shutil.copy(ROOT / f"{ENTRY}.py", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "daemon" / "__init__.py").write_text("from .daemon import DaemonContext\n")
    (tmp_path / "daemon" / "daemon.py").write_text(f"{theirs}\n")
    command = [sys.executable, *start, "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.endswith("install rapport-daemon again, into an environment of its own.")
