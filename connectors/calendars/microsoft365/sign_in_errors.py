"""What Entra refuses, as what to do next, with the sentence that says what to click where (`docs/providers.md` C).

Pure. What Microsoft wrote is read for its codes alone: it quotes ids, and what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.calendars.shared.refusals import json_object
from connectors.errors import ConnectorError, RetryLater, StopConnector
from connectors.net.retry import Again
from connectors.net.session import PASSING_STATUSES

_APP = "In entra.microsoft.com open App registrations > the app"
_NEW_SECRET = (
    f"{_APP} > Certificates & secrets, add a client secret, and put its Value (not its Secret ID) where client_secret "
    "points."
)
_UPLOAD = f"{_APP} > Certificates & secrets > Certificates, and upload the certificate of certificate_file."
_TENANT = "Correct tenant_id: entra.microsoft.com > Overview > Tenant ID; and cloud, if it is a national one."
_CONSENT = f"{_APP} > API permissions, and choose Grant admin consent."
_SIGN_IN = "In entra.microsoft.com open Enterprise applications > the app"

# AADSTS code: our code, what was found, what to do
_STOPS: Mapping[int, tuple[str, str, str]] = {
    7000215: ("credentials", "Microsoft refuses the client secret", _NEW_SECRET),
    7000216: ("credentials", "Microsoft was sent neither a secret nor a certificate", _NEW_SECRET),
    7000222: ("credentials", "the client secret has expired", _NEW_SECRET),
    7000218: ("credentials", "Microsoft asks for a secret or a certificate", _NEW_SECRET),
    700027: ("credentials", "Microsoft does not know the certificate", _UPLOAD),
    700030: ("credentials", "Microsoft does not accept the certificate", _UPLOAD),
    50027: ("credentials", "Microsoft cannot read what the certificate signed", _UPLOAD),
    1000502: ("credentials", "the certificate has expired", _UPLOAD),
    700023: (
        "credentials",
        "the certificate signed for another authority",
        "Correct authority and tenant_id, and cloud.",
    ),
    700024: ("clock", "Microsoft refuses the time of the request", "Check the clock of this machine."),
    700016: (
        "no_app",
        "the tenant knows no such application",
        "Correct tenant_id, and client_id: entra.microsoft.com > App registrations > the app > Overview.",
    ),
    7000229: ("no_app", "the application is not installed in the tenant", _CONSENT),
    7000112: ("no_app", "the application is disabled", f"{_SIGN_IN} > Properties, and let users sign in."),
    90002: ("no_tenant", "Microsoft knows no such tenant", _TENANT),
    900023: ("no_tenant", "tenant_id is neither a tenant's id nor its domain", _TENANT),
    500011: (
        "wrong_cloud",
        "the tenant does not know Microsoft Graph under this address",
        "Correct cloud or graph_endpoint: a tenant lies in one cloud only.",
    ),
    1002012: ("wrong_cloud", "Microsoft knows no such scope", "Correct cloud or graph_endpoint."),
    65001: ("consent", "nobody has consented to the application", _CONSENT),
    53003: (
        "policy",
        "a Conditional Access policy keeps the application out",
        "In entra.microsoft.com open Protection > Conditional Access > Policies, and exempt the app or this machine.",
    ),
    50053: ("policy", "Microsoft blocks signing in from this address", f"{_SIGN_IN} > Sign-in logs, for the reason."),
}  # fmt: skip
_PASSING = frozenset({90033, 90024, 90019, 50196, 90025})
_CODE = re.compile(r"AADSTS(\d{4,9})")


def answer_error(status: int, body: bytes, after_seconds: float | None) -> ConnectorError | None:
    """Trouble in an answer of the authority that tells nothing of the application; None where it is to be read."""
    answer = json_object(body)
    if status in PASSING_STATUSES or status >= 500:
        slow = status == 429
        what = "Microsoft asks to sign in more slowly" if slow else f"signing in is answered with {status}"
        return Again("rate_limit" if slow else "unavailable", what, after_seconds=after_seconds)
    if 300 <= status < 400:
        return RetryLater("blocked", f"signing in is answered with {status}", _PROXY)
    if answer is None or (status >= 400 and not isinstance(answer.get("error"), str)):
        return Again("garbled", "the answer to signing in is no JSON", _PROXY)
    return None


_PROXY = "Look at the proxy and the firewall: login.microsoftonline.com must be reachable as it is."


def sign_in_error(answer: Mapping[str, Any]) -> ConnectorError:
    """A refusal, by its code; `answer` is the authority's JSON."""
    codes = _codes(answer)
    for code in codes:
        if code in _STOPS:
            name, what, remedy = _STOPS[code]
            return StopConnector(name, f"{what} (AADSTS{code})", remedy)
    named = f" (AADSTS{codes[0]})" if codes else ""
    kind = answer.get("error")
    if kind == "temporarily_unavailable" or _PASSING.intersection(codes):
        return Again("unavailable", f"Microsoft gives no token for now{named}")
    if kind in ("invalid_client", "unauthorized_client"):
        return StopConnector("credentials", f"Microsoft refuses the application's credentials{named}", _NEW_SECRET)
    if kind == "invalid_tenant":
        return StopConnector("no_tenant", f"Microsoft knows no such tenant{named}", _TENANT)
    return StopConnector(
        "token",
        f"Microsoft gives no token{named}",
        f"{_SIGN_IN} > Sign-in logs > Service principal sign-ins, for the reason.",
    )


def _codes(answer: Mapping[str, Any]) -> list[int]:
    listed = answer.get("error_codes")
    found = [code for code in listed if isinstance(code, int)] if isinstance(listed, list) else []
    return found or [int(code) for code in _CODE.findall(str(answer.get("error_description") or "")[:2000])]
