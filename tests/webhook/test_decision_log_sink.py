from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actgate_webhook import decision_log
from actgate_webhook.decision_log import Descriptor, SinkError, open_sink


@pytest.fixture
def pipe() -> Iterator[tuple[int, Descriptor]]:
    """The reading end of a pipe, and a sink that writes into the other."""
    reading, writing = os.pipe()
    written = Descriptor(writing)
    yield reading, written
    written.close()
    os.close(reading)


def fill(written: Descriptor) -> int:
    """Write lines until the pipe is full; return how many it took."""
    for count in range(10_000):
        try:
            written.write(b"x" * 99 + b"\n")
        except TimeoutError:
            return count
    raise AssertionError("a pipe without end")


def test_lines_are_added_to_a_file(tmp_path: Path) -> None:
    """What was there stays, and the next process goes on."""
    file = tmp_path / "decisions.log"
    for line in (b"one\n", b"two\n"):
        written = open_sink(str(file))
        written.write(line)
        written.close()
    assert file.read_bytes() == b"one\ntwo\n"


def test_a_line_that_a_crash_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    """A file that does not end in a line break gets one first."""
    file = tmp_path / "decisions.log"
    file.write_bytes(b'{"chain":"a')
    written = open_sink(str(file))
    written.write(b"one\n")
    written.write(b"two\n")
    assert file.read_bytes() == b'{"chain":"a\none\ntwo\n'


def test_a_line_that_the_disk_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    """Half a line was written when the disk was full: the next line, later, stands by itself."""
    file = tmp_path / "decisions.log"
    written = open_sink(str(file))
    _, hard = soft = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            written.write(b"0123456789abcdef\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    written.write(b"next\n")
    assert file.read_bytes() == b"0123456789\nnext\n"


def test_a_full_disk_is_an_error() -> None:
    """The device that is always full."""
    written = open_sink("/dev/full")
    with pytest.raises(OSError, match="No space left") as error:
        written.write(b"line\n")
    assert error.value.errno == errno.ENOSPC
    written.close()


def test_a_closed_pipe_is_an_error() -> None:
    """No process will ever read it."""
    reading, writing = os.pipe()
    os.close(reading)
    written = Descriptor(writing)
    with pytest.raises(BrokenPipeError):
        written.write(b"line\n")
    written.close()


def test_a_reader_that_stands_still_does_not_block(
    pipe: tuple[int, Descriptor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full pipe is an error, soon for the first line and at once for the next; read, it works again."""
    monkeypatch.setattr(decision_log, "_ROOM_SECONDS", 0.01)
    reading, written = pipe
    assert fill(written) > 100
    monkeypatch.setattr(decision_log, "_ROOM_SECONDS", 3600.0)
    with pytest.raises(TimeoutError):
        written.write(b"line\n")
    while len(os.read(reading, 1 << 16)) == 1 << 16:
        pass
    written.write(b"again\n")
    assert os.read(reading, 1 << 16).endswith(b"again\n")


def test_a_long_line_is_written_in_pieces(pipe: tuple[int, Descriptor]) -> None:
    """Whatever length a line has."""
    reading, written = pipe
    line = b"x" * 50_000 + b"\n"
    written.write(line)
    assert os.read(reading, 1 << 16) == line


@pytest.mark.parametrize("target", ["{folder}", "{folder}/absent/decisions.log"])
def test_a_target_that_cannot_be_opened_is_named(tmp_path: Path, target: str) -> None:
    """Before anything is served."""
    named = target.format(folder=tmp_path)
    with pytest.raises(SinkError, match=f"cannot be written to {named}: "):
        open_sink(named)


def test_a_closed_standard_output_is_named() -> None:
    """A process that was started without one."""
    code = (
        "import os; os.close(1)\n"
        "from actgate_webhook.decision_log import SinkError, open_sink\n"
        "try: open_sink('-')\n"
        "except SinkError as error: os.write(2, str(error).encode())"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=False)  # noqa: S603
    assert done.stderr == b"the decision log cannot be written to standard output: Bad file descriptor"
