"""`python -m daemon` is `rapport`."""

from daemon.cli import main

main()
