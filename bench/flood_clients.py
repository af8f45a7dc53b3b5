"""Clients that mean no good: each holds a connection in one way, and comes back when it is closed.

``python -m bench.flood_clients PORT WAY=COUNT ...`` in a process of its own.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

ATTACKER: Final = "127.0.0.2"
"""Another address of loopback, as another pod has another address."""

LENGTH: Final = 7 * 1024 * 1024
SENT: Final = 6_900_000
"""Bytes of a body that are sent before it is held."""

_HEAD: Final = "POST /validate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_PIECE: Final = b" " * 65536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Flood:
    """All clients of one address."""

    port: int
    address: str = ATTACKER
    established: int = 0
    """Connections that came to where they are to be held."""
    turned_away: int = 0
    """Connections that ended, whatever ended them."""
    _context: ssl.SSLContext = field(default_factory=lambda: _trusting())

    async def half_handshake(self) -> None:
        """Send the first bytes of a TLS record, and no more."""
        reader, writer = await self._connect(encrypted=False)
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        await self._hold(reader, writer)

    async def silence(self) -> None:
        """Finish the handshake, and say nothing."""
        await self._hold(*await self._connect())

    async def half_header(self) -> None:
        """Send half a header."""
        reader, writer = await self._connect()
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Half: ")
        await self._hold(reader, writer)

    async def endless_header(self) -> None:
        """Send header after header."""
        reader, writer = await self._connect()
        writer.write(b"GET /livez HTTP/1.1\r\n")
        await self._pour(reader, writer, b"X-More: " + b"y" * 8000 + b"\r\n")

    async def held_body(self) -> None:
        """Send most of a large body, and hold the rest back."""
        reader, writer = await self._connect()
        writer.write(f"{_HEAD}Content-Length: {LENGTH}\r\n\r\n".encode())
        await self._pour(reader, writer, _PIECE, SENT // len(_PIECE))

    async def small_held_body(self) -> None:
        """Send most of a body that is small enough never to wait."""
        reader, writer = await self._connect()
        writer.write(f"{_HEAD}Content-Length: 65536\r\n\r\n".encode() + b" " * 65000)
        await self._hold(reader, writer)

    async def trickled_body(self) -> None:
        """Send a body of unknown length in chunks of one byte."""
        reader, writer = await self._connect()
        writer.write(f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        self.established += 1
        ended = asyncio.ensure_future(self._read_to_end(reader))
        while not ended.done():
            writer.write(b"1\r\n \r\n")
            await asyncio.wait({ended}, timeout=1.0)
        await self._end(writer)

    async def unread_answers(self) -> None:
        """Ask for one page after another, and read none."""
        reader, writer = await self._connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined] # what a StreamWriter writes to can
        await self._pour(reader, writer, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", 20_000)

    async def early_requests(self) -> None:
        """Send thousands of requests at once."""
        reader, writer = await self._connect()
        await self._pour(reader, writer, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 8000, 1)

    async def for_ever(self, ways: dict[str, int]) -> None:
        """Hold so many connections in each way, each again when it ends; say when they are under way."""
        tasks = [asyncio.create_task(self._again(way)) for way, count in ways.items() for _ in range(count)]
        while self.established + self.turned_away < sum(ways.values()):  # noqa: ASYNC110 - a client's
            await asyncio.sleep(0.05)
        print("under way", flush=True)
        await asyncio.gather(*tasks)

    async def _again(self, way: str) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await getattr(self, way)()
            self.turned_away += 1

    async def _connect(self, *, encrypted: bool = True) -> Streams:
        return await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            local_addr=(self.address, 0),
            ssl=self._context if encrypted else None,
            ssl_shutdown_timeout=0.5 if encrypted else None,
        )

    async def _pour(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes, times: int = 1 << 30
    ) -> None:
        """Write a piece so many times, as fast as it is taken, and hold the connection then."""
        ended = asyncio.ensure_future(self._read_to_end(reader))
        sending = asyncio.ensure_future(_repeat(writer, piece, times))
        try:
            await asyncio.wait({ended, sending}, return_when=asyncio.FIRST_COMPLETED)
            self.established += 1
            await ended
        finally:
            ended.cancel()
            sending.cancel()
            await asyncio.gather(ended, sending, return_exceptions=True)
            await self._end(writer)

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.established += 1
        try:
            await self._read_to_end(reader)
        finally:
            await self._end(writer)

    async def _read_to_end(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(65536):
            pass

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        if not writer.transport.is_closing():
            writer.transport.abort()


async def _repeat(writer: asyncio.StreamWriter, piece: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(piece)
        await writer.drain()


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def flooding(port: int, ways: dict[str, int]) -> Iterator[None]:
    """Run the clients in a process of their own; the block begins when they are under way."""
    command = [sys.executable, "-m", "bench.flood_clients", str(port)]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, *(f"{way}={count}" for way, count in ways.items())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[1],
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"under way\n"
        yield
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asked = (argument.split("=") for argument in sys.argv[2:])
    uvloop.run(Flood(int(sys.argv[1])).for_ever({way: int(count) for way, count in asked}))
