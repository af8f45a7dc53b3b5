"""The standard streams of the command: what cannot be read or written is an error, never a verdict.

A stream can be closed before the command starts (``>&-``), be full (``/dev/full``), or lose its reader. A
report that was not written proves nothing, so all but the last end with exit code 2. A reader that goes away
(``| head``) has what it wanted: the exit code stays that of the verdict, as for other commands of a shell.
"""

import os
import sys
from collections.abc import Callable, Iterable
from typing import BinaryIO, Final, TextIO

from actgate.api.quoting import printable
from actgate.cli.exits import UnusableError

_HOW_OUT: Final = "redirect it to a file or a pipe that can be written"


def prepare() -> None:
    """Make the output streams fit for any name, and refuse to begin where the report has no place.

    Raises:
        UnusableError: Standard output is closed.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What the terminal's encoding lacks is written as an escape: a name is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    if sys.stdout is None:
        raise UnusableError(f"standard output is closed, the result cannot be written: {_HOW_OUT}")


def standard_input() -> BinaryIO:
    """Return standard input as bytes.

    Raises:
        UnusableError: It is closed.
    """
    if sys.stdin is None:
        raise UnusableError("standard input is closed: redirect a file or a pipe into it, or name a file")
    return sys.stdin.buffer


def write(put: Callable[[], object]) -> None:
    """Write to standard output, to its end.

    Raises:
        UnusableError: It cannot be written.
    """
    try:
        put()
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        raise UnusableError(
            f"standard output cannot be written: {reason(error)}; {_HOW_OUT}, and run the command again"
        ) from None


def note(sentences: Iterable[str], level: str = "warning") -> None:
    """Write sentences about the result to standard error, a line each, as kubectl does.

    Raises:
        UnusableError: They cannot be written, and would be lost.
    """
    _to_stderr([f"{level}: {printable(sentence)}\n" for sentence in sentences])


def add(text: str) -> None:
    """Write to standard error what goes with a result, as it is; raises like ``note``."""
    _to_stderr(text.splitlines(keepends=True))


def _to_stderr(lines: list[str]) -> None:
    if not lines:
        return
    if sys.stderr is None:
        raise UnusableError("standard error is closed, what belongs there cannot be written")
    try:
        sys.stderr.writelines(lines)
        sys.stderr.flush()
    except BrokenPipeError:
        _silence(sys.stderr)
    except OSError as error:
        _silence(sys.stderr)
        raise UnusableError(f"standard error cannot be written: {reason(error)}") from None


def complain(error: UnusableError) -> None:
    """Write the sentences of an error; where standard error takes none, the exit code has to do."""
    try:
        note(error.sentences, "error")
    except UnusableError:
        return


def flush_errors() -> None:
    """Leave nothing in the buffer of standard error that would fail once more when Python exits."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def reason(error: OSError) -> str:
    """Return the system's words for an error; some errors of Python's own have no number."""
    return error.strerror or str(error) or type(error).__name__


def _silence(stream: TextIO) -> None:
    """Send the rest of a stream nowhere: Python flushes once more when it exits, and would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
