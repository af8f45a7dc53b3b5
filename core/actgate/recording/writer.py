"""The writer of the inference log: ``append`` returns when a record is as durable as the settings say.

One process, one writer, one log at a time. Records keep the order in which ``append`` was called. A record
that was not written is counted, and the log says so with a ``gap`` before the next one that is written. After
a failure of the disk that leaves unknown what it holds, the log ends there and a new one begins.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from actgate.recording import shipping
from actgate.recording.clock import Clock
from actgate.recording.group_commit import GroupCommit
from actgate.recording.housekeeping import Housekeeping
from actgate.recording.life import Entry, Life
from actgate.recording.settings import Durability, Settings
from actgate.trace import line, record
from actgate.trace.line import time_of
from actgate.trace.record import InvalidRecordError

__all__ = ["Durability", "RecordNotWrittenError", "Settings", "Status", "Writer"]

_RETRY: Final = 1.0
"""Seconds between two attempts to begin a new log after the former one failed."""


class RecordNotWrittenError(Exception):
    """A record that is not in the log, or not known to be durable: one sentence that says why.

    The answer that it belongs to must not leave, or leaves without a record, which the log states as a gap.
    """


class Status(NamedTuple):
    """What a writer is doing, for metrics and readiness."""

    origin: str
    """The log that is written; empty while there is none."""
    size: int
    """Records in that log."""
    records: int
    """Records that were written since the writer was opened, its own events included."""
    lost: int
    """Records that could not be written since then, whether or not their answers left."""
    pending: int
    """Records that wait for the disk now."""
    failing: str
    """Why the last record could not be written; empty once one was written again."""
    checkpoint_age: float
    """Seconds since the last checkpoint, while it does not cover all; else 0."""
    oldest_unshipped: float
    """Seconds since the oldest segment that is not elsewhere yet was sealed; 0 without a sink."""


class Writer:
    """An open log; ``open`` makes it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = Clock(settings.clock, settings.monotonic)
        self._life: Life | None = None
        self._opening = asyncio.Lock()
        self._opened_at = float("-inf")
        self._closed = False
        self._records = self._lost = self._unreported = 0
        self._since = self._failing = ""
        self._group: GroupCommit | None = None
        self._keeping = Housekeeping(settings)

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Start a log, and write its first record.

        Raises:
            RecordNotWrittenError: The directory cannot be written.
        """
        writer = cls(settings)
        await writer._begin()
        writer._keeping.start(writer._tick, lambda: writer._life, writer.append)
        return writer

    @property
    def status(self) -> Status:
        """Return what the writer is doing."""
        life, keeping = self._life, self._keeping
        return Status(
            origin=life.origin if life is not None else "",
            size=life.tree.size if life is not None else 0,
            records=self._records,
            lost=self._lost,
            pending=self._pending,
            failing=self._failing,
            checkpoint_age=keeping.checkpoint_age(life.tree.size if life is not None else 0),
            oldest_unshipped=keeping.oldest_unshipped(),
        )

    @property
    def _pending(self) -> int:
        return self._group.pending if self._group is not None else 0

    async def append(self, content: Mapping[str, Any]) -> None:
        """Write a record; return when it is durable.

        Args:
            content: Fields of ``actgate.trace.record``; number, time and links are added.

        Raises:
            RecordNotWrittenError: It is not in the log, or not known to be durable.
        """
        try:
            event, encoded = record.encode(content)
            if self._life is None:
                await self._begin_again()
            self._admit()
            durable = self._write(event, encoded)
        except (InvalidRecordError, RecordNotWrittenError) as error:
            if content.get("event") != "gap":  # It is no record of a use, and is written again.
                self._note_loss(str(error))
            raise RecordNotWrittenError(str(error)) from None
        if durable is not None:
            await self._until(durable)

    async def close(self) -> None:
        """Write the last record, seal what is open, and end the log.

        Raises:
            RecordNotWrittenError: The end is not in the log; all that was acknowledged is.
        """
        if self._closed:
            return
        try:
            await self.append({"event": "stop"})
        finally:
            self._closed = True
            await self._keeping.stop()
            life, self._life = self._life, None
            if life is not None:
                await self._end(life)

    def unshipped(self) -> shipping.Unshipped:
        """Return what the place for copies does not have, nothing without one; for a log that was closed.

        Raises:
            OSError: The directory cannot be read.
        """
        if self._settings.sink is None:
            return shipping.Unshipped(0, 0)
        return shipping.left(self._settings.directory / self._settings.name)

    def _admit(self) -> None:
        if self._closed:
            raise RecordNotWrittenError("the log is closed")
        if self._pending >= self._settings.max_pending:
            raise RecordNotWrittenError(f"{self._pending} records wait for the disk: too many")

    def _write(self, event: str, encoded: bytes) -> "asyncio.Future[None] | None":
        """Write a record and what goes before it; return what to wait for, None where that is nothing."""
        life = self._life
        if life is None:
            raise RecordNotWrittenError("the log has just failed, a new one cannot be opened yet")
        time, step = self._clock.read()
        entries = []
        is_first = life.tree.size == 0
        if step and not is_first:
            entries.append(Entry("clock", b'{"step_us":%d}' % step, time))
        if self._unreported and not is_first:
            gap = {
                "count": self._unreported,
                "since": self._since,
                "reason": self._failing[:1024],
                "event": "gap",
                "actor": line.WRITER,
            }
            entries.append(Entry(*record.encode(gap), time))
        entries.append(Entry(event, encoded, time))
        try:
            life.append(entries)
        except OSError as error:
            raise RecordNotWrittenError(f"the log cannot be written: {error.strerror}") from None
        self._records += len(entries)
        if not is_first:
            self._unreported, self._failing = 0, ""
        if life.is_full:
            self._rotate(life)
        self._keeping.appended(life.tree.size)
        return self._group.wait() if self._group is not None else None

    async def _until(self, durable: "asyncio.Future[None]") -> None:
        try:
            await durable
        except OSError as error:
            # After a failed fdatasync the kernel may have dropped what it held: nothing more is built on it.
            sentence = f"the log is not known to be on the disk: {error.strerror}"
            self._note_loss(sentence)
            raise RecordNotWrittenError(sentence) from None

    def _note_loss(self, reason: str) -> None:
        if not self._closed:
            self._since = self._since if self._unreported else time_of(self._settings.clock())
            self._unreported += 1
            self._lost += 1
            self._failing = reason

    def _rotate(self, life: Life) -> None:
        try:
            self._keeping.add(life.rotate())
        except OSError:
            return  # The segment goes on; the next record tries again.

    async def _begin_again(self) -> None:
        async with self._opening:
            if self._life is None and not self._closed:
                if self._settings.monotonic() - self._opened_at < _RETRY:
                    raise RecordNotWrittenError(self._failing or "the log has failed")
                await self._begin()

    async def _begin(self) -> None:
        settings = self._settings
        self._opened_at = settings.monotonic()
        try:
            async with self._keeping.sealing:
                life = await asyncio.to_thread(Life.open, settings)
                self._keeping.begin()
        except OSError as error:
            where = settings.directory / settings.name
            raise RecordNotWrittenError(f"{where} cannot be written: {error.strerror}") from None
        start: dict[str, Any] = {
            **settings.start,
            "event": "start",
            "format": record.FORMAT,
            "log_key": life.signer.key.text,
            "durability": settings.durability.value,
        }
        if life.previous is not None:
            start["previous"] = life.previous._asdict()
        self._life = life
        if settings.durability is Durability.NODE:
            self._group = GroupCommit(life, self._failed)
        try:
            durable = self._write(*record.encode(start))
            self._rotate(life)  # The first segment holds the start alone, and is never deleted.
            if durable is not None:
                await durable
        except (InvalidRecordError, OSError, RecordNotWrittenError) as error:
            self._failed(life)
            raise RecordNotWrittenError(f"no log can be started: {error}") from None

    def _failed(self, life: Life) -> None:
        """End a log of which it is unknown what the disk holds."""
        if self._life is life:
            self._life = self._group = None
            life.abandon()

    async def _tick(self) -> None:
        """Do what is due by time."""
        life = self._life
        if life is None:
            return
        if life.in_segment and self._settings.monotonic() - life.opened_at >= self._settings.max_seconds:
            self._rotate(life)
        if not await asyncio.to_thread(life.is_in_place):
            self._failing = f"{life.folder} was deleted or moved"
            self._failed(life)

    async def _end(self, life: Life) -> None:
        if self._group is not None:
            await self._group.stop()
        try:
            sealing = life.end()
        except OSError as error:
            life.release()
            raise RecordNotWrittenError(f"the log cannot be ended: {error.strerror}") from None
        await self._keeping.finish(life, sealing)
