"""Digests by Slack: with a bot's token (channels, persons, threads, files) or an incoming webhook (one channel, text).

Slack's libraries are imported when a sender is made, not before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.contract import Context, Sender


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`[slack]`, secrets resolved: a token or a webhook's URL, the other one empty. GovSlack has another `api_url`."""

    token: str = field(default="", repr=False)
    webhook_url: str = field(default="", repr=False)
    api_url: str = "https://slack.com/api/"

    def __post_init__(self) -> None:
        if bool(self.token) == bool(self.webhook_url):
            raise ValueError("slack needs exactly one of token and webhook_url")


def connect(settings: Settings, context: Context) -> Sender:
    """A sender over the company's CA, proxy and timeout."""
    from connectors.net.session import Session
    from connectors.senders.slack.bot import Bot
    from connectors.senders.slack.webhook import Webhook

    session = Session(ca_file=context.ca_file, proxy=context.proxy, timeout_seconds=context.timeout_seconds)
    if settings.token:
        return Bot(settings.token, settings.api_url, session)
    return Webhook(settings.webhook_url, session)
