"""`rapport run`: what is due, done when it is, until it is told to stop."""
