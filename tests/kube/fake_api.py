"""A small API server of one kind that fails on demand, on a real socket of loopback.

It keeps what the reflector depends on: one counter for versions, lists that page through a
snapshot, watches that replay what happened since a version, bookmarks, and a history that can be
forgotten. What goes wrong is scripted: `on_list` and `on_watch` name a fault for each request to
come, None where all is well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from aiohttp import web
from kubernetes.aio.client import Configuration

from actgate.kube.client import Cluster
from actgate.kube.resources import Resource

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")


@dataclass(frozen=True)
class Refuse:
    """Answer with a `Status` of this code."""

    code: int
    reason: str = ""
    message: str = "refused by the script"
    retry_after: str | None = None


@dataclass(frozen=True)
class Say:
    """Answer 200 with these bytes, whatever they are, and end."""

    data: bytes


@dataclass(frozen=True)
class HangUp:
    """Close the connection without an answer."""


@dataclass(frozen=True)
class KeepSilent:
    """Take the request and say nothing, headers included."""


Fault = Refuse | Say | HangUp | KeepSilent | None


def at_first(*faults: Fault) -> Iterator[Fault]:
    """Script these faults, then none."""
    return chain(faults, repeat(None))


def always(fault: Fault) -> Iterator[Fault]:
    """Script this fault until it is changed."""
    return repeat(fault)


def status(code: int, reason: str = "", message: str = "from the script") -> dict[str, Any]:
    """Return a `Status` as the API server writes it."""
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}


@dataclass
class Written:
    """A request that would change something."""

    method: str
    path: str
    query: dict[str, str]
    content_type: str
    body: Any


@dataclass(eq=False)
class OpenWatch:
    """One client that watches; None in the queue hangs up on it."""

    queue: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    deaf: bool = False


class FakeApi:
    """Widgets, and the faults that a test asks for."""

    def __init__(self, resource: Resource = WIDGETS) -> None:
        self.resource = resource
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.version = 100
        self.forgotten = 0
        self.on_get: Iterator[Fault] = always(None)
        self.on_list: Iterator[Fault] = always(None)
        self.on_watch: Iterator[Fault] = always(None)
        self.gets: list[dict[str, str]] = []
        self.lists: list[dict[str, str]] = []
        self.watches: list[dict[str, str]] = []
        self.writes: list[Written] = []
        self.authorizations: list[str | None] = []
        self.held_pages: list[asyncio.Event] = []
        """Each holds back one answer to a list, made before, until it is set."""
        self._history: list[tuple[int, str, dict[str, Any]]] = []
        self._snapshots: dict[int, list[dict[str, Any]]] = {}
        self.open_watches: set[OpenWatch] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    # What a test does to the objects.

    def put(self, name: str, namespace: str = "default", **spec: object) -> int:
        """Create or change a widget; return its version."""
        known = (namespace, name) in self.objects
        self.version += 1
        thing = {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"uid-{namespace}-{name}",
                "resourceVersion": str(self.version),
            },
            "spec": spec,
        }
        self.objects[namespace, name] = thing
        self._happen("MODIFIED" if known else "ADDED", thing)
        return self.version

    def delete(self, name: str, namespace: str = "default") -> int:
        """Delete a widget; return the version of the deletion."""
        self.version += 1
        thing = self.objects.pop((namespace, name))
        metadata = {**thing["metadata"], "resourceVersion": str(self.version)}
        self._happen("DELETED", {**thing, "metadata": metadata})
        return self.version

    def advance(self, versions: int = 1) -> int:
        """Let something happen to objects of another kind."""
        self.version += versions
        return self.version

    def forget_history(self) -> None:
        """Compact: neither a watch nor a page can go on from before now."""
        self.forgotten = self.version
        self._history.clear()
        self._snapshots.clear()

    def restore(self, version: int) -> None:
        """Go back to this version, as from a backup: what was made since has never been."""
        self.version = version
        self._history = [event for event in self._history if event[0] <= version]
        self.objects = {
            key: thing
            for key, thing in self.objects.items()
            if int(thing["metadata"]["resourceVersion"]) <= version
        }

    # What a test does to the watches.

    @property
    def watching(self) -> int:
        """How many watches are open."""
        return len(self.open_watches)

    def bookmark(self) -> None:
        """Tell every watch the current version."""
        metadata = {"resourceVersion": str(self.version)}
        self.tell("BOOKMARK", {"kind": self.resource.kind, "metadata": metadata})

    def tell(self, kind: str, thing: dict[str, Any]) -> None:
        """Send an event to every watch, true or not."""
        self.say(json.dumps({"type": kind, "object": thing}).encode() + b"\n")

    def say(self, data: bytes) -> None:
        """Send bytes to every watch."""
        for watch in self.open_watches:
            if not watch.deaf:
                watch.queue.put_nowait(data)

    def end_watches(self) -> None:
        """Let every watch end in peace."""
        for watch in self.open_watches:
            watch.queue.put_nowait(None)

    def silence_watches(self) -> None:
        """Let every open watch hear nothing any more, as over a dead connection."""
        for watch in self.open_watches:
            watch.deaf = True

    def _happen(self, kind: str, thing: dict[str, Any]) -> None:
        self._history.append((self.version, kind, thing))
        self.tell(kind, thing)

    # The server.

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeApi]:
        """Serve on a free port, the same one after a restart."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Serve."""
        app = web.Application()
        root, plural = f"/apis/{self.resource.api_version}", self.resource.plural
        app.router.add_get(f"{root}/{plural}", self._collection)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/{plural}", self._collection)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/{plural}/{{name}}", self._get)
        self.add_routes(app)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            app.router.add_route(method, "/{path:.*}", self._write)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def add_routes(self, app: web.Application) -> None:
        """Serve more than one kind, in a subclass."""

    async def stop(self) -> None:
        """Break every connection and listen no more."""
        if self._runner is not None:
            self.end_watches()
            await self._runner.cleanup()
            self._runner = None

    def cluster(self) -> Cluster:
        """Return a client of this server, to be opened."""

        async def configure() -> Configuration:
            return Configuration(host=f"http://127.0.0.1:{self.port}")

        return Cluster(configure)

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        self.authorizations.append(request.headers.get("Authorization"))
        if request.query.get("watch") == "true":
            self.watches.append(dict(request.query))
            failed = await self._fail(request, next(self.on_watch))
            return await self._watch(request) if failed is None else failed
        self.lists.append(dict(request.query))
        failed = await self._fail(request, next(self.on_list))
        answer = self._page(request) if failed is None else failed
        if self.held_pages:
            await self.held_pages.pop(0).wait()
        return answer

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        match fault:
            case None:
                return None
            case Refuse(code, reason, message, retry_after):
                headers = {"Retry-After": retry_after} if retry_after else {}
                return web.json_response(status(code, reason, message), status=code, headers=headers)
            case Say(data):
                return web.Response(body=data, content_type="application/json")
            case HangUp():
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case KeepSilent():
                await asyncio.Event().wait()
        raise AssertionError(f"no such fault: {fault}")

    def _page(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "0"))
        version, start = self.version, 0
        if token := request.query.get("continue"):
            version, start = (int(part) for part in token.split("."))
            if version not in self._snapshots:
                return web.json_response(status(410, "Expired", "token expired"), status=410)
        else:
            self._snapshots[version] = [self.objects[key] for key in sorted(self.objects)]
        items = self._snapshots[version]
        end = start + limit if limit else len(items)
        metadata = {"resourceVersion": str(version)}
        if end < len(items):
            metadata["continue"] = f"{version}.{end}"
        return web.json_response({"metadata": metadata, "items": items[start:end]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        if since < self.forgotten:
            return web.json_response(status(410, "Expired", "too old"), status=410)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        watch = OpenWatch()
        for version, kind, thing in self._history:
            if version > since:
                line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
                watch.queue.put_nowait(line)
        self.open_watches.add(watch)
        try:
            await response.prepare(request)
            while (data := await watch.queue.get()) is not None:
                await response.write(data)
        finally:
            self.open_watches.discard(watch)
        return response

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.gets.append(dict(request.query))
        self.authorizations.append(request.headers.get("Authorization"))
        if (failed := await self._fail(request, next(self.on_get))) is not None:
            return failed
        key = request.match_info["namespace"], request.match_info["name"]
        if key not in self.objects:
            return web.json_response(status(404, "NotFound", f"{key[1]} not found"), status=404)
        return web.json_response(self.objects[key])

    async def _write(self, request: web.Request) -> web.Response:
        written = Written(
            request.method,
            request.path,
            dict(request.query),
            request.content_type,
            await request.json(),
        )
        self.writes.append(written)
        return web.json_response(written.body)
