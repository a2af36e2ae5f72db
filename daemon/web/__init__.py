"""What the service tells machines over HTTP: that it lives, that it works, and how much it does."""
