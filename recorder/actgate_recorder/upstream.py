"""Connections to the model: what it answers, parsed, and as many of them as are allowed."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import httptools

from actgate_recorder.head import AnswerHead, Header, answer_head, informational

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of the head of an answer."""
_WRITE_BUFFER: Final = 64 * 1024


class Answered(Protocol):
    """What is reported of an answer, in this order; ``answer_read`` after each read."""

    def information(self, answer: bytes) -> None:
        """An informational answer, as it is passed on."""

    def answer_began(self, head: AnswerHead) -> None:
        """The head of the answer."""

    def answer_data(self, data: bytes) -> None:
        """A piece of its body."""

    def answer_ended(self, trailers: Sequence[Header]) -> None:
        """Its end."""

    def answer_read(self) -> None:
        """All of a read was reported."""

    def answer_failed(self, reason: str) -> None:
        """There is no more of it, and it is not whole."""

    def pause_request(self, paused: bool) -> None:
        """Whether the upstream cannot take more of the request now."""


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """What is allowed towards the upstream; durations are seconds."""

    connections: int = 256
    connect: float = 5.0
    """For a connection, or for a place among those that are allowed."""
    read: float = 300.0
    """Between two reads of an answer."""
    keep_alive: float = 1.0
    """How long a connection that waits is used again: shorter than any server's own time, so that no
    request is sent into a connection that is being closed."""


class Connection(asyncio.Protocol):
    """One connection to the upstream, with at most one request under way."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Answered | None = None
        self._to_head = False
        self._reading = True
        self._loop = asyncio.get_running_loop()
        self.request_whole = False
        """Whether all of the request was written."""
        self.used = 0
        """How many requests it has carried before this one."""
        self.active_at = self._loop.time()
        """When it last brought something, or was last given a request."""
        self._reset()

    def _reset(self) -> None:
        self._status = b""
        self._headers: list[Header] = []
        self._head: AnswerHead | None = None
        self._head_bytes = 0
        self._whole = False

    # From the exchange.

    def begin(self, exchange: Answered, *, to_head: bool) -> None:
        """Carry a request."""
        self._exchange = exchange
        self._to_head = to_head
        self.active_at = self._loop.time()

    def write(self, data: bytes) -> None:
        """Send a part of the request."""
        assert self._transport is not None  # noqa: S101 - for the type
        self._transport.write(data)

    def pause(self, paused: bool) -> None:
        """Read no more of the answer for now, or go on."""
        if paused is self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = not paused
            if paused:
                self._transport.pause_reading()
            else:
                self.active_at = self._loop.time()
                self._transport.resume_reading()

    @property
    def paused(self) -> bool:
        """Whether it is not read now."""
        return not self._reading

    def drop(self) -> None:
        """End it, whatever is under way: the model is no longer waited for."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport  # type: ignore[assignment] # a TCP connection's
        self._transport.set_write_buffer_limits(_WRITE_BUFFER)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        """Parse what the upstream sent."""
        exchange = self._exchange
        if exchange is None:
            self.drop()  # Nothing was asked.
            return
        self.active_at = self._loop.time()
        if self._head is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("it changed the protocol")
            return
        except (httptools.HttpParserError, ValueError) as error:
            if not self._whole:
                self._fail(f"it is no HTTP/1.1: {error.__context__ or error}")
                return
            self._head = None  # What follows a whole answer makes the connection useless, and nothing else.
        if self._head is None and self._head_bytes > LARGEST_HEAD:
            self._fail(f"its head is larger than {LARGEST_HEAD} bytes")
            return
        if self._whole:
            self._finish()
        exchange.answer_read()

    def eof_received(self) -> None:
        """End an answer that ends with the connection."""

    def connection_lost(self, error: Exception | None) -> None:
        """End the answer under way, which is whole only where it ends with the connection."""
        exchange, head = self._exchange, self._head
        self._pool.lost(self)
        self._exchange = None
        if exchange is None:
            return
        if error is None and head is not None and head.length is None and not head.framing:
            exchange.answer_ended(())
            exchange.answer_read()
        else:
            exchange.answer_failed("it closed the connection")

    def pause_writing(self) -> None:
        """Take no more of the request."""
        if self._exchange is not None:
            self._exchange.pause_request(True)

    def resume_writing(self) -> None:
        """Take more again."""
        if self._exchange is not None:
            self._exchange.pause_request(False)

    # From the parser.

    def on_status(self, status: bytes) -> None:
        """Keep the reason phrase."""
        self._status += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, or a trailer."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Report the head; an informational one follows from its end."""
        status = self._parser.get_status_code()
        if status < 200 or self._exchange is None:
            return
        version = self._parser.get_http_version()
        self._head = answer_head(status, self._status, version, self._headers, to_head=self._to_head)
        self._headers = []
        self._exchange.answer_began(self._head)
        if self._head.bodiless:
            self._whole = True
            self._exchange.answer_ended(())

    def on_body(self, data: bytes) -> None:
        """Report a piece of the body."""
        if self._whole:
            raise ValueError("more than the answer")
        if self._exchange is not None:
            self._exchange.answer_data(data)

    def on_message_complete(self) -> None:
        """Report the end of an answer."""
        if self._head is None:
            if self._exchange is not None:
                status = self._parser.get_status_code()
                self._exchange.information(informational(status, self._status, self._headers))
            self._reset()
        elif not self._whole:
            self._whole = True
            if self._exchange is not None:
                self._exchange.answer_ended(self._headers)

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self._whole:
            raise ValueError("more than the answer")

    def _finish(self) -> None:
        """Give the connection back after a whole answer, or end it."""
        head, self._exchange = self._head, None
        self.used += 1
        if head is None or head.close or not self.request_whole:
            self.drop()
            return
        if head.bodiless:
            # The parser does not know of HEAD, and waits for a body.
            self._parser = httptools.HttpResponseParser(self)
        self._reset()
        self.pause(False)
        self._pool.give_back(self)

    def _fail(self, reason: str) -> None:
        exchange = self._exchange
        self.drop()
        if exchange is not None:
            exchange.answer_failed(reason)


class Pool:
    """Connections to one upstream: those that wait are used again, the last one first."""

    def __init__(self, host: str, port: int, limits: UpstreamLimits) -> None:
        self._address = host, port
        self.limits = limits
        self._open = 0
        self._idle: list[Connection] = []
        self._waiters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """Return the number of open connections."""
        return self._open

    def idle(self) -> Connection | None:
        """Return a connection that waits, if there is one that is fresh enough."""
        if not self._idle:
            return None
        connection = self._idle.pop()
        if asyncio.get_running_loop().time() - connection.active_at <= self.limits.keep_alive:
            return connection
        # All others have waited longer.
        connection.drop()
        self.close()
        return None

    async def obtain(self) -> Connection:
        """Return a connection as soon as there may be one.

        Raises:
            OSError: The upstream cannot be reached.
            TimeoutError: It cannot be reached in time, or all connections are in use.
        """
        async with asyncio.timeout(self.limits.connect):
            while self._open >= self.limits.connections:
                if connection := self.idle():
                    return connection
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                try:
                    await waiter
                except asyncio.CancelledError:
                    if waiter.done() and not waiter.cancelled():
                        self._wake()  # It was our turn, and is the next one's now.
                    raise
            self._open += 1
            connecting = asyncio.get_running_loop().create_connection(
                lambda: Connection(self), *self._address
            )
            try:
                return (await connecting)[1]
            except BaseException:
                self._open -= 1
                self._wake()
                raise

    def give_back(self, connection: Connection) -> None:
        """Let a connection wait for the next request."""
        self._idle.append(connection)
        self._wake()

    def lost(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        self._wake()

    def close(self) -> None:
        """End the connections that wait."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.drop()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
