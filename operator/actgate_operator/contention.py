"""How soon to revert again what another client keeps changing: at once some times, then later and later.

Two controllers that each undo the other would write as fast as the API server answers. Times are seconds on
the clock ``now``.
"""

import time
from collections.abc import Callable
from typing import Final

from actgate.kube.objects import Key

BURST: Final = 5
"""So many reverts in a row are made at once."""
LONGEST_SECONDS: Final = 60.0
"""Longest pause between two reverts; after as long without one, the count begins anew."""


class Contention:
    """Counts reverts by child."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._reverts: dict[Key, tuple[int, float]] = {}

    def left(self, key: Key) -> float:
        """Return for how many seconds a child is not to be reverted; 0.0 for none."""
        count, last = self._reverts.get(key, (0, 0.0))
        if count < BURST:
            return 0.0
        pause = min(LONGEST_SECONDS, 2.0 ** (count - BURST))
        return max(0.0, last + pause - self._now())

    def note(self, key: Key) -> None:
        """Note a revert that was made."""
        now = self._now()
        count, last = self._reverts.get(key, (0, now))
        calm = now - last > 2 * LONGEST_SECONDS
        if len(self._reverts) > 1024:
            self._reverts = {
                other: item for other, item in self._reverts.items() if now - item[1] <= 2 * LONGEST_SECONDS
            }
        # The exponent is bounded: a fight may last for weeks.
        self._reverts[key] = (1 if calm else min(count + 1, BURST + 16), now)
