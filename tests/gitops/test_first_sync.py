"""A model and its first evidence in one commit: how each tool gets there."""

from __future__ import annotations

import pytest

from actgate_sandbox.rest import Rest
from tests.gitops.argocd import TRACKING, WAVE, ArgoCd
from tests.gitops.cluster import Cluster, Json
from tests.gitops.flux import OWNER, Flux
from tests.gitops.objects import manifest, model
from tests.operator.world import MANIFEST, MODEL
from tests.support.kstatus import Verdict
from tests.support.waiting import wait_until

BOTH = [f"ComplianceManifest/{MANIFEST}", f"ModelDeployment/{MODEL}"]


def in_a_wave(obj: Json, wave: str = "-1") -> Json:
    """Return an object that is synced in a wave of its own."""
    return {**obj, "metadata": {**obj["metadata"], "annotations": {WAVE: wave}}}


def test_flux_applies_both_at_the_first_reconciliation(cluster: Cluster, flux: Flux) -> None:
    """The dry run of the model warns; then kinds are applied by name, and C comes before M."""
    commit = [model(), manifest()]
    outcome = flux.reconcile(commit)
    assert outcome.succeeded, outcome
    assert any("link/manifest" in warning for warning in outcome.warnings), outcome
    assert list(outcome.applied) == BOTH
    wait_until(lambda: cluster.child("deployments"))
    assert flux.verdicts(commit) == {Verdict.CURRENT, Verdict.IN_PROGRESS}
    cluster.ready()
    assert flux.verdicts(commit) == {Verdict.CURRENT}


def test_argo_cd_applies_both_at_the_first_sync_with_a_wave(cluster: Cluster, argo: ArgoCd) -> None:
    """The manifest comes first by its wave, and is healthy as soon as it is there."""
    commit = [model(), in_a_wave(manifest())]
    outcome = argo.sync(commit)
    assert outcome.succeeded, outcome
    assert list(outcome.applied) == BOTH
    wait_until(lambda: argo.health(commit[0]).status == "Progressing")
    cluster.ready()
    assert argo.is_healthy(commit)


def test_argo_cd_without_a_wave_needs_a_retry(cluster: Cluster, argo: ArgoCd) -> None:
    """It goes by name: the model is refused, its evidence is applied, and the next sync goes through."""
    commit = [model(), manifest()]
    assert MODEL < MANIFEST
    first = argo.sync(commit)
    assert not first.succeeded
    assert list(first.applied) == BOTH[:1]
    assert "link/manifest" in first.message
    assert argo.sync(commit).succeeded
    cluster.ready()
    assert argo.is_healthy(commit)


def test_argo_cd_without_a_wave_has_luck_with_a_name(cluster: Cluster, argo: ArgoCd) -> None:
    """Evidence whose name sorts before the model's is applied before it."""
    commit = [model(complianceManifestRef={"name": "a-manifest"}), manifest("a-manifest")]
    assert argo.sync(commit).succeeded
    cluster.ready()


@pytest.mark.parametrize("tool", ["flux", "argo"])
def test_the_marks_of_a_tool_are_not_passed_on(cluster: Cluster, rest: Rest, tool: str) -> None:
    """Else the tool would take the operator's children for its own, and prune them."""
    commit = [model(autoscaling={"maxReplicas": 3}), in_a_wave(manifest())]
    namespace = cluster.namespace
    flux, argo = Flux(rest, namespace), ArgoCd(rest, namespace)
    assert (flux.reconcile(commit) if tool == "flux" else argo.sync(commit)).succeeded
    cluster.ready()
    cluster.wait_until_idle()
    marks = {
        *cluster.live()["metadata"].get("labels", {}),
        *cluster.live()["metadata"].get("annotations", {}),
    }
    assert marks & {TRACKING, f"{OWNER}/name"}
    children = [
        cluster.child(kind)
        for kind in ("deployments", "services", "horizontalpodautoscalers", "poddisruptionbudgets")
    ]
    made = [child for child in children if child is not None]
    assert len(made) >= 2
    for text in map(str, made):
        assert OWNER not in text
        assert "argocd.argoproj.io" not in text
