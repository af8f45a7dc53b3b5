"""A model that is seen for the first time, with and without evidence that holds."""

from __future__ import annotations

import pytest

from actgate_operator.names import child_name
from tests.operator.running import RunningOperator, names_of
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("operator")


def test_evidence_that_holds_makes_a_model_run(world: World) -> None:
    """Deployment and Service come, the status says what is under way, and Ready once pods serve."""
    world.manifest()
    world.model(server={"image": "registry.example/server:1", "ports": [{"containerPort": 9000}]})
    world.wait_for("EvidenceAccepted", "True", "Accepted")
    world.wait_for("Ready", "False", "RollingOut")
    world.wait_for("Reconciling", "True")
    world.ready()
    status = world.status()
    service = world.child("services")
    assert service is not None
    assert service["spec"]["ports"][0]["port"] == 9000
    assert status["url"] == f"http://{MODEL}.{world.namespace}.svc:9000"
    assert (status["replicas"], status["readyReplicas"]) == (1, 1)
    assert status["selector"].count("=") == 2
    assert {item["type"] for item in status["conditions"]} == {
        "EvidenceAccepted",
        "WorkloadAvailable",
        "Ready",
    }
    assert status["verdict"]["manifest"]["name"] == MANIFEST
    assert status["verdict"]["outcome"] in ("Pass", "Warn")
    assert world.child("poddisruptionbudgets") is None
    assert world.child("horizontalpodautoscalers") is None
    assert world.events() == []


def test_a_plain_model_costs_four_writes_and_no_read(operator: RunningOperator, world: World) -> None:
    """A Deployment, a Service, and its status twice; it comes from the cache, and so does its evidence.

    Which kinds are served is asked about when definitions change, and not for a model.
    """
    world.alone()
    world.manifest()
    wait_until(lambda: operator.process.scan.idle)
    operator.wait_until_idle()
    before = len(operator.requests)
    world.model(replicas=1)
    world.ready()
    operator.wait_until_idle()
    asked = [item for item in operator.requests[before:] if item.verb != "watch" and item.resource]
    writes = [item.resource for item in asked if item.verb == "patch"]
    assert sorted(item for item in writes if not item.startswith("compliancemanifests")) == [
        "deployments",
        "modeldeployments/status",
        "modeldeployments/status",
        "services",
    ], names_of(asked)
    assert [item for item in asked if item.verb != "patch"] == [], names_of(asked)


def test_nothing_runs_without_a_manifest_and_the_status_says_why(world: World) -> None:
    """A reference to nothing waits, visibly; what is waited for makes it run, without a poll."""
    world.model()
    found = world.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
    assert "link/manifest" in found["message"]
    world.wait_for("Reconciling", "True", "ManifestNotFound")
    world.wait_for("WorkloadAvailable", "False", "EvidenceNotAccepted")
    assert world.child("deployments") is None
    world.manifest()
    world.ready()
    wait_until(lambda: "EvidenceRestored" in world.reasons())


def test_nothing_runs_on_evidence_that_fails(world: World) -> None:
    """A refusal is for a person to fix, with every finding in the status."""
    world.manifest(humanOversight={"enabled": False})
    world.model()
    world.wait_for("EvidenceAccepted", "False", "EvidenceRejected")
    stalled = world.wait_for("Stalled", "True", "EvidenceRejected")
    assert stalled["message"].startswith("oversight/missing")
    verdict = world.status()["verdict"]
    assert [item["rule"] for item in verdict["findings"] if item["effect"] == "Deny"] == ["oversight/missing"]
    assert world.child("deployments") is None
    assert world.child("services") is None
    wait_until(lambda: "EvidenceRejected" in world.reasons())


@pytest.mark.parametrize(
    "name",
    ["a" * 63, "a" * 64, "a" * 253, "credit.risk.v2", ".".join(["a" * 62] * 4)],
    ids=["63", "64", "253", "dots", "251 with dots"],
)
def test_a_model_of_any_name_runs(world: World, name: str) -> None:
    """A Service has at most 63 characters and no dots; the model's name may be longer and have some."""
    world.manifest()
    world.model(name)
    child = child_name(name)
    world.deployment(child)
    world.workloads.available(child)
    world.wait_for("Ready", "True", name=name)
    assert world.child("services", child) is not None
    assert world.status(name)["url"].startswith(f"http://{child}.")


def test_a_manifest_and_its_model_that_come_together_are_no_alarm(world: World) -> None:
    """Two watches report them in either order; neither order may look like missing evidence."""
    for number in range(10):
        world.manifest(f"manifest-{number}")
        world.model(f"model-{number}", complianceManifestRef={"name": f"manifest-{number}"})
    for number in range(10):
        world.wait_for("EvidenceAccepted", "True", name=f"model-{number}")
    assert world.events() == []


def test_a_plain_model_costs_four_writes(operator: RunningOperator, world: World) -> None:
    """Deployment, Service, and a status for each of under way and ready; then nothing at all.

    One more is the status of its manifest, however many models refer to that.
    """
    world.alone()
    world.manifest()
    operator.wait_until_idle()
    before = len(operator.requests)
    world.model()
    world.ready()
    operator.wait_until_idle()
    wait_until(
        lambda: any(item.resource == "compliancemanifests/status" for item in operator.requests[before:])
    )
    asked = operator.requests[before:]
    writes = [item for item in asked if item.verb in ("create", "update", "patch", "delete")]
    assert sorted(item.resource for item in writes) == [
        "compliancemanifests/status",
        "deployments",
        "modeldeployments/status",
        "modeldeployments/status",
        "services",
    ], names_of(asked)


def test_the_operator_writes_nothing_but_the_status_of_a_model(world: World) -> None:
    """No finalizer, no annotation, no label, and no field of the spec."""
    world.manifest()
    made = world.model()
    world.ready()
    live = world.live()
    assert live["spec"] == made["spec"]
    assert live["metadata"]["generation"] == 1
    assert {"annotations", "finalizers", "labels"}.isdisjoint(live["metadata"])
    ours = [entry for entry in live["metadata"]["managedFields"] if entry["manager"] == "actgate-operator"]
    assert [(entry["operation"], entry.get("subresource")) for entry in ours] == [("Apply", "status")]
    assert set(ours[0]["fieldsV1"]) == {"f:status"}
