"""Wait on conditions, never on clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""Long enough for a busy two-core machine; only a failing test waits for it."""

_POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], T], *, within: float = PATIENCE_SECONDS) -> T:
    """Poll `condition` until it is truthy, return its value; an AssertionError means not yet.

    Raises:
        AssertionError: It was not so in time; the last value or the last failed assertion is shown.
    """
    deadline = time.monotonic() + within
    while True:
        last: object
        try:
            if value := condition():
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {within:.0f} s, last: {last!r}")
        time.sleep(_POLL_SECONDS)


async def eventually(condition: Callable[[], Awaitable[T]], *, within: float = PATIENCE_SECONDS) -> T:
    """Wait as `wait_until` does for an awaited condition, without blocking the event loop."""
    deadline = time.monotonic() + within
    while True:
        last: object
        try:
            if value := await condition():
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {within:.0f} s, last: {last!r}")
        await asyncio.sleep(_POLL_SECONDS)
