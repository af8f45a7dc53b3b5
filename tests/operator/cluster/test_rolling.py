"""A model where Deployments roll out and pods run, by the cluster's controllers and not by the test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operator.running import RunningOperator
from tests.operator.world import MODEL, World
from tests.support import argocd, kstatus
from tests.support.engines import ROLLING_REGIONS
from tests.support.kstatus import Verdict
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until

Json = dict[str, Any]

HERE, NOWHERE = ROLLING_REGIONS[0], "eu-north-1"
"""A region that has a node, and one that has none; both are in the EU."""


def at(region: str) -> Json:
    """Return a placement in one region of one provider."""
    return {"regions": [{"provider": "aws", "region": region}]}


def pods(world: World) -> list[Json]:
    """Return the pods of the namespace that are not on their way out."""
    found = world.rest("GET", f"/api/v1/namespaces/{world.namespace}/pods").body["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def images(world: World) -> set[str]:
    """Return the images of the pods."""
    return {container["image"] for pod in pods(world) for container in pod["spec"]["containers"]}


def wait_until_ready(world: World) -> Json:
    """Wait until the model is Ready as its spec is now, and return it."""

    def is_in_sync() -> Json:
        live = world.live()
        assert kstatus.verdict(live) is Verdict.CURRENT, live["status"]
        assert argocd.health(live).status == "Healthy"
        return live

    return wait_until(is_in_sync)


def test_a_model_becomes_ready_by_itself(rolling: World) -> None:
    """Its pods run where its placement says, and carry who judges them by what."""
    rolling.model(replicas=2, placement=at(HERE))
    live = wait_until_ready(rolling)
    assert (live["status"]["replicas"], live["status"]["readyReplicas"]) == (2, 2)
    found = pods(rolling)
    assert len(found) == 2
    for pod in found:
        annotations = pod["metadata"]["annotations"]
        assert annotations["actgate.dev/provider"] == "aws"
        assert annotations["actgate.dev/compliance-manifest"] == "credit-risk-scorer-v2"
        assert annotations["actgate.dev/manifest-digest"] == live["status"]["verdict"]["manifest"]["digest"]
        assert pod["metadata"]["labels"]["actgate.dev/inference"] == "true"
    selector = live["status"]["selector"]
    selected = rolling.rest("GET", f"/api/v1/namespaces/{rolling.namespace}/pods", labelSelector=selector)
    assert len(selected.body["items"]) == 2
    assert rolling.reasons().count("DriftCorrected") == 0


def test_a_changed_spec_is_rolled_out(rolling: World) -> None:
    """Every pod is replaced, and Ready speaks of the new spec alone."""
    rolling.model(replicas=2)
    wait_until_ready(rolling)
    before = {pod["metadata"]["uid"] for pod in pods(rolling)}
    changed = rolling.change({"server": {"image": "registry.example/server:2"}})
    assert kstatus.verdict(changed) is Verdict.IN_PROGRESS
    live = wait_until_ready(rolling)
    assert live["status"]["observedGeneration"] == 2
    wait_until(lambda: images(rolling) == {"registry.example/server:2"})
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in pods(rolling))


def test_a_region_without_nodes_is_reported_by_the_scheduler(rolling: World) -> None:
    """Nothing runs anywhere else for it; with a region that has nodes, it runs."""
    rolling.model(placement=at(NOWHERE))
    found = rolling.wait_for("WorkloadAvailable", "False", "Unschedulable")
    assert "nodes are available" in found["message"]
    assert rolling.condition("Ready")["reason"] == "Unschedulable"
    assert [pod["status"]["phase"] for pod in pods(rolling)] == ["Pending"]
    rolling.change({"placement": at(HERE)})
    wait_until_ready(rolling)
    wait_until(lambda: [pod["status"]["phase"] for pod in pods(rolling)] == ["Running"])


def test_a_move_to_a_region_without_nodes_leaves_the_old_pods_serving(rolling: World) -> None:
    """The workload is available, the new spec is not: Ready is False with the scheduler's reason."""
    rolling.model(placement=at(HERE))
    wait_until_ready(rolling)
    rolling.change({"placement": at(NOWHERE)})
    found = rolling.wait_for("Ready", "False", "Unschedulable")
    assert found["observedGeneration"] == 2
    assert rolling.condition("WorkloadAvailable")["status"] == "True"
    assert sorted(pod["status"]["phase"] for pod in pods(rolling)) == ["Pending", "Running"]


def test_a_suspended_model_has_no_pods_and_comes_back(rolling: World) -> None:
    """As many as before."""
    rolling.model(replicas=2)
    wait_until_ready(rolling)
    rolling.change({"suspend": True})
    rolling.wait_for("Ready", "False", "Suspended")
    wait_until(lambda: pods(rolling) == [])
    wait_until(lambda: argocd.health(rolling.live()) == ("Suspended", rolling.condition("Ready")["message"]))
    wait_until(lambda: "no pods are left" in rolling.condition("WorkloadAvailable")["message"])
    rolling.change({"suspend": False})
    assert wait_until_ready(rolling)["status"]["readyReplicas"] == 2


def test_a_pod_that_crashes_later_is_reported_and_forgotten_when_it_is_replaced(rolling: World) -> None:
    """Ready follows the pods, both ways."""
    rolling.model()
    wait_until_ready(rolling)
    [pod] = pods(rolling)
    name = pod["metadata"]["name"]
    rolling.workloads.crashing(name, exit_code=9)
    assert "exit code 9" in rolling.wait_for("Ready", "False", "CrashLoopBackOff")["message"]
    rolling.workloads.delete(name)
    wait_until_ready(rolling)


def test_withdrawn_evidence_takes_the_pods_away_where_a_policy_says_so(rolling: World) -> None:
    """And brings them back with the evidence; who scaled is no stranger."""
    policy = f"zero-{rolling.namespace}"
    rolling.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        manifest = rolling.manifest("evidence")
        rolling.model(replicas=2, complianceManifestRef={"name": "evidence"})
        wait_until_ready(rolling)
        rolling.delete("ComplianceManifest", "evidence")
        wait_until(lambda: pods(rolling) == [])
        rolling.wait_for("WorkloadAvailable", "False", "ScaledToZero")
        rolling.manifest("evidence", **manifest["spec"])
        assert wait_until_ready(rolling)["status"]["readyReplicas"] == 2
        assert "DriftCorrected" not in rolling.reasons()
    finally:
        rolling.delete_policy(policy)


def test_evidence_that_flaps_rolls_nothing_out(rolling: World, rolling_operator: RunningOperator) -> None:
    """Good and bad evidence under one name in turn: one ReplicaSet, and the pods of the first minute."""
    good = rolling.manifest("evidence")["spec"]
    rolling.model(replicas=2, complianceManifestRef={"name": "evidence"})
    wait_until_ready(rolling)
    before = {pod["metadata"]["uid"] for pod in pods(rolling)}
    for number in range(20):
        rolling.delete("ComplianceManifest", "evidence")
        rolling.manifest("evidence", **good | ({} if number % 2 else {"humanOversight": {"enabled": False}}))
    rolling_operator.wait_until_idle()
    wait_until_ready(rolling)
    # Each further ReplicaSet would be a revision.
    assert rolling.deployment()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert {pod["metadata"]["uid"] for pod in pods(rolling)} == before


def test_a_deleted_model_leaves_nothing(rolling: World) -> None:
    """Deployment, pods, Service and budget follow their owner.

    Slow on a real control plane: its garbage collector discovers new kinds every 30 s.
    """
    rolling.model(replicas=2)
    wait_until_ready(rolling)
    rolling.delete("ModelDeployment", MODEL)
    wait_until(lambda: pods(rolling) == [], within=240)
    for plural in ("deployments", "services", "poddisruptionbudgets", "horizontalpodautoscalers"):
        wait_until(lambda: rolling.child(plural) is None)  # noqa: B023 - waited for at once


@pytest.mark.needs_kubectl
def test_kubectl_waits_and_restarts(rolling: World, rolling_kubectl: Kubectl) -> None:
    """`kubectl wait` ends when the pods serve; `kubectl rollout restart` replaces them and is left alone."""
    rolling.model()
    waited = rolling_kubectl("wait", "--for=condition=Ready", f"mdep/{MODEL}", "--timeout=60s")
    assert waited.code == 0, waited
    [before] = pods(rolling)
    restarted = rolling_kubectl("rollout", "restart", f"deployment/{MODEL}")
    assert restarted.code == 0, restarted
    wait_until(lambda: before["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in pods(rolling)})
    wait_until_ready(rolling)
    assert "DriftCorrected" not in rolling.reasons()
