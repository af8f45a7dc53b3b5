"""Evidence that goes bad, or comes back, while a model runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.operator.world import MANIFEST, MODEL, World, stamp
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("operator")

Json = dict[str, Any]


def replicas(world: World) -> int:
    return int(world.deployment()["spec"]["replicas"])


def test_a_withdrawn_manifest_is_noticed_and_what_runs_is_kept(world: World) -> None:
    """Under Keep nothing of the workload is touched; the conditions say that it runs without evidence."""
    world.manifest()
    world.model()
    world.ready()
    before = world.deployment()
    world.delete("ComplianceManifest", MANIFEST)
    world.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
    world.wait_for("Ready", "False", "ManifestNotFound")
    world.wait_for("WorkloadAvailable", "True")
    wait_until(lambda: "ManifestNotFound" in world.reasons())
    assert world.deployment()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_evidence_that_comes_back_restores_a_model(world: World) -> None:
    """The same evidence under another uid rolls out nothing anew."""
    manifest = world.manifest()
    world.model()
    world.ready()
    before = world.deployment()
    world.delete("ComplianceManifest", MANIFEST)
    world.wait_for("Ready", "False")
    world.manifest(**manifest["spec"])
    world.wait_for("Ready", "True")
    assert world.deployment()["spec"]["template"] == before["spec"]["template"]
    wait_until(lambda: "EvidenceRestored" in world.reasons())


def test_other_evidence_under_the_same_name_is_rolled_out(world: World) -> None:
    """Pods carry the digest of the evidence on which they run."""
    world.manifest()
    world.model()
    world.ready()
    old = world.status()["verdict"]["manifest"]["digest"]
    world.delete("ComplianceManifest", MANIFEST)
    world.wait_for("Ready", "False")
    world.manifest(lineage={"runId": "another-run"})

    def rolled_out() -> bool:
        digest = world.status()["verdict"]["manifest"].get("digest")
        template = world.deployment()["spec"]["template"]
        return digest not in (None, old) and (
            template["metadata"]["annotations"]["actgate.dev/manifest-digest"] == digest
        )

    wait_until(rolled_out)


def test_a_violation_scales_to_zero_where_a_policy_says_so(world: World) -> None:
    """Without evidence nothing runs; with it again, as many as the spec says."""
    world.policy(f"zero-{world.namespace}", {"onViolation": "ScaleToZero"})
    try:
        manifest = world.manifest()
        world.model(replicas=3)
        world.ready()
        world.delete("ComplianceManifest", MANIFEST)
        wait_until(lambda: replicas(world) == 0)
        world.workloads.available(MODEL)
        found = world.wait_for("WorkloadAvailable", "False", "ScaledToZero")
        wait_until(lambda: "no pods are left" in world.condition("WorkloadAvailable")["message"], within=20)
        assert found["reason"] == "ScaledToZero"
        wait_until(lambda: "ScaledToZero" in world.reasons())
        world.manifest(**manifest["spec"])
        wait_until(lambda: replicas(world) == 3)
        world.ready()
    finally:
        world.delete_policy(f"zero-{world.namespace}")


def test_a_violation_scales_an_autoscaled_model_to_zero_and_back(world: World) -> None:
    """An autoscaler leaves zero alone; afterwards the count is its own again."""
    world.policy(f"zero-{world.namespace}", {"onViolation": "ScaleToZero"})
    try:
        manifest = world.manifest()
        world.model(autoscaling={"minReplicas": 2, "maxReplicas": 5})
        world.deployment()
        world.delete("ComplianceManifest", MANIFEST)
        wait_until(lambda: replicas(world) == 0)
        world.manifest(**manifest["spec"])
        wait_until(lambda: replicas(world) >= 1)
        world.wait_for("EvidenceAccepted", "True")
        managers = [
            entry["manager"]
            for entry in world.deployment()["metadata"]["managedFields"]
            if "f:replicas" in entry["fieldsV1"].get("f:spec", {}) and entry.get("subresource") != "status"
        ]
        assert "actgate-operator" not in managers
    finally:
        world.delete_policy(f"zero-{world.namespace}")


def test_evidence_expires_at_its_moment(world: World) -> None:
    """The status shows the moment beforehand, and at it the model is no longer Ready."""
    until = datetime.now(UTC) + timedelta(seconds=6)
    world.manifest(validity={"notAfter": stamp(until)})
    world.model()
    world.ready()
    assert world.status()["verdict"]["validUntil"] == stamp(until)
    found = world.wait_for("EvidenceAccepted", "False", "EvidenceExpired")
    assert found["lastTransitionTime"] >= stamp(until)
    assert world.wait_for("Stalled", "True")["reason"] == "EvidenceExpired"


def test_a_policy_that_is_tightened_concerns_what_runs(world: World) -> None:
    """Evidence that was enough is not; relaxed again, it is."""
    world.manifest()
    world.model()
    world.ready()
    world.policy(f"strict-{world.namespace}", {"humanOversight": {"fields": ["contact"]}})
    try:
        world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
        assert world.status()["verdict"]["policies"] == [f"strict-{world.namespace}"]
    finally:
        world.delete_policy(f"strict-{world.namespace}")
    world.wait_for("Ready", "True")


def test_labels_bring_a_namespace_under_another_policy(world: World) -> None:
    """Who applies the label changes what is asked, at that moment."""
    name = f"labelled-{world.namespace}"
    selector = {"matchLabels": {"profile": name}}
    body = {"namespaceSelector": selector, "humanOversight": {"fields": ["stop"]}}
    created = world.rest(
        "POST",
        "/apis/actgate.dev/v1alpha1/compliancepolicies",
        {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "CompliancePolicy",
            "metadata": {"name": name},
            "spec": body,
        },
    )
    assert created.status == 201
    try:
        world.manifest()
        world.model()
        world.ready()
        path = f"/api/v1/namespaces/{world.namespace}"
        merge = "application/merge-patch+json"
        assert world.rest("PATCH", path, {"metadata": {"labels": {"profile": name}}}, merge).status == 200
        world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
        assert world.rest("PATCH", path, {"metadata": {"labels": {"profile": None}}}, merge).status == 200
        world.wait_for("Ready", "True")
    finally:
        world.delete_policy(name)


def test_many_models_of_one_manifest_hear_of_its_withdrawal(world: World) -> None:
    """They are found by the selectable field; those of other manifests are left alone."""
    world.manifest()
    world.manifest("another")
    for number in range(12):
        world.model(f"shared-{number}")
    world.model("apart", complianceManifestRef={"name": "another"})
    for number in range(12):
        world.wait_for("EvidenceAccepted", "True", name=f"shared-{number}")
    world.wait_for("EvidenceAccepted", "True", name="apart")
    world.delete("ComplianceManifest", MANIFEST)
    for number in range(12):
        world.wait_for("EvidenceAccepted", "False", "ManifestNotFound", name=f"shared-{number}")
    assert world.condition("EvidenceAccepted", "apart")["status"] == "True"
