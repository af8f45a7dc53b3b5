"""Processes that are started within milliseconds, so that hundreds of them can be killed in a test.

A parent imports what all of them need, and forks for each: ``python -m bench.recorder.lives`` reads what to
start from its input, a line of JSON each, and writes the number of the process.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from actgate.recording import files
from actgate_recorder.__main__ import main as recorder
from bench.recorder import compared, model

_BUFFERED: Final = 16 * 1024


class Lives:
    """Starts processes, and ends those that are left at the end of the block."""

    def __enter__(self) -> Self:
        """Start the parent."""
        command = [sys.executable, "-m", "bench.recorder.lives"]
        self._parent = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill what is left."""
        os.killpg(self._parent.pid, signal.SIGKILL)
        self._parent.wait()
        for pipe in (self._input, self._output):
            pipe.close()

    @property
    def _input(self) -> IO[str]:
        assert self._parent.stdin is not None
        return self._parent.stdin

    @property
    def _output(self) -> IO[str]:
        assert self._parent.stdout is not None
        return self._parent.stdout

    def start(self, role: str, *arguments: str) -> int:
        """Start a process of a role of ``ROLES``, and return its number."""
        self._input.write(f"{json.dumps([role, *arguments])}\n")
        self._input.flush()
        return int(self._output.readline())


def _buffered(*arguments: str) -> None:
    """Run a recorder whose log is buffered in the process, as most loggers are: the control."""
    append, waiting = files.AppendFile.append, bytearray()

    def later(file: files.AppendFile, piece: bytes) -> None:
        waiting.extend(piece)
        # Its first record is what the start of a log waits for.
        if len(waiting) > _BUFFERED or b'"event":"start"' in piece:
            append(file, bytes(waiting))
            waiting.clear()

    files.AppendFile.append = later  # type: ignore[assignment,method-assign]
    _recorder(*arguments)


def _recorder(*arguments: str) -> None:
    sys.argv = ["actgate-recorder", *arguments]
    recorder()


def _model(port: str) -> None:
    asyncio.run(model.serve(int(port)))


ROLES: Final[dict[str, Callable[..., Any]]] = {
    "recorder": _recorder,
    "buffered": _buffered,
    "model": _model,
    "nginx": compared.nginx,
    "application": compared.application,
}


def main() -> None:
    """Fork for each line of the input."""
    import actgate_recorder.serving  # noqa: F401 - so that no child has to

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        role, *arguments = json.loads(line)
        if child := os.fork():
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        if "ACTGATE_BENCH_LOGS" not in os.environ:
            os.dup2(nothing, 2)
        try:
            ROLES[role](*arguments)
        finally:
            os._exit(0)
    # The input ends also where its writer was killed: nothing is left behind then.
    os.killpg(0, signal.SIGKILL)


def recorder_arguments(
    port: int, model_port: int, directory: Path, durability: str, *more: str
) -> tuple[str, ...]:
    """Return the flags of a recorder that ends at once on SIGTERM."""
    return (
        f"--port={port}",
        "--health-port=0",
        f"--upstream=127.0.0.1:{model_port}",
        f"--log-dir={directory}",
        "--log-name=killed",
        f"--durability={durability}",
        "--shutdown-delay-duration=0s",
        *more,
    )


if __name__ == "__main__":
    main()
