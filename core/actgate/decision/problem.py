"""What is wrong with a field that could not be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that could not be read: where, and what is wrong with it."""

    path: str
    message: str
    remediation: str
