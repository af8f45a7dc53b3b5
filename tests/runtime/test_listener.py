from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actgate.runtime import listener as subject
from actgate.runtime.listener import BUFFER, Limits, Listener, listen
from actgate_sandbox.pki import Authority
from tests.support.waiting import eventually


class Echo(asyncio.Protocol):
    """Answers what it receives; ``busy`` after a ``?``, until it is asked anything else."""

    def __init__(self) -> None:
        self.since = asyncio.get_running_loop().time()
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Echo."""
        self.busy = data == b"?"
        self.transport.write(data)

    def waiting_since(self) -> float | None:
        """Wait for the client unless it is busy."""
        return None if self.busy else self.since

    def overdue(self, now: float) -> str | None:
        """Never."""
        return None

    def give_up(self, reason: str) -> None:
        """Close."""
        self.transport.close()


class Client:
    """A connection from an address."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, data: bytes = b"x") -> bytes:
        """Send, and return what comes back; empty where the connection was closed."""
        try:
            self.writer.write(data)
            return await self.reader.read(1)
        except ConnectionError:
            return b""


class Served:
    """A listener, and who was rejected."""

    def __init__(self, connections: int) -> None:
        self.rejected: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.listener = Listener(
            self.socket, Echo, Limits(connections, sweep=0.01), rejected=self.rejected.append
        )
        self.clients: list[Client] = []

    async def connect(self, address: str = "127.0.0.1") -> Client:
        """Open a connection."""
        port = self.socket.getsockname()[1]
        client = Client(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))
        self.clients.append(client)
        return client


@asynccontextmanager
async def serving(connections: int) -> AsyncIterator[Served]:
    served = Served(connections)
    served.listener.start()
    try:
        yield served
    finally:
        served.listener.close()
        await served.listener.wait_closed()
        served.socket.close()
        for client in served.clients:
            client.writer.close()


async def test_a_crowded_address_makes_room_for_another_and_not_for_itself() -> None:
    """One attacker's connections give way to the API server's; its own next one is refused at once."""
    async with serving(3) as served:
        crowd = [await served.connect("127.0.0.2") for _ in range(3)]
        assert [await client.ask() for client in crowd] == [b"x"] * 3
        assert await (await served.connect("127.0.0.2")).ask() == b""
        assert await (await served.connect("127.0.0.1")).ask() == b"x"
        assert [await client.ask() for client in crowd].count(b"") == 1
        assert served.rejected == ["limit", "limit"]


async def test_who_is_being_answered_is_never_closed_for_another() -> None:
    """The answer would be lost; where all are answered the newcomer is refused."""
    async with serving(2) as served:
        busy = [await served.connect("127.0.0.2") for _ in range(2)]
        assert [await client.ask(b"?") for client in busy] == [b"?"] * 2
        assert await (await served.connect("127.0.0.1")).ask() == b""
        assert [await client.ask() for client in busy] == [b"x"] * 2


async def test_many_idle_addresses_cannot_keep_a_busy_one_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the API server itself has the most connections, who has waited long enough gives way."""
    monkeypatch.setattr(subject, "PATIENCE_SECONDS", 0.0)
    async with serving(4) as served:
        busy = [await served.connect() for _ in range(2)]
        assert [await client.ask(b"?") for client in busy] == [b"?"] * 2
        idle = [await served.connect(f"127.0.0.{number}") for number in (2, 3)]
        assert [await client.ask() for client in idle] == [b"x"] * 2
        assert await (await served.connect()).ask(b"?") == b"?"
        assert [await client.ask() for client in idle].count(b"") == 1


async def test_a_connection_that_ended_counts_no_more() -> None:
    """Else the limit would be used up by those who have gone."""
    async with serving(1) as served:
        for _ in range(5):
            client = await served.connect()
            assert await client.ask() == b"x"
            client.writer.close()

            async def none_left() -> bool:
                return len(served.listener) == 0

            await eventually(none_left)
        assert served.rejected == []


class Silent(asyncio.Protocol):
    """A protocol that knows no times, like aiohttp's."""


@asynccontextmanager
async def silent(limits: Limits, rejected: list[str], context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve it, and give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Listener(listening, Silent, limits, context, rejected.append)
        served.start()
        try:
            yield listening.getsockname()[1]
        finally:
            served.close()
            await served.wait_closed()


async def ended(port: int, sent: bytes) -> bytes:
    """Send bytes and return what comes until the connection is closed from the other side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_protocol_without_times_has_a_lifetime() -> None:
    """The operator's health pages: a client that never sends its header would stay for ever."""
    async with silent(Limits(8, lifetime=0.0, sweep=0.01), [], None) as port:
        assert await ended(port, b"GET /livez HTTP/1.1\r\nX-Half: ") == b""


def server_context(tmp_path: Path, authority: Authority) -> ssl.SSLContext:
    """Return how a listener encrypts, with a certificate of the authority."""
    pair, both = authority.server(), tmp_path / "both.pem"
    both.write_bytes(pair.certificate + pair.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    return context


async def test_a_handshake_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """By the time of the limits, not by the minute that asyncio gives; it is counted as one."""
    context = server_context(tmp_path, Authority("listener"))
    rejected: list[str] = []
    async with silent(Limits(8, handshake=0.05), rejected, context) as port:
        assert await ended(port, b"\x16\x03\x01\x02\x00\x01") == b""
    assert rejected == ["handshake"]


async def test_what_is_not_read_yet_stays_with_its_sender(tmp_path: Path) -> None:
    """Kernel and TLS keep little of it: hundreds of connections must fit into the memory of a pod."""
    authority, made = Authority("listener"), asyncio.get_running_loop().create_future()

    class Made(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.set_result(transport)

    with listen("127.0.0.1", 0) as listening:
        listener = Listener(listening, Made, Limits(8), server_context(tmp_path, authority))
        listener.start()
        trusting = ssl.create_default_context(cadata=authority.certificate.decode())
        _, writer = await asyncio.open_connection("localhost", listening.getsockname()[1], ssl=trusting)
        transport = await made

        async def is_limited() -> bool:
            return bool(transport.get_read_buffer_limits()[1] == BUFFER)

        assert await eventually(is_limited)
        # Linux doubles what is asked for, for its own book-keeping.
        kept = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert kept <= 2 * BUFFER
        transport.abort()
        writer.transport.abort()
        listener.close()
        await listener.wait_closed()
