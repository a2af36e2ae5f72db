"""Builds the wheel and runs it in an environment that has nothing but it and what it says it needs.

So a module, a template or a dependency that is missing shows here, before it does at somebody else's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).resolve().parents[1]
_PROJECT = "rapport-daemon"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rapport-wheel-") as made:
        folder = Path(made)
        _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=_ROOT)
        (wheel,) = folder.glob("*.whl")
        lock = folder / "runtime.lock"
        lock.write_text(runtime_part((_ROOT / "requirements.lock").read_text(), runtime_names()))
        environment = folder / "environment"
        _run(sys.executable, "-m", "venv", str(environment), cwd=folder)
        pip = (str(environment / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
        _run(*pip, "install", "--require-hashes", "--no-deps", "-r", str(lock), cwd=folder)
        _run(*pip, "install", "--no-deps", "--no-index", str(wheel), cwd=folder)
        _run(*pip, "check", cwd=folder)
        rapport = str(environment / "bin" / "rapport")
        _run(rapport, "--help", cwd=folder)
        _run(rapport, "demo", cwd=folder, quiet=True)
        sys.stdout.write(f"{wheel.name}: --help and demo run in a clean environment\n")


def runtime_names() -> set[str]:
    """The project and all that it needs to run on this machine, without extras of its own."""
    found: set[str] = set()
    waiting = [Requirement(_PROJECT)]
    while waiting:
        wanted = waiting.pop()
        found.add(canonicalize_name(wanted.name))
        for text in requires(wanted.name) or ():
            needed = Requirement(text)
            if needed.marker is not None and not any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras)
            ):
                continue
            if needed.extras or canonicalize_name(needed.name) not in found:
                waiting.append(needed)
    return found


def runtime_part(lock: str, names: set[str]) -> str:
    """The entries of a lock that stand for these names; an entry is a line and the indented ones below."""
    kept: list[str] = []
    keeps = False
    for line in lock.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            keeps = canonicalize_name(Requirement(line.rstrip("\\\n ")).name) in names
        if keeps:
            kept.append(line)
    return "".join(kept)


def _run(*command: str, cwd: Path, quiet: bool = False) -> None:
    """Outside the repository and its environment, so that nothing of them is found by chance."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=quiet, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed\n{done.stderr or ''}")


if __name__ == "__main__":
    main()
