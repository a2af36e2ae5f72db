"""The tables and types of the config file. Nothing here looks at more than one key."""
