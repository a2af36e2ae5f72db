"""Microsoft 365, by Graph: the kind `microsoft365`."""

from connectors.calendars.microsoft365.connector import Settings, connect, ends_at, mail_token

__all__ = ["Settings", "connect", "ends_at", "mail_token"]
