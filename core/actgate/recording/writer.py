"""The writer of the inference log: ``append`` returns when a record is as durable as the settings say.

One process, one writer, one log. Records keep the order in which ``append`` was called.
"""

import asyncio
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from actgate.trace import line, merkle, record
from actgate.trace.record import InvalidRecordError


class Durability(StrEnum):
    """What a record outlives once ``append`` has returned."""

    PROCESS = "Process"
    """The death of the process: the kernel has it (write(2))."""
    NODE = "Node"
    """The death of the machine: it is on the disk (fdatasync, one for all records that wait)."""


class RecordNotWrittenError(Exception):
    """A record that is not in the log: one sentence that says why.

    The answer that it belongs to must not leave, or leaves without a record, which the log states as a gap.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a log is written."""

    directory: Path
    """Where logs are; each start of a writer makes a directory of its own in it."""
    name: str
    """Who writes, such as ``credit/scorer/<uid of the pod>``; with the start it is the origin of the log."""
    durability: Durability = Durability.PROCESS
    start: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the first record, which are the same for all: model, image_digest, region, ..."""
    max_pending: int = 4096
    """Records that may wait for the disk; one more is refused."""


class Writer:
    """An open log; ``open`` makes it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = -1
        self._tree = merkle.Tree()
        self._prev = line.FIRST
        self._lock = asyncio.Lock()
        self._pending = 0

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Start a log, and write its first record.

        Raises:
            RecordNotWrittenError: The directory cannot be written.
        """
        writer = cls(settings)
        folder = settings.directory / secrets.token_hex(8)
        try:
            folder.mkdir(parents=True)
            writer._file = os.open(
                folder / "000000000000.jsonl", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
            )
        except OSError as error:
            raise RecordNotWrittenError(f"{folder} cannot be written: {error.strerror}") from None
        await writer.append({**settings.start, "event": "start", "format": record.FORMAT, "log_key": ""})
        return writer

    async def append(self, content: Mapping[str, Any]) -> None:
        """Write a record; return when it is durable.

        Args:
            content: Fields of ``actgate.trace.record``; number, time and links are added.

        Raises:
            RecordNotWrittenError: It is not in the log, or not durable.
        """
        if self._file < 0:
            raise RecordNotWrittenError("the log is closed")
        if self._pending >= self._settings.max_pending:
            raise RecordNotWrittenError(f"{self._pending} records wait for the disk: too many")
        try:
            written = line.compose(
                *record.encode(content), self._tree.size, self._prev, line.time_of(datetime.now(UTC))
            )
            os.write(self._file, written + b"\n")
        except InvalidRecordError as error:
            raise RecordNotWrittenError(str(error)) from None
        except OSError as error:
            raise RecordNotWrittenError(f"the log cannot be written: {error.strerror}") from None
        leaf = merkle.leaf_hash(written)
        self._tree.add(leaf)
        self._prev = line.link(leaf)
        if self._settings.durability is Durability.NODE:
            self._pending += 1
            try:
                async with self._lock:
                    await asyncio.to_thread(os.fdatasync, self._file)
            except OSError as error:
                raise RecordNotWrittenError(f"the log is not on the disk: {error.strerror}") from None
            finally:
                self._pending -= 1

    async def close(self) -> None:
        """Write the last record and end the log."""
        await self.append({"event": "stop"})
        os.close(self._file)
        self._file = -1
