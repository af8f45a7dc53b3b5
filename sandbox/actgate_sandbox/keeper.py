"""Keep one child process no longer than its parent lives.

`python -m actgate_sandbox.keeper COMMAND…` runs the command and kills it as soon as its own
standard input ends. The parent holds the other end of that pipe, so the child goes when the parent
closes it and also when the parent dies by any signal. The kernel's parent-death signal would not
do: it fires when the *thread* that started the child ends.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path


def keep(command: Sequence[str]) -> int:
    """Run the command until it ends or standard input does; return its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command

    def kill_at_end_of_input() -> None:
        sys.stdin.buffer.read()
        child.kill()

    threading.Thread(target=kill_at_end_of_input, daemon=True).start()
    return child.wait()


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
        """Tell whether the process has not ended yet."""
        return self._keeper.poll() is None

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
