"""The webhook and the operator on one control plane: one judges what is applied, the other what runs.

The operator writes as any client does, so its own children go through the webhook where a namespace asks for
it. Both have to come to the same verdict, else one would refuse what the other one wants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actgate.cli.main import main
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from demo import registration
from demo.examples import Example, load_all
from demo.gate import guarded
from demo.service import Service
from tests.operator.running import RunningOperator, operating
from tests.operator.world import MANIFEST, MODEL, World
from tests.support.crds import ROOT as API
from tests.support.crds import create
from tests.support.waiting import wait_until

Json = dict[str, Any]

ROOT = Path(__file__).parents[3]
EXAMPLES = [
    example
    for folder in ("accepted", "refused")
    for example in load_all(ROOT / "examples" / folder, datetime.now(UTC))
    if any(document["kind"] == "ModelDeployment" for document in example.documents)
]
RECORDER = f"registry.example/recorder@sha256:{'1' * 64}"
SERVER = f"registry.example/server@sha256:{'2' * 64}"
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture(scope="module")
def beside(control_plane: ControlPlane, installed: Rest) -> Iterator[RunningOperator]:
    """An operator that works while the tests of this module run."""
    with operating(control_plane.kubeconfig, recorder_image=RECORDER) as running:
        yield running


@pytest.fixture
def webhook(control_plane: ControlPlane) -> Iterator[Service]:
    """The webhook as a process, registered while a test runs."""
    with guarded(control_plane, ROOT) as running:
        yield running


@pytest.fixture
def enforced(beside: RunningOperator, webhook: Service, world: World) -> World:
    """A namespace whose workloads are judged too, with evidence."""
    assert webhook.process.running()
    assert not beside.ended()
    world.manifest()
    wait_until(lambda: is_judged(world))
    return world


def is_judged(world: World) -> bool:
    """Return whether the API server asks the webhook about workloads in the namespace by now."""
    pod = {
        "metadata": {"name": "probe", "annotations": {"actgate.dev/compliance-manifest": "nowhere"}},
        "spec": {"containers": [{"name": "server", "image": "registry.example/server:1"}]},
    }
    reply = world.rest("POST", f"/api/v1/namespaces/{world.namespace}/pods", pod, dryRun="All")
    return bool(reply.warnings) or reply.status == 403


def template(world: World) -> Json:
    """Return the pod template of the model's Deployment."""
    return dict(world.deployment()["spec"]["template"])


def test_what_the_operator_makes_is_let_in(enforced: World) -> None:
    """Its Deployment, and a pod of the template as a controller would make it, by the model's manifest."""
    enforced.model(replicas=2, placement={"regions": [{"provider": "aws", "region": "eu-west-3"}]})
    enforced.ready()
    assert template(enforced)["metadata"]["annotations"]["actgate.dev/compliance-manifest"] == MANIFEST
    pod = enforced.workloads.pod(MODEL)
    enforced.workloads.running(pod)
    assert "DriftCorrected" not in enforced.reasons()


def test_a_pod_of_the_template_is_refused_once_the_evidence_is_gone(
    enforced: World, webhook: Service
) -> None:
    """The pod is judged by the manifest that the template names, and by nothing that was reported before."""
    enforced.model()
    enforced.ready()
    body = {**template(enforced), "metadata": {**template(enforced)["metadata"], "name": "late"}}
    path = f"/api/v1/namespaces/{enforced.namespace}/pods"
    assert enforced.rest("POST", path, body, dryRun="All").status == 201
    enforced.delete("ComplianceManifest", MANIFEST)
    enforced.wait_for("EvidenceAccepted", "False", "ManifestNotFound")
    refused = enforced.rest("POST", path, body)
    assert refused.status == 403, refused
    assert "link/manifest" in refused.message


def test_an_edit_that_changes_what_was_judged_is_refused_at_the_door(
    enforced: World, beside: RunningOperator
) -> None:
    """Nothing is left for the operator to revert; what is not governed it reverts itself."""
    enforced.model()
    enforced.ready()
    before = enforced.deployment()
    links = {"metadata": {"annotations": {"actgate.dev/model": "AnotherModel"}}}
    edit = {"spec": {"template": {**links, "spec": {"containers": [{"name": "server", "image": "evil:1"}]}}}}
    reply = enforced.rest("PATCH", enforced.path("deployments"), edit, STRATEGIC, fieldManager="kubectl-edit")
    assert reply.status == 403, reply
    assert "link/model" in reply.message
    assert enforced.deployment()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    loose = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    reply = enforced.rest(
        "PATCH", enforced.path("deployments"), loose, STRATEGIC, fieldManager="kubectl-edit"
    )
    assert reply.status == 200, reply
    wait_until(lambda: enforced.deployment()["spec"] == before["spec"])
    beside.wait_until_idle()
    assert enforced.reasons() == ["DriftCorrected"]


def test_an_image_that_the_manifest_does_not_bind_is_refused_in_the_deployment(enforced: World) -> None:
    """Where evidence names images, no other one is accepted under the same annotations."""
    digest = "registry.example/server@sha256:" + "a" * 64
    enforced.manifest("bound", model={"name": "CreditRiskScorer", "version": "2", "images": [digest]})
    enforced.model(server={"image": digest}, complianceManifestRef={"name": "bound"})
    enforced.ready()
    edit = {"spec": {"template": {"spec": {"containers": [{"name": "server", "image": "evil:1"}]}}}}
    reply = enforced.rest("PATCH", enforced.path("deployments"), edit, STRATEGIC)
    assert reply.status == 403, reply
    assert "link/model" in reply.message
    assert template(enforced)["spec"]["containers"][0]["image"] == digest


def test_withdrawn_evidence_does_not_keep_the_operator_from_scaling_to_zero(enforced: World) -> None:
    """Replicas are not governed, so what the webhook would not let in any more can still be taken away."""
    policy = f"zero-{enforced.namespace}"
    enforced.policy(policy, {"onViolation": "ScaleToZero"})
    try:
        enforced.model(replicas=3)
        enforced.ready()
        enforced.delete("ComplianceManifest", MANIFEST)
        wait_until(lambda: enforced.deployment()["spec"]["replicas"] == 0)
        enforced.workloads.available(MODEL)
        enforced.wait_for("WorkloadAvailable", "False", "ScaledToZero")
        assert "Refused" not in enforced.reasons()
    finally:
        enforced.delete_policy(policy)


def test_withdrawn_evidence_does_not_keep_a_model_from_being_deleted(enforced: World) -> None:
    """Neither the model nor what the operator deletes of it.

    Slow on a real control plane: its garbage collector discovers new kinds every 30 s.
    """
    enforced.model(replicas=2)
    enforced.ready()
    enforced.delete("ComplianceManifest", MANIFEST)
    enforced.wait_for("EvidenceAccepted", "False")
    enforced.change({"replicas": 1})
    wait_until(lambda: enforced.status()["observedGeneration"] == 2)
    enforced.delete("ModelDeployment", MODEL)
    wait_until(lambda: enforced.child("deployments") is None, within=240)


def test_a_webhook_that_is_down_is_reported_and_waited_for(enforced: World, webhook: Service) -> None:
    """The API server lets no workload in without it: the status says so, and goes on when there is none."""
    enforced.model()
    enforced.ready()
    webhook.process.stop()
    assert enforced.rest("DELETE", enforced.path("deployments")).status in (200, 202)
    found = enforced.wait_for("Reconciling", "True", "Retrying")
    assert "failed calling webhook" in found["message"]
    # What docs and registration say for such a day.
    assert enforced.rest("DELETE", f"{registration.COLLECTION}/actgate").status == 200
    enforced.ready()


@pytest.fixture
def home(request: pytest.FixtureRequest, installed: Rest, namespace: str) -> Iterator[str]:
    """The namespace of an example: its own with its policies, or a fresh one."""
    example: Example = request.getfixturevalue("example")
    ground = [item for item in example.documents if item["kind"] in ("Namespace", "CompliancePolicy")]
    paths = {"Namespace": "/api/v1/namespaces", "CompliancePolicy": f"{API}/compliancepolicies"}
    names = [item["metadata"]["name"] for item in ground if item["kind"] == "Namespace"]
    for item in ground:
        # A namespace that another test used may still be on its way out.
        wait_until(lambda: installed("POST", paths[item["kind"]], item).status == 201)  # noqa: B023
    yield names[0] if names else namespace
    for item in reversed(ground):
        installed("DELETE", f"{paths[item['kind']]}/{item['metadata']['name']}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_operator_finds_of_an_example_what_every_door_finds(
    beside: RunningOperator,
    installed: Rest,
    example: Example,
    home: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where no webhook keeps it out: outcome and rules in the status are those of `actgate check`."""
    assert not beside.ended()
    world = World(installed, home)
    documents = [
        item for item in example.documents if item["kind"] in ("ComplianceManifest", "ModelDeployment")
    ]
    left = [item for item in documents if apply(world, item)]
    verdict = checked([*policies(example), *left], home, tmp_path, capsys)
    [model] = [item for item in left if item["kind"] == "ModelDeployment"]

    def reported() -> Json:
        return dict(world.status(model["metadata"]["name"]).get("verdict") or {})

    found = wait_until(reported)
    # Evidence that is applied first may be observed after its model.
    wait_until(lambda: reported()["outcome"] == verdict["outcome"])
    found = reported()
    assert lines(found) == lines(verdict)
    if len(left) == len(documents):
        assert verdict["outcome"] == example.outcome
        assert {item["rule"] for item in found.get("findings", [])} == set(example.rules)
    runs = world.child("deployments", model["metadata"]["name"]) is not None
    assert runs == (verdict["outcome"] != "Fail")
    world.delete("ModelDeployment", model["metadata"]["name"])


def apply(world: World, item: Json) -> bool:
    """Create an object of an example; False where the schema keeps it out."""
    reply = create(world.rest, item["kind"], item["metadata"]["name"], item["spec"], world.namespace)
    assert reply.status in (201, 422), reply
    return reply.status == 201


def policies(example: Example) -> list[Json]:
    """Return what an example brings beside evidence and model."""
    return [item for item in example.documents if item["kind"] in ("Namespace", "CompliancePolicy")]


def checked(documents: list[Json], home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Json:
    """Return the one verdict of `actgate check` on some objects."""
    path = tmp_path / "example.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}), encoding="utf-8")
    main(["check", "-f", str(path), "--namespace", home, "-o", "json"])
    [verdict] = json.loads(capsys.readouterr().out)["verdicts"]
    return dict(verdict)


def lines(verdict: Json) -> set[tuple[str, ...]]:
    """Return the findings of a verdict, each with all that it says."""
    names = ("rule", "basis", "path", "message", "remediation", "effect")
    return {tuple(item[name] for name in names) for item in verdict.get("findings") or []}


def test_the_port_of_a_model_with_a_recorder_stays_closed(enforced: World) -> None:
    """Also where another client opens it, or deletes what closes it; without a recorder nothing is closed."""
    enforced.model(logging={"mode": "Recorder", "storage": {"pvc": {"claimName": "log"}}})
    closed = (wait_until(lambda: enforced.child("networkpolicies")) or {})["spec"]
    path = enforced.path("networkpolicies")
    opened = {"spec": {"ingress": [*closed["ingress"], {}]}}
    assert enforced.rest("PATCH", path, opened, MERGE_PATCH, fieldManager="kubectl-edit").status == 200
    wait_until(lambda: (enforced.child("networkpolicies") or opened)["spec"] == closed)
    assert enforced.rest("DELETE", path).status in (200, 202)
    wait_until(lambda: (enforced.child("networkpolicies") or opened)["spec"] == closed)
    enforced.change({"logging": None})
    wait_until(lambda: enforced.child("networkpolicies") is None)


def test_a_recorder_runs_beside_bound_images_where_the_policy_trusts_it(enforced: World) -> None:
    """ADR 1 would refuse it, ADR 45 trusts it; Deployment and pods are judged like those of any user."""
    name = f"logs-{enforced.namespace}"
    logging = {"requiredFor": ["HighRisk"], "durability": "Process", "recorderImages": [RECORDER]}
    enforced.policy(name, {"logging": logging})
    try:
        model = {"name": "CreditRiskScorer", "version": "2", "images": [SERVER]}
        enforced.manifest("bound", model=model)
        enforced.model(
            "recorded",
            complianceManifestRef={"name": "bound"},
            server={"image": SERVER},
            logging={"mode": "Recorder", "storage": {"pvc": {"claimName": "log"}}},
        )
        template = enforced.deployment("recorded")["spec"]["template"]
        (sidecar,) = template["spec"]["initContainers"]
        assert (sidecar["image"], sidecar["restartPolicy"]) == (RECORDER, "Always")
        service = wait_until(lambda: enforced.child("services", "recorded")) or {}
        assert service["spec"]["ports"][0]["targetPort"] == sidecar["ports"][0]["containerPort"]
        closing = wait_until(lambda: enforced.child("networkpolicies", "recorded")) or {}
        opened = [port["port"] for port in closing["spec"]["ingress"][0]["ports"]]
        assert opened == [port["containerPort"] for port in sidecar["ports"]]
        pods = f"/api/v1/namespaces/{enforced.namespace}/pods"
        pod = {"metadata": {**template["metadata"], "name": "probe"}, "spec": template["spec"]}
        accepted = enforced.rest("POST", pods, pod, dryRun="All")
        assert accepted.status == 201, accepted
        moved = {**template["spec"], "initContainers": [], "containers": [sidecar | {"restartPolicy": None}]}
        refused = enforced.rest("POST", pods, {**pod, "spec": moved}, dryRun="All")
        assert (refused.status, "link/model" in refused.message) == (403, True), refused
        stopped = enforced.change({"suspend": True}, "recorded")
        assert stopped["spec"]["suspend"] is True
        wait_until(lambda: "observedAt" in (enforced.status("recorded").get("stop") or {}))
    finally:
        enforced.delete_policy(name)
