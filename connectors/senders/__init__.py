"""Where digests go."""
