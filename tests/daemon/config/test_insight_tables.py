"""`people_file` and `assessments_file`: what they accept, and every problem named with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from daemon.config.model import Config
from tests.daemon.config.config_files import COMPANY, cases, good, problems

CLIENT = '[[clients]]\nname = "Acme"\ndomains = ["acme.example"]\n'
PEOPLE = 'people_file = "people.csv"\n' + COMPANY
ASSESSMENTS = 'assessments_file = "assessments.csv"\n' + COMPANY


def people(folder: Path, table: str) -> Config:
    (folder / "people.csv").write_text(table, "utf-8")
    return good(folder, "", PEOPLE)


def test_people_with_what_is_known_and_what_is_not(tmp_path: Path) -> None:
    found = people(
        tmp_path,
        "address;name;title;buying_centre;executive;same_as;left\n"
        "Ana@Acme.example;Ana Brown;CFO;EMEA;yes;;\n"
        "bo@acme.example;;;;no;;2026-03-31\n"
        "cy@acme.example;;;;;ana@acme.example;yes\n",
    ).people
    ana, bo, cy = found
    assert (ana.address, ana.name, ana.title, ana.buying_centre) == ("ana@acme.example", "Ana Brown", "CFO", "EMEA")
    assert [one.executive for one in found] == [True, False, None]
    assert (ana.left, bo.left, cy.left, cy.same_as) == (False, date(2026, 3, 31), True, "ana@acme.example")


@pytest.mark.parametrize(("table", "said"), cases("bad_people_files.txt"))
def test_a_bad_people_file_is_named_with_its_line(table: str, said: list[str], tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(table, "utf-8")
    assert problems(tmp_path, "", PEOPLE) == said


def test_assessments(tmp_path: Path) -> None:
    table = (
        "client,quarter,element,answer,note\n"
        "acme,2026-Q3,Account strategy,4,agreed in July\n"
        "Acme,2026-q3,delivery_quality,5,\n"
        "Acme,2026-Q3,advocacy,they spoke at our customer day,\n"
    )
    (tmp_path / "assessments.csv").write_text(table, "utf-8")
    found = good(tmp_path, CLIENT, ASSESSMENTS).assessments
    assert [(one.element, one.quarter) for one in found] == [
        ("account_strategy", "2026-09"),
        ("delivery_quality", "2026-09"),
        ("advocacy", "2026-09"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Akme,2026-Q3,advocacy,much", 'client: found "Akme"; is no client\'s name; did you mean "Acme"?'),
        ("Acme,2026-Q5,advocacy,much", 'quarter: found "2026-Q5"; allowed: a quarter, such as 2026-Q3'),
        ("Acme,2026-Q3,account_strategy,6", 'answer: found "6"; allowed: 1 to 5'),
        ("Acme,2026-Q3,account_strategy,good", 'answer: found "good"; allowed: 1 to 5'),
        ("Acme,2026-Q3,account_strategy,", "answer: is missing"),
    ],
)
def test_a_bad_assessment_is_named_with_its_line(row: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "assessments.csv").write_text(f"client,quarter,element,answer\n{row}\n", "utf-8")
    assert problems(tmp_path, CLIENT, ASSESSMENTS) == [f"assessments.csv:2: {said}"]


def test_an_element_answered_twice_is_named(tmp_path: Path) -> None:
    table = "client,quarter,element,answer\nAcme,2026-Q3,pipeline health,4\nACME,2026-Q3,pipeline_health,5\n"
    (tmp_path / "assessments.csv").write_text(table, "utf-8")
    (said,) = problems(tmp_path, CLIENT, ASSESSMENTS)
    assert "answered on line 2 already" in said
