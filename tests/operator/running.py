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
from typing import Any, Literal

from actgate.kube.client import Cluster
from actgate.kube.observing import Asked
from actgate.kube.timing import Timing
from actgate_operator.controller import Controller
from actgate_operator.deadlines import Clocks
from actgate_operator.kopf_run import run_kopf
from actgate_operator.kopf_settings import KopfTiming
from actgate_operator.metrics import Metrics
from actgate_operator.options import Options
from actgate_operator.process import Process
from actgate_operator.settings import Settings
from actgate_operator.writer import Writer
from tests.support.waiting import wait_until

WRITES = frozenset({"create", "update", "patch", "delete"})

EAGER = Timing(backoff_first=0.05, backoff_longest=0.5)
EAGER_KOPF = KopfTiming(backoff_first=0.05, backoff_longest=0.5)
"""What failed is tried again soon."""


class AlwaysLeading:
    """An election without an opponent: what runs is the only replica."""

    def __init__(self, leading: Callable[[], bool] = lambda: True) -> None:
        self.held = leading

    async def acquire(self) -> None:
        """Lead at once."""

    async def keep(self) -> None:
        """Lead for ever."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Leave nothing behind."""

    def age(self) -> float:
        """Return that it was asked about just now."""
        return 0.0


class RunningOperator:
    """kopf and the handlers as they run, and what was asked of the API server."""

    def __init__(
        self,
        kubeconfig: Path,
        *,
        clocks: Clocks | None = None,
        timing: Timing | None = None,
        kopf_timing: KopfTiming | None = None,
        leading: Callable[[], bool] = lambda: True,
        make_writer: Callable[[Cluster, Callable[[], bool]], Writer] = Writer,
        workers: int = 4,
        reports: Literal["Auto", "OpenReports", "PolicyReports", "None"] = "Auto",
        recorder_image: str = "",
    ) -> None:
        self.requests: list[Asked] = []
        self.metrics = NotingMetrics(self.requests)
        self.failure: BaseException | None = None
        self.process: Process
        self._settings = Settings(
            kubeconfig=kubeconfig,
            identity="test",
            max_concurrent_reconciles=workers,
            lease_namespace="default",
            certificates="External",
            reports=reports,
            recorder_image=recorder_image,
        )
        self._options = Options(
            clocks=clocks or Clocks(),
            timing=timing or EAGER,
            kopf=kopf_timing or EAGER_KOPF,
            election=lambda _cluster, _settings: AlwaysLeading(leading),
            writer=make_writer,
            serves_pages=False,
        )
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="operator under test")
        self._thread.start()
        self._started.wait()

    @property
    def controller(self) -> Controller:
        """What works."""
        return self.process.controller

    def writes(self, resource: str | None = None) -> list[Asked]:
        """Return the writes so far, or those to one resource."""
        return [
            item
            for item in self.requests
            if item.verb in WRITES and resource in (None, item.resource.partition("/")[0])
        ]

    def resync(self) -> None:
        """Have it reconcile every model now, as it does every ten minutes."""
        self._loop.call_soon_threadsafe(self.controller.resync)

    def idle(self) -> bool:
        """Return whether nothing waits and nothing is under way."""
        queue = self.controller.queue
        return len(queue) == 0 and queue.age() == 0.0

    def wait_until_idle(self) -> None:
        """Wait until it has reconciled everything that there is to reconcile."""
        quiet = 0

        def stays_idle() -> bool:
            nonlocal quiet
            quiet = quiet + 1 if self.idle() else 0
            return quiet >= 8

        wait_until(stays_idle)

    def stop(self) -> None:
        """End it, as a signal would."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the operator did not end"

    def state(self) -> str:
        """Return what it knows and has to do, for a test that failed."""
        if self.failure is not None:
            return f"the operator ended: {self.failure!r}"
        controller = self.controller
        known = {
            key: (controller.models.get(key) or {}).get("metadata") for key in controller.models.references()
        }
        last = "\n".join(f"  {item}" for item in self.requests[-20:])
        return (
            f"the operator's models: {known}, reported {dict(self.metrics.models)}\n"
            f"its queue: {len(controller.queue)} wait, {controller.queue.failing()} failed, the oldest is "
            f"{controller.queue.age():.1f} s old\nits last requests:\n{last}"
        )

    def ended(self) -> bool:
        """Return whether it ended by itself."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        except BaseException as error:
            self.failure = error
        finally:
            self._started.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            # aiohttp closes its TLS connections a moment after it says so.
            self._loop.run_until_complete(asyncio.sleep(0.25))
            self._loop.close()

    async def _work(self) -> None:
        self.process = Process(self._settings, self._stop.set, metrics=self.metrics, options=self._options)
        self._loop.call_soon(self._has_started)
        await run_kopf(self.process, self._stop)

    def _has_started(self) -> None:
        """Notify the test once there is a controller to ask."""
        if hasattr(self.process, "controller"):
            self._started.set()
        else:
            self._loop.call_later(0.005, self._has_started)


class NotingMetrics(Metrics):
    """Metrics that keep the requests themselves."""

    def __init__(self, requests: list[Asked]) -> None:
        super().__init__()
        self._kept = requests

    def asked(self, request: Asked) -> None:
        """Note a request."""
        super().asked(request)
        self._kept.append(request)


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
        try:
            yield running
        except BaseException as error:
            error.add_note(running.state())
            raise
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
