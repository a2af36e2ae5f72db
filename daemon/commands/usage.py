"""What is wrong with a command line."""

from __future__ import annotations

NO_SCALE = "scale.workers needs the extra `scale`: pip install 'rapport-daemon[scale]'"


class UsageError(Exception):
    """A command line that cannot be carried out: one sentence, exit 2."""
