"""What models are judged on, as pictures of the cluster; and whom a change of it concerns.

A picture tells within the latency of a watch what the API server has. One that has not heard from the API
server for a while tells nothing: a workload must not be started on evidence that may be withdrawn since.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from actgate.cluster.client import Cluster
from actgate.cluster.errors import NotFound
from actgate.cluster.objects import labels_of
from actgate.cluster.reflector import Reflector
from actgate.cluster.resources import COMPLIANCE_MANIFESTS, COMPLIANCE_POLICIES, NAMESPACES
from actgate.cluster.store import Change, Unreadable
from actgate.cluster.timing import Timing
from actgate.evidence import policy_or_strictest, read_manifest
from actgate.policy import Manifest, Policy

OLDEST_SECONDS: Final = 75.0
"""Age of a picture after which it tells nothing: longer than from bookmark to bookmark."""


class NotNowError(Exception):
    """The evidence is not known now, and unknown is never fine: ask again later."""


class Evidence(NamedTuple):
    """Everything about a model that is not in the ModelDeployment itself."""

    manifest: Manifest | None
    """The manifest that it refers to; None where the picture has none."""
    policies: tuple[Policy, ...]
    """Every CompliancePolicy of the cluster."""
    namespace_labels: Mapping[str, str]


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
    """

    def __init__(
        self, cluster: Cluster, changed: Callable[[Scope], None], timing: Timing | None = None
    ) -> None:
        self._cluster = cluster
        self._changed = changed
        self._policies_now: tuple[Policy, ...] | None = None
        self._manifests = Reflector(
            cluster, COMPLIANCE_MANIFESTS, read_manifest, self._manifest_changed, timing=timing
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
        manifest = self._manifests.get(namespace, manifest_name) if manifest_name else None
        if isinstance(manifest, Unreadable):
            raise NotNowError(f"ComplianceManifest {manifest_name} cannot be read: {manifest.error}")
        return Evidence(manifest, self._known_policies(), labels)

    async def live_manifest(self, namespace: str, name: str) -> Manifest | None:
        """Read a manifest from the API server: bad news is worth a second look."""
        try:
            return read_manifest(await self._cluster.get(COMPLIANCE_MANIFESTS, name, namespace))
        except NotFound:
            return None

    def _known_policies(self) -> tuple[Policy, ...]:
        if self._policies_now is None:
            self._policies_now = tuple(_readable(self._policies.items()))
        return self._policies_now

    def _manifest_changed(self, change: Change[Manifest]) -> None:
        if self._manifests.synced.is_set():
            self._changed(Scope(*change.key))

    def _namespace_changed(self, change: Change[Mapping[str, str]]) -> None:
        # In one that comes or goes there is no model whose evidence was judged under other labels.
        if change.old is not None and change.new is not None and change.old != change.new:
            self._changed(Scope(change.key[1]))

    def _policy_changed(self, _: Change[Policy]) -> None:
        self._policies_now = None
        if self._policies.synced.is_set():
            self._changed(Scope())


def _readable(policies: Iterable[tuple[tuple[str, str], Policy | Unreadable]]) -> Iterable[Policy]:
    for key, policy in policies:
        yield Policy(key[1]) if isinstance(policy, Unreadable) else policy
