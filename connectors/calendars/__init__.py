"""Calendars that Rapport reads. A file here is a `kind` in the config: `Settings` and `connect` make it one."""
