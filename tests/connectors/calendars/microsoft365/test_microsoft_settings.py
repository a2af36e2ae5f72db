"""The `[[connectors]]` table of kind `microsoft365`: what may stand there, and what the rest of it follows from."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.calendars.microsoft365 import Settings
from connectors.settings import looks_secret

TENANT = "927c6607-8060-4f4a-a5f8-34964ac78d70"
SECRET = "fake~Q.0123456789abcdefghij"


def given(**more: Any) -> dict[str, Any]:
    table = {
        "name": "m365",
        "kind": "microsoft365",
        "tenant_id": TENANT,
        "client_id": "app",
        "client_secret": SECRET,
        "calendars": ["jo@northwind.example"],
        **more,
    }
    return {key: value for key, value in table.items() if value is not None}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"client_secret": None}, "either client_secret or certificate_file"),
        ({"certificate_file": "m365.pem"}, "either client_secret or certificate_file"),
        ({"certificate_password": "pw"}, "certificate_password is of use with certificate_file only"),
        ({"client_secret": ""}, "never empty"),
        ({"tenant_id": "common"}, "tenant's id"),  # an application without a user signs in to one tenant
        ({"tenant_id": "a/b"}, "tenant's id"),
        ({"tenant_id": ""}, "tenant's id"),
        ({"client_id": "two words"}, "application's id"),
        ({"cloud": "germany"}, "global, us_gov, us_dod, china"),
        ({"calendars": []}, "at least 1"),
        ({"calendars": ["jo"]}, "no e-mail address"),
        ({"calendars": ["group:sales"]}, "no e-mail address"),  # a name: groups are known by id or address
        ({"exclude": ["*"]}, "excludes everybody"),
        ({"requests_per_minute": -1}, "greater than or equal to 0"),
        ({"authority": "http://localhost:1/t"}, "must be https, on this machine too"),
        ({"authority": "https://login.example"}, "ends with the tenant"),
        ({"graph_endpoint": "http://graph.example/v1.0"}, "must be https"),
        ({"graph_endpoint": "https://graph.example"}, "ends with the version"),
        ({"scopes": []}, "Extra inputs"),
    ],
)
def test_what_is_refused_says_what_is_allowed(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(**given(**wrong))
    assert told in str(raised.value)
    assert SECRET not in str(raised.value)


def test_addresses_and_groups_are_compared_as_the_rules_say() -> None:
    group = "4D0EF681-E88F-42A3-A2DB-E6BF1E249E10"
    settings = Settings(
        **given(calendars=["*", "Jo+x@Northwind.example", f"group:{group}"], exclude=["group:Sales@Northwind.example"])
    )
    assert settings.calendars == ("*", "jo@northwind.example", f"group:{group.lower()}")
    assert settings.groups == (group.lower(), "sales@northwind.example")


@pytest.mark.parametrize(
    ("more", "authority", "endpoint", "scope"),
    [
        ({}, "login.microsoftonline.com", "graph.microsoft.com", "graph.microsoft.com"),
        ({"cloud": "us_gov"}, "login.microsoftonline.us", "graph.microsoft.us", "graph.microsoft.us"),
        ({"cloud": "us_dod"}, "login.microsoftonline.us", "dod-graph.microsoft.us", "dod-graph.microsoft.us"),
        (
            {"cloud": "china"},
            "login.chinacloudapi.cn",
            "microsoftgraph.chinacloudapi.cn",
            "microsoftgraph.chinacloudapi.cn",
        ),
    ],
)
def test_each_cloud_has_endpoints_of_its_own(more: dict[str, Any], authority: str, endpoint: str, scope: str) -> None:
    endpoints = Settings(**given(**more)).endpoints
    assert endpoints.authority == f"https://{authority}/{TENANT}"
    assert endpoints.graph == f"https://{endpoint}/v1.0"
    assert endpoints.scope == f"https://{scope}/.default"


def test_other_endpoints_are_taken_as_they_are() -> None:
    settings = Settings(
        **given(authority="https://login.example:8443/t/", graph_endpoint="https://graph.example:9443/v1.0/")
    )
    assert settings.endpoints.authority == "https://login.example:8443/t"
    assert settings.endpoints.graph == "https://graph.example:9443/v1.0"
    assert settings.endpoints.scope == "https://graph.example:9443/.default"


def test_nothing_secret_shows() -> None:
    shown = repr(Settings(**given(client_secret=None, certificate_file="m365.pem", certificate_password=SECRET)))
    assert SECRET not in shown
    assert looks_secret(SECRET)


def test_a_config_costs_no_library() -> None:
    script = (
        "import json, sys\nimport connectors.calendars.microsoft365\n"
        "heavy = ['msal', 'requests', 'cryptography', 'urllib3', 'tzlocal']\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []
