"""What others do to pods and children beside editing a Deployment: reported, and reverted or Stalled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH
from tests.operator.planting import EVIL, INSTANCE, MANAGED, planted, set_image
from tests.operator.running import RunningOperator, operating
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.waiting import wait_until

Json = dict[str, Any]
Change = Callable[[World], None]

SERVER = "registry.example/server:1"


@pytest.fixture
def ready(operator: RunningOperator, world: World) -> World:
    """A model that is Ready; the test plays the cluster."""
    assert not operator.ended()
    world.manifest()
    world.model(replicas=2)
    world.ready()
    return world


def pods(world: World) -> list[Json]:
    """Return the pods of the namespace that are not on their way out."""
    found = world.rest("GET", f"/api/v1/namespaces/{world.namespace}/pods").body["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def images(world: World) -> list[str]:
    """Return every image that a pod of the namespace runs."""
    return sorted(
        item["image"]
        for pod in pods(world)
        for item in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    )


@pytest.mark.parametrize(
    ("field", "container"), [("containers", "server"), ("containers", "proxy"), ("initContainers", "fetch")]
)
def test_an_image_that_is_set_on_a_running_pod_is_reverted(
    rolling: World, field: str, container: str
) -> None:
    """The Deployment does not drift: the pod is deleted, and one of the template replaces it."""
    template = {
        "containers": [{"name": "proxy", "image": "registry.example/proxy:1"}],
        "initContainers": [{"name": "fetch", "image": "registry.example/fetch:1"}],
    }
    rolling.model(replicas=2, podTemplate={"spec": template})
    rolling.wait_for("Ready", "True")
    before = wait_until(lambda: images(rolling) if len(pods(rolling)) == 2 else [])
    set_image(rolling, pods(rolling)[0]["metadata"]["name"], container, field)
    wait_until(lambda: images(rolling) == before)
    wait_until(lambda: "DriftCorrected" in rolling.reasons())
    [event] = [event for event in rolling.events() if event["reason"] == "DriftCorrected"]
    assert f"container {container} runs {EVIL} instead of" in event["note"]
    rolling.wait_for("Ready", "True")


def test_an_edited_pod_is_reverted_while_the_evidence_does_not_hold(rolling: World) -> None:
    """Keep keeps what was accepted, which this is not; there are no more pods than before."""
    rolling.model()
    rolling.wait_for("Ready", "True")
    rolling.delete("ComplianceManifest", MANIFEST)
    rolling.wait_for("EvidenceAccepted", "False")
    set_image(rolling, pods(rolling)[0]["metadata"]["name"], "server")
    wait_until(lambda: images(rolling) == [SERVER])


@pytest.mark.parametrize("owned", [False, True])
def test_a_planted_pod_is_reported_until_it_goes(rolling: World, owned: bool) -> None:
    """The model's Service would send it requests; to delete it is for the user who made it."""
    rolling.model()
    rolling.wait_for("Ready", "True")
    [made] = pods(rolling)
    labels = {key: made["metadata"]["labels"][key] for key in (INSTANCE, MANAGED)}
    metadata: Json = {"name": "planted", "labels": labels}
    if owned:
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}
        reply = rolling.rest("POST", f"/api/v1/namespaces/{rolling.namespace}/configmaps", config)
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "controller": True}
        metadata["ownerReferences"] = [{**owner, "uid": reply.body["metadata"]["uid"]}]
    spec = {"containers": [{"name": "server", "image": SERVER}]}
    path = f"/api/v1/namespaces/{rolling.namespace}/pods"
    reply = rolling.rest(
        "POST", path, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    )
    assert reply.status == 201, reply
    found = rolling.wait_for("Stalled", "True", "UnexpectedPod")
    assert "pod planted carries the labels of this model" in found["message"]
    rolling.wait_for("Ready", "False", "UnexpectedPod")
    wait_until(lambda: "UnexpectedPod" in rolling.reasons())
    assert rolling.rest("DELETE", f"{path}/planted").status == 200
    rolling.wait_for("Ready", "True")
    assert rolling.condition("Stalled") == {}


def merge(metadata: Json) -> Change:
    """Return a change of a Deployment's metadata."""

    def change(world: World) -> None:
        world.patch_child("deployments", {"metadata": metadata})

    return change


CUTS: dict[str, Change] = {
    "nothing": lambda _: None,
    "managed-by label": merge({"labels": {MANAGED: None}}),
    "another managed-by label": merge({"labels": {MANAGED: "Helm"}}),
    "all labels": merge({"labels": None}),
    "all annotations": merge({"annotations": None}),
    "owner": merge({"ownerReferences": None}),
    "labels and owner": merge({"labels": None, "ownerReferences": None}),
    "labels, annotations and owner": merge({"labels": None, "annotations": None, "ownerReferences": None}),
    "records": merge({"labels": None, "managedFields": [{}]}),
}
"""What identifies a Deployment as a model's, and can be taken away."""


@pytest.mark.parametrize("cut", CUTS)
def test_pods_that_are_started_again_after_scale_to_zero_are_stopped(rolling: World, cut: str) -> None:
    """Whatever was done to the Deployment first, so that no watch of the operator reports it."""
    policy = f"zero-{rolling.namespace}"
    rolling.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        rolling.model()
        rolling.wait_for("Ready", "True")
        rolling.delete("ComplianceManifest", MANIFEST)
        wait_until(lambda: pods(rolling) == [])
        rolling.wait_for("WorkloadAvailable", "False", "ScaledToZero")
        CUTS[cut](rolling)
        rolling.patch_child("deployments", {"spec": {"replicas": 2}})
        wait_until(lambda: rolling.deployment()["spec"]["replicas"] == 0)
        wait_until(lambda: pods(rolling) == [])
        wait_until(lambda: "no pods are left" in rolling.condition("WorkloadAvailable")["message"])
        rolling.manifest()
        rolling.wait_for("Ready", "True")
        assert rolling.deployment()["metadata"]["labels"][MANAGED] == "actgate-operator"
    finally:
        rolling.delete_policy(policy)


@pytest.mark.parametrize("cut", CUTS)
def test_a_child_gets_back_what_it_is_known_by(ready: World, cut: str) -> None:
    """While the evidence holds: the same object, so that nothing restarts."""
    before = ready.deployment()["metadata"]
    CUTS[cut](ready)

    def back() -> bool:
        after = ready.deployment()["metadata"]
        return after["uid"] == before["uid"] and all(
            after.get(name) == before[name] for name in ("labels", "annotations", "ownerReferences")
        )

    wait_until(back)


def test_a_child_whose_label_was_cut_is_found_while_the_evidence_does_not_hold(ready: World) -> None:
    """It is kept as it was accepted, and so is its label."""
    ready.delete("ComplianceManifest", MANIFEST)
    ready.wait_for("EvidenceAccepted", "False")
    CUTS["managed-by label"](ready)
    wait_until(lambda: ready.deployment()["metadata"]["labels"].get(MANAGED) == "actgate-operator")
    assert ready.wait_for("WorkloadAvailable", "True")["message"] == "2 of 2 pods are ready"


@contextmanager
def planting(control_plane: ControlPlane, world: World, **how: bool) -> Iterator[Json]:
    """An operator that finds a planted Deployment; without evidence, so that no other one was faster."""
    found = planted(world, world.model(), **how)
    with operating(control_plane.kubeconfig):
        yield found


@pytest.mark.parametrize("labelled", [True, False])
def test_a_planted_child_that_claims_our_model_is_replaced(
    control_plane: ControlPlane, world: World, labelled: bool
) -> None:
    """A selector can never be changed, so an apply would be refused for ever."""
    with planting(control_plane, world, labelled=labelled) as found:
        world.manifest()
        wait_until(lambda: world.deployment()["metadata"]["uid"] != found["metadata"]["uid"])
        wait_until(
            lambda: world.deployment()["spec"]["selector"]["matchLabels"].keys() == {INSTANCE, MANAGED}
        )
        world.ready()


@pytest.mark.parametrize("labelled", [True, False])
def test_a_planted_child_goes_although_the_evidence_does_not_hold(
    control_plane: ControlPlane, world: World, labelled: bool
) -> None:
    """It was never accepted; nothing is made in its place."""
    with planting(control_plane, world, labelled=labelled):
        wait_until(lambda: world.child("deployments") is None)
        world.wait_for("WorkloadAvailable", "False", "EvidenceNotAccepted")


@pytest.mark.parametrize("labelled", [True, False])
def test_a_planted_child_without_an_owner_is_left_alone_and_reported(
    control_plane: ControlPlane, world: World, labelled: bool
) -> None:
    """Our labels alone make it no child of ours."""
    with planting(control_plane, world, labelled=labelled, owned=False) as found:
        world.manifest()
        world.wait_for("Stalled", "True", "NameTaken")
        assert world.deployment()["metadata"]["uid"] == found["metadata"]["uid"]


def test_a_planted_child_without_an_owner_is_not_scaled_to_zero(
    control_plane: ControlPlane, world: World
) -> None:
    """Its pods do not run in the model's name."""
    policy = f"zero-{world.namespace}"
    world.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        planted(world, world.model(), owned=False)
        with operating(control_plane.kubeconfig) as running:
            world.wait_for("WorkloadAvailable", "False", "EvidenceNotAccepted")
            running.wait_until_idle()
            assert world.deployment()["spec"]["replicas"] == 1
    finally:
        world.delete_policy(policy)


def hold(world: World, path: str, finalizers: list[str] | None) -> None:
    """Set the finalizers of an object."""
    reply = world.rest("PATCH", path, {"metadata": {"finalizers": finalizers}}, MERGE_PATCH)
    assert reply.status == 200, reply


@pytest.mark.parametrize("cause", ["suspended", "scaled to zero"])
def test_pods_that_end_are_reported_until_they_are_gone(ready: World, cause: str) -> None:
    """They serve on through their grace period, and no Deployment counts them."""
    pod = ready.workloads.pod(MODEL)
    path = f"/api/v1/namespaces/{ready.namespace}/pods/{pod}"
    # What a finalizer does to a pod here, a kubelet does with its grace period.
    hold(ready, path, ["example.com/grace"])
    policy = f"zero-{ready.namespace}"
    ready.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        if cause == "suspended":
            ready.change({"suspend": True})
        else:
            ready.delete("ComplianceManifest", MANIFEST)
        wait_until(lambda: ready.deployment()["spec"]["replicas"] == 0)
        ready.workloads.available(MODEL)
        wait_until(lambda: "1 pod is left" in ready.condition("WorkloadAvailable")["message"])
        assert ready.rest("DELETE", path).status == 200
        wait_until(lambda: "1 pod is terminating" in ready.condition("WorkloadAvailable")["message"])
        hold(ready, path, None)
        wait_until(lambda: "no pods are left" in ready.condition("WorkloadAvailable")["message"])
    finally:
        ready.delete_policy(policy)


def test_a_child_that_is_held_while_it_is_deleted_is_waited_for(ready: World) -> None:
    """What its controller does not act on any more is no child to rely on."""
    path, before = ready.path("deployments"), ready.deployment()["metadata"]["uid"]
    hold(ready, path, ["example.com/held"])
    assert ready.rest("DELETE", path).status == 200
    found = ready.wait_for("Ready", "False", "WaitingForDeletion")
    assert "is being deleted" in found["message"]
    hold(ready, path, None)
    wait_until(lambda: ready.deployment()["metadata"]["uid"] != before)
    ready.ready()


def scale_the_model(world: World) -> None:
    """Raise the count as `kubectl scale mdep` does."""
    world.change({"replicas": 3})


def scale_by_the_autoscaler(world: World) -> None:
    """Raise the count as an autoscaler does."""
    world.change({"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    wait_until(lambda: world.child("horizontalpodautoscalers"))
    path = f"{world.path('deployments')}/scale"
    scale = world.rest("GET", path).body
    scale["spec"]["replicas"] = 3
    reply = world.rest("PUT", path, scale, fieldManager="kube-controller-manager")
    assert reply.status == 200, reply


@pytest.mark.parametrize("raise_count", [scale_the_model, scale_by_the_autoscaler])
def test_a_healthy_model_that_is_scaled_up_is_rolling_out(
    operator: RunningOperator, ready: World, raise_count: Change
) -> None:
    """The controller calls too few of the new count unavailable before it has made a pod: no Warning."""
    raise_count(ready)
    wait_until(lambda: ready.deployment()["spec"]["replicas"] == 3)
    for made in (2, 3):
        ready.workloads.scaling(MODEL, ready=2, made=made)
        operator.wait_until_idle()
        found = ready.wait_for("WorkloadAvailable", "False", "RollingOut")
        assert found["message"] == "2 of 3 pods are ready"
        assert ready.condition("Reconciling")["reason"] == "RollingOut"
    ready.ready()
    assert ready.condition("WorkloadAvailable")["message"] == "3 of 3 pods are ready"
    # Later it is an outage again.
    ready.workloads.scaling(MODEL, ready=2, made=3)
    ready.wait_for("WorkloadAvailable", "False", "MinimumReplicasUnavailable")
    operator.wait_until_idle()
    assert [reason for reason in ready.reasons() if reason != "WorkloadRestored"] == [
        "MinimumReplicasUnavailable"
    ]


def tell_autoscaler(world: World, status: str, reason: str, since: str = "2026-11-23T12:00:00Z") -> None:
    """Say of an autoscaler whether it can scale."""
    condition = {
        "type": "ScalingActive",
        "status": status,
        "reason": reason,
        "message": "missing request for cpu in container server",
        "lastTransitionTime": since,
    }
    body = {"status": {"conditions": [condition], "desiredReplicas": 0, "currentReplicas": 0}}
    path = f"{world.path('horizontalpodautoscalers')}/status"
    reply = world.rest("PATCH", path, body, MERGE_PATCH)
    assert reply.status == 200, reply


def test_an_autoscaler_that_cannot_work_is_reported_once(operator: RunningOperator, ready: World) -> None:
    """In its own words; the model serves, and is Ready."""
    ready.change({"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    wait_until(lambda: ready.child("horizontalpodautoscalers"))
    ready.ready()
    for _ in range(2):
        tell_autoscaler(ready, "False", "FailedGetResourceMetric")
        found = ready.wait_for("ScalingActive", "False", "FailedGetResourceMetric")
        assert "missing request for cpu" in found["message"]
        operator.wait_until_idle()
    assert ready.condition("Ready")["status"] == "True"
    assert ready.reasons().count("FailedGetResourceMetric") == 1
    tell_autoscaler(ready, "True", "ValidMetricFound")
    ready.wait_for("ScalingActive", "True")
    wait_until(lambda: "ScalingRestored" in ready.reasons())


@pytest.mark.parametrize(
    ("reason", "since"),
    [("ScalingDisabled", "2026-11-23T12:00:00Z"), ("FailedGetResourceMetric", "2999-01-01T00:00:00Z")],
)
def test_an_autoscaler_that_has_nothing_to_scale_yet_is_no_news(
    operator: RunningOperator, ready: World, reason: str, since: str
) -> None:
    """It rests while there are no pods, and of new pods there are no metrics for a while."""
    ready.change({"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 9}})
    wait_until(lambda: ready.child("horizontalpodautoscalers"))
    tell_autoscaler(ready, "False", reason, since)
    operator.wait_until_idle()
    assert ready.wait_for("ScalingActive", "True")
    assert reason not in ready.reasons()
