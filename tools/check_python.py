"""Says in a sentence what is missing to make the environment. Any Python, however old, can read this file."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # that is the question here
    found = ".".join(str(part) for part in sys.version_info[:2])
    sys.exit("Rapport needs Python 3.11 or newer, and " + sys.executable + " is " + found + ".")

try:
    import ensurepip  # noqa: F401  # Debian leaves it out of python3
    import venv  # noqa: F401
except ImportError:
    sys.exit("Python has no venv module. On Debian: apt-get install python3-venv")
