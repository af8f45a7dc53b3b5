"""When a reflector or a lease waits, for how long, and where its time and its chance come from."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Timing:
    """All durations are seconds; clock, chance and sleep are here for tests to replace."""

    silence: float = 70.0
    """A watch on which nothing is heard for so long is opened anew: it may be dead."""

    quiet: float = 65.0
    """After so long without contact everything is listed: longer than from bookmark to bookmark."""

    watch_shortest: float = 240.0
    watch_longest: float = 300.0
    """The server is asked to end a watch after a time between these two."""

    relist: float = 600.0
    """Everything is listed again after so long, 10 % more or less."""

    page: float = 30.0
    """How long the answer to one page of a list may take."""

    backoff_first: float = 0.5
    backoff_longest: float = 30.0
    """The ceiling of the pause after a first failure, and after many."""

    steady: float = 1.0
    """A watch that lived so long has worked: the next failure counts as a first one."""

    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def watch_seconds(self) -> int:
        """Draw how long the next watch shall last, so that not all of them end at once."""
        return round(self._between(self.watch_shortest, self.watch_longest))

    def relist_seconds(self) -> float:
        """Draw when to list again, so that replicas that started together drift apart."""
        return self._between(0.9 * self.relist, 1.1 * self.relist)

    def _between(self, low: float, high: float) -> float:
        return low + (high - low) * self.chance()


class Backoff:
    """Pauses with full jitter: each drawn from zero up to a ceiling that doubles."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._failures = 0

    def reset(self) -> None:
        """Begin again: something has worked."""
        self._failures = 0

    async def pause(self, at_least: float = 0.0) -> None:
        """Sleep before the next try, and as long as the server asked for, up to the ceiling."""
        timing = self._timing
        # The exponent is bounded since a float is not: an outage may last for weeks.
        ceiling = min(timing.backoff_longest, timing.backoff_first * 2 ** min(self._failures, 32))
        self._failures += 1
        await timing.sleep(max(ceiling * timing.chance(), min(at_least, timing.backoff_longest)))


boot_clock: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
"""Seconds on a clock that cannot be set and that goes on while the machine sleeps.

`CLOCK_MONOTONIC` stands still in a virtual machine that is paused, which is when a lease is lost unnoticed;
it is the fallback where the system has no `CLOCK_BOOTTIME`.
"""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """All durations are seconds; clock, chance and sleep are here for tests to replace."""

    duration: float = 15.0
    """How long the others leave a lease alone that is not renewed; whole seconds are written."""

    renew_every: float = 3.0
    """Pause between two renewals, and between two looks of a candidate, which adds up to 20 %."""

    renew_deadline: float = 9.0
    """So long after a renewal was sent the lease is given up if no later one was answered."""

    request: float = 4.0
    """How long one request for the lease may take."""

    now: Callable[[], float] = boot_clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not 0 < self.renew_every < self.renew_deadline:
            raise ValueError("renew_every has to be positive and shorter than renew_deadline")
        if not self.renew_deadline + self.request < self.duration:
            raise ValueError(
                "renew_deadline and request together have to be shorter than duration, else a write "
                "of the former leader can meet the next one"
            )
