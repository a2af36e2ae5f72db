"""Google Calendar, by the Calendar and Directory APIs: the kind `google`."""

from connectors.calendars.google.connector import Settings, connect, mail_token

__all__ = ["Settings", "connect", "mail_token"]
