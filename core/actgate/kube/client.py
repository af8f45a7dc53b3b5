"""The only client of the Kubernetes API: its requests, on plain objects.

The typed API of `kubernetes.aio` is left aside: it knows no kinds of ours, refuses partial objects
before the server can, and builds model objects that are not needed here. Objects are the dicts of
their JSON.

Every request has a deadline and none is retried: the caller knows how much time is left.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from kubernetes.aio.client import Configuration

from actgate.kube import access
from actgate.kube.errors import Unintelligible
from actgate.kube.objects import Object, version_of
from actgate.kube.observing import Observer
from actgate.kube.resources import Resource
from actgate.kube.transport import AGENT, Query, Transport

REQUEST_SECONDS = 10.0
"""How long one request may take, from credentials to the last byte, unless the caller says."""

SILENCE_SECONDS = 70.0
"""How long a watch may be silent: where bookmarks come, they come every 60 to 61 seconds."""

Subresource = Literal["status", "scale"]


class Page(NamedTuple):
    """Some of the objects of a list, and the version of the snapshot that all its pages show."""

    items: list[Object]
    version: int


class Event(NamedTuple):
    """One line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (a `Status`)."""

    type: str
    object: Object


class Cluster:
    """A connection to one API server, open inside `async with`.

    Every method raises a `ClusterError` where there is no answer to build on; `within` is the
    number of seconds after which there is none. `observe` is called for every request, and the API server is
    sent `agent`, the name of the client.
    """

    def __init__(
        self,
        configure: Callable[[], Awaitable[Configuration]],
        observe: Observer | None = None,
        agent: str = AGENT,
    ) -> None:
        self._configure = configure
        self._observe = observe
        self._agent = agent
        self._opened: Transport | None = None

    @classmethod
    def from_environment(
        cls,
        kubeconfig: Path | None = None,
        observe: Observer | None = None,
        agent: str = AGENT,
        context: str | None = None,
    ) -> Self:
        """Use the given kubeconfig, `$KUBECONFIG`, the pod's service account or `~/.kube/config`.

        They are read, and `Misconfigured` is raised, when the connection is opened.
        """
        return cls(partial(access.find, kubeconfig, context), observe, agent)

    async def __aenter__(self) -> Self:
        self._opened = Transport(await self._configure(), self._observe, self._agent)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        transport, self._opened = self._transport, None
        await transport.close()

    @property
    def _transport(self) -> Transport:
        if self._opened is None:
            raise RuntimeError("the cluster is used outside of its `async with`")
        return self._opened

    @property
    def address(self) -> str:
        """The address of the API server, once the connection is open."""
        return self._transport.host

    async def get(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Return the object as it is now (not from any cache), or raise `NotFound`."""
        return await self._transport.request("GET", resource.item(name, namespace), within=within)

    async def discover(self, path: str, *, within: float = REQUEST_SECONDS) -> Object:
        """Return what the API server says that it serves: `/apis`, `/api/v1` or `/apis/GROUP/VERSION`."""
        return await self._transport.request("GET", path, within=within)

    async def server_version(self, *, within: float = REQUEST_SECONDS) -> tuple[int, int]:
        """Return the version of the API server, such as (1, 36)."""
        answer = await self._transport.request("GET", "/version", within=within)
        try:
            # A provider may write 31+.
            return int(answer["major"]), int(str(answer["minor"]).rstrip("+"))
        except (KeyError, ValueError) as error:
            raise Unintelligible("GET /version: the answer has no major and minor version") from error

    async def list_pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        within: float = REQUEST_SECONDS,
    ) -> AsyncGenerator[Page, None]:
        """List what is there now, page by page; `within` is for each page.

        All pages show the snapshot whose version the first one names. A list that outlasts its
        snapshot (the API server keeps one for some minutes) raises `Gone`: the pages so far were
        true, the rest is unknown, and only a new list can tell.
        """
        path = resource.collection(namespace)
        query: dict[str, str | int | None] = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": limit,
        }
        while True:
            answer = await self._transport.request("GET", path, query, within=within)
            items = answer.get("items") or []
            if not isinstance(items, list):
                raise Unintelligible(f"GET {path}: the answer is not a list")
            yield Page(items, version_of(answer))
            query["continue"] = answer["metadata"].get("continue")
            if not query["continue"]:
                return

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource,
        version: int,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        lasting: int = 300,
        silence: float = SILENCE_SECONDS,
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Open a watch on everything that happens after `version`; events are as they came.

        The server is asked to end it after `lasting` seconds, and for bookmarks. If nothing is
        heard for `silence` seconds the watch is `Silent`. A watch that merely ends, also in the
        middle of an event, ends the iteration.
        """
        path = resource.collection(namespace)
        query: Query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": lasting,
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
        }
        opening = self._transport.lines(path, query, lasting=lasting + silence, silence=silence)
        async with opening as lines:
            yield (_event(path, line) async for line in lines)

    async def apply(
        self,
        resource: Resource,
        thing: Object,
        *,
        field_manager: str,
        force: bool = False,
        subresource: Subresource | None = None,
        dry_run: bool = False,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Apply the object server-side, and return it as it is then.

        A field that another manager owns is a `Conflict`, unless `force` takes it over.
        """
        name, namespace = _place(resource, thing)
        return await self._transport.request(
            "PATCH",
            resource.item(name, namespace, subresource),
            {"fieldManager": field_manager, "force": str(force).lower(), "dryRun": _dry(dry_run)},
            body=thing,
            content_type="application/apply-patch+yaml",
            within=within,
        )

    async def merge(
        self,
        resource: Resource,
        thing: Object,
        *,
        field_manager: str | None = None,
        subresource: Subresource | None = None,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Merge fields into the object (RFC 7396: lists as a whole), and return it as it is then.

        For what cannot be applied: an object that is stored in a form that its schema refuses.
        """
        name, namespace = _place(resource, thing)
        return await self._transport.request(
            "PATCH",
            resource.item(name, namespace, subresource),
            {"fieldManager": field_manager},
            body=thing,
            content_type="application/merge-patch+json",
            within=within,
        )

    async def create(
        self,
        resource: Resource,
        thing: Object,
        *,
        dry_run: bool = False,
        within: float = REQUEST_SECONDS,
    ) -> Object:
        """Create the object, and return it as stored; `AlreadyExists` where the name is taken."""
        _, namespace = _place(resource, thing)
        return await self._transport.request(
            "POST",
            resource.collection(namespace),
            {"dryRun": _dry(dry_run)},
            body=thing,
            within=within,
        )

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
        """Put the object in place of the one that has its name, and return it as stored.

        Where it carries a `resourceVersion`, a change since then is a `Conflict`.
        """
        name, namespace = _place(resource, thing)
        return await self._transport.request(
            "PUT",
            resource.item(name, namespace, subresource),
            {"fieldManager": field_manager, "dryRun": _dry(dry_run)},
            body=thing,
            within=within,
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        dry_run: bool = False,
        within: float = REQUEST_SECONDS,
    ) -> None:
        """Ask for the object to go, and for what it owns to follow in the background.

        With `uid`, another object that has taken the name is spared by a `Conflict`.
        """
        body: Object = {"propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        if dry_run:
            # Beside a body the API server overlooks the parameter, and deletes for real.
            body["dryRun"] = ["All"]
        path = resource.item(name, namespace)
        await self._transport.request("DELETE", path, body=body, within=within)


def _event(path: str, line: Object) -> Event:
    if not isinstance(line.get("type"), str) or not isinstance(line.get("object"), dict):
        raise Unintelligible(f"watch {path}: an event without type or object")
    return Event(line["type"], line["object"])


def _dry(dry_run: bool) -> str | None:
    return "All" if dry_run else None


def _place(resource: Resource, thing: Object) -> tuple[str, str | None]:
    """Return the name and the namespace under which the API server keeps the object."""
    metadata = thing["metadata"]
    return metadata.get("name", ""), metadata.get("namespace") if resource.namespaced else None
