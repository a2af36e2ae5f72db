"""Figures from the store: deriving them, reading them, and what must be derived again."""
