"""The rules (`docs/rules.md`), pure: only the standard library; no clock, file, socket, SQL, log or config object."""
