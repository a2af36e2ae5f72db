"""The rules (`docs/rules.md`), pure: the standard library and `idna`; no clock, file, socket, SQL, log or config."""
