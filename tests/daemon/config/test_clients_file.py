"""Clients from a CSV, beside those of the config."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from daemon.config.model import Config
from tests.daemon.config.config_files import COMPANY, cases, good, problems

HEAD = 'clients_file = "clients.csv"\n' + COMPANY
COLUMNS = "client,domain,manager,tier,stage,since\n"


def loaded(folder: Path, table: str | bytes, text: str = "") -> Config:
    (folder / "clients.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return good(folder, text, HEAD)


def said(folder: Path, table: str | bytes, text: str = "") -> list[str]:
    (folder / "clients.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return problems(folder, text, HEAD)


def test_rows_of_one_client_are_joined(tmp_path: Path) -> None:
    table = COLUMNS + (
        "Acme,acme.example,jo@northwind.example,key,basic,2024-03-01\n"
        "\n"
        "Beta,Beta.example\n"
        "acme,acme.test,,key,,\n"
        "Acme,,,,,\n"
        ",,,,,\n"
    )
    config = loaded(tmp_path, table)
    acme, beta = config.clients
    assert (acme.name, acme.domains, acme.manager) == ("Acme", ("acme.example", "acme.test"), "jo@northwind.example")
    assert (acme.tier, acme.stage, acme.since) == ("key", "basic", date(2024, 3, 1))
    assert (beta.domains, beta.manager, beta.tier, beta.since) == (("beta.example",), None, None, None)
    assert config.clients_file == tmp_path / "clients.csv"


@pytest.mark.parametrize(
    "table",
    [
        "client;domain;tier\r\nAcme;acme.example;key\r\n".encode("utf-8-sig"),
        b"tier,Client , DOMAIN\nkey,Acme,acme.example",
        b'client,domain,tier\n"Acme","acme.example","key"\n',
    ],
)
def test_as_spreadsheets_write_it(table: bytes, tmp_path: Path) -> None:
    client = loaded(tmp_path, table).clients[0]
    assert (client.name, client.domains, client.tier) == ("Acme", ("acme.example",), "key")


def test_the_config_wins_and_is_given_the_domains(tmp_path: Path) -> None:
    table = COLUMNS + "ACME,acme.test,al@northwind.example,standard,,\nAcme,acme.example,,,,\n"
    text = '[[clients]]\nname = "Acme"\ndomains = ["acme.example"]\ntier = "key"\n'
    text += '[[clients]]\nname = "Bare"\naddresses = ["x@y.example"]'
    config = loaded(tmp_path, table, text)
    acme = config.clients[0]
    assert [client.name for client in config.clients] == ["Acme", "Bare"]
    assert (acme.name, acme.tier, acme.manager, acme.domains) == ("Acme", "key", None, ("acme.example", "acme.test"))


def test_a_client_of_the_config_may_have_its_domains_there(tmp_path: Path) -> None:
    config = loaded(tmp_path, COLUMNS + "Acme,acme.example,,,,\n", '[[clients]]\nname = "Acme"')
    assert config.clients[0].domains == ("acme.example",)


@pytest.mark.parametrize(("table", "expected"), cases("bad_clients_files.txt"))
def test_problems_name_the_csv_and_its_line(table: str, expected: list[str], tmp_path: Path) -> None:
    assert said(tmp_path, table) == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (b"", "clients.csv:1: its first line names the columns, each once: client,domain,manager,tier,stage,since"),
        (b"client,domain\nA,\xe9", "1: clients_file: clients.csv:2: is no UTF-8 text; save it as UTF-8"),
        (b"client,domain\n" + b'"' + b"x" * 200_000, "clients.csv: is no CSV that can be read"),
    ],
)
def test_a_file_that_is_no_csv(table: bytes, expected: str, tmp_path: Path) -> None:
    assert said(tmp_path, table) == [expected]


def test_claims_across_the_files(tmp_path: Path) -> None:
    text = '[[clients]]\nname = "Acme"\ndomains = ["a.example"]\nformerly = ["Beta"]'
    assert said(tmp_path, "client,domain\nBeta,a.example\n", text) == [
        '9: clients[0].formerly[0]: found "Beta"; that name belongs to the client "Beta" too',
        'clients.csv:2: domain: found "a.example"; claimed by client "Beta" and by client "Acme" (config.toml:8)',
    ]


def test_the_problems_of_both_files_come_at_once(tmp_path: Path) -> None:
    assert [text.split(": ")[:2] for text in said(tmp_path, "client,domain\nAcme,@\n", "[sync]\nevry = 1")] == [
        ["7", "sync.evry"],
        ["clients.csv:2", "domain"],
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert problems(tmp_path, "", HEAD) == [
        '1: clients_file: found "clients.csv"; allowed: a path to a file that exists (relative to the config file)'
    ]
