"""Which ModelDeployments to look at: kopf watches them, in a thread and an event loop of its own.

kopf is used for what it does well, to list and watch for years whatever the API server does, and for
nothing else: no state of its own on our objects, no finalizers, no retries of handlers. What it sees
becomes a key in the caller's hands; everything else is for the queue and the reconciler.
"""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

from actgate.kube.observing import Observer
from actgate_operator.kopf_run import KopfRun
from actgate_operator.kopf_settings import FeedTiming, quiet
from actgate_operator.loop_thread import LoopThread

__all__ = ["Feed", "FeedEnded", "FeedTiming"]


class FeedEnded(Exception):  # noqa: N818 - the name says it already
    """kopf has ended, and nobody tells of changes any more."""


class Feed:
    """kopf in its own thread and event loop: it watches ModelDeployments and says which one to look at.

    `seen(namespace, name, resource_version)` is called on the loop on which `run` runs: for each
    object once at the start, and whenever one is made, changed or deleted. After a gap it is called
    for all that exist; what vanished in the gap is not told. `observe` is told of kopf's requests,
    on kopf's thread.
    """

    def __init__(
        self,
        kubeconfig: Path | None,
        seen: Callable[[str, str, int], None],
        *,
        observe: Observer | None = None,
        timing: FeedTiming | None = None,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._seen = seen
        self._observe = observe
        self._timing = timing or FeedTiming()
        self._heard_at = -math.inf

    def silence(self) -> float:
        """Return the seconds since kopf's list or watch heard from the API server, infinity before.

        As long as the API server answers this stays below `inactivity` and a little: a watch that
        is silent for longer is opened anew.
        """
        return self._timing.now() - self._heard_at

    async def run(self) -> None:
        """Watch until cancelled, then stop kopf; raise `FeedEnded` where kopf ends by itself."""
        quiet()
        caller = asyncio.get_running_loop()

        def told(namespace: str, name: str, version: int) -> None:
            caller.call_soon_threadsafe(self._seen, namespace, name, version)

        kopf_run = KopfRun(self._kubeconfig, told, self._hear, self._observe, self._timing)
        thread = LoopThread("kopf", kopf_run.until)
        thread.start()
        try:
            error = await thread.ended()
        finally:
            await thread.stop(self._timing.stop)
        raise FeedEnded(f"kopf ended: {error or 'unexpectedly'}") from error

    def _hear(self) -> None:
        self._heard_at = self._timing.now()
