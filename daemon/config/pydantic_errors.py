"""From pydantic's faults to sentences for people, without ever quoting a secret.

Pydantic is not asked for its inputs; what was found is looked up in the raw file, and only for keys that hold
no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from connectors.settings import Secret, looks_secret
from daemon.config.problems import kind_of, listed, nearest, shown
from daemon.config.toml_lines import KeyPath

_NEEDS_A_CONTAINER = {
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "mapping_type": "a table",
    "tuple_type": "an array in [ ]",
    "list_type": "an array in [ ]",
}
_SENTENCES = {
    "string_type": "text in quotes",
    "string_too_short": "text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "letters, digits, dot, dash and underscore",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "{min_length} entry at least",
    "too_long": "{max_length} entries at most",
}

_VERBS = (
    "is ",
    "needs ",
    "has ",
    "must ",
    "cannot ",
)  # how a kind's own sentence may begin, instead of what is allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault below a table: where, seen from the table, and what to say about it."""

    path: KeyPath
    found: str | None = None
    allowed: str
    hint: str | None = None


def faults_of(model: type[BaseModel], raw: Any, errors: list[Any]) -> Iterator[Fault]:
    """Each of pydantic's errors about `raw`, once."""
    told = set()
    for error in errors:
        fault = _fault(model, raw, error)
        if fault not in told and not _follows(raw, error):
            told.add(fault)
            yield fault


def _follows(raw: Any, error: Mapping[str, Any]) -> bool:
    """Whether an array is too short only because its entries were refused one by one."""
    value = look_up(raw, error["loc"])
    return error["type"] == "too_short" and isinstance(value, list) and len(value) >= error["ctx"]["min_length"]


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a table as people write them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _fault(model: type[BaseModel], raw: Any, error: Mapping[str, Any]) -> Fault:
    path: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    owner, secret_at, field = _walk(model, path)
    if field is not None and secret_at is not None:
        return _secret_fault(path[:secret_at], field, error, look_up(raw, path[:secret_at]))
    kind = error["type"]
    if kind == "extra_forbidden":
        hint = nearest(path[-1], keys_of(owner))
        return Fault(path=path, allowed="unknown key", hint=hint or f"known here: {', '.join(keys_of(owner))}")
    if kind == "missing":
        return Fault(path=path, allowed="is missing")
    value = look_up(raw, path)
    if kind in _NEEDS_A_CONTAINER:
        return Fault(path=path, found=kind_of(value), allowed=f"allowed: {_NEEDS_A_CONTAINER[kind]}")
    hidden = field is not None and not field.repr
    found = kind_of(value) if hidden else shown(value) if path else None
    return Fault(path=path, found=found, allowed=_allowed(error, value, hidden), hint=_choice(error, value))


def _walk(model: type[BaseModel], path: KeyPath) -> tuple[type[BaseModel], int | None, FieldInfo | None]:
    """The table that has the last key of `path`, the length of the path to a secret or None, the field."""
    owner, field = model, None
    inner: type[BaseModel] | None = model
    for depth, part in enumerate(path, 1):
        if isinstance(part, int):
            continue
        if inner is None:  # a key of a free table
            return owner, None, None
        owner, field = inner, keys_of(inner).get(part)
        if field is None:
            return owner, None, None
        if _holds_secret(field.annotation):
            return owner, depth, field
        inner = next(_classes(field.annotation, BaseModel), None)
    return owner, None, field


def _holds_secret(annotation: Any) -> bool:
    return any(_classes(annotation, Secret)) or any(_classes(annotation, SecretStr))


def _classes(annotation: Any, base: type) -> Iterator[Any]:
    """The classes derived from `base` anywhere in an annotation."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, base):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _classes(argument, base)


def _secret_fault(path: KeyPath, field: FieldInfo, error: Mapping[str, Any], value: Any) -> Fault:
    """Says only what a secret may be; nothing of what stands there."""
    forms = next((secret.FORMS for secret in _classes(field.annotation, Secret)), "text in quotes")
    if error["type"] == "missing" and len(path) == len(error["loc"]):
        return Fault(path=path, allowed=f"is missing; allowed: {forms}")
    return Fault(path=path, found=kind_of(value), allowed=f"allowed: {forms}")


def look_up(raw: Any, path: KeyPath) -> Any:
    """The raw value at `path`, None where there is none."""
    for part in path:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _allowed(error: Mapping[str, Any], value: Any, hidden: bool) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        return f"allowed: {listed(_literals(error))}"
    if kind in _SENTENCES:
        return "allowed: " + _SENTENCES[kind].format(**context)
    message = str(context["error"]) if kind == "value_error" else error["msg"]
    if isinstance(value, str) and value and (hidden or looks_secret(value)):
        message = message.replace(value, "…")
    for start in ("Input should be ", "a duration is "):
        message = message.removeprefix(start)
    if looks_secret(message):
        return "not allowed as it is"
    says_what_is_wrong = not error["loc"] or message.startswith(_VERBS)
    return message if says_what_is_wrong else f"allowed: {message}"


def _choice(error: Mapping[str, Any], value: Any) -> str | None:
    """The nearest of a few allowed words."""
    return nearest(value, _literals(error)) if error["type"] == "literal_error" else None


def _literals(error: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", error["ctx"]["expected"])
