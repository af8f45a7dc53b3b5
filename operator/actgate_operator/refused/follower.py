"""Follows the Events of controllers from now on: nothing is listed, and nothing of them is kept.

What happened before, or while no replica led, is not caught up with: a controller that is refused tries
again, and says so again.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import (
    ClusterError,
    Forbidden,
    Gone,
    Silent,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from actgate.kube.objects import Object, version_of
from actgate.kube.resources import EVENTS
from actgate.kube.timing import Backoff, Timing

logger = logging.getLogger(__name__)

_SELECTOR: Final = "type=Warning"
_RESUMABLE = (Unavailable, TooManyRequests, Unauthorized, Forbidden, Silent)
"""After these a watch goes on where it was; after any other error it begins anew, now."""


class EventFollower:
    """Watches warnings in all namespaces: the reasons by which controllers report are as many as controllers.

    Args:
        cluster: The API server.
        take: Called with each Event that is new or has changed, one at a time.
        timing: Durations and the clock.
    """

    def __init__(
        self,
        cluster: Cluster,
        take: Callable[[Object], Awaitable[object]],
        timing: Timing | None = None,
    ) -> None:
        self._cluster = cluster
        self._take = take
        self._timing = timing or Timing()
        self._version: int | None = None
        """Where the watch goes on; None for now."""
        self._logged = ""

    async def run(self) -> NoReturn:
        """Follow until cancelled; no answer of the API server ends it."""
        backoff = Backoff(self._timing)
        while True:
            opened_at, at_least = self._timing.now(), 0.0
            try:
                await self._watch()
            except ClusterError as error:
                at_least = error.retry_after
                if not isinstance(error, _RESUMABLE):
                    self._version = None
                if not isinstance(error, Silent):
                    self._log(str(error))
            if self._timing.now() - opened_at >= self._timing.steady:
                backoff.reset()
            await backoff.pause(at_least)

    async def _watch(self) -> None:
        """Follow one watch to its end, or raise what ended it."""
        if self._version is None:
            self._version = await self._now()
        opening = self._cluster.watch(
            EVENTS,
            self._version,
            field_selector=_SELECTOR,
            lasting=self._timing.watch_seconds(),
            silence=self._timing.silence,
        )
        async with opening as events:
            async for event in events:
                if event.type == "ERROR":
                    # Whatever it says, the place is lost.
                    raise Gone(f"watch {EVENTS}: {event.object.get('message')}")
                if event.type in ("ADDED", "MODIFIED"):
                    await self._take_one(event.object)
                self._version = version_of(event.object)

    async def _take_one(self, event: Object) -> None:
        try:
            await self._take(event)
        except Exception:
            # Any user may create Events: a defect that one brings to light must not end the operator.
            logger.exception("an Event could not be taken")

    async def _now(self) -> int:
        """Return the version of the API server, by a list that is as short as one can be."""
        async with aclosing(self._cluster.list_pages(EVENTS, limit=1, within=self._timing.page)) as pages:
            async for page in pages:
                return page.version
        raise Unavailable(f"list {EVENTS}: no page")

    def _log(self, why: str) -> None:
        # Without the right to watch them it is the same every half minute.
        level = logging.DEBUG if why == self._logged else logging.WARNING
        self._logged = why
        logger.log(level, "refused children are not followed: %s", why)
