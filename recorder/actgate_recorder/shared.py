"""What all connections share: the upstream, the log, limits, and what is under way."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from actgate.recording.log import Log
from actgate.recording.tokens import Tokens
from actgate_recorder.head import Header, RequestHead
from actgate_recorder.refusal import Refusal
from actgate_recorder.upstream import Pool


class Abortable(Protocol):
    """What the end of the process asks of a connection of a client."""

    def abort_with_record(self) -> None:
        """Close at once; what is under way is recorded as cut off."""


class Handles(Protocol):
    """What takes a request: the exchange with the model, or one of our own."""

    @property
    def waits_for_request(self) -> bool:
        """Whether the client has to send more."""

    def request_data(self, data: bytes) -> None:
        """Take a piece of the body."""

    def request_ended(self, trailers: Sequence[Header]) -> None:
        """Note its end."""

    def request_read(self) -> None:
        """Go on, after all of a read was reported."""

    def client_gone(self) -> None:
        """Note that the client has closed the connection."""

    def pause_answer(self, paused: bool) -> None:
        """Note that the client reads no more for now, or again."""

    def refuse(self, refusal: Refusal) -> None:
        """End it for what the client sent."""

    def check(self, now: float) -> None:
        """Compare the clock with its limits."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a client has."""

    header: float = 10.0
    """For a request line and its headers."""
    body: float = 60.0
    """Between two reads of a body."""
    write: float = 60.0
    """For an answer that it does not read."""
    keep_alive: float = 75.0
    """Between two requests."""


class Shared(ABC):
    """What exchanges and connections have of the recorder; ``proxy.Proxy`` adds which of them takes what.

    Args:
        pool: Connections to the model.
        log: Where uses are recorded.
        authority: Of the upstream, for a request without a Host.
        tokens: Who may post events; None where no one may.
        timeouts: Of clients.
    """

    def __init__(
        self,
        pool: Pool,
        log: Log,
        authority: bytes,
        tokens: Tokens | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.pool = pool
        self.log = log
        self.authority = authority
        self.timeouts = timeouts or Timeouts()
        self.draining = False
        self.clients: set[Abortable] = set()
        """Those with a request under way."""
        self.refusals: Counter[int] = Counter()
        """Answers of our own by their status."""
        self.rejected: Counter[str] = Counter()
        """Connections that were closed from this side, by reason."""
        self.passed = 0
        """Probes, which are passed and not recorded."""
        self.tokens = tokens
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    @abstractmethod
    def handles(self, client: Any, head: RequestHead) -> Handles:  # noqa: ANN401 - a connection, which imports this
        """Return what takes a request."""

    def log_soon(self, record: Mapping[str, Any], then: Callable[[bool], None]) -> None:
        """Write a record, then say whether its answer may leave."""
        self.spawn(self._write(record, then))

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that the end of the process waits for."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def refused(self, status: HTTPStatus) -> None:
        """Count an answer of our own."""
        self.refusals[status.value] += 1

    def connection_rejected(self, reason: str) -> None:
        """Count a connection that was closed from this side."""
        self.rejected[reason] += 1

    def cut(self) -> None:
        """Close all connections with a request under way, which is recorded as cut off."""
        for client in list(self.clients):
            client.abort_with_record()

    async def drained(self) -> None:
        """Return when nothing is under way."""
        while self.clients or self._tasks:
            if self._tasks:
                await asyncio.wait(set(self._tasks))
            else:
                await asyncio.sleep(0.02)

    async def _write(self, record: Mapping[str, Any], then: Callable[[bool], None]) -> None:
        then(await self.log.write(record))
