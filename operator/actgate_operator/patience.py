"""How long what seems wrong may only be slow: pods that were just asked for, metrics of new pods."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from actgate.api.times import parse_timestamp
from actgate.kube.objects import Key, Object
from actgate_operator.child import Child
from actgate_operator.children import Children
from actgate_operator.names import child_name
from actgate_operator.pods import Problem
from actgate_operator.rollout import Rollout
from actgate_operator.status import condition_of

GROWS_FOR: Final = timedelta(minutes=10)
"""So long pods may take to serve after a count was raised, as a Deployment's progress deadline has it."""

SCALES_AFTER: Final = timedelta(minutes=2)
"""So long an autoscaler may be without metrics: of new pods there are none at first."""


class Patience:
    """Distinguishes slow from wrong, and has a model reconciled again when it is the latter.

    Args:
        children: What was scaled up lately.
        wall: What time it is.
        later: Puts a model on the queue after some seconds.
    """

    def __init__(
        self, children: Children, wall: Callable[[], datetime], later: Callable[[Key, float], None]
    ) -> None:
        self._children = children
        self._wall = wall
        self._later = later

    def growing(self, key: Key, rollout: Rollout, former: Object) -> bool:
        """Return whether too few pods serve only since more were asked for.

        Args:
            key: The model.
            rollout: Its Deployment's.
            former: Its status so far, which shows it after a restart.
        """
        raised = (key[0], child_name(key[1])) in self._children.growing
        reported = condition_of(former, "Reconciling").get("reason") == "RollingOut"
        return (raised or reported) and self._is_young(key, rollout.unavailable_since, GROWS_FOR)

    def scaling(self, key: Key, autoscaler: Child) -> Problem | None:
        """Return why a model's autoscaler cannot work, once it has been so for a while."""
        problem, since = autoscaler.scaling or (None, None)
        return None if problem is not None and self._is_young(key, since, SCALES_AFTER) else problem

    def _is_young(self, key: Key, since: str | None, age: timedelta) -> bool:
        if since is None:
            return False
        left = (parse_timestamp(since) + age - self._wall()).total_seconds()
        if left > 0:
            self._later(key, left)
        return left > 0
