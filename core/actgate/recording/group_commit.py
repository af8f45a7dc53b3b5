"""Group commit: one fdatasync for all records that wait, off the event loop."""

import asyncio
from collections.abc import Callable

from actgate.recording.life import Life

_Waiting = asyncio.Future[None]


class GroupCommit:
    """Waits for the disk on behalf of the records of one log."""

    def __init__(self, life: Life, failed: Callable[[Life], None]) -> None:
        """Begin; ``failed`` is called once, when the disk did not take what was written."""
        self._life = life
        self._failed = failed
        self._waiting: list[_Waiting] = []
        self._in_flight: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    @property
    def pending(self) -> int:
        """How many records wait."""
        return len(self._waiting) + len(self._in_flight)

    def wait(self) -> _Waiting:
        """Return what is done once all that was written so far is on the disk, or fails with OSError."""
        future: _Waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake.set()
        return future

    async def stop(self) -> None:
        """Return once no record waits."""
        self._stopping = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            if not self._waiting:
                continue
            self._in_flight, self._waiting = self._waiting, []
            tree = self._life.tree.copy()
            try:
                await asyncio.to_thread(self._life.sync)
            except OSError as error:
                self._failed(self._life)
                self._fail(error)
                return
            self._life.durable = tree
            for future in self._in_flight:
                if not future.done():  # Its request may have been cancelled.
                    future.set_result(None)
            self._in_flight = []

    def _fail(self, error: OSError) -> None:
        for future in (*self._in_flight, *self._waiting):
            if not future.done():
                future.set_exception(error)
        self._in_flight, self._waiting = [], []
