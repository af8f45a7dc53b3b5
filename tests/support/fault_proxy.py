"""A proxy before a control plane that makes its answers go wrong, on either engine.

Every request goes through `fault`: None lets it pass, anything else is what happens to it instead. Watches
can be muted: their connection stays, and nothing comes any more.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.kubeconfig import write_kubeconfig

_HOP = frozenset(
    {"connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding"}
)
"""What belongs to one connection, or is decoded on the way: answers come unpacked."""


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    at: float
    """Seconds on a steady clock."""

    @property
    def writes(self) -> bool:
        """Whether it would change something."""
        return self.method in ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Refuse:
    """Answer with a `Status` instead."""

    code: int
    reason: str
    retry_after: int | None = None


@dataclass(frozen=True)
class EndWatch:
    """Answer a watch with an ERROR event of 410, at once."""


@dataclass(frozen=True)
class Silence:
    """Never answer."""


Fault = Refuse | EndWatch | Silence | None


@dataclass
class FaultProxy:
    """What is served at `url`, what came in, and what goes wrong."""

    plane: ControlPlane
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    fault: Callable[[Seen], Fault] = lambda _: None
    muted: bool = False
    """While true, watches say nothing, and bytes that come meanwhile are held back for good."""
    kubeconfig: Path = Path()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, or let it fail."""
        seen = Seen(request.method, request.path, dict(request.query), time.monotonic())
        self.seen.append(seen)
        match self.fault(seen):
            case Refuse(code, reason, retry_after):
                headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
                return web.json_response(_status(code, reason), status=code, headers=headers)
            case EndWatch():
                return web.json_response({"type": "ERROR", "object": _status(410, "Expired")})
            case Silence():
                await asyncio.Event().wait()
        return await self._passed_on(request)

    async def _passed_on(self, request: web.Request) -> web.StreamResponse:
        session: aiohttp.ClientSession = request.app[SESSION]
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        try:
            async with session.request(
                request.method,
                f"{self.plane.url}{request.raw_path}",
                headers=headers,
                data=await request.read() or None,
            ) as answer:
                kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP}
                response = web.StreamResponse(status=answer.status, headers=kept)
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    if self.muted and "watch" in request.query:
                        await asyncio.Event().wait()
                    await response.write(chunk)
                await response.write_eof()
                return response
        except (aiohttp.ClientError, ConnectionError):
            if request.transport is not None:
                request.transport.close()
            return web.Response()


SESSION: web.AppKey[aiohttp.ClientSession] = web.AppKey("session", aiohttp.ClientSession)


def _status(code: int, reason: str) -> dict[str, object]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": f"{reason} by the test",
    }


@contextmanager
def proxied(plane: ControlPlane, folder: Path) -> Iterator[FaultProxy]:
    """Serve a proxy before a control plane until the block ends."""
    proxy = FaultProxy(plane)
    loop, started, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        context = ssl.create_default_context(cadata=plane.ca.decode())
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        ) as session:
            app = web.Application(client_max_size=8 * 1024 * 1024)
            app[SESSION] = session
            app.router.add_route("*", "/{path:.*}", proxy.handle)
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            started.set()
            await stop.wait()
            await runner.cleanup()
        # Watches that are muted, and requests whose client is gone, would wait for ever.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.25)

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, name="fault proxy")
    thread.start()
    assert started.wait(30)
    proxy.kubeconfig = folder / "through-the-proxy"
    write_kubeconfig(proxy.kubeconfig, proxy.url, plane.ca, plane.token)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
