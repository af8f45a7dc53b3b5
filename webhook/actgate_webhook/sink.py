"""Where the lines of the decision log go: standard output or a file, a line at a time and at once.

A line is handed to the operating system before the answer that it tells of is given. It is not forced to the
disk: that takes longer than the whole review. A reader of a pipe that stands still is waited for a moment,
once; until it reads again every further line fails at once, so that reviews are not held up.
"""

import os
import select
import stat
from pathlib import Path
from typing import Final, Protocol

STANDARD_OUTPUT: Final = "-"
NOWHERE: Final = "none"

_ROOM_SECONDS: Final = 0.2
_PIECE: Final = 4096
"""Bytes that a pipe which has room takes without blocking: PIPE_BUF of Linux."""


class SinkError(Exception):
    """There is no writing to where the decision log should go; the message says why."""


class Sink(Protocol):
    """Where lines go."""

    def write(self, line: bytes) -> None:
        """Write a line with its line break.

        Raises:
            OSError: It was not written whole.
        """

    def close(self) -> None:
        """Let go of it."""


class Descriptor:
    """A ``Sink`` over a file descriptor."""

    def __init__(self, descriptor: int, *, torn: bool = False) -> None:
        self._descriptor = descriptor
        self._torn = torn
        """Whether the last line is there in part, so that the next one has to begin with a line break."""
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._stalled = False

    def write(self, line: bytes) -> None:
        """Write a line, and remember where only a part of it could be written."""
        data = b"\n" + line if self._torn else line
        written = 0
        try:
            while written < len(data):
                written += self._write(data[written:])
        finally:
            self._torn = written < len(data) and (written > 0 or self._torn)

    def close(self) -> None:
        """Close a file; standard output stays open."""
        if self._descriptor > 2:
            os.close(self._descriptor)

    def _write(self, data: bytes) -> int:
        if self._is_file:
            return os.write(self._descriptor, data)
        if not self._poll.poll(0 if self._stalled else _ROOM_SECONDS * 1000):
            self._stalled = True
            raise TimeoutError("its reader does not keep up")
        self._stalled = False
        return os.write(self._descriptor, data[:_PIECE])


def open_sink(target: str) -> Descriptor:
    """Open standard output (``-``) or a file, to which lines are added.

    Raises:
        SinkError: It cannot be opened for writing.
    """
    try:
        return Descriptor(1) if target == STANDARD_OUTPUT else _open(Path(target))
    except OSError as error:
        name = "standard output" if target == STANDARD_OUTPUT else target
        raise SinkError(f"the decision log cannot be written to {name}: {error.strerror}") from None


def _open(path: Path) -> Descriptor:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    status = os.fstat(descriptor)
    torn = stat.S_ISREG(status.st_mode) and status.st_size > 0
    return Descriptor(descriptor, torn=torn and os.pread(descriptor, 1, status.st_size - 1) != b"\n")
