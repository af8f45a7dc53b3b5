"""Keep one child process no longer than its parent lives.

`python -m actgate_sandbox.keeper COMMAND…` runs the command and kills it as soon as its own
standard input ends. The parent holds the other end of that pipe, so the child goes when the parent
closes it and also when the parent dies by any signal. The kernel's parent-death signal would not
do: it fires when the *thread* that started the child ends. Every byte that comes through the pipe
is the number of a signal for the child.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals

_SHELL_OFFSET = 128
"""As in a shell, a child that a signal ended gives this much more than the signal's number."""


def keep(command: Sequence[str]) -> int:
    """Run the command until it ends or standard input does; return its exit code as a shell would."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command

    def pass_signals_on() -> None:
        # Not through sys.stdin: at exit the interpreter would wait for its lock, and abort.
        while number := os.read(sys.stdin.fileno(), 1):
            child.send_signal(number[0])
        child.kill()

    threading.Thread(target=pass_signals_on, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else _SHELL_OFFSET - code


class KeptProcess:
    """A child process under a keeper, with its output in a log file."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.name = Path(command[0]).name
        self._log = log
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in a terminal reaches the parent, which then stops us.
            self._keeper = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "actgate_sandbox.keeper", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def running(self) -> bool:
        """Return whether the process has not ended yet."""
        return self._keeper.poll() is None

    def signal(self, number: Signals) -> None:
        """Send a signal to the process itself; for one that has ended, nothing happens."""
        pipe = self._keeper.stdin
        if pipe is None or pipe.closed or not self.running():
            return
        with suppress(BrokenPipeError):
            os.write(pipe.fileno(), bytes([number]))

    def wait(self, seconds: float = 60.0) -> int:
        """Wait until the process ends by itself; return its exit code, or minus the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: When it runs on.
        """
        code = self._keeper.wait(timeout=seconds)
        return code if code <= _SHELL_OFFSET else _SHELL_OFFSET - code

    def last_words(self, lines: int = 15) -> str:
        """Return the end of the process's log, for an error message."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Kill the process and wait until it is gone; stopping twice is harmless."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        self._keeper.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
