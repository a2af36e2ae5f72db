"""Microsoft 365, by Graph: the kind `microsoft365`."""

from connectors.calendars.microsoft365.connector import connect, ends_at, mail_token
from connectors.calendars.microsoft365.settings import Settings

__all__ = ["Settings", "connect", "ends_at", "mail_token"]
