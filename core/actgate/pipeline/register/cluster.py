"""The cluster itself as a registry: ComplianceManifests, applied server-side.

The evidence of a ComplianceManifest is immutable, so the API server itself refuses to overwrite it, also
where two pipelines apply at once. A later signature is a new object.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Final, TypeVar

from actgate import manifests
from actgate.api.names import API_VERSION
from actgate.api.quoting import printable, quoted
from actgate.decision import BASELINE
from actgate.decision.rules import contradiction
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.resources import COMPLIANCE_MANIFESTS
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.register.registry import (
    Entry,
    Record,
    Registered,
    RegistryError,
    entry_of,
    payload_digest,
    refusal,
)

MANAGER: Final = "actgate-register"
R = TypeVar("R")


class ClusterRegistry:
    """The manifests of one namespace.

    Args:
        connect: Returns a connection that is not open yet.
        namespace: Where manifests are applied and read.
    """

    def __init__(self, connect: Callable[[], Cluster], namespace: str) -> None:
        self._connect = connect
        self._namespace = namespace

    def register(self, entry: Entry, alias: str | None, now: datetime) -> Registered:
        """Apply the manifest, unless it is there."""
        if alias is not None:
            raise RegistryError(
                "--alias goes with MLflow and databases: a ModelDeployment names its manifest itself"
            )
        metadata = {**entry.manifest["metadata"], "namespace": self._namespace}
        if (stated := entry.manifest["metadata"].get("namespace")) not in (None, self._namespace):
            raise RegistryError(
                f"metadata.namespace: Invalid value: {quoted(stated)}: must be {self._namespace}"
            )
        thing = {
            "apiVersion": API_VERSION,
            "kind": "ComplianceManifest",
            "metadata": metadata,
            "spec": entry.manifest["spec"],
        }
        place = f"{COMPLIANCE_MANIFESTS}/{metadata['name']} in {self._namespace}"

        async def apply(cluster: Cluster) -> bool:
            try:
                there = await cluster.get(COMPLIANCE_MANIFESTS, metadata["name"], self._namespace)
            except NotFound:
                there = None
            if there is None:
                there = await cluster.apply(COMPLIANCE_MANIFESTS, thing, field_manager=MANAGER)
                _require_same(entry, there, place)
                return True
            _require_same(entry, there, place)
            return False

        return Registered(self._run(apply), place)

    def records(self) -> list[Record]:
        """Return the manifests of the namespace that can be read."""
        return [record for record in map(self._record, self._run(self._all)) if record is not None]

    def show(self, name: str, version: str | None) -> list[Record]:
        """Return the manifests of a model."""
        return [one for one in self.records() if one.name == name and version in (None, one.version)]

    def verify(self, heads: Collection[str]) -> tuple[int, list[str]]:
        """Hold what each manifest states against what was signed."""
        if heads:
            raise RegistryError("--head goes with a database: a cluster keeps no chain of hashes")
        faults = []
        found = self._run(self._all)
        for thing in found:
            name = thing["metadata"]["name"]
            manifest = manifests.read_document(thing)
            wrong = [(one.path, one.message) for one in manifest.problems]
            wrong += [(one.path, one.message) for one in contradiction.findings(manifest, BASELINE)]
            faults += [printable(f"{name}: {path}: {message}") for path, message in wrong]
        return len(found), faults

    async def _all(self, cluster: Cluster) -> list[dict[str, Any]]:
        return [
            {"apiVersion": API_VERSION, "kind": "ComplianceManifest", **item}
            async for page in cluster.list_pages(COMPLIANCE_MANIFESTS, self._namespace)
            for item in page.items
        ]

    def _record(self, thing: dict[str, Any]) -> Record | None:
        try:
            entry = entry_of(thing, {})
        except EvidenceError:
            return None
        return Record(
            name=entry.name,
            version=entry.version,
            model_digest=entry.model_digest,
            evidence=entry.evidence,
            place=f"{COMPLIANCE_MANIFESTS}/{thing['metadata']['name']} in {self._namespace}",
            payloads=tuple(digest for _, digest, _ in entry.attestations),
            recorded_at=thing["metadata"].get("creationTimestamp"),
            manifest=thing,
        )

    def _run(self, work: Callable[[Cluster], Awaitable[R]]) -> R:
        async def whole() -> R:
            async with self._connect() as cluster:
                return await work(cluster)

        try:
            return asyncio.run(whole())
        except ClusterError as error:
            raise RegistryError(printable(f"the cluster: {error}")) from None


def _require_same(entry: Entry, there: dict[str, Any], place: str) -> None:
    """Raise unless an object holds this evidence, with these signatures."""
    digest = manifests.digest(there["spec"])
    if digest != entry.evidence:
        raise refusal(entry, digest, place)
    theirs = {one["name"]: payload_digest(one) for one in there["spec"].get("attestations") or ()}
    if theirs != {name: digest for name, digest, _ in entry.attestations}:
        raise RegistryError(
            f"{place} has this evidence with other attestations: evidence is immutable, so apply it under "
            "another name and let the ModelDeployment refer to that"
        )
