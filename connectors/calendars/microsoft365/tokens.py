"""Access tokens of the application, by msal over our own session, TLS, proxy and patience (`docs/providers.md` C)."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msal  # type: ignore[import-untyped]  # it has no types
import requests

from connectors.calendars.microsoft365.credentials import Credential
from connectors.calendars.microsoft365.sign_in_errors import answer_error, sign_in_error
from connectors.calendars.shared.client import session_of
from connectors.contract import Context
from connectors.errors import ConnectorError
from connectors.net.retry import Again, retry_after
from connectors.net.session import Session, exchange

# It logs whole answers when it cannot read them.
logging.getLogger("msal").setLevel(logging.CRITICAL + 10)


class Tokens:
    """Tokens by the credential that the config refers to. Used from several threads; one signs in at a time."""

    def __init__(self, authority: str, client_id: str, credential: Credential, context: Context) -> None:
        self._authority = authority
        self._client_id = client_id
        self._credential = credential
        self._session = session_of(context)
        self._lock = threading.Lock()
        self._proof: Any = None
        self._app: Any = None
        self._given: str | None = None

    def renew(self) -> None:
        """Reads the credential again, so that a new one needs no restart. Raises `StopConnector`."""
        proof = self._credential.read()
        with self._lock:
            if proof != self._proof:
                self._proof, self._app = proof, None

    def get(self, scope: str) -> str:
        """A token that is good now. Raises what its refusal means."""
        if self._proof is None:
            self.renew()
        with self._lock:
            try:
                answer, problem = self._acquired(scope), None
            except _SignInTrouble as trouble:
                answer, problem = {}, trouble.error
            token = answer.get("access_token")
            if isinstance(token, str) and problem is None:
                self._given = token
                return token
            self._app = None  # msal would go on giving the same refusal from memory, even once it is put right
        raise problem or sign_in_error(answer)

    def _acquired(self, scope: str) -> dict[str, Any]:
        """msal's answer, from its memory or the authority. Raises `_SignInTrouble`."""
        problem: ConnectorError | None = None
        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=self._proof,
                    authority=self._authority,
                    http_client=_Http(self._session),
                    # the hosts are the config's or known ones, so nobody else has to vouch for them
                    instance_discovery=False,
                )
            answer: dict[str, Any] | None = self._app.acquire_token_for_client([scope])
            return answer or {}
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):  # what it makes of odd answers
            problem = Again("garbled", "the answer to signing in is not as documented", _ODD)
        raise _SignInTrouble(problem)

    def drop(self, token: str) -> None:
        """A token that was refused before its time is forgotten, unless another has taken its place meanwhile."""
        with self._lock:
            if self._app is not None and token == self._given:
                self._app.remove_tokens_for_client()

    def close(self) -> None:
        self._session.close()


_ODD = "Correct authority and tenant_id, and cloud."


class _SignInTrouble(requests.RequestException):
    """Our error in the shape in which msal expects trouble of the network: a token that is still good outlasts it."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__(error.what)
        self.error = error


@dataclass(frozen=True, slots=True)
class _SignInAnswer:
    """An answer as msal takes it. Without headers: a `Retry-After` would make it answer from memory."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Never: what is no answer to be read was raised before."""


class _Http:
    """What msal takes for a session. It sends secrets over https alone, whatever the authority's answer names."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, url: str, params: Mapping[str, str] | None = None, headers: Any = None, **_: Any) -> _SignInAnswer:
        answer = self._send("GET", f"{url}?{urlencode(params)}" if params else url, None, headers)
        if answer.status_code >= 400:
            raise _SignInTrouble(sign_in_error(json.loads(answer.text)))
        return answer

    def post(self, url: str, data: Any = None, headers: Any = None, **_: Any) -> _SignInAnswer:
        return self._send("POST", url, data, headers)

    def _send(self, method: str, url: str, data: Any, headers: Any) -> _SignInAnswer:
        problem: ConnectorError | None = None
        try:
            status, found, body = exchange(self._session, method, url, data, headers)
        except ConnectorError as error:
            problem = error
        else:
            problem = answer_error(status, body, retry_after(found.get("Retry-After")))
            if problem is None:
                return _SignInAnswer(status, body.decode("utf-8", "replace"), {})
        raise _SignInTrouble(problem)

    def close(self) -> None:
        self._session.close()


def roles_of(token: str) -> frozenset[str]:
    """The permissions that a token says it carries. A hint for sentences only: it is Graph that decides."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return frozenset(str(role) for role in claims.get("roles") or ())
    except (IndexError, ValueError, binascii.Error, AttributeError, TypeError):
        return frozenset()
