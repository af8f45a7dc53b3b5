"""Evidence from the cluster: three reflected pictures, and live reads where a picture is not enough.

A picture tells within the latency of a watch what the API server has. A watch that died in silence
is noticed by the age of its last contact: that age is the evidence's age, the oldest one counts, and
it is the judge's to say how old is too old.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from actgate.decision import Manifest, Policy
from actgate.decision.appraisal import Appraisals
from actgate.decision.policies import Selection
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Invalid, NotFound
from actgate.kube.objects import labels_of
from actgate.kube.reflector import SLICE, Reflector
from actgate.kube.resources import COMPLIANCE_MANIFESTS, COMPLIANCE_POLICIES, NAMESPACES, Resource
from actgate.kube.single_flight import SingleFlight
from actgate.kube.store import Change, Unreadable
from actgate.manifests import policy_or_strictest, read_manifest
from actgate_webhook.evidence import FRESH_SECONDS, Evidence, NotNowError
from actgate_webhook.metrics import Metrics


class Lookup:
    """An ``EvidenceSource`` over one cluster; its pictures live while ``run`` runs."""

    def __init__(self, cluster: Cluster, metrics: Metrics, unready_after: float) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._unready_after = unready_after
        self.appraisals = Appraisals()
        self._manifests = Reflector(cluster, COMPLIANCE_MANIFESTS, read_manifest, self._manifest_changed)
        self._policies = Reflector(cluster, COMPLIANCE_POLICIES, policy_or_strictest, self._policy_changed)
        self._namespaces = Reflector(cluster, NAMESPACES, labels_of)
        self._pictures: tuple[Reflector[Any], ...] = (self._manifests, self._policies, self._namespaces)
        self._complete = False
        self._selection: Selection | None = None
        self._live_policies = SingleFlight(self._list_policies)
        for picture in self._pictures:
            metrics.observe_cache(picture.resource.plural, picture.__len__, picture.age)

    async def run(self) -> None:
        """Keep the pictures true until cancelled."""
        async with asyncio.TaskGroup() as group:
            for picture in self._pictures:
                group.create_task(picture.run(), name=f"reflector of {picture.resource}")

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """Return the labels of a namespace in the picture."""
        labels = self._namespaces.get(None, namespace)
        return None if isinstance(labels, Unreadable) else labels

    def recalled(self, namespace: str, names: Sequence[str]) -> Evidence | None:
        """Return what the pictures show; None before they are complete or without the namespace."""
        labels = self.labels(namespace)
        if labels is None or not self._is_complete():
            return None
        manifests = []
        for name in names:
            manifest = self._manifests.get(namespace, name)
            if isinstance(manifest, Unreadable):
                return None
            if manifest is not None:
                manifests.append(manifest)
        age = max(self._manifests.age(), self._policies.age(), self._namespaces.age())
        return Evidence(tuple(manifests), self._known_policies().applicable(labels), labels, age)

    def _is_complete(self) -> bool:
        """Return whether every picture has been complete; once it was, it stays one."""
        self._complete = self._complete or all(picture.synced.is_set() for picture in self._pictures)
        return self._complete

    async def read(self, namespace: str, names: Sequence[str], within: float) -> Evidence:
        """Read manifests and namespace live, and the policies from memory while it is fresh.

        Policies are many, and the same for everybody. Where memory is old, they are listed once for all
        who ask at a time.
        """
        trouble = ""
        try:
            async with asyncio.timeout(within), asyncio.TaskGroup() as reads:
                manifests = [reads.create_task(self._manifest(namespace, name, within)) for name in names]
                labels = reads.create_task(self._labels(namespace, within))
                policies = reads.create_task(self._selected())
        except* ClusterError as errors:
            trouble = str(errors.exceptions[0])
        except* TimeoutError:
            trouble = f"the API server did not answer within {within:.1f} s"
        if trouble:
            raise NotNowError(trouble)
        selection, age = policies.result()
        found = tuple(manifest for task in manifests if (manifest := task.result()) is not None)
        return Evidence(found, selection.applicable(labels.result()), labels.result(), age)

    def failing_checks(self) -> Mapping[str, str | None]:
        """Return for each picture why it is not to be relied on."""
        return {str(picture.resource): self._trouble(picture) for picture in self._pictures}

    def _trouble(self, picture: Reflector[Any]) -> str | None:
        why = f": {picture.trouble}" if picture.trouble is not None else ""
        if not picture.synced.is_set():
            return f"not listed yet{why}"
        if picture.age() > self._unready_after:
            return f"no contact for {picture.age():.0f} s{why}"
        return None

    def _manifest_changed(self, change: Change[Manifest]) -> None:
        self.appraisals.forget(*change.key)

    def _policy_changed(self, _: Change[Policy]) -> None:
        self._selection = None

    def _known_policies(self) -> Selection:
        if self._selection is None:
            self._selection = Selection(
                Policy(key[1]) if isinstance(policy, Unreadable) else policy
                for key, policy in self._policies.items()
            )
        return self._selection

    async def _selected(self) -> tuple[Selection, float]:
        """Return every policy, and how old that knowledge is in seconds."""
        age = self._policies.age()
        if self._policies.synced.is_set() and age < FRESH_SECONDS:
            return self._known_policies(), age
        return await self._live_policies.get(), 0.0

    async def _manifest(self, namespace: str, name: str, within: float) -> Manifest | None:
        found = await self._get(COMPLIANCE_MANIFESTS, name, namespace, within)
        return None if found is None else read_manifest(found)

    async def _labels(self, namespace: str, within: float) -> Mapping[str, str]:
        found = await self._get(NAMESPACES, namespace, None, within)
        if found is None:
            raise NotFound(f"the namespace {namespace[:63]!r} does not exist")
        return labels_of(found)

    async def _list_policies(self) -> Selection:
        policies = []
        with self._metrics.live_read(COMPLIANCE_POLICIES.plural) as read:
            async for page in self._cluster.list_pages(COMPLIANCE_POLICIES):
                for start in range(0, len(page.items), SLICE):
                    policies += [policy_or_strictest(item) for item in page.items[start : start + SLICE]]
                    await asyncio.sleep(0)
            read.found()
        return Selection(policies)

    async def _get(
        self, resource: Resource, name: str, namespace: str | None, within: float
    ) -> dict[str, Any] | None:
        with self._metrics.live_read(resource.plural) as read:
            try:
                thing = await self._cluster.get(resource, name, namespace, within=within)
            except (NotFound, Invalid):
                # A name that no object can have is a name that no object has.
                read.missing()
                return None
            read.found()
            return thing
