"""What each command does. Imported only when its command runs, so that `--help` stays quick."""
