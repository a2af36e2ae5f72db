"""Calendars that Rapport reads. A folder here is a `kind` in the config: `Settings` and `connect` make it one."""
