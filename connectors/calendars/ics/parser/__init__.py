"""The child process that reads calendar files: it gets bytes and limits, and no secrets."""
