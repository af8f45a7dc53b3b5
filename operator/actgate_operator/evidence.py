"""What models are judged on, as pictures of the cluster; and whom a change of it concerns.

A picture tells within the latency of a watch what the API server has. One that has not heard from the API
server for a while tells nothing: a workload must not be started on evidence that may be withdrawn since.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from actgate.decision import Manifest, Policy
from actgate.decision.appraisal import Appraisals
from actgate.decision.policies import Selection
from actgate.kube.client import Cluster
from actgate.kube.errors import NotFound
from actgate.kube.objects import Key, Object, labels_of, version_of
from actgate.kube.reflector import Reflector
from actgate.kube.resources import COMPLIANCE_MANIFESTS, COMPLIANCE_POLICIES, NAMESPACES
from actgate.kube.store import Change, Unreadable
from actgate.kube.timing import Timing
from actgate.manifests import policy_or_strictest, read_manifest

OLDEST_SECONDS: Final = 75.0
"""Age of a picture after which it tells nothing: longer than from bookmark to bookmark."""


class NotNowError(Exception):
    """The evidence is not known now, and unknown is never fine: ask again later."""


class Evidence(NamedTuple):
    """Everything about a model that is not in the ModelDeployment itself."""

    manifest: Manifest | None
    """The manifest that it refers to; None where the picture has none."""
    policies: tuple[Policy, ...]
    """Those that select the namespace, and the baseline where none does."""
    namespace_labels: Mapping[str, str]


class Kept(NamedTuple):
    """A manifest, and what is there to tell whether its status is the one that it should have."""

    manifest: Manifest
    generation: int
    version: int
    status: bytes | None
    """Fingerprint of the status as it stands; None where there is none. A status is no evidence."""


def read_kept(thing: Object) -> Kept:
    """Read a ComplianceManifest object."""
    generation = thing["metadata"].get("generation")
    return Kept(
        read_manifest(thing),
        generation if isinstance(generation, int) else 0,
        version_of(thing),
        fingerprint(thing.get("status")),
    )


def fingerprint(status: object) -> bytes | None:
    """Return what tells two statuses apart; None for none."""
    if not status:
        return None
    return hashlib.sha256(orjson.dumps(status, option=orjson.OPT_SORT_KEYS)).digest()[:16]


class Scope(NamedTuple):
    """Which models a change concerns: all, those of a namespace, or those that refer to a manifest."""

    namespace: str | None = None
    manifest: str | None = None


class EvidencePictures:
    """Three reflected pictures that live while ``run`` runs.

    Args:
        cluster: The API server.
        changed: Told which models are concerned, for every change after the first complete list.
        timing: How the reflectors wait.
        shown: Told of every change of a manifest's object that leaves the evidence as it was.
    """

    def __init__(
        self,
        cluster: Cluster,
        changed: Callable[[Scope], None],
        timing: Timing | None = None,
        shown: Callable[[Key], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._changed = changed
        self._shown = shown
        self.appraisals = Appraisals()
        self._selection: Selection | None = None
        self._manifests = Reflector(
            cluster, COMPLIANCE_MANIFESTS, read_kept, self._manifest_changed, timing=timing
        )
        self._policies = Reflector(
            cluster, COMPLIANCE_POLICIES, policy_or_strictest, self._policy_changed, timing=timing
        )
        self._namespaces = Reflector(cluster, NAMESPACES, labels_of, self._namespace_changed, timing=timing)
        self.reflectors: tuple[Reflector[Any], ...] = (self._manifests, self._policies, self._namespaces)

    async def run(self) -> None:
        """Keep the pictures true until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run(), name=f"reflector of {reflector.resource}")

    def recalled(self, namespace: str, manifest_name: str | None) -> Evidence:
        """Return what the pictures show.

        Raises:
            NotNowError: They show too little, or are too old.
        """
        for reflector in self.reflectors:
            if not reflector.synced.is_set():
                raise NotNowError(f"{reflector.resource} are not listed yet")
            if reflector.age() > OLDEST_SECONDS:
                raise NotNowError(f"no news of {reflector.resource} for {reflector.age():.0f} s")
        labels = self._namespaces.get(None, namespace)
        if labels is None or isinstance(labels, Unreadable):
            raise NotNowError(f"namespace {namespace} is not known yet")
        kept = self._manifests.get(namespace, manifest_name) if manifest_name else None
        if isinstance(kept, Unreadable):
            raise NotNowError(f"ComplianceManifest {manifest_name} cannot be read: {kept.error}")
        manifest = None if kept is None else kept.manifest
        return Evidence(manifest, self._known_policies().applicable(labels), labels)

    def kept(self, namespace: str, name: str) -> Kept | None:
        """Return a manifest and what is known of its status; None where there is none, or none to read."""
        kept = self._manifests.get(namespace, name)
        return None if isinstance(kept, Unreadable) else kept

    def with_status(self) -> list[Key]:
        """Return the manifests that have a status."""
        kept = self._manifests.items()
        return [key for key, item in kept if isinstance(item, Kept) and item.status is not None]

    async def live_manifest(self, namespace: str, name: str) -> Manifest | None:
        """Read a manifest from the API server: bad news is worth a second look."""
        try:
            return read_manifest(await self._cluster.get(COMPLIANCE_MANIFESTS, name, namespace))
        except NotFound:
            return None

    def _known_policies(self) -> Selection:
        if self._selection is None:
            self._selection = Selection(_readable(self._policies.items()))
        return self._selection

    def _manifest_changed(self, change: Change[Kept]) -> None:
        if change.new is None:
            self.appraisals.forget(*change.key)
        if not self._manifests.synced.is_set():
            return
        old, new = change.old, change.new
        if isinstance(old, Kept) and isinstance(new, Kept) and old.manifest == new.manifest:
            self._shown(change.key)
        else:
            self._changed(Scope(*change.key))

    def _namespace_changed(self, change: Change[Mapping[str, str]]) -> None:
        # In one that comes or goes there is no model whose evidence was judged under other labels.
        if change.old is not None and change.new is not None and change.old != change.new:
            self._changed(Scope(change.key[1]))

    def _policy_changed(self, _: Change[Policy]) -> None:
        self._selection = None
        if self._policies.synced.is_set():
            self._changed(Scope())


def _readable(policies: Iterable[tuple[tuple[str, str], Policy | Unreadable]]) -> Iterable[Policy]:
    for key, policy in policies:
        yield Policy(key[1]) if isinstance(policy, Unreadable) else policy
