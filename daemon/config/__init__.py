"""The config file: its tables, reading it, checks across keys, and problems with their lines. Asks no network."""
