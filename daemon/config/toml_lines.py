"""Where in a TOML file each key stands, so that a problem can name its line.

`tomllib` keeps no positions. This scanner walks a text that `tomllib` has accepted, so it need not
judge it: it only counts lines. It keeps keys and numbers, never a value. Paths are as `tomllib` nests them:
`("clients", 2, "domains", 0)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (r'"""(?:[^\\]|\\.)*?"{3,5}', r"'''.*?'{3,5}", r'"(?:[^"\\\n]|\\.)*"', r"'[^'\n]*'")
_STRING = re.compile("|".join(_STRINGS), re.DOTALL)
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class KeyLines:
    """The line, counted from 1, on which each key of a file begins."""

    def __init__(self, known: Mapping[KeyPath, int]) -> None:
        self._known = known

    def of(self, path: KeyPath) -> int | None:
        """The line of `path`, else of the nearest table or key around it; None for the file as a whole."""
        while path:
            if path in self._known:
                return self._known[path]
            path = path[:-1]
        return None

    def last(self) -> int | None:
        """The line of the key that was begun last."""
        return max(self._known.values(), default=None)


def scan(text: str) -> KeyLines:
    """The lines of all keys in valid TOML; of an invalid text, those before the fault."""
    scanner = _Scanner(text)
    with suppress(IndexError, RecursionError, ValueError):  # a line less is better than an error about an error
        scanner.document()
    return KeyLines(scanner.known)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.known: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}  # how many of each array of tables so far
        self._line = 1
        self._counted = 0

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        array = self.text.startswith("[[", self.at)
        line = self._here()
        self.at += 2 if array else 1
        keys = self._keys()
        self.at += 2 if array else 1
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._current((*path, key))
            self.known.setdefault(path, line)
        path = (*path, keys[-1])
        if array:
            self.known.setdefault(path, line)
            self._tables[path] = self._tables.get(path, 0) + 1
            path = self._current(path)
        self.known[path] = line
        return path

    def _current(self, path: KeyPath) -> KeyPath:
        """`path` itself, or the last table of the array of tables that it names."""
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, table: KeyPath) -> None:
        line = self._here()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.known.setdefault(path, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _key(self) -> str:
        quote = self.text[self.at]
        if quote in "\"'":
            inner = self._take(_STRING)[1:-1]
            return _ESCAPE.sub(_unescape, inner) if quote == '"' else inner
        return self._take(_BARE_KEY)

    def _value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first == "[":
            self._items(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._take(_STRING if first in "\"'" else _PLAIN_VALUE)

    def _items(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "]":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self.known[(*path, number)] = self._here()
            self._value((*path, number))
            number += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "}":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._pair(path)

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def _skip(self, what: re.Pattern[str]) -> None:
        match = what.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def _take(self, what: re.Pattern[str]) -> str:
        match = what.match(self.text, self.at)
        if match is None or match.end() == self.at:
            raise ValueError("no TOML")
        self.at = match.end()
        return match[0]


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])
