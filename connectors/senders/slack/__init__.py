"""Slack, by a bot's token or a webhook."""

from connectors.senders.slack.connector import Settings, connect

__all__ = ["Settings", "connect"]
