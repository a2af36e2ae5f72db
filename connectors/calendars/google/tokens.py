"""Access tokens: one for each person and set of scopes, kept while it is good (`docs/providers.md` A8, D).

A refusal of the token endpoint that may be about one person or about everybody is resolved here: by others' tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import google.auth.exceptions
from google.oauth2 import service_account

from connectors.calendars.google.credentials import Key, broken_key, read_key
from connectors.calendars.google.errors import RequestInfo, Unclear, delegation, not_delegated, token_error
from connectors.calendars.google.sessions import Connection
from connectors.contract import Context
from connectors.errors import ConnectorError, StopConnector
from connectors.settings import FileOrSecret, SecretMissing

_MOST_PROBES = 3


class Tokens:
    """Tokens by the key that the config refers to. Used from several threads."""

    def __init__(self, reference: FileOrSecret, context: Context) -> None:
        self._reference = reference
        self._context = context
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        self._text = ""
        self._key: Key | None = None
        self._base: Any = None  # google-auth's credentials are untyped
        self._kept: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._granted: set[tuple[str, ...]] = set()
        self._refused: set[tuple[str, ...]] = set()
        self._others: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """The key, read when it is first needed. Raises `StopConnector`."""
        if self._key is None:
            self.renew()
        if self._key is None:  # renew raises instead
            raise broken_key()
        return self._key

    def renew(self) -> None:
        """Reads the key again, so that a new one needs no restart; what was refused may be granted now."""
        problem: StopConnector | None = None
        try:
            text = self._reference.resolve(self._context.folder)
        except SecretMissing as error:
            problem = StopConnector("credentials", str(error), "Put the service account's key there.")
        if problem is not None:
            raise problem
        with self._lock:
            self._refused.clear()
            if text != self._text:
                self._take(text)

    def _take(self, text: str) -> None:
        key = read_key(text)
        credentials: Any = service_account.Credentials
        try:
            base = credentials.from_service_account_info(key.info)
        except (ValueError, google.auth.exceptions.GoogleAuthError):
            base = None
        if base is None:
            raise broken_key()
        self._key, self._base, self._text = key, base, text
        self._kept.clear()
        self._granted.clear()

    def meet(self, addresses: Iterable[str]) -> None:
        """Who is on the list now: others' tokens are forgotten, and a doubtful refusal is tried on some of these."""
        listed = tuple(address for address in addresses if address)
        kept = set(listed)
        with self._lock:
            self._others = listed[: _MOST_PROBES + 1]
            self._kept = {name: token for name, token in self._kept.items() if name[0] in kept}

    def of(self, connection: Connection, info: RequestInfo) -> Any:
        """A token that is good now. Raises what its refusal means."""
        self.key  # noqa: B018  # read when it is first needed
        name = (info.subject, info.scopes)
        with self._lock:
            token = self._kept.get(name)
            if token is None:
                token = self._kept[name] = self._made(info)
        return token if token.valid else self.refreshed(connection, info, token)

    def _made(self, info: RequestInfo) -> Any:
        return self._base.with_scopes(list(info.scopes)).with_subject(info.subject)

    def refreshed(self, connection: Connection, info: RequestInfo, token: Any) -> Any:
        """The token, fetched anew. Raises what a refusal means."""
        try:
            problem = self._fetch(connection, token, info)
        except Unclear:
            problem = self._resolved(connection, info)
        if problem is not None:
            raise problem
        return token

    def _fetch(self, connection: Connection, token: Any, info: RequestInfo) -> ConnectorError | None:
        try:
            token.refresh(connection.tokens)
        except google.auth.exceptions.RefreshError as error:
            details = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
        else:
            self._granted.add(info.scopes)
            return None
        code, said = str(details.get("error") or ""), str(details.get("error_description") or "")
        return token_error(code, said, info, self.key)

    def _resolved(self, connection: Connection, info: RequestInfo) -> ConnectorError:
        """A refusal that may be about one person or about all (A8)."""
        stop = delegation("Google does not let the service account act for people", info, self.key)
        if info.api != "calendar":
            return stop
        with self._probing:
            if info.scopes not in self._granted | self._refused:
                self._probe(connection, info)
        return not_delegated() if info.scopes in self._granted else stop

    def _probe(self, connection: Connection, info: RequestInfo) -> None:
        for address in [other for other in self._others if other != info.subject][:_MOST_PROBES]:
            other = RequestInfo(api=info.api, subject=address, scopes=info.scopes)
            try:
                if self._fetch(connection, self._made(other), other) is None:
                    return
            except Unclear:
                continue
        self._refused.add(info.scopes)
