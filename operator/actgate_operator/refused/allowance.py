"""How often something may be done, in all and for each namespace, so that none takes the share of another."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

MOST: Final = 4096
"""Namespaces, or claims, that are remembered; the least recent ones are forgotten."""


class Rate(NamedTuple):
    """A token bucket: so many at once, and one more each so many seconds."""

    burst: int
    seconds: float


NAMESPACE: Final = Rate(20, 30.0)
ALL: Final = Rate(100, 0.5)
"""Each is at most a few reads and one Event."""


class Allowance:
    """Counts for each namespace, and in all.

    Args:
        now: A monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._all = float(ALL.burst), now()
        self._namespaces: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._namespaces)

    def take(self, namespace: str) -> bool:
        """Return whether one more is allowed, and count it."""
        now = self._now()
        # One that was forgotten was full again, or there are more namespaces than ``ALL`` serves.
        left = _filled(self._namespaces.get(namespace, (float(NAMESPACE.burst), now)), NAMESPACE, now)
        in_all = _filled(self._all, ALL, now)
        allowed = left >= 1 and in_all >= 1
        self._namespaces[namespace] = left - allowed, now
        self._namespaces.move_to_end(namespace)
        if len(self._namespaces) > MOST:
            self._namespaces.popitem(last=False)
        self._all = in_all - allowed, now
        return allowed


def _filled(bucket: tuple[float, float], rate: Rate, now: float) -> float:
    tokens, at = bucket
    return min(rate.burst, tokens + (now - at) / rate.seconds)


class Recent:
    """Which keys were noted a short while ago.

    Args:
        seconds: For how long a key counts.
        now: A monotonic clock, in seconds.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._noted: OrderedDict[Hashable, float] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        noted = self._noted.get(key)
        return noted is not None and self._now() - noted < self._seconds

    def __len__(self) -> int:
        return len(self._noted)

    def note(self, key: Hashable) -> None:
        """Note a key as of now."""
        self._noted[key] = self._now()
        self._noted.move_to_end(key)
        if len(self._noted) > MOST:
            self._noted.popitem(last=False)
