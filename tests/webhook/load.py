"""A client under load: many keep-alive connections, no second try, every failure counted as one.

It behaves like the API server's: it reconnects where it was asked to close, and only there.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

DEADLINE_SECONDS = 30
"""What each call says that it waits, and then gives up: the longest that a registration can state."""


class Connection:
    """One keep-alive connection, opened when it is needed."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port = port
        self._context = context
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[int, bool, bytes]:
        """Post a review; returns status, whether the server asked to close, and the body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("localhost", self._port, ssl=self._context)
        reader, writer = self._streams
        head = (
            f"POST /validate?timeout={DEADLINE_SECONDS}s HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        answer = await reader.readexactly(int(headers["content-length"]))
        closing = headers.get("connection") == "close"
        if closing:
            self.close()
        return int(status.split()[1]), closing, answer

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class Load:
    """So many calls over so many connections, and what became of them."""

    port: int
    ca: bytes
    body: bytes
    calls: int = 5000
    connections: int = 8
    reconnect_every: int | None = None
    """Close a connection after so many calls, so that handshakes go on; None: keep it."""
    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    """What to do once so many calls are done."""
    done: int = 0
    closed_by_server: int = 0
    failures: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Make all calls."""
        context = ssl.create_default_context(cadata=self.ca.decode())
        self._left = self.calls
        async with asyncio.TaskGroup() as workers:
            for _ in range(self.connections):
                workers.create_task(self._work(Connection(self.port, context)))

    async def _work(self, connection: Connection) -> None:
        made = 0
        while self._left > 0:
            self._left -= 1
            await self._call(connection)
            made += 1
            if self.reconnect_every and made % self.reconnect_every == 0:
                connection.close()
        connection.close()

    async def _call(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                status, closing, answer = await connection.post(self.body)
            allowed = status == 200 and orjson.loads(answer)["response"]["allowed"]
            if not allowed:
                self.failures.append(f"{status}: {answer[:200]!r}")
            self.closed_by_server += closing
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:  # Among them: its deadline passed.
            connection.close()
            self.failures.append(f"{type(error).__name__}: {error}")
        self.done += 1
        if action := self.at.get(self.done):
            action()
