"""The times of lines, and what the log says when the clock is set.

Times in a log never go back unless a ``clock`` record says so: within a second they are held, as a clock that
is slewed needs it. That a clock was set, forward or back, is known from the one that is never set.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from actgate.trace.line import time_of

_HELD: Final = 1.0
"""Steps of so many seconds are no setting of the clock."""


class Clock:
    """Gives each record its time."""

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last = wall()
        self._last_monotonic = monotonic()

    def read(self) -> tuple[str, int]:
        """Return the time, and by how many microseconds the clock was set since the last call; 0 mostly."""
        now, monotonic = self._wall(), self._monotonic()
        went, passed = now - self._last, monotonic - self._last_monotonic
        microseconds = 0
        if abs(went.total_seconds() - passed) <= _HELD:
            now = max(now, self._last)
        else:
            microseconds = (went - timedelta(seconds=passed)) // timedelta(microseconds=1)
        self._last, self._last_monotonic = now, monotonic
        return time_of(now), microseconds
