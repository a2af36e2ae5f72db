"""What calendars of all kinds share: who is chosen, how directories are read, how entries become copies."""
