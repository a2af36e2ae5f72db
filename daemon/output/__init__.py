"""What leaves by terminal, CSV and log: harmless text, cells, moments, tables, lines without secrets."""
