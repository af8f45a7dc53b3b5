"""Work that goes on beside the requests, from the start of the app to its end."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self

logger = logging.getLogger(__name__)


class Background:
    """Runs coroutines that are not meant to end, inside ``async with``; they are cancelled at its end."""

    def __init__(self, work: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        for name, coroutine in self._work.items():
            task = asyncio.create_task(coroutine, name=name)
            task.add_done_callback(_log_end)
            self._tasks[name] = task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return for each piece of work whether it ended, which is a defect that a restart may fix."""
        return {
            name: "ended, the log has the cause" if task.done() else None
            for name, task in self._tasks.items()
        }


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        logger.error("%s ended", task.get_name(), exc_info=task.exception())
