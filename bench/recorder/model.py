"""A model server whose answers cost nothing.

``/one`` is whole, ``/slow`` is so after 10 ms, ``/stream`` comes in pieces.
"""

import asyncio
from contextlib import suppress
from typing import Final

_ONE: Final = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"score":0.25}'
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
PIECE: Final = 64 * 1024
"""Bytes of a piece of ``/stream?PIECES``."""


async def serve(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.start_server(_answer, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1]
            if b"Content-Length: " in head:
                await _skip(reader, int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]))
            if target == b"/slow":
                await asyncio.sleep(0.01)
            if target.startswith(b"/stream"):
                await _stream(writer, int(target.partition(b"?")[2] or 0))
            else:
                writer.write(_ONE)
            await writer.drain()


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size:
        size -= len(await reader.readexactly(min(size, PIECE)))


async def _stream(writer: asyncio.StreamWriter, pieces: int) -> None:
    """Send that many pieces, of which none is held; three short ones for 0."""
    writer.write(_HEAD)
    piece = b"x" * PIECE if pieces else b"token"
    for _ in range(pieces or 3):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0 if pieces else 0.001)
    writer.write(b"0\r\n\r\n")
