"""What can go wrong while evidence is read or written; each message is meant for the person who wrote it.

EvidenceError
├── DocumentError    a file that is no YAML or JSON, or more than actgate reads
├── DigestError      a value that RFC 8785 has no canonical form for
└── UnreadableError  fields of the wrong type or range, all of them at once
"""

from collections.abc import Iterable

from actgate.policy.evidence import Problem


class EvidenceError(ValueError):
    """Evidence, a policy or a document that cannot be used."""


class DocumentError(EvidenceError):
    """A text that could not be read as YAML or JSON: which, and where in it."""

    def __init__(self, message: str, source: str, line: int | None = None, column: int | None = None) -> None:
        self.source = source
        self.line = line
        """Line, counted from 1; None where it is not known."""
        self.column = column
        place = ":".join(str(part) for part in (source, line, column) if part is not None)
        super().__init__(f"{place}: {message}")


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
            "\n".join(f"{item.path}: {item.message}; fix: {item.remedy}" for item in self.problems)
        )
