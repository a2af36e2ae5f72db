"""Requests to anybody: sessions, pace, patience, and what was learned on the way. Knows no provider."""
