"""What can go wrong while evidence is read or written; each message is meant for its author.

EvidenceError
├── DigestError      a value that RFC 8785 has no canonical form for
└── UnreadableError  fields of the wrong type or range, all of them at once
"""

from collections.abc import Iterable

from actgate.decision.manifest import Problem


class EvidenceError(ValueError):
    """Evidence or a policy that cannot be used."""


class DigestError(EvidenceError):
    """A value without a canonical form, and the field that holds it."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}")


class UnreadableError(EvidenceError):
    """Fields that could not be read: one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(f"{item.path}: {item.message}; fix: {item.remediation}" for item in self.problems)
        )
