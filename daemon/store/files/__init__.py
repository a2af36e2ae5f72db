"""The store as files: an SQLite file's care, backups that this store made, and moving to another database."""
