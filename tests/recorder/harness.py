"""A recorder in this process, before a model whose answers are bytes of the test's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actgate.recording.log import Appends, Keys, Log, OnFailure
from actgate.recording.tokens import Tokens
from actgate.recording.use import Content
from actgate.recording.writer import RecordNotWrittenError, Settings, Writer
from actgate.runtime.listener import Limits, Listener, listen
from actgate_recorder.proxy import Proxy
from actgate_recorder.shared import Timeouts
from actgate_recorder.upstream import Pool, UpstreamLimits

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Held:
    """A log in memory, which can be held or fail."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.error: str | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, content: Mapping[str, Any]) -> None:
        """Keep a record as soon as that is allowed."""
        await self.open.wait()
        if self.error is not None:
            raise RecordNotWrittenError(self.error)
        self.records.append(dict(content))

    @property
    def events(self) -> list[str]:
        """The events of all records, in order."""
        return [record["event"] for record in self.records]


@dataclass
class Model:
    """What stands behind the recorder: it answers each connection's requests with what ``answer`` returns."""

    answer: bytes | Handler = b""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests, one after the other."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if callable(self.answer):
                await self.answer(reader, writer)
            else:
                while request := await read_request(reader):
                    self.requests.append(request)
                    writer.write(self.answer)
                    await writer.drain()
                    closes = b"connection: close" in (request + self.answer).lower()
                    if closes or _ends_with_close(self.answer):
                        break
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


def _ends_with_close(answer: bytes) -> bool:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    bodiless = re.match(rb"http/1.1 (1..|204|304)", head) is not None
    return not bodiless and b"content-length" not in head and b"chunked" not in head


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Return the bytes of one request; nothing where the connection ends."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    if found := re.search(rb"(?i)content-length: (\d+)", head):
        return head + await reader.readexactly(int(found[1]))
    if b"chunked" in head.lower():
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            line = await reader.readline()
            body += line
            if line.strip() == b"0":
                while (trailer := await reader.readline()) != b"\r\n":
                    body += trailer
                return head + body + b"\r\n"
            body += await reader.readexactly(int(line.split(b";")[0], 16) + 2)
        return head + body
    return head


@dataclass
class Running:
    """A recorder at work."""

    proxy: Proxy
    port: int
    model: Model
    model_port: int
    log: Appends

    async def exchange(self, request: bytes, *, direct: bool = False) -> bytes:
        """Send bytes over a connection of their own, and return all that is answered until it ends."""
        reader, writer = await self.connect(direct=direct)
        writer.write(request)
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        return answer

    async def connect(self, *, direct: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection, to the recorder or to the model itself."""
        return await asyncio.open_connection("127.0.0.1", self.model_port if direct else self.port)


@asynccontextmanager
async def recorder(
    model: Model,
    log: Appends,
    *,
    content: Content | None = None,
    keys: Keys | None = None,
    on_failure: OnFailure = OnFailure.REFUSE,
    tokens: Path | None = None,
    limits: UpstreamLimits | None = None,
    timeouts: Timeouts | None = None,
) -> AsyncIterator[Running]:
    """Run a recorder before a model until the block ends."""
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0, limit=2**22)
    model_port = server.sockets[0].getsockname()[1]
    proxy = Proxy(
        Pool("127.0.0.1", model_port, limits or UpstreamLimits()),
        Log(log, content or Content(), keys, on_failure),
        b"model",
        Tokens(tokens) if tokens is not None else None,
        timeouts,
    )
    with listen("127.0.0.1", 0) as listening:
        listener = Listener(listening, proxy.client, Limits(100, sweep=0.05))
        listener.start()
        following = asyncio.create_task(proxy.log.follow())
        try:
            yield Running(proxy, listening.getsockname()[1], model, model_port, log)
        finally:
            following.cancel()
            proxy.cut()
            async with asyncio.timeout(10):
                await proxy.drained()
            proxy.pool.close()
            listener.close()
            await listener.wait_closed()
            server.close()


async def opened(directory: Path) -> Writer:
    """Return a real log."""
    return await Writer.open(Settings(directory=directory, name="test"))
