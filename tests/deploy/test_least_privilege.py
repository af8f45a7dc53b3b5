"""Both services with no right but those of deploy/: everything works, and no right is left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

import pytest

from actgate.scan.reports import OPEN_REPORTS, POLICY_REPORTS
from actgate_sandbox.rest import MERGE_PATCH
from demo.service import Operator
from tests.deploy import accounts
from tests.deploy.conftest import Cluster
from tests.deploy.installing import installed
from tests.deploy.rendering import DEPLOY, Json, render
from tests.operator.planting import INSTANCE, planted, set_image
from tests.operator.scan.report_apis import reports_of, serving, summary_of
from tests.operator.scan.running_servers import server
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.crds import ROOT, create, deployment_spec, manifest_spec
from tests.support.exemptions import exemption_spec
from tests.support.rights import UNSEEN, Right, by_kinds, rights
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl

MODELS: Final = "models"
KINDS: Final = (
    *("deployments", "services", "horizontalpodautoscalers", "poddisruptionbudgets"),
    "networkpolicies",
)
LOGGING: Final[Json] = {
    "mode": "Recorder",
    "storage": {"pvc": {"claimName": "log", "accessMode": "ReadWriteMany"}},
}

Request = tuple[str, str]
"""Verb and resource, with a subresource after a slash."""

ROWS: Final[set[Request]] = {("get", "configmaps")}
"""The table of an administrator: no cache, and so in no metric of the webhook."""
OTHER_API: Final[set[Request]] = {("delete", "clusterreports")}
"""Asked for where reports go to wgpolicyk8s.io by setting: tests/operator/scan/test_report_apis.py."""


class Running(NamedTuple):
    """An installation at work."""

    world: World
    operator: Operator
    webhook: accounts.Webhook


@pytest.fixture(scope="module")
def running(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The base installed, both services as the manifests run them, and a namespace."""
    folder, objects = tmp_path_factory.mktemp("accounts"), render(DEPLOY / "base")
    namespace: Json = {"metadata": {"name": MODELS}}
    assert cluster.rest("POST", "/api/v1/namespaces", namespace).status == 201
    with (
        installed(cluster, DEPLOY / "base"),
        accounts.operator(cluster, objects, folder) as operator,
        accounts.webhook(cluster, objects, folder) as webhook,
    ):
        accounts.point_at(cluster, webhook.port)
        world = World(cluster.rest, MODELS)
        wait_until(lambda: asks_the_webhook(world))
        yield Running(world, operator, webhook)
    cluster.rest("DELETE", f"/api/v1/namespaces/{MODELS}")


def asks_the_webhook(world: World) -> bool:
    """Return whether the API server warns of what only the webhook knows."""
    reply = create(world.rest, "ModelDeployment", "probe", deployment_spec(), MODELS, dryRun="All")
    return reply.status == 201 and bool(reply.warnings)


def requests_of(operator: Operator) -> dict[Request, set[str]]:
    """Return what the operator has asked the API server for, with the status codes of the answers."""
    _, text = operator.get("/metrics")
    found: dict[Request, set[str]] = {}
    for line in re.findall(r"^actgate_operator_api_requests_total\{(.*)\} ", text, re.MULTILINE):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        found.setdefault((labels["verb"], labels["resource"]), set()).add(labels["code"])
    return found


def requests_of_webhook(webhook: accounts.Webhook) -> set[Request]:
    """Return what the webhook reads: what it keeps in memory, and what it has read while a review waited."""
    text = webhook.metrics()
    kept = set(re.findall(r'^actgate_webhook_cache_objects\{resource="(\w+)', text, re.MULTILINE))
    live = r'^actgate_webhook_live_reads_total\{resource="(\w+)[^"]*",result="(?:found|missing)"\}'
    read = set(re.findall(live, text, re.MULTILINE))
    # All policies and exemptions count, so they are listed; of everything else one object is read.
    gets = {("get", resource) for resource in read - {"compliancepolicies", "exemptions"}}
    return gets | {(verb, resource) for resource in kept for verb in ("list", "watch")}


def rights_of(account: str) -> set[Request]:
    """Return every verb and resource that deploy/base grants to a service account."""
    return named(rights(render(DEPLOY / "base")), account)


def named(found: Iterable[Right], account: str) -> set[Request]:
    """Return the verbs and resources of a service account's rights."""
    return {(right.verb, right.resource) for right in found if right.service == account}


def lacks(world: World, kind: str, field: str) -> bool:
    """Return whether the model's child of a kind has no such field in its spec."""
    child = world.child(kind)
    return child is not None and field not in child["spec"]


def is_gone(world: World, kind: str) -> bool:
    """Return whether the model has no child of a kind."""
    return world.child(kind) is None


def lets_a_model_run(world: World) -> None:
    """Evidence leads a model through webhook and operator, up to Ready."""
    world.manifest()
    world.model(autoscaling={"minReplicas": 2, "maxReplicas": 5}, logging=LOGGING)
    world.wait_for("Ready", "True")
    for kind in KINDS:
        assert world.child(kind) is not None


def refuses_bad_evidence(world: World) -> None:
    """The webhook reads live, with its own rights, before it says no."""
    unfair = [{"attribute": "gender", "metric": "demographic_parity_difference", "value": 0.4}]
    spec = manifest_spec(bias=unfair)
    assert create(world.rest, "ComplianceManifest", "unfair", spec, MODELS).status == 201
    model = deployment_spec(complianceManifestRef={"name": "unfair"})
    reply = create(world.rest, "ModelDeployment", "unfair", model, MODELS)
    assert reply.status == 403
    assert "bias/limit" in reply.message


def judges_a_labelled_workload(world: World) -> None:
    """In a namespace that is enforced, a plain Deployment needs evidence, too."""
    template: Json = {
        "metadata": {"labels": {"app": "plain", "actgate.dev/inference": "true"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
    }
    body: Json = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "plain"},
        "spec": {"selector": {"matchLabels": {"app": "plain"}}, "template": template},
    }
    reply = world.rest("POST", f"/apis/apps/v1/namespaces/{MODELS}/deployments", body)
    assert reply.status == 403
    assert "link/manifest" in reply.message


def undoes_edits_of_children(world: World) -> None:
    """What another manager added to a child of each kind is adopted and removed."""
    additions: dict[str, tuple[str, Json]] = {
        "deployments": ("minReadySeconds", {"minReadySeconds": 3}),
        "services": ("sessionAffinityConfig", {"sessionAffinity": "ClientIP"}),
        "horizontalpodautoscalers": (
            "behavior",
            {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 7}}},
        ),
        "poddisruptionbudgets": (
            "unhealthyPodEvictionPolicy",
            {"unhealthyPodEvictionPolicy": "AlwaysAllow"},
        ),
        "networkpolicies": ("egress", {"egress": [{}]}),
    }
    for kind, (field, spec) in additions.items():
        assert field in world.patch_child(kind, {"spec": spec})["spec"]
        wait_until(partial(lacks, world, kind, field))


def removes_children_that_are_not_wanted_any_more(world: World) -> None:
    """An autoscaler, a budget, and what closes the port of a model without a recorder."""
    world.change({"autoscaling": None, "replicas": 1, "logging": None})
    for kind in ("horizontalpodautoscalers", "poddisruptionbudgets", "networkpolicies"):
        wait_until(partial(is_gone, world, kind))


def reports_why_a_pod_does_not_start(world: World) -> None:
    """It reads that from pods, and says so in the status and in an Event."""
    world.model("far", placement={"regions": [{"provider": "aws", "region": "eu-north-1"}]})
    world.wait_for("WorkloadAvailable", "False", "Unschedulable", name="far")
    wait_until(lambda: "far" in {event["regarding"]["name"] for event in world.events()})


def notices_that_evidence_is_gone(world: World) -> None:
    """It looks once more at the API server before it believes that."""
    world.delete("ComplianceManifest", MANIFEST)
    world.wait_for("EvidenceAccepted", "False", "ManifestNotFound")


def undoes_an_image_that_was_set_on_a_pod(world: World) -> None:
    """The pod is deleted, and its ReplicaSet makes another one."""
    path, query = f"/api/v1/namespaces/{MODELS}/pods", {"labelSelector": f"{INSTANCE}={MODEL}"}
    name = world.rest("GET", path, **query).body["items"][0]["metadata"]["name"]
    set_image(world, name, "server")
    wait_until(lambda: world.rest("GET", f"{path}/{name}").status == 404)


def deletes_a_deployment_that_was_planted(world: World) -> None:
    """In the place of one that is not made again while the evidence is gone."""
    assert world.rest("DELETE", world.path("deployments")).status == 200
    wait_until(partial(is_gone, world, "deployments"))
    planted(world, world.live())
    wait_until(partial(is_gone, world, "deployments"))


def reports_what_runs(world: World) -> None:
    """To whichever API of reports is served; reports in the other one go, and so do those without cause."""
    path = f"/apis/apps/v1/namespaces/{MODELS}/deployments"
    with serving(world.rest, POLICY_REPORTS):
        assert world.rest("POST", path, server("undeclared")).status == 201
        wait_until(lambda: reports_of(world.rest, POLICY_REPORTS, MODELS))
        wait_until(lambda: summary_of(world.rest, POLICY_REPORTS))
        with serving(world.rest, OPEN_REPORTS):
            wait_until(lambda: reports_of(world.rest, OPEN_REPORTS, MODELS))
            wait_until(lambda: summary_of(world.rest, OPEN_REPORTS))
            wait_until(lambda: summary_of(world.rest, POLICY_REPORTS) is None)
            exempt(world, "true")
            wait_until(lambda: not reports_of(world.rest, OPEN_REPORTS, MODELS))
    exempt(world, None)  # Not before: while a definition is being deleted, nothing can be written.


def exempt(world: World, value: str | None) -> None:
    """Set or remove the label that takes the namespace out of the gate."""
    label: Json = {"metadata": {"labels": {"actgate.dev/exempt": value}}}
    assert world.rest("PATCH", f"/api/v1/namespaces/{MODELS}", label, MERGE_PATCH).status == 200


def says_what_an_exemption_accepts(world: World) -> None:
    """In its status."""
    now = datetime.now(UTC)
    spec = exemption_spec("link/manifest", around=now, namespace=MODELS)
    assert create(world.rest, "Exemption", "accepted", spec).status == 201
    path = f"{ROOT}/exemptions/accepted"
    wait_until(lambda: (world.rest("GET", path).body.get("status") or {}).get("conditions"))
    assert world.rest("DELETE", path).status == 200


def makes_a_certificate_again(cluster: Cluster, running: Running) -> None:
    """A Secret that was deleted is there again, and the webhook serves and is trusted by it."""
    before = cluster.rest("GET", accounts.SECRET).body["metadata"]["uid"]
    assert cluster.rest("DELETE", accounts.SECRET).status == 200

    def made() -> bool:
        reply = cluster.rest("GET", accounts.SECRET)
        return reply.status == 200 and reply.body["metadata"]["uid"] != before

    wait_until(made)
    accounts.mount_secret(cluster, running.webhook.folder)
    wait_until(lambda: 'reloads_total{result="success"} 2.0' in running.webhook.metrics())
    wait_until(lambda: asks_the_webhook(running.world))


def test_the_rights_are_enough_and_none_is_left_over(cluster: Cluster, running: Running) -> None:
    """Everything works, no request was refused for want of a right, and every right was used."""
    for step in (
        lets_a_model_run,
        refuses_bad_evidence,
        judges_a_labelled_workload,
        undoes_edits_of_children,
        removes_children_that_are_not_wanted_any_more,
        reports_why_a_pod_does_not_start,
        undoes_an_image_that_was_set_on_a_pod,
        notices_that_evidence_is_gone,
        deletes_a_deployment_that_was_planted,
        reports_what_runs,
        says_what_an_exemption_accepts,
    ):
        step(running.world)
    makes_a_certificate_again(cluster, running)
    asked = requests_of(running.operator)
    refused = {request: codes for request, codes in asked.items() if "403" in codes}
    logged = running.operator.log.read_text("utf-8").splitlines()
    assert not refused, [line for line in logged if "403" in line]
    used = {request for request in asked if request[1]}
    kinds = named(by_kinds(), "actgate-operator")  # Of most of them this cluster has no definition.
    assert rights_of("actgate-operator") - used - kinds == named(UNSEEN, "actgate-operator") | OTHER_API
    assert {("list", "statefulsets"), ("watch", "statefulsets")} <= kinds & used
    assert used <= rights_of("actgate-operator")
    read, kinds = requests_of_webhook(running.webhook), named(by_kinds(), "actgate-webhook")
    assert read <= rights_of("actgate-webhook")
    assert rights_of("actgate-webhook") - read - kinds == ROWS
    assert ("get", "replicasets") in read & kinds  # The owner of a pod, of a model that is let run.
    log = running.webhook.log.read_text("utf-8")
    assert MODEL in log
    assert "forbidden" not in log.lower()
