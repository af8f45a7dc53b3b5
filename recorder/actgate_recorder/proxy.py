"""What all connections share: the upstream, the log, limits, and what is under way."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from actgate.recording.log import Log
from actgate.recording.oversight import PREFIX
from actgate.recording.tokens import Tokens
from actgate.recording.use import Use
from actgate.recording.writer import RecordNotWrittenError
from actgate_recorder.client import Client, Handles, Timeouts
from actgate_recorder.events import EventPost
from actgate_recorder.exchange import Exchange
from actgate_recorder.head import RequestHead
from actgate_recorder.own import Unavailable
from actgate_recorder.upstream import Pool


class Proxy:
    """A recorder at work.

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
        self.clients: set[Client] = set()
        """Those with a request under way."""
        self.refusals: Counter[int] = Counter()
        """Answers of our own by their status."""
        self.rejected: Counter[str] = Counter()
        """Connections that were closed from this side, by reason."""
        self.passed = 0
        """Probes, which are passed and not recorded."""
        self._tokens = tokens
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def client(self) -> Client:
        """Return the protocol of a new connection."""
        return Client(self)

    def handles(self, client: Client, head: RequestHead) -> Handles:
        """Return what takes a request."""
        if head.target.startswith(PREFIX):
            return EventPost(client, self, head, self._tokens)
        method = head.method.decode()
        if self.log.content.is_probe(method, head.target, has_body=head.has_body):
            self.passed += 1
            return Exchange(client, self, head, None)
        use: Use | None = None
        reason = self.log.closed
        if reason is None:
            try:
                use = self.log.use(method, head.target, head.headers)
            except RecordNotWrittenError as error:
                reason = str(error)
        if use is None:
            self.log.counts.refused += 1
            return Unavailable(client)
        return Exchange(client, self, head, use)

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
