"""The verified owners of an object, read live, and kept for as long as an allow may rest on them.

One GET for each owner that is not known: three for the pod of a Deployment of a serving object, none for the
next pod of it. An owner that is kept counts for ``FRESH_SECONDS``, as all evidence; who refuses asks again
with ``live``. An owner that cannot be read is no missing owner: the evidence is unavailable.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Invalid, NotFound
from actgate.kube.objects import Object
from actgate.kube.resources import Resource
from actgate.lookup.evidence import FRESH_SECONDS, EvidenceUnavailableError
from actgate.subjects.owners import Chain, OwnerObject, Reference, Walk, owner_object
from actgate.subjects.reading import Row, Table, package_table
from actgate.subjects.replacements import revision_of
from actgate.subjects.running import Revision, revision

MOST: Final = 4096
"""Owners that are kept, of two to ten KiB each; the least recently used ones are dropped."""


_REVISIONS: Final = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")


class _Key(NamedTuple):
    """A uid proves nothing by itself: it is the group, kind, name and namespace, too, that must be those."""

    namespace: str
    reference: Reference


class OwnerChains:
    """Walks chains of owners in one cluster.

    Args:
        cluster: The API server.
        table: The kinds that are known, at each walk.
        on_live_read: Called with the plural of what was read, and found, missing or error.
        now: A monotonic clock, in seconds.
        most: Owners that are kept.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        table: Callable[[], Table] = package_table,
        on_live_read: Callable[[str, str], None] = lambda _resource, _result: None,
        now: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._cluster = cluster
        self._table = table
        self._on_live_read = on_live_read
        self._now = now
        self._most = most
        self._known: OrderedDict[_Key, tuple[OwnerObject, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    async def top(
        self, obj: Object, namespace: str, within: float, *, live: bool = False, revised: bool = False
    ) -> Chain:
        """Return the owners of an object, up to the one that answers for it.

        Args:
            obj: The object, as the API server sends it.
            namespace: Its namespace, and so that of all its owners.
            within: Seconds that all reads together may take.
            live: Whether every owner is read, also one that is kept.
            revised: Whether the ControllerRevision is read, too, that shows how old a pod's template is.

        Raises:
            EvidenceUnavailableError: An owner could not be read.
        """
        walk, kept, found = Walk(obj, self._table()), False, None
        try:
            async with asyncio.timeout(within):
                while walk.wanted is not None:
                    owner = None if live else self._kept(namespace, walk.wanted)
                    if owner is not None:
                        kept = True
                    else:
                        owner = await self._owner(namespace, walk.wanted, walk.row(walk.wanted))
                    walk.take(owner)
                if revised:
                    found = await self._revision(namespace, revision_of(walk.chain, obj))
        except TimeoutError:
            raise EvidenceUnavailableError(
                f"the API server did not answer within {within:.1f} s: {_asked(walk)}"
            ) from None
        except ClusterError as error:
            raise EvidenceUnavailableError(
                f"{_asked(walk)} and cannot be read: {error}", error.retry_after
            ) from error
        return replace(walk.chain, kept=kept, revision=found)

    def _kept(self, namespace: str, reference: Reference) -> OwnerObject | None:
        """Return an owner that was read a short while ago; None for any other."""
        key = _Key(namespace, reference)
        kept = self._known.get(key)
        if kept is None or self._now() - kept[1] >= FRESH_SECONDS:
            return None
        self._known.move_to_end(key)
        return kept[0]

    async def _owner(self, namespace: str, reference: Reference, row: Row) -> OwnerObject | None:
        """Read an owner; None where no object has its group, kind and name."""
        key = _Key(namespace, reference)
        asked = self._now()
        found = await self._read(namespace, reference, row)
        if found is None or found.uid != reference.uid:
            self._known.pop(key, None)
            return found
        self._known[key] = (found, asked)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return found

    async def _read(self, namespace: str, reference: Reference, row: Row) -> OwnerObject | None:
        resource = Resource(row.group, reference.version, row.plural, row.kind)
        thing = await self._got(resource, reference.name, namespace)
        return owner_object(thing, row) if thing is not None else None

    async def _revision(self, namespace: str, name: str | None) -> Revision | None:
        thing = await self._got(_REVISIONS, name, namespace) if name is not None else None
        return revision(thing) if thing is not None else None

    async def _got(self, resource: Resource, name: str, namespace: str) -> Object | None:
        result = "error"
        try:
            thing = await self._cluster.get(resource, name, namespace)
            result = "found"
        except (NotFound, Invalid):
            # A name that no object can have is a name that no object has.
            result = "missing"
            return None
        finally:
            self._on_live_read(resource.plural, result)
        return thing


def _asked(walk: Walk) -> str:
    """Return what is read next, as the beginning of a sentence."""
    return f"{walk.wanted} owns the object" if walk.wanted else "a ControllerRevision holds its template"
