"""The outside world, one file per service. Imports the rules' values, never the service that runs it."""
