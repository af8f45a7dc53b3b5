"""What the writer asks of the file system. All of it may block, and raises OSError."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_PIECE: Final = 1024 * 1024


class AppendFile:
    """A file that is only added to, by whole pieces: what was written in part is taken back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = 0
        self._torn = False
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def append(self, piece: bytes) -> None:
        """Add a piece, or nothing.

        Raises:
            OSError: Nothing was added; part of it may stand in the file until the next call or start.
        """
        if self._torn:
            self._take_back()
        try:
            written = os.write(self._fd, piece)
            while written < len(piece):
                written += os.write(self._fd, memoryview(piece)[written:])
        except OSError as error:
            self._torn = True
            try:
                self._take_back()
            except OSError as again:
                error.add_note(f"and what was written in part could not be taken back: {again.strerror}")
            raise
        self.length += len(piece)

    def sync(self) -> None:
        """Return once all that was added is on the disk."""
        os.fdatasync(self._fd)

    def is_in_place(self) -> bool:
        """Return whether the path still leads to this file."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._fd))
        except OSError:
            return False

    def close(self) -> None:
        """Close the file; an error is one of what was written before."""
        os.close(self._fd)

    def _take_back(self) -> None:
        os.ftruncate(self._fd, self.length)
        self._torn = False


def replace(path: Path, pieces: Iterable[bytes], *, sync: bool) -> None:
    """Write a file, which is given in pieces, beside its place, then put it there in one step.

    As ``actgate.documents.write_whole``, but without waiting for the disk where ``sync`` is False, and
    without the YAML library, which a recorder does not need.
    """
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    beside.replace(path)


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the content of a file; raises OSError."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def sync_directory(path: Path) -> None:
    """Return once the names in a directory are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Lock:
    """Says that a directory has a writer; the kernel lets go of it when the process ends."""

    def __init__(self, directory: Path) -> None:
        """Take the lock.

        Raises:
            BlockingIOError: Another writer has it.
        """
        self._fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Let go of it."""
        os.close(self._fd)
