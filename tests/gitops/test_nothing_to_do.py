"""A commit that was applied: nothing is different, and nothing is written, until something changes."""

from __future__ import annotations

import pytest

from actgate_sandbox.rest import MERGE_PATCH
from tests.gitops.argocd import ArgoCd
from tests.gitops.cluster import Cluster, Json
from tests.gitops.flux import Flux
from tests.gitops.objects import manifest, model
from tests.operator.world import MODEL
from tests.support.crds import collection
from tests.support.kstatus import Verdict
from tests.support.waiting import wait_until

COMMITS = {
    "plain": model(),
    "replicas": model(replicas=2),
    "autoscaled": model(autoscaling={"maxReplicas": 3}),
    "placed": model(placement={"regions": [{"provider": "aws", "region": "eu-west-3"}]}),
}


@pytest.fixture(params=[pytest.param(written, id=name) for name, written in COMMITS.items()])
def commit(request: pytest.FixtureRequest) -> list[Json]:
    """A model and its evidence, the evidence first in its name too."""
    spec = {**request.param["spec"], "complianceManifestRef": {"name": "a-manifest"}}
    return [manifest("a-manifest"), {**request.param, "spec": spec}]


def test_flux_writes_nothing_twice(cluster: Cluster, flux: Flux, commit: list[Json]) -> None:
    """The second dry run is what is live."""
    assert flux.reconcile(commit).succeeded
    cluster.ready()
    before = cluster.versions(commit)
    assert flux.reconcile(commit).applied == ()
    assert cluster.versions(commit) == before


def test_argo_cd_shows_no_difference_and_writes_nothing(
    cluster: Cluster, argo: ArgoCd, commit: list[Json]
) -> None:
    """Neither by a server-side diff nor by its own, and a sync on request changes nothing."""
    assert argo.sync(commit).succeeded
    cluster.ready()
    before = cluster.versions(commit)
    assert argo.out_of_sync(commit) == []
    assert argo.sync(commit).succeeded
    assert cluster.versions(commit) == before


def scaled(cluster: Cluster, replicas: int) -> None:
    """Scale the model as another autoscaler does."""
    path = f"{collection('ModelDeployment', cluster.namespace)}/{MODEL}/scale"
    reply = cluster.rest("PATCH", path, {"spec": {"replicas": replicas}}, MERGE_PATCH, fieldManager="keda")
    assert reply.status == 200, reply
    wait_until(lambda: cluster.deployment()["spec"]["replicas"] == replicas)
    cluster.ready()


def test_flux_leaves_replicas_as_an_autoscaler_set_them(cluster: Cluster, flux: Flux) -> None:
    """Where Git leaves them out, it has no word on them."""
    commit = [manifest(), model()]
    assert flux.reconcile(commit).succeeded
    cluster.ready()
    scaled(cluster, 3)
    before = cluster.versions(commit)
    assert flux.reconcile(commit).applied == ()
    assert cluster.versions(commit) == before
    assert cluster.deployment()["spec"]["replicas"] == 3


def test_argo_cd_leaves_replicas_as_an_autoscaler_set_them(cluster: Cluster, argo: ArgoCd) -> None:
    """Neither is it a difference, nor does a sync on request take it back."""
    commit = [manifest("a-manifest"), model(complianceManifestRef={"name": "a-manifest"})]
    assert argo.sync(commit).succeeded
    cluster.ready()
    scaled(cluster, 3)
    before = cluster.versions(commit)
    assert argo.out_of_sync(commit) == []
    assert argo.sync(commit).succeeded
    assert cluster.versions(commit) == before
    assert cluster.deployment()["spec"]["replicas"] == 3


def test_flux_has_nothing_to_do_when_evidence_has_gone_bad(cluster: Cluster, flux: Flux) -> None:
    """The unchanged model is not judged: no dry run fails, nothing is written, its health shows it."""
    commit = [manifest(), model()]
    assert flux.reconcile(commit).succeeded
    cluster.ready()
    with cluster.stricter_policy():
        cluster.wait_for("EvidenceAccepted", "False")
        before = cluster.versions(commit)
        outcome = flux.reconcile(commit)
        assert (outcome.succeeded, outcome.applied) == (True, ())
        assert flux.verdicts(commit) == {Verdict.CURRENT, Verdict.FAILED}
        assert cluster.versions(commit) == before


def test_argo_cd_has_nothing_to_do_when_evidence_has_gone_bad(cluster: Cluster, argo: ArgoCd) -> None:
    """Its comparison is no error, the sync status stays Synced; the health shows what is wrong."""
    commit = [manifest("a-manifest"), model(complianceManifestRef={"name": "a-manifest"})]
    assert argo.sync(commit).succeeded
    cluster.ready()
    with cluster.stricter_policy("a-manifest"):
        cluster.wait_for("EvidenceAccepted", "False")
        before = cluster.versions(commit)
        assert argo.out_of_sync(commit) == []
        assert argo.comparison(commit[1])[1].status == 200
        assert argo.sync(commit).succeeded
        assert cluster.versions(commit) == before
        health = argo.health(commit[1])
        assert health.status == "Degraded"
        assert "bias/limit" in health.message


def test_a_comparison_of_a_change_that_is_refused_is_an_error(cluster: Cluster, argo: ArgoCd) -> None:
    """A server-side diff is a dry run, and judged: Argo CD shows ComparisonError, and the status Unknown."""
    commit = [manifest("a-manifest"), model(complianceManifestRef={"name": "a-manifest"})]
    assert argo.sync(commit).succeeded
    cluster.ready()
    _, foreseen = argo.comparison(
        model(model={"name": "AnotherModel"}, complianceManifestRef={"name": "a-manifest"})
    )
    assert foreseen.status == 403
    assert "link/model" in foreseen.message
