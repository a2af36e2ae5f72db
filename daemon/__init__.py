"""The running service: config, store, sync, digests, commands. Nothing imports it but its tests."""

import gc

DISTRIBUTION = "rapport-daemon"
"""What it is installed as; by this `rapport` knows that the package is ours (`rapport_daemon.py`)."""

# Copies, meetings and rows are many and hold no cycles: to look for some after each 700 new ones takes a fifth of the
# time of deriving figures, and a third of a first sync's. Here, and so in processes that help to derive as well.
gc.set_threshold(20_000)
