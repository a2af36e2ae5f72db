"""What the code cites is there: rules by number, pages of `docs/` by name, with their sections and anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = ("scoring", "connectors", "daemon", "tests", "benchmarks", "tools", "deploy")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#:]*)(?:#([^)\s]*))?\)")  # addresses elsewhere have a colon
NAMED = re.compile(r"(?<![\w/.:-])docs/([a-z0-9_-]+\.md)(?:#([a-z0-9_-]+))?")
SECTIONS = re.compile(r"docs/(design|providers)\.md`? ((?:(?:, | and |-)?(?:[A-H]?\d+|[A-H]))+)\b")
RULE = re.compile(r"\bR(\d{1,2})\b")
FILE = re.compile(r"(?<![\w/.])((?:scoring|connectors|daemon|tests|benchmarks|tools)/[\w/]+\.py)\b")
MODULE = re.compile(r"`((?:connectors|daemon)(?:\.[a-z_0-9]+)+)")


def _texts() -> Iterator[tuple[Path, str]]:
    """Pages, and whatever text of the code may cite them."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("docs/*.md")]
    for room in CODE:
        paths += [one for kind in ("py", "md", "toml", "yaml", "j2") for one in (ROOT / room).rglob(f"*.{kind}")]
    return ((path, path.read_text("utf-8")) for path in sorted(set(paths) - {Path(__file__)}))


@cache
def _headings(page: Path) -> tuple[str, ...]:
    return tuple(HEADING.findall(FENCED.sub("", page.read_text("utf-8")))) if page.is_file() else ()


def _has(page: Path, anchor: str | None) -> bool:
    """Whether the page is there, with a heading whose anchor, as GitHub makes it, is this one."""
    if anchor is None:
        return page.exists()
    return anchor in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in _headings(page)}


def test_every_rule_that_is_cited_stands_in_the_rules() -> None:
    known = {match[1] for one in _headings(ROOT / "docs/rules.md") if (match := re.match(r"R(\d+) ", one))}
    cited = {(str(path.relative_to(ROOT)), number) for path, text in _texts() for number in RULE.findall(text)}
    assert len(cited) > 100
    assert [one for one in sorted(cited) if one[1] not in known] == []


def test_every_page_that_is_named_or_linked_is_there_with_its_anchor() -> None:
    found = {
        (path, ROOT / "docs" / page, anchor or None) for path, text in _texts() for page, anchor in NAMED.findall(text)
    }
    for path, text in _texts():
        if path.suffix == ".md":
            links = LINK.findall(FENCED.sub("", text))
            found |= {(path, (path.parent / page).resolve() if page else path, to or None) for page, to in links}
    wrong = [(str(path.relative_to(ROOT)), page.name, to) for path, page, to in found if not _has(page, to)]
    assert len(found) > 50
    assert sorted(wrong, key=str) == []


def test_every_section_that_is_cited_is_there() -> None:
    wrong = [
        (str(path.relative_to(ROOT)), page, section)
        for path, text in _texts()
        for page, sections in SECTIONS.findall(text)
        for section in re.findall(r"[A-H]?\d+|[A-H]", sections)
        if not any(re.match(rf"{section}\b", one) for one in _headings(ROOT / "docs" / f"{page}.md"))
    ]
    assert wrong == []


def test_every_file_of_ours_that_is_named_is_there() -> None:
    """With its path, or as a module in backticks, whose last part may be a function of it."""
    named = {(path, ROOT / file) for path, text in _texts() for file in FILE.findall(text) if "script.py" not in file}
    for path, text in _texts():
        if path.suffix in (".py", ".md"):
            named |= {(path, _file_of(module)) for module in MODULE.findall(text)}
    assert len(named) > 50
    assert sorted({(str(path.relative_to(ROOT)), str(file)) for path, file in named if not file.exists()}) == []


def _file_of(module: str) -> Path:
    """The file of the longest part of a dotted name that is one."""
    parts = module.split(".")
    tries = [ROOT.joinpath(*parts[:length]) for length in range(len(parts), 1, -1)]
    found = (file for place in tries for file in (place.with_suffix(".py"), place) if file.exists())
    return next(found, ROOT.joinpath(*parts))
