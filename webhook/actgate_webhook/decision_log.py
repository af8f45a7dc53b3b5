"""The decision log of one replica: a line for each decision, before its answer is given.

What could not be written is not in the chain. As soon as writing works again, a line in its place says how
many decisions are missing. Until then the log's setting says what becomes of a request that would be
allowed: refused for now, or let through and counted. A refusal needs no record to take effect, and an update
that leaves the governed fields as they were never waits for anything of ours.

A line is handed to the operating system at once. It is not forced to the disk: that takes longer than the
whole review. A reader of a pipe that stands still is waited for a moment, once; until it reads again every
further line fails at once, so that reviews are not held up.
"""

import asyncio
import logging
import os
import select
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NoReturn, Protocol, Self

from actgate.decision.data import RULESET
from actgate.records.chain import Chain, decision_fields, new_chain
from actgate.records.lines import Kind
from actgate.records.record import ALLOWED, DecisionRecord, Outcome
from actgate.version import VERSION
from actgate_webhook.metrics import Metrics

logger = logging.getLogger(__name__)

CHECKPOINT_DECISIONS: Final = 1000
CHECKPOINT_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 2.0
"""How often a log that cannot be written is tried again, whether or not reviews come."""

STANDARD_OUTPUT: Final = "-"
NOWHERE: Final = "none"

_ROOM_SECONDS: Final = 0.2
_PIECE: Final = 4096
"""Bytes that a pipe which has room takes without blocking: PIPE_BUF of Linux."""
_REASON: Final = "the decision log is temporarily unavailable, retry: the decision cannot be recorded"


FailurePolicy = Literal["Fail", "Ignore"]
"""What happens to a request that would be allowed, and whose decision cannot be written.

``Fail``: it is answered that it may be retried, and the replica is unready meanwhile. ``Ignore``: it is
allowed, and a metric and the log itself count it.
"""


class SinkError(Exception):
    """There is no writing to where the decision log should go; the message says why."""


class Sink(Protocol):
    """Where lines go."""

    def write(self, line: bytes) -> None:
        """Write a line with its line break.

        Raises:
            OSError: It was not written whole.
        """

    def close(self) -> None:
        """Let go of it."""


class DecisionLog:
    """Writes decisions inside ``async with``, which writes the start and the stop of the chain."""

    def __init__(
        self,
        sink: Sink,
        metrics: Metrics,
        replica: str,
        failure_policy: FailurePolicy = "Fail",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sink = sink
        self._metrics = metrics
        self._fails = failure_policy == "Fail"
        self._now = now
        self._chain = new_chain()
        self._about = {"replica": replica, "version": VERSION, "ruleset": RULESET}
        self._lost = 0
        self._checkpointed = 0
        """How many decisions the last checkpoint counted."""
        self._error: str | None = None

    async def __aenter__(self) -> Self:
        if self._attempt():
            self._log_head()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._attempt(Kind.STOP):
            self._log_head()
        self._sink.close()

    def write(self, record: DecisionRecord) -> DecisionRecord:
        """Write what was decided; return what may be answered, which is not an allow without a record."""
        if not record.is_decision:
            return record
        if self._attempt(record=record):
            if self._chain.decisions - self._checkpointed >= CHECKPOINT_DECISIONS:
                self._checkpoint()
            return record
        self._lost += 1
        self._metrics.decision_lost()
        if not self._fails or record.outcome not in ALLOWED or not record.governed_change:
            return record
        asked = record.uid, record.caller, record.user, record.operation, record.object
        return DecisionRecord(*asked, outcome=Outcome.UNAVAILABLE, reason=_REASON)

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return why no request can be allowed by this replica now."""
        return {"decision log": self._error if self._fails else None}

    async def follow(self) -> NoReturn:
        """Write checkpoints, and try again what failed, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(CHECKPOINT_SECONDS):
                    await self._retry()
            except TimeoutError:
                self._checkpoint()

    async def _retry(self) -> NoReturn:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._error is not None:
                self._attempt()

    def _checkpoint(self) -> None:
        if self._chain.decisions > self._checkpointed and self._attempt(Kind.CHECKPOINT):
            self._checkpointed = self._chain.decisions
            self._log_head()

    def _attempt(self, kind: Kind | None = None, record: DecisionRecord | None = None) -> bool:
        """Write what is still missing, and then a line; return whether all of it is there.

        Args:
            kind: Of a line that counts the decisions.
            record: Of a decision.
        """
        chain, now = self._chain, self._now()
        try:
            if chain.head is None:
                chain = self._append(chain.followed_by(Kind.START, now, self._about))
            if self._lost:
                chain = self._append(chain.followed_by(Kind.LOST, now, {"lost": self._lost}))
                self._lost = 0
            if record is not None:
                self._append(chain.followed_by(Kind.DECISION, now, decision_fields(record)))
            elif kind is not None:
                self._append(chain.followed_by(kind, now, {"decisions": chain.decisions}))
        except (OSError, TypeError) as error:
            self._failed(error)
            return False
        if self._error is not None:
            logger.warning("the decision log is written again")
            self._error = None
        return True

    def _append(self, chain: Chain) -> Chain:
        """Write the last line of a chain, which is ours from then on."""
        self._sink.write(chain.line)
        self._chain = chain
        return chain

    def _failed(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        if self._error is None:
            logger.error("the decision log cannot be written: %s", reason)
        self._error = f"it cannot be written: {reason}"

    def _log_head(self) -> None:
        """Log the head beside the log itself, so that it is kept elsewhere too."""
        logger.info(
            "decision log: chain %s counts %d decisions, head %s",
            self._chain.id,
            self._chain.decisions,
            self._chain.head,
        )


class Descriptor:
    """A ``Sink`` over a file descriptor."""

    def __init__(self, descriptor: int, *, torn: bool = False) -> None:
        self._descriptor = descriptor
        self._torn = torn
        """Whether the last line is there in part, so that the next one has to begin with a line break."""
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._stalled = False

    def write(self, line: bytes) -> None:
        """Write a line, and remember where only a part of it could be written."""
        data = b"\n" + line if self._torn else line
        written = 0
        try:
            while written < len(data):
                written += self._write(data[written:])
        finally:
            self._torn = written < len(data) and (written > 0 or self._torn)

    def close(self) -> None:
        """Close a file; standard output stays open."""
        if self._descriptor > 2:
            os.close(self._descriptor)

    def _write(self, data: bytes) -> int:
        if self._is_file:
            return os.write(self._descriptor, data)
        if not self._poll.poll(0 if self._stalled else _ROOM_SECONDS * 1000):
            self._stalled = True
            raise TimeoutError("its reader does not keep up")
        self._stalled = False
        return os.write(self._descriptor, data[:_PIECE])


def open_sink(target: str) -> Descriptor:
    """Open standard output (``-``) or a file, to which lines are added.

    Raises:
        SinkError: It cannot be opened for writing.
    """
    try:
        return Descriptor(1) if target == STANDARD_OUTPUT else _open(Path(target))
    except OSError as error:
        name = "standard output" if target == STANDARD_OUTPUT else target
        raise SinkError(f"the decision log cannot be written to {name}: {error.strerror}") from None


def _open(path: Path) -> Descriptor:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    status = os.fstat(descriptor)
    torn = stat.S_ISREG(status.st_mode) and status.st_size > 0
    return Descriptor(descriptor, torn=torn and os.pread(descriptor, 1, status.st_size - 1) != b"\n")
