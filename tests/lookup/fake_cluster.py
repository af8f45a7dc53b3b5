"""``FakeCluster``: an API server that keeps objects in a dict, and fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from actgate.kube.client import Cluster, Event, Page
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object
from actgate.kube.resources import (
    COMPLIANCE_MANIFESTS,
    COMPLIANCE_POLICIES,
    CONFIG_MAPS,
    EXEMPTIONS,
    NAMESPACES,
    Resource,
)
from actgate.scan.reports import OPEN_REPORTS
from actgate.subjects.reading import package_table


class FakeCluster(Cluster):
    """Objects by resource, namespace and name; what it was asked; and what goes wrong."""

    def __init__(self, *objects: Object) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.version = 100
        self.failure: ClusterError | None = None
        """Every request fails with it."""
        self.silent = False
        """No request is answered."""
        self.gets: list[str] = []
        self.lists: list[str] = []
        self._watches: list[tuple[str, asyncio.Queue[Event]]] = []
        for thing in objects:
            self.put(thing, tell=False)

    def put(self, thing: Object, *, tell: bool = True) -> None:
        """Store an object; its watchers hear of it, unless that is switched off."""
        self.version += 1
        stored = {**thing, "metadata": {**thing["metadata"], "resourceVersion": str(self.version)}}
        self.objects[_key(stored)] = stored
        if tell:
            self._tell("MODIFIED", stored)

    def remove(self, thing: Object) -> None:
        """Delete an object, and tell its watchers."""
        self.version += 1
        gone = self.objects.pop(_key(thing))
        self._tell(
            "DELETED", {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self.version)}}
        )

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, within: float = 10.0
    ) -> Object:
        """Return an object as it is now."""
        path = resource.item(name, namespace)
        self.gets.append(path)
        await self._misbehave(within)
        try:
            return self.objects[resource.plural, namespace or "", name]
        except KeyError:
            raise NotFound(f"{path} not found", code=404) from None

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        **options: Any,  # noqa: ANN401 - as Cluster's
    ) -> AsyncGenerator[Page, None]:
        """Return everything of a kind on one page."""
        self.lists.append(resource.plural)
        await self._misbehave(float(options.get("within", 10.0)))
        yield Page([thing for key, thing in self.objects.items() if key[0] == resource.plural], self.version)

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource,
        version: int,
        namespace: str | None = None,
        **_: Any,  # noqa: ANN401
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Follow what is put and removed from now on."""
        await self._misbehave(10.0)
        events: asyncio.Queue[Event] = asyncio.Queue()
        self._watches.append((resource.plural, events))

        async def follow() -> AsyncIterator[Event]:
            while True:
                yield await events.get()

        yield follow()

    async def _misbehave(self, within: float) -> None:
        if self.silent:
            async with asyncio.timeout(within):
                await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    def _tell(self, event: str, thing: Object) -> None:
        for plural, events in self._watches:
            if plural == _key(thing)[0]:
                events.put_nowait(Event(event, thing))


_PLURALS = {
    item.kind: item.plural
    for item in (COMPLIANCE_MANIFESTS, COMPLIANCE_POLICIES, CONFIG_MAPS, EXEMPTIONS, NAMESPACES)
} | {row.kind: row.plural for row in package_table().rows.values()}
_PLURALS |= {OPEN_REPORTS.kind: OPEN_REPORTS.plural, "ControllerRevision": "controllerrevisions"}


def _key(thing: Object) -> tuple[str, str, str]:
    metadata = thing["metadata"]
    return _PLURALS[thing["kind"]], metadata.get("namespace", ""), metadata["name"]
