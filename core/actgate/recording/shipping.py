"""Copies of sealed segments in another place, and what is deleted here once they are there.

A copy is evidence like the first: its checkpoint goes with it, and the path says which log it is of. The
order is that of the records, the segment last: a place which has a segment has its checkpoint as well.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from actgate.recording import files
from actgate.recording.sealing import Sealed, logs_in, sealed_in

_SHIPPED = ("subtrees", "checkpoint", "jsonl.zst")


class Sink(Protocol):
    """A place for files, such as a bucket."""

    async def put(self, path: str, content: bytes) -> None:
        """Keep a file; return when it is there for good.

        Args:
            path: ``NAME/LOG/FILE``, the same as below the directory of the writer.
            content: The whole file, up to 64 MiB.

        Raises:
            Exception: It is not there; it will be given again.
        """


class DirectorySink:
    """A directory, such as a mounted share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, path: str, content: bytes) -> None:
        """Write the file whole or not at all; raises OSError."""
        target = self._directory / path
        await asyncio.to_thread(_put, target, content)


def _put(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    files.replace(target, [content], sync=True)
    files.sync_directory(target.parent)


def unshipped(home: Path) -> list[Sealed]:
    """Return the segments of the logs of one name that are not elsewhere yet, the oldest log first."""
    return [sealed for sealed in _all_in(home) if not sealed.file("shipped").exists()]


class Unshipped(NamedTuple):
    """What of the logs of one name is only here."""

    segments: int
    records: int


def left(home: Path) -> Unshipped:
    """Return how much was not copied; raises OSError."""
    found = unshipped(home)
    return Unshipped(len(found), sum(sealed.last + 1 - sealed.first for sealed in found))


async def ship(sealed: Sealed, sink: Sink, prefix: str) -> None:
    """Copy one segment, and note that it was.

    Raises:
        Exception: What the sink raises.
    """
    for suffix in _SHIPPED:
        path = sealed.file(suffix)
        if await asyncio.to_thread(path.exists):
            await sink.put(f"{prefix}/{path.name}", await asyncio.to_thread(path.read_bytes))
    await asyncio.to_thread(sealed.file("shipped").touch)


def delete_shipped(home: Path, seconds: float) -> list[Sealed]:
    """Delete segments that were copied that long ago, but for the first of each log; what proves them stays.

    Returns:
        Those that were deleted.
    """
    deleted = []
    for sealed in (sealed for sealed in _all_in(home) if sealed.first):
        try:
            age = time.time() - sealed.file("shipped").stat().st_mtime
        except FileNotFoundError:
            continue
        if age >= seconds:
            sealed.file("jsonl.zst").unlink()
            deleted.append(sealed)
    return deleted


def _all_in(home: Path) -> Iterator[Sealed]:
    for folder in logs_in(home):
        yield from sealed_in(folder)
