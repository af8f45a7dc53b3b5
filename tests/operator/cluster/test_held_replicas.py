"""While the evidence does not hold, never more replicas run than ran already, whatever asks for more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH
from tests.operator.running import RunningOperator, operating
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.waiting import wait_until

Json = dict[str, Any]
AUTOSCALED: Json = {"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}


def replicas(world: World) -> int:
    """Return how many replicas are asked of the cluster."""
    return int(world.deployment()["spec"]["replicas"])


def scale(world: World, count: int, manager: str = "kubectl-scale") -> None:
    """Scale the Deployment, as `kubectl scale` and an autoscaler do."""
    path = f"{world.path('deployments')}/scale"
    reply = world.rest("PATCH", path, {"spec": {"replicas": count}}, MERGE_PATCH, fieldManager=manager)
    assert reply.status == 200, reply


def withdrawn(world: World, **spec: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Let a model run and lose its evidence; return what the evidence was."""
    manifest = world.manifest()
    world.model(**spec)
    if spec.get("suspend"):
        world.wait_for("Ready", "False", "Suspended")
    else:
        world.ready()
    world.delete("ComplianceManifest", MANIFEST)
    world.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
    return dict(manifest["spec"])


def held(world: World, operator: RunningOperator, count: int) -> None:
    """Assert that so many replicas are what there is, once everything was reconciled."""
    wait_until(lambda: replicas(world) == count)
    observed = world.live()["metadata"]["generation"]
    wait_until(lambda: world.status().get("observedGeneration") == observed)
    operator.wait_until_idle()
    assert replicas(world) == count
    assert world.status()["heldReplicas"] == count
    assert world.child("horizontalpodautoscalers") is None


RAISED: dict[str, tuple[Json, Json, int]] = {
    "unsuspended": ({"suspend": True, "replicas": 3}, {"suspend": False}, 0),
    "from zero": ({"replicas": 0}, {"replicas": 3}, 0),
    "more": ({"replicas": 2}, {"replicas": 5}, 2),
    "the default count": ({"replicas": 0}, {"replicas": None}, 0),
    "an autoscaler": ({"replicas": 1}, {"replicas": None, **AUTOSCALED}, 1),
    "an autoscaler from zero": ({"replicas": 0}, {"replicas": None, **AUTOSCALED}, 0),
    "more with another image": (
        {"replicas": 2},
        {"replicas": 5, "server": {"image": "registry.example/other:2"}},
        2,
    ),
    "unsuspended with another image": (
        {"suspend": True},
        {"suspend": False, "server": {"image": "registry.example/other:2"}},
        0,
    ),
}


@pytest.mark.parametrize("way", RAISED)
def test_a_spec_that_asks_for_more_starts_nothing(world: World, operator: RunningOperator, way: str) -> None:
    """Whatever of the spec asks for it; no condition reports success (redteam H1)."""
    before, change, count = RAISED[way]
    withdrawn(world, **before)
    world.change(change)
    held(world, operator, count)
    if count == 0:
        world.workloads.available(MODEL)
        world.wait_for("WorkloadAvailable", "False", "EvidenceNotAccepted")
    assert "WorkloadRestored" not in world.reasons()


@pytest.mark.parametrize(
    "change", [{"minReplicas": 4, "maxReplicas": 5}, {"minReplicas": 2, "maxReplicas": 9}]
)
def test_an_autoscaler_is_away_and_raises_nothing(
    world: World, operator: RunningOperator, change: Json
) -> None:
    """Neither by load nor by its bounds; with evidence it has the count again, from where it was."""
    spec = withdrawn(world, **AUTOSCALED)
    count = replicas(world)
    held(world, operator, count)
    world.change({"autoscaling": change})
    scale(world, count + 1, "kube-controller-manager")
    held(world, operator, count)
    world.manifest(**spec)
    wait_until(lambda: world.child("horizontalpodautoscalers") is not None)
    assert replicas(world) == count
    operator.wait_until_idle()
    scale(world, 4, "kube-controller-manager")
    operator.wait_until_idle()
    assert replicas(world) == 4


@pytest.mark.parametrize("spec", [{"replicas": 2}, {"replicas": 2, "suspend": True}], ids=["runs", "rests"])
def test_a_deployment_that_is_scaled_by_hand_comes_down_again(
    world: World, operator: RunningOperator, spec: Json
) -> None:
    """Also where the spec was changed meanwhile, so that nothing can be rolled out."""
    withdrawn(world, **spec)
    count = 0 if spec.get("suspend") else 2
    scale(world, 4)
    held(world, operator, count)
    world.change({"server": {"image": "registry.example/other:2"}, "suspend": False})
    scale(world, 4)
    held(world, operator, count)


def test_a_count_stays_held_across_a_restart(control_plane: ControlPlane, world: World) -> None:
    """The bound stands in the status: scaled while no operator was there, the count comes down again."""
    with operating(control_plane.kubeconfig) as first:
        withdrawn(world, replicas=2)
        held(world, first, 2)
    scale(world, 4)
    world.change({"replicas": 6})
    with operating(control_plane.kubeconfig) as second:
        held(world, second, 2)


LOWERED: dict[str, tuple[Callable[[World], Any], int]] = {
    "spec": (lambda world: world.change({"replicas": 1}), 1),
    "suspended": (lambda world: world.change({"suspend": True}), 0),
    "suspended with another image": (
        lambda world: world.change({"suspend": True, "server": {"image": "registry.example/other:2"}}),
        0,
    ),
    "hand": (lambda world: scale(world, 1), 1),
}


@pytest.mark.parametrize("way", LOWERED)
def test_fewer_may_run_and_fewer_it_stays(world: World, operator: RunningOperator, way: str) -> None:
    """The lower count is the new bound; with evidence everything is as the spec says."""
    spec = withdrawn(world, replicas=3)
    lower, count = LOWERED[way]
    lower(world)
    held(world, operator, count)
    world.change({"replicas": 3, "suspend": False})
    held(world, operator, count)
    world.manifest(**spec)
    wait_until(lambda: replicas(world) == 3)
    world.ready()
    assert "heldReplicas" not in world.status()


def test_zero_stays_zero_when_a_policy_no_longer_asks_for_it(world: World, operator: RunningOperator) -> None:
    """From ScaleToZero to Keep: what does not run is not kept running."""
    name = f"zero-{world.namespace}"
    world.policy(name, {"onViolation": "ScaleToZero"})
    try:
        withdrawn(world, replicas=2)
        held(world, operator, 0)
        path = f"/apis/actgate.dev/v1alpha1/compliancepolicies/{name}"
        kept = world.rest("PATCH", path, {"spec": {"onViolation": "Keep"}}, MERGE_PATCH)
        assert kept.status == 200, kept
        world.workloads.available(MODEL)
        world.wait_for("WorkloadAvailable", "False", "EvidenceNotAccepted")
        held(world, operator, 0)
    finally:
        world.delete_policy(name)


def test_a_deleted_deployment_is_not_made_again(world: World, operator: RunningOperator) -> None:
    """Nor when the spec changes; with evidence it is."""
    spec = withdrawn(world, replicas=2)
    assert world.rest("DELETE", world.path("deployments")).status in (200, 202)
    wait_until(lambda: world.child("deployments") is None)
    world.change({"replicas": 3})
    world.wait_for("WorkloadAvailable", "False", "EvidenceNotAccepted")
    operator.wait_until_idle()
    assert world.child("deployments") is None
    world.manifest(**spec)
    wait_until(lambda: replicas(world) == 3)
