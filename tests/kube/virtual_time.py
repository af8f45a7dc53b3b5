"""An event loop on which time passes only while all tasks wait: hours in milliseconds.

Timeouts and sleeps of asyncio obey it as well. Nothing on it may wait for the world outside.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START = 1000.0


class _Leap(selectors.DefaultSelector):
    """Waits for nothing: adds up how long it should have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.time = START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the time pass at once."""
        assert timeout is not None, "all tasks wait for something that cannot happen any more"
        self.time += max(timeout, 0.0)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        return self._leap.time


def virtual_runner() -> asyncio.Runner:
    """Return a runner with such a loop, for a test that runs more than one coroutine on it."""
    return asyncio.Runner(loop_factory=_VirtualLoop)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on such a loop."""
    with virtual_runner() as runner:
        return runner.run(main)


def virtual_now() -> float:
    """Return the time on the loop that runs, in seconds."""
    return asyncio.get_running_loop().time()
