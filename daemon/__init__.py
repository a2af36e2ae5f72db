"""The running service: config, store, sync, digests, commands. Nothing imports it but its tests."""

DISTRIBUTION = "rapport-daemon"
"""What it is installed as; by this `rapport` knows that the package is ours (`rapport_daemon.py`)."""
