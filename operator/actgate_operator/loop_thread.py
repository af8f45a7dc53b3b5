"""A coroutine in a thread and an event loop of its own, for code that takes a loop for its own.

kopf does: when it ends it cancels every task of its loop that is younger than itself.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

logger = logging.getLogger(__name__)

CANCELLED_SECONDS = 5.0
"""How long the coroutine may take to end once it was cancelled."""


class LoopThread:
    """Runs `main(stop)` from `start` on; `main` has to return soon after `stop` is set."""

    def __init__(self, name: str, main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
        self._name = name
        self._main = main
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        # A daemon: it keeps no process alive that wants to end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._outcome: Future[BaseException | None] = Future()
        # A running one cannot be cancelled: whoever waits for it may be, and the thread goes on.
        self._outcome.set_running_or_notify_cancel()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def ended(self) -> BaseException | None:
        """Wait until `main` has ended and its loop is closed; return what it raised, if it did."""
        return await asyncio.wrap_future(self._outcome)

    async def stop(self, within: float) -> bool:
        """Set `stop`, and after `within` seconds cancel; tell whether the thread has ended."""
        self._tell(self._stop.set)
        if not await self._has_ended(within):
            logger.error("%s does not stop within %g seconds and is cancelled", self._name, within)
            self._tell(self._cancel)
            if not await self._has_ended(CANCELLED_SECONDS):
                return False
        self._thread.join()
        return True

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._keep_task())
        except BaseException as raised:
            error = raised
        # The last that the thread does: whoever sees it may wait for the thread.
        self._outcome.set_result(error)

    async def _keep_task(self) -> None:
        self._task = asyncio.current_task()
        await self._main(self._stop)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _tell(self, what: Callable[[], object]) -> None:
        # A closed loop raises: what was to be told to end has ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)

    async def _has_ended(self, within: float) -> bool:
        await asyncio.wait([asyncio.wrap_future(self._outcome)], timeout=within)
        return self._outcome.done()
