"""Digests on their way: whose they are, what stands in them, and that each goes out once."""
