"""What the config names outside, made when it is first needed: connectors, and senders by service."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parseaddr
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Self

from connectors.contract import Sender
from connectors.errors import ConnectorError, sentence
from connectors.settings import Secret, SecretMissing
from daemon.config.model import Config

EMAIL, SLACK = "email", "slack"
_KINDS = {"microsoft": "microsoft365", "google": "google"}


class NoSender(Exception):
    """The config names recipients of a service, but not the service."""


def service_of(recipient: str) -> tuple[str, str]:
    """`email:jo@…` as its service and whom."""
    service, _, whom = recipient.partition(":")
    return service, whom


class Senders:
    """The senders of a config, each made once. A context manager: they let go of their connections at its end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._made: dict[str, Sender] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sender in self._made.values():
            sender.close()

    def of(self, service: str) -> Sender:
        """The sender of a service. Raises `NoSender`, and `StopConnector` where its settings cannot be used."""
        if service not in self._made:
            self._made[service] = self._email() if service == EMAIL else self._slack()
        return self._made[service]

    def missing(self, services: Iterable[str]) -> dict[str, str]:
        """Those that nothing can be sent by as the config is now, each with the reason, a sentence."""
        found = {}
        for service in services:
            try:
                self.of(service)
            except ConnectorError as error:
                found[service] = sentence(error)
            except (NoSender, SecretMissing) as error:
                found[service] = f"{error}."
        return found

    def _email(self) -> Sender:
        from connectors.senders import email

        settings = self._config.email
        if settings is None:
            raise NoSender("the config has recipients by e-mail, but no [email]")
        own = email.Settings(
            host=settings.host,
            port=settings.port,
            security=settings.security,
            auth=settings.auth,
            username=settings.username,
            password=self._resolved(settings.password),
            sender=settings.sender,
        )
        if settings.auth == "password":
            return email.connect(own, self._config.context())
        mailbox = settings.username or parseaddr(settings.sender)[1]
        token = partial(self._mail_token, _KINDS[settings.auth], mailbox)
        return email.connect(own, self._config.context(), token=token)

    def _mail_token(self, kind: str, mailbox: str) -> str:
        """A token for SMTP with the credentials of the connector of this kind; the config has one (`config.checks`)."""
        settings = next(connector for connector in self._config.connectors if connector.kind == kind)
        module = import_module(f"connectors.calendars.{kind}")
        return str(module.mail_token(settings, self._config.context(), mailbox))

    def _slack(self) -> Sender:
        from connectors.senders import slack

        settings = self._config.slack
        if settings is None:
            raise NoSender("the config has recipients in Slack, but no [slack]")
        own = slack.Settings(
            token=self._resolved(settings.token),
            webhook_url=self._resolved(settings.webhook_url),
            api_url=settings.api_url,
        )
        return slack.connect(own, self._config.context())

    def _resolved(self, secret: Secret | None) -> str:
        return "" if secret is None else secret.resolve(self._config.folder)
