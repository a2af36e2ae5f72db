"""From meetings to a client's months: counting, steps, hours, verdict and trend (R4 to R11)."""
