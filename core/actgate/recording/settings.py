"""How a log is written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actgate.recording.shipping import Sink
from actgate.trace import segments

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}(/[A-Za-z0-9][A-Za-z0-9._-]{0,252}){0,7}")


class Durability(StrEnum):
    """What a record outlives once ``append`` has returned."""

    PROCESS = "Process"
    """The death of the process: the kernel has it (write(2))."""
    NODE = "Node"
    """The death of the machine: it is on the disk (fdatasync, one for all records that wait)."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a log is written."""

    directory: Path
    """Where logs are; each start of a writer makes a directory of its own in it."""
    name: str
    """Who writes, such as ``credit/scorer/<uid of the pod>``: parts of letters, digits and ``._-``."""
    durability: Durability = Durability.PROCESS
    start: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the first record, which are the same for all: model, image_digest, region, ..."""
    max_pending: int = 4096
    """Records that may wait for the disk; one more is refused."""
    private_key: Ed25519PrivateKey | None = None
    """Signs checkpoints; by default a key that is made for each log, and never leaves memory."""
    max_records: int = segments.MAX_RECORDS
    max_bytes: int = segments.MAX_BYTES
    max_seconds: float = 300
    """A segment is sealed when it has that many records or bytes, or is that old."""
    checkpoint_records: int = 10_000
    checkpoint_seconds: float = 1
    """A checkpoint is written after that many records, and after that time where there are new ones."""
    sink: Sink | None = None
    """Where sealed segments are copied to."""
    retain_shipped: float | None = None
    """Seconds after which a segment that was copied is deleted here; None keeps it."""
    clock: Callable[[], datetime] = _now
    """The time, aware and in UTC."""
    monotonic: Callable[[], float] = monotonic
    """Seconds of a clock that is never set."""

    def __post_init__(self) -> None:
        """Refuse a name that is no path below the directory.

        Raises:
            ValueError: One sentence with the name.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: Invalid value: {self.name!r}: must be parts of letters, digits and ._-")
