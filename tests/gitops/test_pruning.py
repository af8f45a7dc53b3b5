"""What leaves Git leaves the cluster, in whatever order, and with the webhook registered."""

from __future__ import annotations

import pytest

from actgate_sandbox.rest import Rest
from tests.gitops.argocd import ArgoCd
from tests.gitops.cluster import Cluster
from tests.gitops.flux import Flux
from tests.gitops.objects import manifest, model, wait_until_gone
from tests.support.waiting import wait_until


@pytest.mark.parametrize("tool", [Flux, ArgoCd])
@pytest.mark.parametrize("order", ["together", "evidence first", "model first"])
def test_a_pruned_model_and_its_evidence_go_away(
    cluster: Cluster, rest: Rest, tool: type[Flux | ArgoCd], order: str
) -> None:
    """In one commit or in two, and what the operator made of them goes too."""
    prepared = Flux(rest, cluster.namespace)
    assert prepared.reconcile([manifest(), model()]).succeeded
    cluster.ready()
    assert not cluster.live()["metadata"].get("finalizers")
    commits = {
        "together": [[manifest(), model()]],
        "evidence first": [[manifest()], [model()]],
        "model first": [[model()], [manifest()]],
    }
    pruning = tool(rest, cluster.namespace)
    for commit in commits[order]:
        wait_until_gone(rest, pruning.prune(commit))
    wait_until(lambda: cluster.child("deployments") is None, within=240)


def test_a_namespace_with_both_goes_away(cluster: Cluster, rest: Rest) -> None:
    """Its controller deletes what is in it in an order of its own."""
    assert Flux(rest, cluster.namespace).reconcile([manifest(), model()]).succeeded
    cluster.ready()
    path = f"/api/v1/namespaces/{cluster.namespace}"
    assert rest("DELETE", path).status in (200, 202)
    wait_until(lambda: rest("GET", path).status == 404, within=240)
