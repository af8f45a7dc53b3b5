"""One Lease in memory, behind a network that is slow, loses answers, and delivers late."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kubernetes.aio.client import Configuration

from actgate.kube.client import REQUEST_SECONDS, Cluster, Subresource
from actgate.kube.errors import AlreadyExists, Conflict, NotFound, Unavailable
from actgate.kube.objects import Object
from actgate.kube.resources import Resource


async def no_server() -> Configuration:
    """Stand where a client looks for its server, which this one never does."""
    raise AssertionError("no client connects")


@dataclass
class Server:
    """What the API server keeps: the lease, or None, and how often it was written."""

    lease: Object | None = None
    version: int = 100
    late: set[asyncio.Task[Object]] = field(default_factory=set)

    def get(self) -> Object:
        """Return the lease."""
        if self.lease is None:
            raise NotFound("no lease", code=404)
        return copy.deepcopy(self.lease)

    def create(self, thing: Object) -> Object:
        """Take a new lease."""
        if self.lease is not None:
            raise AlreadyExists("there is one", code=409)
        return self.put(thing)

    def replace(self, thing: Object) -> Object:
        """Take a lease in place of the version that it names."""
        if self.get()["metadata"]["resourceVersion"] != thing["metadata"]["resourceVersion"]:
            raise Conflict("changed meanwhile", code=409)
        return self.put(thing)

    def put(self, thing: Object) -> Object:
        """Store, whatever was there."""
        self.version += 1
        metadata = {**thing["metadata"], "resourceVersion": str(self.version)}
        self.lease = copy.deepcopy({**thing, "metadata": metadata})
        return copy.deepcopy(self.lease)

    @property
    def holder(self) -> str:
        """Return who stands in the lease."""
        return str((self.lease or {"spec": {}})["spec"].get("holderIdentity", ""))

    @property
    def spec(self) -> dict[str, Any]:
        """Return what stands in the lease."""
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec


Delay = Callable[[], float]


def at_once() -> float:
    """Take no time."""
    return 0.0


class Line(Cluster):
    """One candidate's line to the server: `there` and `back` say how long each way takes.

    The server acts when the request arrives, also when the candidate has given up by then.
    """

    def __init__(self, server: Server, there: Delay = at_once, back: Delay = at_once) -> None:
        super().__init__(no_server)
        self.server = server
        self.there = there
        self.back = back
        self.requests = 0

    async def get(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Look."""
        return await self._ask(self.server.get, within)

    async def create(
        self,
        resource: Resource,
        thing: Object,
        *,
        dry_run: bool = False,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Make."""
        return await self._ask(lambda: self.server.create(thing), within)

    async def replace(
        self,
        resource: Resource,
        thing: Object,
        *,
        field_manager: str | None = None,
        subresource: Subresource | None = None,
        dry_run: bool = False,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Put."""
        return await self._ask(lambda: self.server.replace(thing), within)

    async def _ask(self, act: Callable[[], Object], within: float) -> Object:
        self.requests += 1
        task = asyncio.create_task(self._carry(act))
        self.server.late.add(task)
        task.add_done_callback(self._forget)
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable("no answer in time") from None

    def _forget(self, task: asyncio.Task[Object]) -> None:
        self.server.late.discard(task)
        if not task.cancelled():
            # The client may have gone: the answer does not matter then.
            task.exception()

    async def _carry(self, act: Callable[[], Object]) -> Object:
        await asyncio.sleep(self.there())
        answer: Object | Exception
        try:
            answer = act()
        except (Conflict, NotFound) as error:
            answer = error
        await asyncio.sleep(self.back())
        if isinstance(answer, Exception):
            raise answer
        return answer
