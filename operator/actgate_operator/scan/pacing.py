"""How fast the scan may go: a share of one core, and so many writes a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

SHARE: Final = 0.15
"""Of one core, for reading and judging: who waits for a model's status must not notice."""
WRITES_PER_SECOND: Final = 5.0
BURST: Final = 50
_SLICE_SECONDS: Final = 0.02
"""Work that is done in one go; what is left of the event loop's time is for others."""
_LONGEST_SECONDS: Final = 0.3
"""Work that one rest makes up for at most: what others did meanwhile counts, and must not add up."""
LIST_SECONDS: Final = 120.0
"""So long a list may take at this pace. What is left of it is read without rests: an API server keeps the
snapshot of a list for five minutes."""


class Pace:
    """Keeps work on one event loop to a share of a core.

    What counts is the CPU time of the thread, from the end of one rest to the beginning of the next, so that
    nothing that the scan causes is left out: answers that are decoded, objects that are dropped. One rests at
    a time: many kinds that are listed at once share what there is.

    Args:
        share: The share, more than 0 and at most 1.
        busy: A clock of the CPU time of this thread, in seconds.
        sleep: How it waits.
    """

    def __init__(
        self,
        share: float = SHARE,
        busy: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ratio = (1 - share) / share
        self._busy = busy
        self._sleep = sleep
        self._since = 0.0
        self._resting = asyncio.Lock()

    def begin(self) -> None:
        """Count from now on."""
        self._since = self._busy()

    async def rest(self) -> None:
        """Wait as long as the work so far asks for."""
        async with self._resting:
            worked = self._busy() - self._since
            if worked >= _SLICE_SECONDS:
                await self._sleep(min(worked, _LONGEST_SECONDS) * self._ratio)
                self._since = self._busy()

    async def rest_in_list(self, lasting: float) -> None:
        """Wait after a page of a list that has lasted for so many seconds; not any more once it is late."""
        if lasting < LIST_SECONDS:
            await self.rest()


class Budget:
    """A token bucket: what must not be done more often than so many times a second, but for a burst.

    Args:
        rate: Tokens a second.
        burst: Tokens at the beginning, and at most.
        now: A clock that cannot be set, in seconds.
        sleep: How it waits.
    """

    def __init__(
        self,
        rate: float = WRITES_PER_SECOND,
        burst: float = BURST,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._sleep = sleep
        self._tokens = float(burst)
        self._at = now()

    async def take(self) -> None:
        """Wait for a token and take it; who asked first is served first."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1.0
        if self._tokens < 0:
            await self._sleep(-self._tokens / self._rate)
