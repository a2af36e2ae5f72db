"""From copies to meetings: identity, merging, and who is who (R1 to R3)."""
