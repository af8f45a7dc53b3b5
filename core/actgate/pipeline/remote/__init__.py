"""Servers that a pipeline talks to: the only part of it that knows HTTP."""
