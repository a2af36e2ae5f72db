"""The running service: config, store, sync, digests, commands. Nothing imports it but its tests."""
