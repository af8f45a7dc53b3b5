"""The verdict on a manifest, in its own status: for people to read, and for no decision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.operator.running import RunningOperator, names_of, operating
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.crds import collection
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until

Json = dict[str, Any]

BAD: Json = {"humanOversight": {"enabled": False}}
FORGED: Json = {
    "observedGeneration": 1,
    "verdict": {
        "outcome": "Pass",
        "policies": ["baseline"],
        "ruleset": "forged",
        "validUntil": "2099-01-01T00:00:00Z",
    },
}


@pytest.fixture
def beside(control_plane: ControlPlane, installed: Rest) -> Iterator[RunningOperator]:
    """An operator that works while a test runs."""
    assert installed is not None
    with operating(control_plane.kubeconfig) as running:
        yield running


def path(world: World, name: str = MANIFEST) -> str:
    """Return the path of a manifest."""
    return f"{collection('ComplianceManifest', world.namespace)}/{name}"


def stored(world: World, name: str = MANIFEST) -> Json:
    """Return a manifest as it is stored."""
    return dict(world.rest("GET", path(world, name)).body)


def verdict(world: World, name: str = MANIFEST) -> Json:
    """Return what its status says."""
    return dict((stored(world, name).get("status") or {}).get("verdict") or {})


def forge(world: World, status: Json | None) -> None:
    """Write a status as another client."""
    reply = world.rest("PATCH", f"{path(world)}/status", {"status": status}, MERGE_PATCH)
    assert reply.status == 200, reply


def shown(world: World, outcome: str, name: str = MANIFEST) -> Json:
    """Wait until a manifest shows an outcome, and return its verdict."""

    def as_said() -> Json:
        found = verdict(world, name)
        assert found.get("outcome") == outcome, found
        return found

    return wait_until(as_said)


@pytest.mark.usefixtures("beside")
def test_a_manifest_shows_the_verdict_of_its_own_appraisal(world: World) -> None:
    """Whatever becomes of the model: here it is another one than the manifest is about."""
    world.manifest()
    world.manifest("bad", **BAD)
    world.manifest("unused", **BAD)
    world.model(model={"name": "another-model"})
    world.model("second", complianceManifestRef={"name": "bad"})
    world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
    # Warn: the recommendations that a bare manifest leaves open.
    assert shown(world, "Warn").keys() >= {"policies", "ruleset", "validUntil"}
    found = shown(world, "Fail", "bad")
    assert found["reason"] == "oversight/missing"
    assert found["findings"][0]["path"] == "spec.humanOversight.enabled"
    assert verdict(world, "unused") == {}, "no model refers to it"


@pytest.mark.needs_kubectl
@pytest.mark.usefixtures("beside")
def test_kubectl_shows_the_verdict_and_its_reason(world: World, kubectl: Kubectl) -> None:
    """At a glance, beside manifests that no model refers to."""
    world.manifest("bad", **BAD)
    world.manifest("unused")
    world.model(complianceManifestRef={"name": "bad"})
    shown(world, "Fail", "bad")
    outcome = kubectl("get", "cmf")
    assert outcome.code == 0, outcome
    heading, bad, unused = outcome.out.splitlines()
    assert heading.split()[:6] == ["NAME", "MODEL", "VERSION", "RISK", "VERDICT", "REASON"]
    assert bad.split()[4:6] == ["Fail", "oversight/missing"]
    assert not {"Pass", "Warn"} & {*unused.split()}


@pytest.mark.usefixtures("beside")
def test_a_policy_changes_what_a_manifest_shows(world: World) -> None:
    """At once, as it changes what becomes of the model."""
    world.manifest(**BAD)
    world.model()
    shown(world, "Fail")
    world.policy(f"lenient-{world.namespace}", {"enforcement": "Warn"})
    try:
        assert shown(world, "Warn")["policies"] == [f"lenient-{world.namespace}"]
    finally:
        world.delete_policy(f"lenient-{world.namespace}")
    shown(world, "Fail")


def test_a_forged_status_is_corrected_and_decides_nothing(beside: RunningOperator, world: World) -> None:
    """No model is reconciled because of it, and none runs on it."""
    world.alone()
    world.manifest(**BAD)
    world.model()
    world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
    right = shown(world, "Fail")
    beside.wait_until_idle()
    reads = reconciles(beside)
    for forged in (FORGED, None, {"observedGeneration": 7}):
        forge(world, forged)
        wait_until(lambda: verdict(world) == right)
    beside.wait_until_idle()
    assert reconciles(beside) == reads, names_of(beside.requests)
    assert world.child("deployments") is None
    assert world.condition("EvidenceAccepted")["status"] == "False"


def reconciles(running: RunningOperator) -> int:
    """Return how often a model was read."""
    return sum(
        item.verb in ("get", "list") and item.resource == "modeldeployments" for item in running.requests
    )


def test_after_a_restart_no_status_is_written(control_plane: ControlPlane, world: World) -> None:
    """What stands says the same already."""
    world.manifest()
    world.model()
    with operating(control_plane.kubeconfig) as running:
        world.ready()
        shown(world, "Warn")
        running.wait_until_idle()
        assert running.writes("compliancemanifests")  # Perhaps of what other tests left, too.
    before = stored(world)["metadata"]["resourceVersion"]
    with operating(control_plane.kubeconfig) as running:
        wait_until(lambda: reconciles(running) > 0)
        running.wait_until_idle()
        assert running.writes("compliancemanifests") == []
    assert stored(world)["metadata"]["resourceVersion"] == before


def test_a_status_goes_when_the_last_model_lets_go(beside: RunningOperator, world: World) -> None:
    """No replica would keep it up to date."""
    world.manifest()
    world.model()
    shown(world, "Warn")
    beside.resync()
    world.delete("ModelDeployment", MODEL)
    wait_until(lambda: not stored(world).get("status"))
