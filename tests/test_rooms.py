"""The house (`docs/architecture.md`): which room may know which, what is imported when, and whose `daemon` this is."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import daemon

ROOT = Path(__file__).parents[1]
ROOMS = ("scoring", "connectors", "daemon")
FLOORS = (
    ("scoring",),
    ("connectors",),
    ("daemon.config", "daemon.store", "daemon.demo"),
    ("daemon.output", "daemon.figures"),
    ("daemon.sync", "daemon.reporting", "daemon.render"),
    ("daemon.digests",),
    ("daemon.service",),
    ("daemon.workers", "daemon.admin", "daemon.web"),
    ("daemon.commands",),
    ("daemon.cli",),
    ("daemon.__main__",),
)
"""From the ground up (`docs/architecture.md`); rooms of one floor do not know each other."""
SQL = ("sqlmodel", "sqlite3", "sqlalchemy", "alembic", "psycopg", "psycopg_pool")
HEAVY = ("sqlmodel", "sqlalchemy", "googleapiclient", "msal", "alembic", "pydantic_settings", "holidays", "jinja2")


@cache
def _modules(room: str) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text("utf-8"))) for path in sorted((ROOT / room).rglob("*.py"))]


def _names(tree: ast.Module) -> Iterator[str]:
    """What is imported anywhere in a module, by its full name: `from a import b` is `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def _graph() -> dict[str, set[str]]:
    """Each module and those that it imports; a package's `__init__` counts as what it hands on."""
    modules = {_module_name(path): tree for room in ROOMS for path, tree in _modules(room)}

    def module_of(name: str) -> str | None:
        return next((one for one in (name, name.rpartition(".")[0]) if one in modules), None)

    return {
        module: {to for name in _names(tree) if (to := module_of(name)) is not None} - {module}
        for module, tree in modules.items()
    }


def _arrows() -> Iterator[tuple[str, str]]:
    return ((module, to) for module, imported in sorted(_graph().items()) for to in sorted(imported))


def _room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "daemon" else parts[0]


def _floor(module: str) -> int:
    """Raises `StopIteration` for a room that stands on no floor."""
    return next(number for number, rooms in enumerate(FLOORS) if _room(module) in rooms or module == "daemon")


def test_imports_only_point_down() -> None:
    """A root knows those before it, a room of the service those of lower floors, and no module itself by a circle."""
    wrong = [
        (module, imported)
        for module, imported in _arrows()
        if _room(imported) != _room(module) and _floor(imported) >= _floor(module)
    ]
    assert wrong == []
    TopologicalSorter(_graph()).prepare()  # raises CycleError


def test_the_rules_need_the_standard_library_and_idna_only() -> None:
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path, tree in _modules("scoring")
        for name in _names(tree)
        if name.split(".")[0] not in {*sys.stdlib_module_names, "scoring", "idna"}
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
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path, tree in _modules("daemon")
        if not path.is_relative_to(ROOT / "daemon" / "store")
        for name in _names(tree)
        if name.split(".")[0] in SQL and name != "sqlalchemy.Connection"  # passed on from the store to the store
    ]
    wrong += [
        (str(path.relative_to(ROOT)), node.func.attr)
        for path, tree in _modules("daemon")
        if not path.is_relative_to(ROOT / "daemon" / "store")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("execute", "exec_driver_sql", "scalar", "scalars")
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
