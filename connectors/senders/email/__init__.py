"""Mail, by SMTP."""

from connectors.senders.email.connector import Email, Settings, connect

__all__ = ["Email", "Settings", "connect"]
