"""What the cluster's own controllers do: dependents follow owners, contents follow containers.

An object whose owners are all gone is deleted; a namespace or a CustomResourceDefinition that is
being deleted takes its contents along and goes when it is empty. Deletions made here pass through
admission like those of any client.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actgate_sandbox.stand_in import crds
from actgate_sandbox.stand_in.call import Call
from actgate_sandbox.stand_in.chores import Chores, Work
from actgate_sandbox.stand_in.deletion import CLEANUP, FOREGROUND, ORPHAN
from actgate_sandbox.stand_in.resources import Registry
from actgate_sandbox.stand_in.store import Event, Key, Place, Store, Stored
from actgate_sandbox.stand_in.writes import Writer
from actgate_sandbox.status import ApiError, Object

_NAMESPACES = Place("", "namespaces")
_USER = {
    "username": "system:serviceaccount:kube-system:generic-garbage-collector",
    "groups": ["system:serviceaccounts", "system:authenticated"],
}


class GarbageCollector:
    """Follows deletions through one store."""

    def __init__(self, store: Store, registry: Registry, writer: Writer) -> None:
        self._store = store
        self._registry = registry
        self._writer = writer
        self.chores = Chores(store, self._wanted, self._reconcile)
        self._resume()

    def _resume(self) -> None:
        """Check everything once: a server that was stopped may have left work behind."""
        for place in self._store.places():
            for stored in self._store.all_of(place):
                metadata = stored.obj["metadata"]
                if metadata.get("deletionTimestamp") or metadata.get("ownerReferences"):
                    self.chores.add(place, _key(stored))

    def _wanted(self, place: Place, event: Event) -> list[Work]:
        metadata = event.last.obj["metadata"]
        if event.current is None:
            containers = self._containers(place, metadata)
            owners = self._known(owner["uid"] for owner in metadata.get("ownerReferences") or ())
            return [*self._store.dependents.get(metadata["uid"], ()), *containers, *owners]
        new_owners = event.previous is None and metadata.get("ownerReferences")
        if new_owners or metadata.get("deletionTimestamp"):
            return [(place, _key(event.current))]
        return []

    def _containers(self, place: Place, metadata: Object) -> list[Work]:
        """Return the terminating containers that may have become empty."""
        found = [(crds.PLACE, Key("", f"{place.plural}.{place.group}"))]
        if namespace := metadata.get("namespace"):
            found.append((_NAMESPACES, Key("", namespace)))
        return [work for work in found if _leaving(self._store.get(*work))]

    def _known(self, uids: Iterable[str]) -> list[Work]:
        return [self._store.by_uid[uid] for uid in uids if uid in self._store.by_uid]

    async def _reconcile(self, place: Place, key: Key) -> None:
        stored = self._store.get(place, key)
        if stored is None:
            return
        if not _leaving(stored):
            await self._follow_owners(place, stored)
        elif place == _NAMESPACES:
            await self._empty_namespace(stored)
        elif place == crds.PLACE:
            await self._empty_definition(stored)
        else:
            await self._release(place, stored)

    async def _follow_owners(self, place: Place, stored: Stored) -> None:
        owners = stored.obj["metadata"].get("ownerReferences") or []
        present = [owner for owner in owners if owner["uid"] in self._store.by_uid]
        if owners and not present:
            await self._delete(place, stored, "Background")
        elif len(present) < len(owners):
            await self._merge(place, stored, {"ownerReferences": present})

    async def _empty_namespace(self, namespace: Stored) -> None:
        name = namespace.obj["metadata"]["name"]
        inside = [
            (place, stored) for place in self._store.places() for stored in self._store.all_of(place, name)
        ]
        if not inside and not namespace.obj["metadata"].get("finalizers"):
            # Only the namespace's own finalizer is left.
            self._store.remove(_NAMESPACES, _key(namespace), namespace)
        await self._delete_all(inside)

    async def _empty_definition(self, definition: Stored) -> None:
        place = crds.place_of(definition.obj)
        inside = [(place, stored) for stored in self._store.all_of(place)]
        finalizers = definition.obj["metadata"].get("finalizers", [])
        if not inside and CLEANUP in finalizers:
            kept = [item for item in finalizers if item != CLEANUP]
            await self._merge(crds.PLACE, definition, {"finalizers": kept})
        await self._delete_all(inside)

    async def _delete_all(self, found: Iterable[tuple[Place, Stored]]) -> None:
        """Delete everything; one that is refused does not keep the others."""
        refused: list[ApiError] = []
        for place, stored in found:
            try:
                if not _leaving(stored):
                    await self._delete(place, stored, "Background")
            except ApiError as error:
                refused.append(error)
        if refused:
            raise refused[0]

    async def _release(self, place: Place, stored: Stored) -> None:
        """Do what a deletion with Foreground or Orphan policy promised."""
        metadata = stored.obj["metadata"]
        finalizers = metadata.get("finalizers", [])
        dependents = self._dependents(metadata["uid"])
        if ORPHAN in finalizers:
            for where, dependent in dependents:
                owners = dependent.obj["metadata"]["ownerReferences"]
                kept = [owner for owner in owners if owner["uid"] != metadata["uid"]]
                await self._merge(where, dependent, {"ownerReferences": kept})
            await self._drop_finalizer(place, stored, ORPHAN)
        elif FOREGROUND in finalizers:
            await self._delete_all(dependents)
            if not any(_blocks(item, metadata["uid"]) for _, item in dependents):
                await self._drop_finalizer(place, stored, FOREGROUND)

    def _dependents(self, uid: str) -> list[tuple[Place, Stored]]:
        works = tuple(self._store.dependents.get(uid, ()))
        found = [(place, self._store.get(place, key)) for place, key in works]
        return [(place, stored) for place, stored in found if stored is not None]

    async def _drop_finalizer(self, place: Place, stored: Stored, finalizer: str) -> None:
        finalizers = stored.obj["metadata"]["finalizers"]
        kept = [item for item in finalizers if item != finalizer]
        await self._merge(place, stored, {"finalizers": kept})

    async def _delete(self, place: Place, stored: Stored, policy: str) -> None:
        call = self._call(place, stored)
        preconditions = {"uid": stored.obj["metadata"]["uid"]}
        try:
            await self._writer.delete(call, {"propagationPolicy": policy, "preconditions": preconditions})
        except ApiError as error:
            if error.code != 404:
                raise

    async def _merge(self, place: Place, stored: Stored, metadata: Object) -> None:
        patch: dict[str, Any] = {"metadata": {"uid": stored.obj["metadata"]["uid"], **metadata}}
        await self._writer.patch(self._call(place, stored), "application/merge-patch+json", patch)

    def _call(self, place: Place, stored: Stored) -> Call:
        resource = self._registry.of_place(place)
        if resource is None:
            raise ApiError(404, "NotFound", f"{place.plural}.{place.group} is no longer served")
        key = _key(stored)
        return Call(resource, key.namespace, key.name, _USER)


def _key(stored: Stored) -> Key:
    metadata = stored.obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


def _leaving(stored: Stored | None) -> bool:
    return stored is not None and bool(stored.obj["metadata"].get("deletionTimestamp"))


def _blocks(dependent: Stored, uid: str) -> bool:
    return any(
        owner["uid"] == uid and owner.get("blockOwnerDeletion")
        for owner in dependent.obj["metadata"].get("ownerReferences", ())
    )
