"""The background scan on an API server of the sandbox: what runs is judged, reported, and left alone."""

from __future__ import annotations

from actgate.api.names import REPORT_LABEL
from actgate.scan.reports import OPEN_REPORTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH
from tests.operator.running import RunningOperator, operating
from tests.operator.scan.report_apis import reports_of, summary_of
from tests.operator.scan.running_servers import (
    Json,
    created,
    deployments,
    report_writes,
    reported,
    server,
    serving_kinds,
)
from tests.operator.world import MANIFEST, World
from tests.scan.objects import refer
from tests.support.waiting import wait_until


def test_what_runs_and_is_undeclared_is_reported_once(reporting: RunningOperator, world: World) -> None:
    """And ordinary workloads beside it are not."""
    found = created(world, server("scorer"))
    created(world, server("web", "docker.io/library/nginx:1.29"))
    [report] = reported(world, 1)
    assert report["metadata"]["name"] == f"actgate-{found['metadata']['uid']}"
    assert report["source"] == "actgate"
    assert report["scope"]["name"] == "scorer"
    [result] = report["results"]
    assert (result["rule"], result["result"]) == ("inference/undeclared", "warn")
    assert result["properties"]["tier"] == "Strong"
    [owner] = report["metadata"]["ownerReferences"]
    assert owner["uid"] == found["metadata"]["uid"]


def test_a_subject_that_recovers_or_goes_loses_its_report(reporting: RunningOperator, world: World) -> None:
    created(world, server("scorer"))
    created(world, server("second"))
    reported(world, 2)
    assert world.rest("DELETE", f"{deployments(world)}/second").status == 200
    [report] = reported(world, 1)
    assert report["scope"]["name"] == "scorer"
    plain = [{"name": "server", "image": "docker.io/library/nginx:1.29"}]
    body = {"spec": {"template": {"spec": {"containers": plain}}}}
    assert world.rest("PATCH", f"{deployments(world)}/scorer", body, MERGE_PATCH).status == 200
    reported(world, 0)


def test_withdrawn_evidence_is_reported_and_nothing_else_is_done(
    reporting: RunningOperator, world: World
) -> None:
    """An Event on the object, and its report: the operator never writes to foreign objects (ADR 0035)."""
    world.manifest()
    found = created(world, server("scorer", compliance_manifest=MANIFEST, model="CreditRiskScorer"))
    wait_until(lambda: reporting.process.scan.judging.results.get(found["metadata"]["uid"]))
    # What is refused when a scan begins has no Event.
    wait_until(lambda: reporting.process.scan.idle)
    world.delete("ComplianceManifest", MANIFEST)

    def refused() -> bool:
        found = reports_of(world.rest, OPEN_REPORTS, world.namespace)
        return any(result["result"] == "fail" for report in found for result in report["results"])

    wait_until(refused)
    wait_until(lambda: "PolicyViolation" in world.reasons())
    [event] = [event for event in world.events() if event["reason"] == "PolicyViolation"]
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("Deployment", "scorer")
    assert event["note"].startswith("link/manifest: ")
    now = world.rest("GET", f"{deployments(world)}/scorer").body
    assert now["metadata"]["generation"] == found["metadata"]["generation"]
    assert {item["manager"] for item in now["metadata"]["managedFields"]}.isdisjoint({"actgate-operator"})


def test_the_event_about_evidence_that_is_too_old_says_until_when_pods_are_replaced(
    reporting: RunningOperator, world: World
) -> None:
    """The webhook warns the controller that creates such a pod, and no user; `ScaleToZero` has no grace."""
    world.manifest()
    found = created(world, server("scorer", compliance_manifest=MANIFEST, model="CreditRiskScorer"))
    wait_until(lambda: reporting.process.scan.judging.results.get(found["metadata"]["uid"]))
    wait_until(lambda: reporting.process.scan.idle)
    # Evidence of three weeks ago.
    for on_violation in ("Keep", "ScaleToZero"):
        name = f"{world.namespace}-{on_violation.lower()}"
        world.policy(name, {"evidence": {"maxAge": "480h"}, "onViolation": on_violation})
        try:
            wait_until(lambda: "PolicyViolation" in world.reasons())
            [event] = [one for one in world.events() if one["reason"] == "PolicyViolation"]
        finally:
            world.delete_policy(name)
        assert event["note"].startswith("evidence/age: ")
        replaced = "; pods of an unchanged template are replaced until 2" in event["note"]
        assert replaced is (on_violation == "Keep"), event["note"]
        folder = f"/apis/events.k8s.io/v1/namespaces/{world.namespace}/events"
        assert world.rest("DELETE", f"{folder}/{event['metadata']['name']}").status == 200
        wait_until(
            lambda: reporting.process.scan.judging.results[found["metadata"]["uid"]].counts_as != "fail"
        )


def test_a_report_that_was_deleted_comes_back(reporting: RunningOperator, world: World) -> None:
    created(world, server("scorer"))
    [report] = reported(world, 1)
    path = f"/apis/openreports.io/v1alpha1/namespaces/{world.namespace}/reports/{report['metadata']['name']}"
    assert world.rest("DELETE", path).status == 200

    def another() -> bool:
        found = reports_of(world.rest, OPEN_REPORTS, world.namespace)
        return len(found) == 1 and found[0]["metadata"]["uid"] != report["metadata"]["uid"]

    wait_until(another)


def test_at_rest_nothing_is_written(reporting: RunningOperator, world: World) -> None:
    """Whatever changes about an object that says nothing of its model."""
    created(world, server("scorer"))
    [report] = reported(world, 1)
    wait_until(lambda: reporting.process.scan.idle)
    before = report_writes(reporting)
    labels = {"metadata": {"labels": {"team": "credit"}}, "spec": {"replicas": 2}}
    assert world.rest("PATCH", f"{deployments(world)}/scorer", labels, MERGE_PATCH).status == 200
    created(world, server("last"))
    reported(world, 2)
    # A write is noted when its answer has come, after others can read what it wrote.
    wait_until(lambda: reporting.process.scan.idle and report_writes(reporting) > before)
    assert report_writes(reporting) - before == 1
    [same] = [one for one in reported(world, 2) if one["scope"]["name"] == "scorer"]
    assert same["metadata"]["resourceVersion"] == report["metadata"]["resourceVersion"]


def test_another_leader_rewrites_nothing(
    control_plane: ControlPlane, reporting: RunningOperator, world: World
) -> None:
    """It lists the reports, and goes on by their hashes; what is orphaned meanwhile goes."""
    created(world, server("scorer"))
    [report] = reported(world, 1)
    with operating(control_plane.kubeconfig) as another:
        wait_until(lambda: another.process.scan.idle)
        [same] = reported(world, 1)
        assert same["metadata"]["resourceVersion"] == report["metadata"]["resourceVersion"]
        # In a namespace that is being deleted, reports go before their subjects, and none can be made again.
        assert [item for item in another.writes("reports") if item.code not in (403, 404)] == []


def test_a_kind_is_judged_as_soon_as_it_is_served(reporting: RunningOperator, world: World) -> None:
    """No matter who installs it, and when; with its definition, its objects and their reports go."""
    version = "production-stack.vllm.ai/v1alpha1"
    folder = f"/apis/{version}/namespaces/{world.namespace}/vllmruntimes"
    service: Json = {"apiVersion": version, "kind": "VLLMRuntime", "metadata": {"name": "credit"}, "spec": {}}
    with serving_kinds(world.rest, "VLLMRuntime"):
        reply = world.rest("POST", folder, service)
        assert reply.status == 201, reply
        [report] = reported(world, 1)
        [owner] = report["metadata"]["ownerReferences"]
        assert owner["apiVersion"] == version
        assert (owner["kind"], owner["uid"]) == ("VLLMRuntime", reply.body["metadata"]["uid"])
        untouched = world.rest("GET", f"{folder}/credit").body["metadata"]
        assert untouched["resourceVersion"] == reply.body["metadata"]["resourceVersion"]
    reported(world, 0)


def test_a_namespace_that_is_taken_out_of_the_gate_has_no_reports(
    reporting: RunningOperator, world: World
) -> None:
    created(world, server("scorer"))
    reported(world, 1)
    path = f"/api/v1/namespaces/{world.namespace}"
    label = {"metadata": {"labels": {"actgate.dev/exempt": "true"}}}
    assert world.rest("PATCH", path, label, MERGE_PATCH).status == 200
    reported(world, 0)
    assert (
        world.rest("PATCH", path, {"metadata": {"labels": {"actgate.dev/exempt": None}}}, MERGE_PATCH).status
        == 200
    )
    reported(world, 1)


def test_an_owner_answers_for_what_it_controls(reporting: RunningOperator, world: World) -> None:
    """One report for a Deployment and its pods; a pod that names an owner of something else has its own."""
    top = created(world, server("scorer"))
    web = created(world, server("web", "docker.io/library/nginx:1.29"))
    template = top["spec"]["template"]
    for name, owner in (("scorer-1", top), ("forged", web)):
        metadata = {"name": name, "labels": {"app": name}, "ownerReferences": [refer(owner)]}
        spec = {**template["spec"], "nodeName": "none"}
        pod: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        reply = world.rest("POST", f"/api/v1/namespaces/{world.namespace}/pods", pod)
        assert reply.status == 201, reply
    scopes = {(one["scope"]["kind"], one["scope"]["name"]) for one in reported(world, 2)}
    assert scopes == {("Deployment", "scorer"), ("Pod", "forged")}


def test_an_orphaned_report_is_deleted_by_the_next_leader(
    control_plane: ControlPlane, reporting: RunningOperator, world: World
) -> None:
    """Its subject went while none led; the garbage collector deletes only what has its owner's uid."""
    created(world, server("scorer"))
    [report] = reported(world, 1)
    orphan = {
        "apiVersion": "openreports.io/v1alpha1",
        "kind": "Report",
        "metadata": {
            "name": "actgate-00000000-gone",
            "labels": {REPORT_LABEL: "abc", "app.kubernetes.io/managed-by": "actgate"},
        },
        "scope": {**report["scope"], "name": "gone", "uid": "00000000-gone"},
    }
    path = f"/apis/openreports.io/v1alpha1/namespaces/{world.namespace}/reports"
    assert world.rest("POST", path, orphan).status == 201
    [left] = reported(world, 1)
    assert left["metadata"]["uid"] == report["metadata"]["uid"]


def test_the_counts_of_the_cluster_are_one_report(reporting: RunningOperator, world: World) -> None:
    summary = wait_until(lambda: summary_of(world.rest, OPEN_REPORTS))
    assert summary is not None
    assert set(summary["summary"]) == {"pass", "fail", "warn", "error", "skip"}
