"""Where secrets stand in the tables of a config, and what the store's address may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from connectors.settings import Secret
from daemon.config.schema.tables import STORE_SCHEMES
from daemon.config.toml_lines import KeyPath


def secrets_in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Secret]]:
    """Every secret in a table, however deep, with the path of its key."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from secrets_in(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from secrets_in(item, (*path, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from secrets_in(item, (*path, str(key)))


def store_problem(url: str, workers: bool) -> str | None:
    """What is wrong with the store's address, without telling the address; `workers` is `scale.workers`."""
    if not url.startswith(STORE_SCHEMES):
        near = url.startswith(("postgres:", "postgresql:", "postgresql+"))
        hint = '; write "postgresql+psycopg://" at its beginning' if near else ""
        return f'allowed: "sqlite:///FILE" or "postgresql+psycopg://USER@HOST/NAME"{hint}'
    if not url.startswith("sqlite:"):
        return None
    if _sqlite_file(url)[0] in ("", ":memory:") or url.startswith("sqlite:///file:"):
        return 'allowed: "sqlite:///FILE", with a file that stays'
    if workers:
        return "scale.workers = true needs PostgreSQL: postgresql+psycopg://USER@HOST/NAME"
    return None


def store_url_of(url: str, folder: Path) -> str:
    """A sound address with its SQLite file made absolute."""
    if not url.startswith("sqlite:"):
        return url
    file, options = _sqlite_file(url)
    return f"sqlite:///{folder / Path(file).expanduser()}{options}"


def _sqlite_file(url: str) -> tuple[str, str]:
    file, mark, options = url.removeprefix("sqlite:///").partition("?")
    return file, mark + options
