"""Every key's line, for whatever TOML allows."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from daemon.config.toml_lines import KeyPath, scan


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2\n", ("b",), 2),
        ("# no\n\n[t]\nk = 1\n", ("t", "k"), 4),
        ("[t]\nk = 1\n", ("t",), 1),
        # a missing key stands nowhere: its table's header
        ("\n[t]\nk = 1\n", ("t", "missing"), 2),
        ("a = 1", ("missing",), None),
        # arrays of tables, each with its own header
        ("[[c]]\nn = 1\n[[c]]\nn = 2\n", ("c", 1, "n"), 4),
        ("[[c]]\nn = 1\n[[c]]\nn = 2\n", ("c", 1), 3),
        ("[[c]]\n[[c.d]]\nx = 1\n[[c]]\n[[c.d]]\n[[c.d]]\nx = 2\n", ("c", 1, "d", 1, "x"), 7),
        ("[[c]]\n[c.sub]\nx = 1\n", ("c", 0, "sub", "x"), 3),
        # headers with dots, blanks and quotes
        ("[ a . 'b c' . \"d\\u0065\" ]\nk = 1\n", ("a", "b c", "de", "k"), 2),
        ("a.b.c = 1\n", ("a", "b"), 1),
        ("[a]\nb . 'c' = 1\n", ("a", "b", "c"), 2),
        ('"k.v" = 1\n', ("k.v",), 1),
        # strings that look like keys and headers
        ('a = """\n[no]\nb = 1\n"""\nb = 2\n', ("b",), 5),
        ("a = '''\nb = '\n'''\nb = 2\n", ("b",), 4),
        ('a = """ ends with quotes"""""\nb = 2\n', ("b",), 2),
        ('a = """ \\""" still \n"""\nb = 2\n', ("b",), 3),
        ('a = "\\" # no"  # yes\nb = 2\n', ("b",), 2),
        ("a = 'C:\\'\nb = 2\n", ("b",), 2),
        ('a = ""\nb = 2\n', ("b",), 2),
        ("a = ''\nb = 2\n", ("b",), 2),
        # arrays over several lines: the item's own line
        ('a = [\n  "x",\n\n  # no\n  "y", "z",\n]\nb = 1\n', ("a", 1), 5),
        ('a = [\n  "x",\n\n  # no\n  "y", "z",\n]\nb = 1\n', ("a", 2), 5),
        ('a = [\n  "]",\n]\nb = 1\n', ("b",), 4),
        ("a = [[1,\n2], [\n3]]\nb = 1\n", ("a", 1, 0), 3),
        # inline tables, and arrays of them
        ("t = { a = 1, b = { c = [\n1,\n2 ] } }\n", ("t", "b", "c", 1), 3),
        ("f = [\n  { o = 'x' },\n  { o = 'y', u = { env = 'Z' } },\n]\n", ("f", 1, "u", "env"), 3),
        ("a = {}\nb = []\nc = 1\n", ("c",), 3),
        # dates, numbers, and no line break at the end
        ("a = 2024-03-01 10:00:00\nb = 1e5 # x\nc = true", ("c",), 3),
        # line ends of Windows
        ("a = 1\r\n\r\nb = 2\r\n", ("b",), 3),
    ],
)
def test_a_key_has_its_line(text: str, path: KeyPath, line: int | None) -> None:
    tomllib.loads(text)
    assert scan(text).of(path) == line


@pytest.mark.parametrize("text", ["a = ", "[", "[a", 'a = "x', "a = [1", "= 1", "a = {b", "\x00", "[" * 10_000, "a"])
def test_invalid_text_is_no_error(text: str) -> None:
    assert scan(text).of(("nothing",)) is None


def test_deep_nesting_is_no_error() -> None:
    assert scan("a = " + "[" * 100_000).of(("a",)) == 1


def test_the_last_key_begun() -> None:
    assert scan('a = 1\nb = "open\nc = 2').last() == 2
    assert scan("").last() is None


def test_every_key_of_the_example_is_known(example: str) -> None:
    lines, text = scan(example), example.splitlines()

    def walk(value: Any, path: KeyPath) -> None:
        if path and isinstance(path[-1], str):
            assert str(path[-1]) in text[(lines.of(path) or 0) - 1]
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            walk(item, (*path, key))

    walk(tomllib.loads(example), ())


@pytest.fixture
def example(request: pytest.FixtureRequest) -> str:
    return (request.config.rootpath / "config.example.toml").read_text("utf-8")
