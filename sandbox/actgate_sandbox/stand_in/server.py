"""The stand-in as a server: a thread with an event loop of its own, over a store that survives it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.nodes import Nodes
from actgate_sandbox.plane import ControlPlane, reserve_port
from actgate_sandbox.stand_in.admitting import Admission
from actgate_sandbox.stand_in.app import Front
from actgate_sandbox.stand_in.chores import Chores
from actgate_sandbox.stand_in.definitions import Definitions
from actgate_sandbox.stand_in.garbage import GarbageCollector
from actgate_sandbox.stand_in.kind_rules import first_namespaces
from actgate_sandbox.stand_in.kinds import builtin_kinds
from actgate_sandbox.stand_in.reads import Reader
from actgate_sandbox.stand_in.resources import Registry
from actgate_sandbox.stand_in.rollouts import Rollouts
from actgate_sandbox.stand_in.store import Store
from actgate_sandbox.stand_in.watch import Watches
from actgate_sandbox.stand_in.writes import Writer

_START_SECONDS = 30.0


class StandIn(ControlPlane):
    """An API server on loopback, in this process.

    Args:
        bookmark_seconds: After how much silence a watch gets a bookmark.
        nodes: Where pods run; without nodes Deployments and pods stay as they were written.
    """

    def __init__(self, *, bookmark_seconds: float = 60.0, nodes: Nodes | None = None) -> None:
        super().__init__("stand-in")
        self.store = Store()
        first_namespaces(self.store)
        self._registry = Registry()
        self._registry.add(builtin_kinds())
        self.store.listeners.append(Definitions(self._registry).follow)
        self._bookmark_seconds = bookmark_seconds
        self._nodes = nodes
        self._running: _ServingThread | None = None
        pair = self.authority.server()
        (self.directory / "tls.crt").write_bytes(pair.certificate)
        (self.directory / "tls.key").touch(mode=0o600)
        (self.directory / "tls.key").write_bytes(pair.key)

    def start(self) -> None:
        """Serve; return when requests are answered.

        Raises:
            SandboxError: The server did not come up.
        """
        config = uvicorn.Config(
            app="",
            lifespan="off",
            log_level="warning",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            ssl_certfile=self.directory / "tls.crt",
            ssl_keyfile=self.directory / "tls.key",
        )
        self._running = _ServingThread(self._parts, self.port, config)

    def halt(self) -> None:
        """Break every connection and serve no more, but keep the port and the objects."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def restart(self) -> None:
        """Break every connection, and serve the same objects at the same address."""
        self.halt()
        self.start()

    def stop(self) -> None:
        """Serve no more and leave nothing behind; stopping twice is harmless."""
        self.halt()
        super().stop()

    def compact(self) -> None:
        """Forget all history: a watch from an earlier revision gets 410 Gone."""
        if self._running is not None:
            self._running.call(self.store.compact)

    def _parts(self) -> _Parts:
        registry = self._registry
        admission = Admission(self.store)
        writer = Writer(self.store, admission)
        watches = Watches(self.store, self._bookmark_seconds)
        garbage = GarbageCollector(self.store, registry, writer)
        chores = [garbage.chores]
        if self._nodes is not None:
            chores.append(Rollouts(self.store, registry, writer, self._nodes).chores)
        return _Parts(
            Front(registry, Reader(self.store), writer, watches, self.token).app(),
            admission,
            watches,
            chores,
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one run of the server is made of."""

    app: Starlette
    admission: Admission
    watches: Watches
    chores: Sequence[Chores]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Follow commits and do chores, until the server ends."""
        tasks = [asyncio.create_task(chore.run()) for chore in self.chores]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.watches.detach()
            await self.admission.close()


class _Server(uvicorn.Server):
    """A server that signals when it listens, and breaks its connections when it is to end.

    uvicorn leaves those alone that are in the TLS handshake when it ends: they come in after it was shut,
    keep it waiting, and their sockets stay open. So it accepts by itself.
    """

    def __init__(self, config: uvicorn.Config, parts: _Parts) -> None:
        super().__init__(config)
        self.servers = []
        self.listening = threading.Event()
        self._parts = parts
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        for each in sockets or ():
            each.setblocking(False)
            each.listen(self.config.backlog)
        self._accepting = [asyncio.create_task(self._accept(each)) for each in sockets or ()]
        self.started = True
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        self._parts.watches.drop_all()
        # A polite farewell over TLS would wait for clients that are not listening.
        for connection in tuple(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await super().shutdown(sockets)

    async def _accept(self, listening: socket.socket) -> None:
        async with asyncio.TaskGroup() as opening:
            while True:
                accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
                opening.create_task(self._open(accepted))

    async def _open(self, accepted: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, accepted, ssl=self.config.ssl
            )
        except (OSError, asyncio.CancelledError):
            # The client left, or the server ends.
            accepted.close()

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


class _ServingThread:
    """One run of the server in a thread of its own."""

    def __init__(self, make: Callable[[], _Parts], port: int, config: uvicorn.Config) -> None:
        self._make = make
        self._socket = reserve_port(port)
        self._config = config
        self._server: _Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)
        self._thread.start()
        self._wait()

    def _wait(self) -> None:
        self._made.wait(_START_SECONDS)
        if self._server is None or not self._server.listening.wait(_START_SECONDS):
            self.stop()
            raise SandboxError(f"the stand-in did not come up: {self._failure}")

    def call(self, do: Callable[[], object]) -> None:
        """Do something in the server's loop, and return when it is done."""
        assert self._loop is not None  # noqa: S101 - set before the constructor returns
        done = threading.Event()

        def run() -> None:
            do()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(_START_SECONDS)

    def stop(self) -> None:
        """End the server and its thread."""
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(_START_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
                runner.run(self._main())
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._made.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        current = self._make()
        self._config.app = current.app
        self._server = _Server(self._config, current)
        self._made.set()
        async with current.working():
            await self._server.serve(sockets=[self._socket])
