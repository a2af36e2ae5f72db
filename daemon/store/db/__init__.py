"""Engines, tables, types and statements: what every part of the store stands on."""
