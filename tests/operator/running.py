"""An operator at work in this process, in a thread and loop of its own, before a real control plane.

What a test wants to know of it is what it asked the API server for; what a test wants of it is that it ends
in the middle of something.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from actgate.kube.client import Cluster
from actgate.kube.observing import Asked
from actgate.kube.timing import Timing
from actgate_operator.deadlines import Clocks
from actgate_operator.feed import FeedTiming
from actgate_operator.metrics import Metrics
from actgate_operator.names import MANAGER
from actgate_operator.operating import Operator
from actgate_operator.settings import Settings
from actgate_operator.writer import Writer
from tests.support.waiting import wait_until

WRITES = frozenset({"create", "update", "patch", "delete"})

EAGER = Timing(backoff_first=0.05, backoff_longest=0.5)
"""What failed is tried again soon."""


class RunningOperator:
    """What runs, and what it did."""

    def __init__(
        self,
        kubeconfig: Path,
        *,
        clocks: Clocks | None = None,
        timing: Timing | None = None,
        feed_timing: FeedTiming | None = None,
        leading: Callable[[], bool] = lambda: True,
        make_writer: Callable[[Cluster, Callable[[], bool]], Writer] = Writer,
        workers: int = 4,
    ) -> None:
        self.requests: list[Asked] = []
        self.metrics = Metrics()
        self.failure: BaseException | None = None
        self.operator: Operator
        self._settings = Settings(
            kubeconfig=kubeconfig,
            identity="test",
            max_concurrent_reconciles=workers,
            lease_namespace="default",
        )
        self._clocks, self._timing, self._feed_timing = clocks, timing or EAGER, feed_timing
        self._leading, self._make_writer = leading, make_writer
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="operator under test")
        self._thread.start()
        self._started.wait()

    def writes(self, resource: str | None = None) -> list[Asked]:
        """Return the writes so far, or those to one resource."""
        return [
            item
            for item in self.requests
            if item.verb in WRITES and resource in (None, item.resource.partition("/")[0])
        ]

    def resync(self) -> None:
        """Have it look at every model now, as it does every ten minutes."""
        self._loop.call_soon_threadsafe(self.operator.resync)

    def idle(self) -> bool:
        """Return whether nothing waits and nothing is under way."""
        queue = self.operator.queue
        return len(queue) == 0 and queue.age() == 0.0

    def settle(self) -> None:
        """Wait until it has looked at everything that there is to look at."""
        quiet = 0

        def settled() -> bool:
            nonlocal quiet
            quiet = quiet + 1 if self.idle() else 0
            return quiet >= 8

        wait_until(settled)

    def stop(self) -> None:
        """End it, as a signal would."""
        if self._task is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the operator did not end"

    def ended(self) -> bool:
        """Return whether it ended by itself."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._work())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self._started.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            # aiohttp closes its TLS connections a moment after it says so.
            self._loop.run_until_complete(asyncio.sleep(0.25))
            self._loop.close()

    async def _work(self) -> None:
        kubeconfig = self._settings.kubeconfig
        async with Cluster.from_environment(kubeconfig, self.requests.append, MANAGER) as cluster:
            self.operator = Operator(
                cluster,
                self._make_writer(cluster, self._leading),
                self.metrics,
                self._settings,
                clocks=self._clocks,
                timing=self._timing,
                feed_timing=self._feed_timing,
            )
            self._started.set()
            await self.operator.run()


@contextmanager
def operating(
    kubeconfig: Path,
    *,
    may_die: type[BaseException] | None = None,
    **options: Any,  # noqa: ANN401
) -> Iterator[RunningOperator]:
    """Run an operator until the block ends; the test fails when it ended by itself, but as it may."""
    running = RunningOperator(kubeconfig, **options)
    try:
        yield running
        if may_die is None or not _is_of(running.failure, may_die):
            assert running.failure is None, running.failure
    finally:
        running.stop()


def _is_of(failure: BaseException | None, kind: type[BaseException]) -> bool:
    if isinstance(failure, BaseExceptionGroup):
        return failure.subgroup(kind) is not None
    return isinstance(failure, kind)


def names_of(requests: Sequence[Asked]) -> list[str]:
    """Return requests as words, for messages of failing tests."""
    return [f"{item.verb} {item.resource} {item.code}" for item in requests]
