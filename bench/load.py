"""A lean HTTP/1.1 load client over TLS: closed loop for throughput, open loop for latency.

One process, keep-alive connections, prebuilt request bytes. In the open loop requests are due at fixed
moments, and a latency counts from the moment at which its request was due: a server that stalls is
charged for every request that had to wait (no coordinated omission).
"""

import asyncio
import http.client
import json
import ssl
import time
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

import uvloop

_LENGTH: Final = b"content-length:"


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: a loopback port, the authority to trust, a path and a JSON body."""

    port: int
    ca: bytes
    path: str
    body: bytes

    @property
    def request(self) -> bytes:
        """The bytes of one request."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[None] | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TLS transport writes like a Transport without being one.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        at = lowered.index(_LENGTH) + len(_LENGTH)
        if len(body) < int(lowered[at:].split(b"\r\n", 1)[0]):
            return
        assert self._answered is not None
        if not head.startswith(b"HTTP/1.1 200") or b'"allowed":true' not in body:
            self._answered.set_exception(RuntimeError(bytes(self._received).decode()))
        else:
            self._answered.set_result(None)
        self._received.clear()

    def connection_lost(self, error: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionError("the server closed the connection"))

    async def ask(self) -> None:
        """Send one request, and return when its answer is whole."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(self._request)
        await self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def throughput(target: Target, connections: int, seconds: float) -> float:
    """Return the requests per second that so many connections get, each asking again at once."""
    return uvloop.run(_closed(target, connections, seconds))


def latencies(target: Target, connections: int, rate: float, seconds: float) -> list[float]:
    """Return milliseconds from due to answered, for requests due at a fixed rate per second."""
    return uvloop.run(_open(target, connections, rate, seconds))


def refusals(target: Target, count: int) -> list[float]:
    """Return milliseconds of each of so many requests that are refused, one after the other."""
    context = ssl.create_default_context(cadata=target.ca.decode())
    client = http.client.HTTPSConnection("127.0.0.1", target.port, context=context, timeout=30.0)
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        client.request("POST", target.path, target.body, {"Content-Type": "application/json"})
        answer = json.loads(client.getresponse().read())
        taken.append((time.perf_counter() - start) * 1000.0)
        assert answer["response"]["status"]["code"] == 403, answer
    client.close()
    return taken


async def _connect(target: Target, count: int) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cadata=target.ca.decode())
    request = target.request
    made = []
    for _ in range(count):
        opening = loop.create_connection(
            lambda: _Connection(request), "127.0.0.1", target.port, ssl=context, server_hostname="127.0.0.1"
        )
        made.append((await opening)[1])
    return made


async def _closed(target: Target, connections: int, seconds: float) -> float:
    pool = await _connect(target, connections)
    for connection in pool:
        await connection.ask()
    done = 0
    start = time.perf_counter()
    end = start + seconds

    async def keep_asking(connection: _Connection) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await connection.ask()
            done += 1

    await asyncio.gather(*(keep_asking(connection) for connection in pool))
    elapsed = time.perf_counter() - start
    for connection in pool:
        connection.close()
    return done / elapsed


async def _open(target: Target, connections: int, rate: float, seconds: float) -> list[float]:
    pool = await _connect(target, connections)
    for connection in pool:
        await connection.ask()
    start = time.perf_counter() + 0.05
    due = deque(start + number / rate for number in range(int(rate * seconds)))
    taken: list[float] = []

    async def serve(connection: _Connection) -> None:
        while due:
            moment = due.popleft()
            wait = moment - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            await connection.ask()
            taken.append((time.perf_counter() - moment) * 1000)

    await asyncio.gather(*(serve(connection) for connection in pool))
    for connection in pool:
        connection.close()
    return taken
