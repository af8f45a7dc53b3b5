"""Accepts connections, so many and no more, and closes those whose clients keep it waiting.

A pod's port is open to every pod. asyncio's own server accepts whatever comes, gives a TLS handshake 60 s,
and a protocol that is sent nothing waits for ever. Here the number is bounded. When it is used up, a newcomer
takes the place of the connection that has waited longest for its client, of the peer address that has the
most connections: neither one busy client nor many idle ones keep the API server out. A connection whose
request is being answered is never closed for another.
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

logger = logging.getLogger(__name__)

BUFFER: Final = 64 * 1024
"""Bytes that the kernel and TLS each keep of what was not read yet, which is about what one read brings, too.

They count against a container's memory for each connection, and on a busy machine all of them are full.
"""

PATIENCE_SECONDS: Final = 5.0
"""So long must a connection have waited before a newcomer of an address that has the most takes its place:
a client that opens connections without end is refused at once, which costs no handshake."""

_BATCH: Final = 8
"""So many connections are accepted before others on the event loop get their turn."""
_SHUTDOWN_SECONDS: Final = 2.0
"""How long a client may take to answer the end of a TLS connection."""
_REFUSED_SECONDS: Final = 0.5
"""For so long an address that was refused is refused again without another look, while there is no room."""
_PAUSE_SECONDS: Final = 1.0
"""How long nothing is accepted after the process has run out of file descriptors."""


@runtime_checkable
class Timed(Protocol):
    """What a protocol says of its connection, where it can."""

    def waiting_since(self) -> float | None:
        """Return since when the client is waited for, on the loop's clock; None while it is not."""

    def overdue(self, now: float) -> str | None:
        """Return what the client did not do in time, in one word; None where it is in time."""

    def give_up(self, reason: str) -> None:
        """Say so to the client where that is possible, and close."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a listener allows; all durations are seconds."""

    connections: int
    handshake: float = 5.0
    """A TLS handshake may take so long."""
    lifetime: float | None = None
    """A connection whose protocol is not ``Timed`` is closed after so long; None for never."""
    sweep: float = 1.0
    """Pause between two rounds over all connections."""


class _Connection:
    """One connection from accept to end."""

    def __init__(self, address: str, accepted: float) -> None:
        self.address = address
        self.accepted = accepted
        self.opening: asyncio.Task[None] | None = None
        self.transport: asyncio.BaseTransport | None = None
        self.protocol: object = None

    @property
    def ended(self) -> bool:
        return self.opening is None and (self.transport is None or self.transport.is_closing())

    def waiting_since(self) -> float | None:
        if isinstance(self.protocol, Timed):
            return self.protocol.waiting_since()
        return self.accepted

    def abort(self) -> None:
        """Drop it at once, whatever is under way."""
        if self.opening is not None:
            self.opening.cancel()
        elif isinstance(self.transport, asyncio.Transport) or hasattr(self.transport, "abort"):
            self.transport.abort()  # type: ignore[union-attr]


class Listener:
    """A listening socket at work, from ``start`` to ``close``.

    Args:
        listening: The socket; it stays its owner's to close.
        factory: Makes the protocol of a connection.
        limits: What is allowed.
        context: For TLS; None for plain connections.
        rejected: Called with one word for why a connection was closed from this side.
    """

    def __init__(
        self,
        listening: socket.socket,
        factory: Callable[[], asyncio.BaseProtocol],
        limits: Limits,
        context: ssl.SSLContext | None = None,
        rejected: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._listening = listening
        self._factory = factory
        self._limits = limits
        self._context = context
        self._rejected = rejected
        self._connections: set[_Connection] = set()
        self._refused: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        """Return the number of open connections, those in the handshake included."""
        self._forget_ended()
        return len(self._connections)

    def start(self) -> None:
        """Begin to accept on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._listening.setblocking(False)
        self._loop.add_reader(self._listening, self._accept)
        self._sweeping = self._loop.create_task(self._sweep(), name="connections")

    def close(self) -> None:
        """Accept no more, and drop what is still in the handshake; open connections are left alone."""
        if self._closed or self._loop is None:
            return
        self._closed = True
        self._loop.remove_reader(self._listening)
        for connection in self._connections:
            if connection.opening is not None:
                connection.opening.cancel()

    async def wait_closed(self) -> None:
        """End the rounds: after ``close``, when open connections have ended or do not matter."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping

    def _accept(self) -> None:
        assert self._loop is not None  # noqa: S101 - for the type
        for _ in range(_BATCH):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.error("no connection can be accepted: %s", error.strerror)  # noqa: TRY400 - no defect
                self._rejected("descriptors")
                self._loop.remove_reader(self._listening)
                self._loop.call_later(_PAUSE_SECONDS, self._accept_again)
                return
            self._admit(accepted, str(address[0]))

    def _accept_again(self) -> None:
        if self._loop is not None and not self._closed:
            self._loop.add_reader(self._listening, self._accept)

    def _admit(self, accepted: socket.socket, address: str) -> None:
        assert self._loop is not None  # noqa: S101 - for the type
        if not self._has_room(address):
            self._rejected("limit")
            accepted.close()
            return
        accepted.setblocking(False)
        with suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(address, self._loop.time())
        self._connections.add(connection)
        connection.opening = self._loop.create_task(self._open(connection, accepted))

    async def _open(self, connection: _Connection, accepted: socket.socket) -> None:
        assert self._loop is not None  # noqa: S101 - for the type
        times: dict[str, Any] = {}
        if self._context is not None:
            times["ssl_handshake_timeout"] = self._limits.handshake
            times["ssl_shutdown_timeout"] = _SHUTDOWN_SECONDS
        try:
            opened = await self._loop.connect_accepted_socket(
                self._factory, accepted, ssl=self._context, **times
            )
            connection.transport, connection.protocol = opened
            if self._context is not None:
                # uvloop's 256 KiB would be held of each body that waits for room.
                opened[0].set_read_buffer_limits(BUFFER)  # type: ignore[attr-defined] # a TLS transport's
        except (OSError, asyncio.CancelledError):
            # A handshake that failed, ended or took too long; who sent it knows.
            accepted.close()
            if connection.accepted + self._limits.handshake <= self._loop.time():
                self._rejected("handshake")
        finally:
            connection.opening = None
            if connection.ended:
                self._connections.discard(connection)

    def _has_room(self, address: str) -> bool:
        if len(self._connections) < self._limits.connections:
            return True
        assert self._loop is not None  # noqa: S101 - for the type
        if self._refused.get(address, 0.0) > self._loop.time():
            return False
        self._forget_ended()
        if len(self._connections) < self._limits.connections:
            return True
        victim = self._longest_waiting(address)
        if victim is None:
            self._refused[address] = self._loop.time() + _REFUSED_SECONDS
            return False
        self._rejected("limit")
        victim.abort()
        self._connections.discard(victim)
        return True

    def _longest_waiting(self, newcomer: str) -> _Connection | None:
        """Return whose place a newcomer takes; None where it has to be refused."""
        assert self._loop is not None  # noqa: S101 - for the type
        now = self._loop.time()
        crowd = Counter(connection.address for connection in self._connections)
        waiting = (
            (-crowd[connection.address], since, number, connection)
            for number, connection in enumerate(self._connections)
            if (since := connection.waiting_since()) is not None
            and (now - since >= PATIENCE_SECONDS or crowd[connection.address] > crowd[newcomer])
        )
        return min(waiting, default=(0, 0.0, 0, None))[3]

    def _forget_ended(self) -> None:
        self._connections = {connection for connection in self._connections if not connection.ended}

    async def _sweep(self) -> None:
        assert self._loop is not None  # noqa: S101 - for the type
        while True:
            await asyncio.sleep(self._limits.sweep)
            self._forget_ended()
            now = self._loop.time()
            self._refused = {address: until for address, until in self._refused.items() if until > now}
            for connection in list(self._connections):
                self._close_overdue(connection, now)

    def _close_overdue(self, connection: _Connection, now: float) -> None:
        protocol, lifetime = connection.protocol, self._limits.lifetime
        if isinstance(protocol, Timed):
            reason = protocol.overdue(now)
            if reason is not None:
                self._rejected(reason)
                protocol.give_up(reason)
        elif (
            lifetime is not None and connection.accepted + lifetime < now and connection.transport is not None
        ):
            connection.transport.close()


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 takes a free one.

    Raises:
        OSError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Python adds the address to the system's words in another form.
        reason = (error.strerror or "").partition(" (while")[0]
        raise type(error)(error.errno, f"cannot listen on {host}, port {port}: {reason}") from None
    # Connections inherit it; without, the kernel keeps megabytes of what is not read yet.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    return listener
