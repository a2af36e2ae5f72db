"""What the pattern of meetings says: people, signals, stage, health, the next step (R12 to R15, R18)."""
