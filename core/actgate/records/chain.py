"""The lines of one chain, as they are written.

A line is a JSON object. ``hash`` is the SHA-256 of the canonical JSON (RFC 8785) of the line without
``hash``; ``previous`` is the ``hash`` of the line before, null in the first. ``sequence`` counts the lines
from 0, and ``chain`` is random for every start of a process.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from actgate.api.canonical import canonical_of_text, sha256
from actgate.api.times import timestamp

FORMAT: Final = "actgate.dev/decision-log/v1"
"""Value of ``format`` in every line; by it they are told from other lines of the same stream."""


class Kind(StrEnum):
    """What a line tells."""

    START = "Start"
    """The chain begins; it tells who writes it."""
    DECISION = "Decision"
    CHECKPOINT = "Checkpoint"
    """How many decisions there were so far."""
    LOST = "Lost"
    """How many decisions could not be written where this line stands."""
    STOP = "Stop"
    """The chain ends as it was meant to; nothing follows."""


class Line(NamedTuple):
    """A line that is ready to be written."""

    text: bytes
    """Canonical JSON, but for ``hash``, which stands last; with a line break."""
    hash: str
    kind: Kind


class Chain:
    """One chain while it is written. A line counts once it is committed: one that is not was not written."""

    def __init__(self) -> None:
        self.id: Final = secrets.token_hex(16)
        self.sequence = 0
        """Sequence number of the next line."""
        self.decisions = 0
        """How many decisions were committed."""
        self.head: str | None = None
        """Hash of the last line that was committed."""

    def line(self, kind: Kind, now: datetime, fields: Mapping[str, Any]) -> Line:
        """Return the next line.

        Args:
            kind: What it tells.
            now: The present, aware and in UTC.
            fields: What else it holds, by names that no line has by itself: text, whole numbers, booleans,
                null, and lists and objects of them.

        Raises:
            TypeError: A number is beyond 2**53 - 1, or text is not Unicode.
        """
        content = canonical_of_text(
            {
                **fields,
                "format": FORMAT,
                "kind": kind.value,
                "chain": self.id,
                "sequence": self.sequence,
                "previous": self.head,
                "time": timestamp(now, "microseconds"),
            }
        )
        hashed = sha256(content)
        return Line(b'%b,"hash":"%b"}\n' % (content[:-1], hashed.encode()), hashed, kind)

    def commit(self, line: Line) -> None:
        """Note that the line was written: the next one follows it."""
        self.sequence += 1
        self.head = line.hash
        self.decisions += line.kind is Kind.DECISION
