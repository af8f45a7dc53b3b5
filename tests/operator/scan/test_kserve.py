"""What the operator does about objects of KServe when evidence is withdrawn: it reports (ADR 0035)."""

from __future__ import annotations

from typing import Any

from actgate.scan.reports import OPEN_REPORTS
from actgate_sandbox.rest import install_crds
from tests.operator.running import RunningOperator
from tests.operator.scan.report_apis import reports_of
from tests.operator.world import MANIFEST, World
from tests.support import kserve
from tests.support.waiting import wait_until

Json = dict[str, Any]
REPORTED = frozenset({"reports", "clusterreports", "events"})


def path(world: World, obj: Json) -> str:
    """Return the collection of an object's kind."""
    root = "apis" if "/" in obj["apiVersion"] else "api"
    return f"/{root}/{obj['apiVersion']}/namespaces/{world.namespace}/{obj['kind'].lower()}s"


def created(world: World, obj: Json) -> Json:
    """Create an object, and return it as stored."""
    reply = world.rest("POST", path(world, obj), obj)
    assert reply.status == 201, reply
    return dict(reply.body)


def test_withdrawn_evidence_of_an_inference_service_is_reported_on_it_alone(
    reporting: RunningOperator, world: World
) -> None:
    """By a Report and an Event; neither it nor what KServe makes of it is written, scaled or deleted."""
    install_crds(world.rest, kserve.DEFINITIONS)
    world.manifest()
    top = created(world, kserve.inference_service())
    made = created(world, kserve.deployment(top))
    below = created(world, kserve.replica_set(made))
    children = [made, below, created(world, kserve.pod(below)), created(world, kserve.autoscaler(top))]
    wait_until(lambda: reporting.process.scan.judging.results.get(top["metadata"]["uid"]))
    # What is refused when a scan begins has no Event.
    wait_until(lambda: reporting.process.scan.idle)
    before = len(reporting.writes())
    world.delete("ComplianceManifest", MANIFEST)

    def refused() -> list[Json]:
        found = reports_of(world.rest, OPEN_REPORTS, world.namespace)
        return [one for one in found if any(item["result"] == "fail" for item in one["results"])]

    [report] = wait_until(refused)
    assert (report["scope"]["kind"], report["scope"]["uid"]) == ("InferenceService", top["metadata"]["uid"])
    assert "metadata.annotations[actgate.dev/compliance-manifest]" in str(report["results"])
    wait_until(lambda: "PolicyViolation" in world.reasons())
    [event] = [one for one in world.events() if one["reason"] == "PolicyViolation"]
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("InferenceService", "scorer")
    wait_until(lambda: reporting.process.scan.idle)
    for obj in (top, *children):
        now = world.rest("GET", f"{path(world, obj)}/{obj['metadata']['name']}").body
        assert now["metadata"]["uid"] == obj["metadata"]["uid"]
        managers = {item["manager"] for item in now["metadata"]["managedFields"]}
        assert "actgate-operator" not in managers, obj["kind"]
        assert now.get("spec") == obj.get("spec"), obj["kind"]
    assert {item.resource for item in reporting.writes()[before:]} <= REPORTED
