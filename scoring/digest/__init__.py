"""A digest as a value: what each client's line says, and how the lines are put together. Knows no channel."""
