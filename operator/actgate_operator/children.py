"""The children of all models as they are: slim caches, and our own writes before a watch shows them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.kube.objects import Key, Object, key_of
from actgate.kube.reflector import Reflector
from actgate.kube.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    SERVICES,
    Resource,
)
from actgate.kube.store import Change, Unreadable
from actgate.kube.timing import Timing
from actgate_operator.child import Child, read_child
from actgate_operator.names import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
)
from actgate_operator.pod_records import PodCache, PodRecord

KINDS: Final = (DEPLOYMENTS, SERVICES, AUTOSCALERS, DISRUPTION_BUDGETS, NETWORK_POLICIES)
"""What a model can own, in the order in which it is created."""

SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"


class Children:
    """Caches of every kind of child, and of pods, that live while ``run`` runs.

    Args:
        cluster: The API server.
        changed: Called with the key of the ModelDeployment whose child changed, our own writes apart.
        timing: How the reflectors wait.
    """

    def __init__(
        self, cluster: Cluster, changed: Callable[[Key], None], timing: Timing | None = None
    ) -> None:
        self._changed = changed
        self._written: dict[tuple[Resource, Key], Child] = {}
        self._held: dict[tuple[Resource, Key], list[Change[Child]]] = {}
        """Events of children that are being written."""
        self._names: dict[Key, str] = {}
        self._caches: dict[Resource, Reflector[Child]] = {
            kind: Reflector(
                cluster,
                kind,
                read_child,
                self._listener(kind),
                label_selector=SELECTOR,
                timing=timing,
            )
            for kind in KINDS
        }
        self.growing: set[Key] = set()
        """Deployments whose count was raised, and the new pods do not serve yet."""
        self._pods = PodCache(cluster, self._pod_changed, SELECTOR, timing)
        self.reflectors: tuple[Reflector[Any], ...] = (*self._caches.values(), self._pods.reflector)

    async def run(self) -> None:
        """Keep the caches true until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run(), name=f"reflector of {reflector.resource}")

    async def synced(self) -> None:
        """Wait until every cache has been complete once."""
        for reflector in self.reflectors:
            await reflector.synced.wait()

    def get(self, kind: Resource, key: Key) -> Child | None:
        """Return a child as it is known, our own last write included; None where none is known."""
        cache = self._caches[kind]
        written = self._written.get((kind, key))
        if written is not None:
            if cache.version < written.version:
                return written
            # The watch has shown all up to our write: if the child is not there, it is gone.
            del self._written[kind, key]
        child = cache.get(*key)
        return None if isinstance(child, Unreadable) else child

    def pods(self, key: Key) -> Mapping[str, PodRecord]:
        """Return the pods that carry the label of a Deployment, given its key, by their names."""
        return self._pods.of(key)

    @contextmanager
    def writing(self, kind: Resource, key: Key) -> Iterator[None]:
        """Hold events of a child until a write of ours is answered: its own event may come before that."""
        if (kind, key) in self._held:
            yield
            return
        held = self._held[kind, key] = []
        try:
            yield
        finally:
            del self._held[kind, key]
            for change in held:
                self._take(kind, change)

    def note(self, kind: Resource, thing: Object) -> Child:
        """Take the answer to a write of ours as known, until the watch has shown as much."""
        child, key = read_child(thing), key_of(thing)
        if kind is DEPLOYMENTS:
            self._learn_growth(key, self.get(kind, key), child)
        self._written[kind, key] = child
        if kind is DEPLOYMENTS and child.owner_name is not None:
            self._names[key] = child.owner_name
        return child

    def _listener(self, kind: Resource) -> Callable[[Change[Child]], None]:
        def observe(change: Change[Child]) -> None:
            held = self._held.get((kind, change.key))
            if held is None:
                self._take(kind, change)
            else:
                held.append(change)

        return observe

    def _take(self, kind: Resource, change: Change[Child]) -> None:
        written = self._written.get((kind, change.key))
        is_ours = (
            written is not None and isinstance(change.new, Child) and change.new.version <= written.version
        )
        if kind is DEPLOYMENTS:
            self._learn_name(change)
            if not is_ours:
                self._learn_growth(change.key, change.old, change.new)
        if written is not None and isinstance(change.new, Child) and change.new.version >= written.version:
            # The cache has it now; thousands would be kept twice.
            del self._written[kind, change.key]
        if isinstance(change.new, Child):
            for former in (written, change.old):
                if isinstance(former, Child):
                    change.new.content.forget_as(former.content)
        # What another client added right before our write is in the answer to it, too.
        if is_ours and isinstance(change.new, Child) and not change.new.additions:
            return
        for child in (change.new, change.old):
            if isinstance(child, Child) and child.owner_name is not None:
                self._changed((change.key[0], child.owner_name))
                return
        # Its owner reference was cut, too.
        self._changed((change.key[0], self._model_of(change.key)))

    def _learn_name(self, change: Change[Child]) -> None:
        """Remember which model a Deployment's pods belong to: they carry a label, which may be cut."""
        if isinstance(change.new, Child) and change.new.owner_name is not None:
            self._names[change.key] = change.new.owner_name
        elif change.new is None and not self._pods.of(change.key):
            # Where pods are left, it may be the label that is gone.
            self._names.pop(change.key, None)

    def _learn_growth(self, key: Key, old: object, new: object) -> None:
        """Remember that the count of a Deployment was raised, until as many pods serve."""
        rollout = new.rollout if isinstance(new, Child) else None
        if rollout is None or (rollout.current and rollout.ready >= rollout.wanted):
            self.growing.discard(key)
        elif isinstance(new, Child) and isinstance(old, Child) and (old.replicas or 0) < (new.replicas or 0):
            self.growing.add(key)

    def _pod_changed(self, instance: Key) -> None:
        self._changed((instance[0], self._model_of(instance)))
        if not self._pods.of(instance) and self.get(DEPLOYMENTS, instance) is None:
            self._names.pop(instance, None)

    def _model_of(self, child: Key) -> str:
        return self._names.get(child, child[1])
