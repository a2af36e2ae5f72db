"""Where `rapport` begins: outside the package `daemon`, a name that python-daemon's package has too.

Installed into one environment, the later of the two writes its `daemon/__init__.py` over the other's, and what runs
then is a mixture of both. This module bears the distribution's own name, so that nobody else's is written over it.
"""

from __future__ import annotations

import sys
from typing import NoReturn

_SOMEBODY_ELSES = (
    "The package `daemon` in this environment is not Rapport's but another project's, such as python-daemon's: "
    "install rapport-daemon again, into an environment of its own.\n"
)


def main() -> NoReturn:
    """`rapport`; exit 2 with the remedy where `daemon` is somebody else's."""
    try:
        from daemon import DISTRIBUTION  # noqa: F401  # only ours has it
    except ImportError:
        sys.stderr.write(_SOMEBODY_ELSES)
        sys.exit(2)
    from daemon.cli import main as run

    run()


if __name__ == "__main__":
    main()
