"""The house (`docs/architecture.md`): which room may know which, what is imported when, and whose `daemon` this is."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import daemon

ROOT = Path(__file__).parents[1]
ROOMS = ("scoring", "connectors", "daemon")
HEAVY = ("sqlmodel", "sqlalchemy", "googleapiclient", "msal", "alembic", "pydantic_settings", "holidays", "jinja2")


def _modules(room: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / room).rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module


@pytest.mark.parametrize(("room", "forbidden"), [("scoring", ("connectors", "daemon")), ("connectors", ("daemon",))])
def test_imports_run_one_way(room: str, forbidden: tuple[str, ...]) -> None:
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path, tree in _modules(room)
        for name in _imported(tree)
        if name.split(".")[0] in forbidden
    ]
    assert wrong == []


def test_the_rules_need_the_standard_library_only() -> None:
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path, tree in _modules("scoring")
        for name in _imported(tree)
        if name.split(".")[0] not in sys.stdlib_module_names and name.split(".")[0] != "scoring"
    ]
    assert wrong == []


def test_the_rules_read_no_clock_file_or_socket() -> None:
    forbidden = {"now", "today", "utcnow", "open", "print", "input"}
    called = {
        (str(path.relative_to(ROOT)), name)
        for path, tree in _modules("scoring")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (name := node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        in forbidden
    }
    assert called == set()


def test_only_the_store_knows_sql() -> None:
    allowed = (ROOT / "daemon" / "store",)
    wrong = [
        str(path.relative_to(ROOT))
        for path, tree in _modules("daemon")
        if not path.is_relative_to(allowed[0])
        for name in _imported(tree)
        if name.split(".")[0] in ("sqlmodel", "sqlite3") or (name.startswith("sqlalchemy") and name != "sqlalchemy")
    ]
    assert wrong == []


def test_the_word_event_stays_with_the_calendars() -> None:
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for room in ROOMS
        for path, tree in _modules(room)
        if "calendars" not in path.parts[:-1] and "demo" not in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.arg | ast.Name)
        and "event"
        in (name := str(getattr(node, "name", None) or getattr(node, "id", None) or getattr(node, "arg", ""))).lower()
        and not (path.name == "engine.py" and name == "event")  # SQLAlchemy's own
    ]
    assert wrong == []


def test_the_import_packages_are_ours() -> None:
    assert Path(daemon.__file__).is_relative_to(ROOT)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import json, sys\n"
        "sys.argv = ['rapport', '--help']\n"
        "from daemon.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stderr) == []
    assert "sync" in ran.stdout
