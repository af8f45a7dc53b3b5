"""How long a lease lasts and when it is renewed, on a clock that no pause of the machine can fool."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


def boot_clock() -> float:
    """Return seconds on a clock that nobody can set and that goes on while the machine sleeps.

    `CLOCK_MONOTONIC` stands still in a virtual machine that is paused, which is when a lease is lost
    unnoticed; it is the fallback where the system has no `CLOCK_BOOTTIME`.
    """
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


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
