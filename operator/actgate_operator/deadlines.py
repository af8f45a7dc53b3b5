"""Moments at which time alone changes a verdict: reported when the wall clock gets there, not polled for.

The wall clock is not ours: it may be set while we sleep. So no sleep is longer than a few seconds, which
costs next to nothing; and when the clock was set by more than a moment, that is reported.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_FEW: Final = 64
"""So many moments that were replaced are no burden."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The wall clock and one that cannot be set, in seconds."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    slice: float = 2.0
    """Longest sleep, and so the longest time for which a clock that was set goes unnoticed."""
    jump: float = 1.0
    """A difference between the clocks that is no drift any more."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware."""
        return datetime.fromtimestamp(self.wall(), UTC)


class Deadlines(Generic[K]):
    """One moment per key.

    Args:
        due: Called with a key when its moment has come.
        jumped: Called with the seconds by which the wall clock was set.
        clocks: The clocks.
    """

    def __init__(
        self, due: Callable[[K], None], jumped: Callable[[float], None], clocks: Clocks | None = None
    ) -> None:
        self._due = due
        self._jumped = jumped
        self._clocks = clocks or Clocks()
        self._moments: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._numbers = itertools.count()

    def set(self, key: K, moment: datetime | None) -> None:
        """Note the moment of a key in place of an earlier one; None for none."""
        stamp = moment.timestamp() if moment is not None else None
        if stamp == self._moments.get(key):
            return
        if stamp is None:
            self._moments.pop(key, None)
            return
        self._moments[key] = stamp
        heapq.heappush(self._heap, (stamp, next(self._numbers), key))
        if len(self._heap) > 2 * len(self._moments) + _FEW:
            self._forget_replaced()

    def moments(self) -> dict[K, float]:
        """Return the moment of each key that has one, as Unix time."""
        return dict(self._moments)

    async def run(self) -> None:
        """Report what is due until cancelled."""
        clocks = self._clocks
        offset = clocks.wall() - clocks.steady()
        while True:
            self._tell()
            left = self._heap[0][0] - clocks.wall() if self._heap else clocks.slice
            await clocks.sleep(min(max(left, 0.0), clocks.slice))
            drift = clocks.wall() - clocks.steady() - offset
            if abs(drift) > clocks.jump:
                offset += drift
                self._jumped(drift)

    def _tell(self) -> None:
        while self._heap and self._heap[0][0] <= self._clocks.wall():
            stamp, _, key = heapq.heappop(self._heap)
            if self._moments.get(key) == stamp:
                del self._moments[key]
                self._due(key)

    def _forget_replaced(self) -> None:
        """Drop what will not be reported: it may be years ahead."""
        self._heap = [(stamp, next(self._numbers), key) for key, stamp in self._moments.items()]
        heapq.heapify(self._heap)
