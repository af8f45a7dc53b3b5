"""What can go wrong around the sandbox itself, as opposed to what an API server answers."""

from __future__ import annotations


class SandboxError(Exception):
    """The sandbox cannot start or serve; the message says why and how to fix it."""
