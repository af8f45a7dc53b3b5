"""A work queue that collapses: each key at most once, never two workers on one key, again after failures.

The rules are those of client-go's work queue. A key that is added while it waits is one key; one that is
added while a worker has it waits until the worker is done, so that nothing that happened meanwhile is
missed. A key that failed comes back after a back-off with full jitter, and no sooner than the API server
asked for.

No threads: everything happens on one event loop.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 300.0
"""Ceiling of the back-off after a first failure, and after many."""


class WorkQueue(Generic[K]):
    """Keys that wait to be reconciled; times are seconds on the clock ``now``."""

    def __init__(
        self, *, now: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._now = now
        self._chance = chance
        self._waiting: dict[K, float] = {}
        self._order: deque[K] = deque()
        self._at_work: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._numbers = itertools.count()
        self._arrived = asyncio.Event()
        self._later_changed = asyncio.Event()

    def add(self, key: K) -> None:
        """Have a key reconciled as soon as a worker is free."""
        self._due.pop(key, None)
        if key in self._waiting:
            return
        self._waiting[key] = self._now()
        if key not in self._at_work:
            self._offer(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Have a key reconciled after so many seconds, or sooner where that was asked already."""
        due = self._now() + seconds
        if key not in self._waiting and due < self._due.get(key, due + 1):
            self._due[key] = due
            heapq.heappush(self._later, (due, next(self._numbers), key))
            self._later_changed.set()

    def retry(self, key: K, at_least: float = 0.0, longest: float = LONGEST_SECONDS) -> None:
        """Have a key that failed reconciled again, later each time, but no later than ``longest``."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # The exponent is bounded since a float is not: an outage may last for weeks.
        ceiling = min(longest, FIRST_SECONDS * 2 ** min(failures, 32))
        self.add_after(key, max(at_least, ceiling * self._chance()))

    def forget(self, key: K) -> None:
        """Begin the back-off of a key anew: it did not fail."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Wait for the key that has waited longest and take it; ``done`` gives it back."""
        while not self._order:
            self._arrived.clear()
            await self._arrived.wait()
        key = self._order.popleft()
        del self._waiting[key]
        self._at_work[key] = self._now()
        return key

    def done(self, key: K) -> None:
        """Give a key back; it comes again at once where it was added meanwhile."""
        del self._at_work[key]
        if key in self._waiting:
            self._offer(key)

    async def run(self) -> None:
        """Add what is due later, until cancelled."""
        while True:
            self._later_changed.clear()
            while self._later and self._later[0][0] <= self._now():
                due, _, key = heapq.heappop(self._later)
                if self._due.get(key) == due:
                    self.add(key)
            left = self._later[0][0] - self._now() if self._later else None
            try:
                async with asyncio.timeout(left):
                    await self._later_changed.wait()
            except TimeoutError:
                continue

    def __len__(self) -> int:
        """Return how many keys wait for a worker."""
        return len(self._waiting)

    def failing(self) -> int:
        """Return how many keys failed the last time."""
        return len(self._failures)

    def age(self) -> float:
        """Return for how many seconds the oldest key has waited or been worked on; 0.0 without one."""
        now = self._now()
        return now - min((*self._waiting.values(), *self._at_work.values()), default=now)

    def _offer(self, key: K) -> None:
        self._order.append(key)
        self._arrived.set()
