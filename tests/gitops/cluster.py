"""The cluster that a tool applies to: what happens in it beside the tool, and what a test waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from actgate_sandbox.rest import Rest
from tests.gitops.objects import is_refused, live, marked, model
from tests.operator.running import RunningOperator
from tests.operator.world import MANIFEST, World
from tests.support.crds import create
from tests.support.waiting import wait_until

Json = dict[str, Any]


class Cluster(World):
    """A namespace with an operator that works, behind the webhook."""

    def __init__(self, rest: Rest, namespace: str, operator: RunningOperator) -> None:
        super().__init__(rest, namespace)
        self._operator = operator

    def wait_until_idle(self) -> None:
        """Wait until the operator has nothing left to do."""
        self._operator.wait_until_idle()

    def versions(self, commit: Sequence[Json]) -> list[str]:
        """Return the resource versions of what is live, which change with any write."""
        self.wait_until_idle()
        found = [live(self.rest, marked(obj, self.namespace, "labels", {})) for obj in commit]
        return [obj["metadata"]["resourceVersion"] if obj else "" for obj in found]

    @contextmanager
    def stricter_policy(self, manifest: str = MANIFEST) -> Iterator[None]:
        """Let the bias of a usual manifest be too much, and return when the webhook says so too."""
        name = f"strict-{self.namespace}"
        self.policy(name, {"bias": {"maxDifference": 0.01}})
        try:
            wait_until(lambda: self.refuses(manifest))
            yield
        finally:
            self.delete_policy(name)

    def refuses(self, manifest: str) -> bool:
        """Return whether a new model on this evidence is refused."""
        spec = model(complianceManifestRef={"name": manifest})["spec"]
        return is_refused(create(self.rest, "ModelDeployment", "probe", spec, self.namespace, dryRun="All"))
