"""Commands that a release runs, and the error that ends it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class ReleaseError(Exception):
    """Why there is no release, in one sentence; what a command printed follows on lines of its own."""


def run(
    command: Sequence[str | Path],
    at: Path,
    environment: Mapping[str, str] | None = None,
    expected: int = 0,
) -> str:
    """Return what a command prints, both streams in their order.

    Args:
        command: The program and its arguments.
        at: The folder that it runs in.
        environment: Variables beside those of this process.
        expected: Its exit code.

    Raises:
        ReleaseError: It ends with another exit code.
    """
    done = subprocess.run(  # noqa: S603 - commands of this package, and of the quick start
        list(map(str, command)),
        cwd=at,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != expected:
        words = " ".join(map(str, command))
        raise ReleaseError(f"{words}: exit code {done.returncode}, not {expected}:\n{done.stdout.strip()}")
    return done.stdout
