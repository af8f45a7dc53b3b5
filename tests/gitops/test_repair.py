"""Live evidence that has gone bad, and the commit that repairs it: the tool is not kept from applying it."""

from __future__ import annotations

import pytest

from actgate_sandbox.rest import Rest
from tests.gitops.argocd import WAVE, ArgoCd
from tests.gitops.cluster import Cluster, Json
from tests.gitops.flux import Flux
from tests.gitops.objects import manifest, model
from tests.operator.world import MANIFEST, MODEL
from tests.support.waiting import wait_until

BETTER: Json = {"bias": [{"attribute": "gender", "metric": "demographic_parity_difference", "value": 0.001}]}


@pytest.fixture(params=["flux", "argo-server-side", "argo-client-side"])
def applies(request: pytest.FixtureRequest, rest: Rest, namespace: str) -> Flux | ArgoCd:
    """Either tool."""
    if request.param == "flux":
        return Flux(rest, namespace)
    return ArgoCd(rest, namespace, server_side=request.param == "argo-server-side")


def applied(tool: Flux | ArgoCd, *commit: Json) -> bool:
    """Let a tool apply a commit; evidence has a wave, which Flux does not heed."""
    waved = [in_its_wave(obj) for obj in commit]
    return (tool.reconcile(waved) if isinstance(tool, Flux) else tool.sync(waved)).succeeded


def in_its_wave(obj: Json) -> Json:
    """Return an object as the documentation says to write it for Argo CD."""
    if obj["kind"] != "ComplianceManifest":
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": {WAVE: "-1"}}}


def evidence_of_pods(cluster: Cluster) -> str:
    """Return the manifest that the pods of the model are made on."""
    annotations = cluster.deployment()["spec"]["template"]["metadata"]["annotations"]
    return str(annotations["actgate.dev/compliance-manifest"])


def test_new_evidence_and_the_reference_to_it_in_one_commit(cluster: Cluster, applies: Flux | ArgoCd) -> None:
    """One model is pointed at new evidence; another stays on the bad one, unchanged, and refuses nothing."""
    assert applied(applies, manifest(), model(), model("untouched"))
    cluster.ready()
    cluster.ready("untouched")
    with cluster.stricter_policy():
        cluster.wait_for("Stalled", "True")
        cluster.wait_for("Stalled", "True", name="untouched")
        repaired = model(complianceManifestRef={"name": "repaired"})
        assert applied(applies, manifest(), manifest("repaired", **BETTER), repaired, model("untouched"))
        wait_until(lambda: evidence_of_pods(cluster) == "repaired")
        cluster.ready()
        assert cluster.condition("EvidenceAccepted", "untouched")["status"] == "False"


def test_evidence_that_was_deleted_comes_back(cluster: Cluster, applies: Flux | ArgoCd) -> None:
    """The commit is the same; the tool restores the manifest, and the model is Ready again."""
    assert applied(applies, manifest(), model())
    cluster.ready()
    cluster.delete("ComplianceManifest", MANIFEST)
    cluster.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
    assert applied(applies, manifest(), model())
    cluster.wait_for("Ready", "True")


def test_what_evidence_does_not_govern_can_change_meanwhile(cluster: Cluster, applies: Flux | ArgoCd) -> None:
    """A commit that scales the model is applied; one that changes its image is refused."""
    assert applied(applies, manifest(), model())
    cluster.ready()
    with cluster.stricter_policy():
        cluster.wait_for("EvidenceAccepted", "False")
        assert applied(applies, manifest(), model(replicas=2))
        assert not applied(
            applies, manifest(), model(replicas=2, server={"image": "registry.example/server:2"})
        )
    assert cluster.live(MODEL)["spec"]["replicas"] == 2
