"""When a model is tried again that something is in the way of, which goes without any news of it."""

from typing import Final

from actgate_operator.queue import LONGEST_SECONDS

TERMINATING_RETRY_SECONDS: Final = 1.0
"""When to try again after something had to be deleted first."""
BLOCKED_RETRY_SECONDS: Final = 10.0
"""Within so many seconds it is noticed that what was in the way of a model is gone."""
MOST_RETRIES: Final = 10.0
"""Passes a second over all models together that something is in the way of."""


def longest_pause(failing: int) -> float:
    """Return the longest pause before another pass over a model that something is in the way of, in seconds.

    Such a pass takes two requests: where many models wait like that, all of them together get no more than
    ``MOST_RETRIES`` passes a second.
    """
    return min(max(BLOCKED_RETRY_SECONDS, 2 * failing / MOST_RETRIES), LONGEST_SECONDS)
