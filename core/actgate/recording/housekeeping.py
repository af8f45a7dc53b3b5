"""What a writer does beside its records: checkpoints, sealing, shipping, and deleting what was shipped."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from actgate.recording import files, shipping
from actgate.recording.life import Life
from actgate.recording.sealing import Sealing, seal
from actgate.recording.settings import Durability, Settings
from actgate.trace import segments

logger = logging.getLogger(__name__)

_Append = Callable[[dict[str, Any]], Awaitable[None]]
_SHIP_EVERY: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_LAST_ATTEMPT: Final = 5.0
"""Seconds in which segments are shipped at the end; then the process ends, and the next one ships them."""


class Housekeeping:
    """The background work of one writer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sync = settings.durability is Durability.NODE
        self._full: deque[Sealing] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._signed = 0
        self._signed_at = 0.0
        self._oldest: float | None = None
        self._due = asyncio.Event()
        self._stopping = False
        self.sealing = asyncio.Lock()
        """Held while files of former segments are written."""

    def start(
        self, tick: Callable[[], Awaitable[None]], current: Callable[[], Life | None], append: _Append
    ) -> None:
        """Begin.

        Args:
            tick: What the writer has to do now and then.
            current: Returns the log that is written.
            append: Writes a record.
        """
        self._tasks = [asyncio.create_task(self._keep(tick, current))]
        if self._settings.sink is not None:
            self._tasks.append(asyncio.create_task(self._ship(self._settings.sink, append)))

    def begin(self) -> None:
        """Note that a new log begins; what was left of the former one, its recovery has sealed."""
        self._full.clear()
        self._signed, self._signed_at = 0, self._settings.monotonic()

    def appended(self, size: int) -> None:
        """Note the size of the log; many new records make a checkpoint due."""
        if size - self._signed >= self._settings.checkpoint_records:
            self._due.set()

    def add(self, sealing: Sealing) -> None:
        """Take a full segment, to seal it later."""
        self._full.append(sealing)
        self._due.set()

    def checkpoint_age(self, size: int) -> float:
        """Return the seconds since the last checkpoint, while it does not cover all records; else 0."""
        return self._settings.monotonic() - self._signed_at if size > self._signed else 0.0

    def oldest_unshipped(self) -> float:
        """Return the seconds since the oldest segment that is not elsewhere yet was sealed; else 0."""
        return max(0.0, time.time() - self._oldest) if self._oldest is not None else 0.0

    async def stop(self) -> None:
        """End the background work; a file that is being sealed is finished, as no thread is stopped."""
        self._stopping = True
        self._due.set()
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def finish(self, life: Life, last: Sealing | None) -> None:
        """Seal what is left of a log that has ended, and try once more to ship it."""
        if last is not None:
            self._full.append(last)
        await self._seal_all()
        await self._write_checkpoint(life)
        life.release()
        if self._settings.sink is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._ship_all(self._settings.sink), _LAST_ATTEMPT)

    async def _keep(self, tick: Callable[[], Awaitable[None]], current: Callable[[], Life | None]) -> None:
        failing = False
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._settings.checkpoint_seconds)
            self._due.clear()
            try:
                await tick()
                life = current()
                if life is not None:
                    await self._write_checkpoint(life)
                await self._seal_all()
            except Exception:
                # Whatever it is: without this task no checkpoint would ever be signed again.
                if not failing:
                    logger.exception("checkpoints and sealed segments cannot be written, and are tried again")
                failing = True
            else:
                failing = False

    async def _write_checkpoint(self, life: Life) -> None:
        tree = life.durable.copy() if self._sync else life.tree.copy()
        if tree.size == self._signed:
            return
        signed = life.checkpoint(tree)
        with contextlib.suppress(OSError):  # Its age is in the status.
            await asyncio.to_thread(
                files.replace, life.folder / segments.CHECKPOINT, [signed], sync=self._sync
            )
            self._signed, self._signed_at = tree.size, self._settings.monotonic()

    async def _seal_all(self) -> None:
        async with self.sealing:
            while self._full:
                try:
                    await asyncio.to_thread(seal, self._full[0], sync=self._sync)
                except OSError:
                    return  # It stays as it is, and is tried again.
                if self._full:
                    self._full.popleft()

    async def _ship(self, sink: shipping.Sink, append: _Append) -> None:
        failing, pause = False, _SHIP_EVERY
        while True:
            await asyncio.sleep(pause)
            try:
                await self._ship_all(sink)
                await self._delete(append)
            except Exception as error:  # whatever a sink raises
                if not failing:
                    logger.warning("sealed segments cannot be copied, and stay here: %s", error)
                failing, pause = True, min(pause * 2, _LONGEST_PAUSE)
            else:
                if failing:
                    logger.info("sealed segments are copied again")
                failing, pause = False, _SHIP_EVERY

    async def _ship_all(self, sink: shipping.Sink) -> None:
        home = self._settings.directory / self._settings.name
        found = await asyncio.to_thread(shipping.unshipped, home)
        for sealed in found:
            self._oldest = (await asyncio.to_thread(sealed.file("jsonl.zst").stat)).st_mtime
            await shipping.ship(sealed, sink, f"{self._settings.name}/{sealed.folder.name}")
        self._oldest = None

    async def _delete(self, append: _Append) -> None:
        if self._settings.retain_shipped is None:
            return
        home = self._settings.directory / self._settings.name
        deleted = await asyncio.to_thread(shipping.delete_shipped, home, self._settings.retain_shipped)
        if deleted:
            names = [f"{sealed.folder.name}/{sealed.file('jsonl.zst').name}" for sealed in deleted]
            await append({"event": "purge", "reason": "copied elsewhere", "segments": names})
