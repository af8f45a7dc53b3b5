"""One address on loopback before several replicas, as a Service with its endpoints is.

A new connection goes to a replica that is ready: that answers 200 on ``/readyz``, and did not refuse the last
connection. As with a Service, a connection that is open stays where it is, and what breaks on one side breaks
on the other.
"""

import asyncio
import itertools
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

_PROBE_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 5.0
_CHUNK: Final = 65536
_REQUEST: Final = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass(eq=False)
class Endpoint:
    """One replica, as it looks from here."""

    port: int
    ready: bool = False
    open: int = 0
    """Connections that lead there now."""


@dataclass
class Balancer:
    """Listens on `port` while the block of the context manager runs."""

    port: int = 0
    accepted: int = 0
    """Connections that were made so far; each has its number, from 1."""
    used: set[int] = field(default_factory=set)
    """Numbers of connections over which something was asked, since it was emptied."""
    endpoints: dict[int, Endpoint] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._turns = itertools.count()
        self._links: set[asyncio.Task[None]] = set()
        self._probes: dict[int, asyncio.Task[None]] = {}
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        tasks = [*self._probes.values(), *self._links]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, port: int) -> None:
        """Lead connections to a replica from when it is ready."""
        self.endpoints[port] = Endpoint(port)
        self._probes[port] = asyncio.create_task(self._probe(self.endpoints[port]))

    def remove(self, port: int) -> None:
        """Lead no new connection to a replica, and ask it no more."""
        del self.endpoints[port]
        self._probes.pop(port).cancel()

    async def _probe(self, endpoint: Endpoint) -> None:
        # As the kubelet's probe, it asks whether there is an answer, and not whose certificate it has.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        while True:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    endpoint.ready = await _is_ready(endpoint.port, context)
            except (OSError, TimeoutError):
                endpoint.ready = False
            await asyncio.sleep(_PROBE_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            # A link that is cut off at the end is no failure of the server that accepted it.
            with suppress(OSError, asyncio.CancelledError):
                await self._lead(self.accepted, reader, writer)
        finally:
            writer.close()
            self._links.discard(task)

    async def _lead(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = await self._connected()
        if found is None:
            return
        endpoint, (above_reader, above_writer) = found
        endpoint.open += 1
        ways = [
            asyncio.create_task(_pump(reader, above_writer, lambda: self.used.add(number))),
            asyncio.create_task(_pump(above_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            writer.close()
            above_writer.close()
            endpoint.open -= 1
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _connected(
        self,
    ) -> tuple[Endpoint, tuple[asyncio.StreamReader, asyncio.StreamWriter]] | None:
        while ready := [endpoint for endpoint in self.endpoints.values() if endpoint.ready]:
            endpoint = ready[next(self._turns) % len(ready)]
            try:
                return endpoint, await asyncio.open_connection("127.0.0.1", endpoint.port)
            except OSError:
                endpoint.ready = False
        return None


async def _is_ready(port: int, context: ssl.SSLContext) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(_REQUEST)
        return (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    finally:
        writer.close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: Callable[[], None] = lambda: None
) -> None:
    while data := await reader.read(_CHUNK):
        passed()
        writer.write(data)
        await writer.drain()
