from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Reply, Rest, install_crds
from tests.subjects.objects import TEMPLATE_PATHS
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until
from tests.support.webhook_server import serving
from tests.webhook.build import (
    MANIFEST,
    changed,
    manifest_object,
    model_deployment,
    review,
    workload,
)
from tests.webhook.guarding import CRDS, Guarded, registered
from tests.webhook.process import WebhookProcess, running

UNFAIR = [{"attribute": "gender", "metric": "demographic_parity_difference", "value": -0.2}]


def test_a_model_with_passing_evidence_is_let_in(guarded: Guarded) -> None:
    """Manifest first, model next, both accepted."""
    assert guarded.create(manifest_object()).status == 201
    reply = guarded.create(model_deployment())
    assert reply.status == 201, reply


def test_a_refusal_reaches_the_user_as_forbidden_with_rule_and_remediation(guarded: Guarded) -> None:
    """Code, reason and message pass through the API server unchanged."""
    guarded.create(manifest_object(bias=UNFAIR))
    reply = guarded.create(model_deployment())
    assert (reply.status, reply.body["reason"]) == (403, "Forbidden")
    assert 'admission webhook "serving.actgate.dev" denied the request: bias/limit' in reply.message
    assert "-0.2" in reply.message


def test_a_manifest_created_just_before_its_model_is_found(guarded: Guarded) -> None:
    """However far behind the watch is: a miss is read live, twenty times out of twenty."""
    for number in range(20):
        name = f"{MANIFEST}-{number}"
        assert guarded.create(manifest_object(), name).status == 201
        model = changed(model_deployment(), "spec.complianceManifestRef.name", name)
        reply = guarded.create(model, f"scorer-{number}")
        assert reply.status == 201, reply


def test_a_withdrawn_manifest_is_refused_within_the_latency_of_the_watch(guarded: Guarded) -> None:
    """With a living watch it takes no more than a moment; the bound without one is 75 s."""
    guarded.create(manifest_object())
    wait_until(lambda: guarded.create(model_deployment(), dryRun="All").status == 201)
    assert guarded.delete("ComplianceManifest", MANIFEST).status == 200
    # A dry run allows from memory as long as memory has the manifest, and warns once it has not.
    wait_until(lambda: "link/manifest" in str(guarded.create(model_deployment(), dryRun="All").warnings))
    reply = guarded.create(model_deployment())
    assert reply.status == 403
    assert "link/manifest" in reply.message


def test_a_workload_of_several_models_needs_every_manifest_that_it_links(guarded: Guarded) -> None:
    """One that does not pass refuses the workload, and so does a list that cannot be read; an update, too."""
    for name, spec in (("scorer", {}), ("fraud", {"model": {"name": "Fraud"}}), ("unfair", {"bias": UNFAIR})):
        assert guarded.create(manifest_object(**spec), name).status == 201
    scorer, fraud = "CreditRiskScorer=scorer", "Fraud=fraud"

    def linking(text: str) -> dict[str, object]:
        return workload(annotations={"actgate.dev/compliance-manifest": text})

    assert guarded.create(linking(f"{scorer},{fraud}")).status == 201
    for text, words in (
        (f"CreditRiskScorer=unfair,{fraud}", "bias/limit"),
        (f"{scorer},Fraud=absent", "link/manifest"),
        (f"{scorer},Other=fraud", "link/model"),
        (f"{scorer},fraud", 'Invalid value: "fraud": must be model=manifest'),
    ):
        reply = guarded.create(linking(text), "other")
        assert (reply.status, words in reply.message) == (403, True), reply
        template = {"metadata": {"annotations": {"actgate.dev/compliance-manifest": text}}}
        assert guarded.patch("Deployment", "scorer", {"spec": {"template": template}}).status == 403


def _with(status: int, reply: Reply) -> Reply | None:
    return reply if reply.status == status else None


BARE = workload(labels={"app": "scorer"}, annotations={})
MARKED = {"actgate.dev/compliance-manifest": MANIFEST, "actgate.dev/model": "CreditRiskScorer"}


@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("actgate.dev/inference", value) for value in ("true", "True", "yes", "1", "")),
        *((f"actgate.dev/{name}", "x") for name in ("Inference", "compliancemanifest", "manifest")),
        ("actgate.io/inference", "true"),
    ],
)
def test_a_mark_that_is_nearly_right_is_refused_wherever_it_stands(
    guarded: Guarded, field: str, key: str, value: str
) -> None:
    """A typo in a label must not let a model run unjudged."""
    for place in (f"metadata.{field}", f"spec.template.metadata.{field}"):
        reply = guarded.create(changed(BARE, place, {"app": "scorer", key: value}))
        assert reply.status == 403, (place, reply)
        assert "link/manifest" in reply.message


@pytest.mark.parametrize("place", ["metadata", "spec.jobTemplate.metadata"])
def test_a_mark_above_the_pods_of_a_cron_job_is_refused(guarded: Guarded, place: str) -> None:
    """Charts put labels on the job template; the CronJob is judged before its first Job."""
    cron = workload("CronJob", labels={}, annotations={})
    assert guarded.create(cron, dryRun="All").status == 201
    reply = guarded.create(
        changed(cron, place, {"name": "scorer", "labels": {"actgate.dev/inference": "true"}})
    )
    assert reply.status == 403, reply
    assert "the pods of this CronJob must carry the link" in reply.message


@pytest.mark.parametrize("kind", sorted(set(TEMPLATE_PATHS) - {"Pod"}))
def test_a_link_above_the_pods_of_any_kind_is_refused(guarded: Guarded, kind: str) -> None:
    """With it in the pod template the same object is let in."""
    if guarded.rest("GET", guarded.collection(kind)).status == 404:
        pytest.skip(f"this control plane has no {kind}s")
    guarded.create(manifest_object())
    linked, bare = workload(kind), workload(kind, labels={"app": "scorer"}, annotations={})
    for obj in (linked, bare):
        if kind == "ReplicationController":
            obj["spec"]["selector"] = {"app": "scorer"}
        if kind == "Job":
            obj["spec"]["template"]["spec"]["restartPolicy"] = "Never"
            del obj["spec"]["selector"]
    wait_until(lambda: guarded.create(linked, dryRun="All").status == 201)
    reply = guarded.create(changed(bare, "metadata.annotations", MARKED))
    assert reply.status == 403, reply
    assert f"the pods of this {kind} must carry the link" in reply.message


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
def test_a_thousand_annotations_are_within_what_conditions_may_cost(guarded: Guarded, kind: str) -> None:
    """A condition that costs too much is an error, and with failurePolicy Fail a refusal."""
    guarded.create(manifest_object())
    notes = {f"example.com/note-{number:04}": "x" * 100 for number in range(1000)}
    linked = workload(kind, annotations={**notes, **MARKED})
    linked = changed(linked, "metadata.annotations", notes)
    wait_until(lambda: guarded.create(linked, dryRun="All").status == 201)
    assert guarded.create(linked).status == 201
    note = {"metadata": {"annotations": {"example.com/note-0000": "y"}}}
    assert guarded.patch(kind, "scorer", note).status == 200
    moved = {"metadata": {"annotations": {"actgate.dev/model": "Other"}}}
    assert guarded.patch(kind, "scorer", moved).status == 403


def test_a_clear_no_is_let_in(guarded: Guarded) -> None:
    """Only "false" says that no model is served."""
    assert (
        guarded.create(
            workload(labels={"app": "scorer", "actgate.dev/inference": "false"}, annotations={})
        ).status
        == 201
    )


def test_a_link_may_not_move_from_the_pods_to_their_workload(guarded: Guarded) -> None:
    """One patch would let the pods out of the gate, and scaling it goes on as before."""
    guarded.create(manifest_object())
    wait_until(lambda: guarded.create(workload(), dryRun="All").status == 201)
    assert guarded.create(workload()).status == 201
    moved = {
        "metadata": {"labels": {"actgate.dev/inference": "true"}, "annotations": MARKED},
        "spec": {
            "template": {"metadata": {"labels": {"actgate.dev/inference": None}, "annotations": None}},
        },
    }
    reply = guarded.patch("Deployment", "scorer", moved)
    assert reply.status == 403, reply
    assert "the pods of this Deployment must carry the link" in reply.message
    assert guarded.patch("Deployment", "scorer", {"spec": {"replicas": 3}}).status == 200


def test_a_workload_whose_link_stands_above_its_pods_already_can_be_scaled(
    webhook: WebhookProcess, rest: Rest, namespace: str
) -> None:
    """What was admitted before is not stopped: only a change of what evidence governs is judged."""
    place = Guarded(rest, namespace)
    above = changed(BARE, "metadata.annotations", MARKED)
    assert place.create(above).status == 201
    with registered(rest, namespace, webhook.port, webhook.authority.certificate):
        wait_until(lambda: place.create(above, "probe", dryRun="All").status == 403)
        assert place.patch("Deployment", "scorer", {"spec": {"replicas": 3}}).status == 200
        other = {"spec": {"template": {"metadata": {"annotations": {"actgate.dev/provider": "aws"}}}}}
        assert place.patch("Deployment", "scorer", other).status == 403


@contextmanager
def unused_port() -> Iterator[int]:
    """Hold a port on which no server listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_an_update_of_nothing_governed_goes_through_when_evidence_was_withdrawn(guarded: Guarded) -> None:
    """Labels, replicas and the finalizer of a model whose evidence is gone can be changed; nothing else."""
    guarded.create(manifest_object())
    held = changed(model_deployment(), "metadata.finalizers", ["example.com/hold"])
    assert guarded.create(held).status == 201
    guarded.delete("ComplianceManifest", MANIFEST)
    wait_until(lambda: guarded.create(model_deployment(), "late", dryRun="All").warnings)
    assert guarded.patch("ModelDeployment", "scorer", {"metadata": {"labels": {"a": "b"}}}).status == 200
    assert guarded.patch("ModelDeployment", "scorer", {"spec": {"replicas": 7}}).status == 200
    governed = {"spec": {"model": {"version": "3"}}}
    assert guarded.patch("ModelDeployment", "scorer", governed).status == 403
    assert guarded.delete("ModelDeployment", "scorer").status == 200
    assert guarded.patch("ModelDeployment", "scorer", governed).status == 403
    assert guarded.patch("ModelDeployment", "scorer", {"metadata": {"finalizers": None}}).status == 200
    gone = guarded.rest("GET", f"{guarded.collection('ModelDeployment')}/scorer")
    assert gone.status == 404


def test_a_dry_run_with_a_missing_manifest_is_a_warning(guarded: Guarded) -> None:
    """Flux dry-runs a whole set first; the real thing is refused."""
    reply = guarded.create(model_deployment(), dryRun="All")
    assert reply.status == 201
    assert any(text.startswith("link/manifest: ") for text in reply.warnings)
    assert guarded.create(model_deployment()).status == 403


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_plain_workloads_are_judged_where_the_namespace_enforces_it(guarded: Guarded, kind: str) -> None:
    """A labelled workload needs evidence; without it the message names the annotation."""
    obj = workload(kind)
    reply = guarded.create(obj)
    assert reply.status == 403
    assert "link/manifest" in reply.message
    guarded.create(manifest_object())
    assert guarded.create(obj).status == 201
    unlinked = {"metadata": {"annotations": {"actgate.dev/compliance-manifest": "other"}}}
    assert guarded.patch(kind, "scorer", unlinked).status == 403


def test_workloads_that_serve_no_model_are_none_of_our_business(guarded: Guarded) -> None:
    """They pass without a word, in the same namespace."""
    reply = guarded.create(workload(labels={"app": "scorer"}, annotations={}))
    assert (reply.status, reply.warnings) == (201, ())


def test_a_dead_webhook_blocks_only_what_evidence_governs(
    rest: Rest, guarded: Guarded, webhook: WebhookProcess
) -> None:
    """Labels, finalizers, replicas, status and deletes go on; a governed change and a create wait."""
    guarded.create(manifest_object())
    assert guarded.create(model_deployment()).status == 201
    assert guarded.create(workload()).status == 201
    with unused_port() as port, registered(rest, guarded.namespace, port, webhook.authority.certificate):
        governed = {"spec": {"model": {"version": "3"}}}
        failed = wait_until(lambda: _with(500, guarded.patch("ModelDeployment", "scorer", governed)))
        assert failed is not None
        assert "failed calling webhook" in failed.message
        for kind in ("ModelDeployment", "Deployment"):
            for change in ({"metadata": {"labels": {"a": "b"}}}, {"spec": {"replicas": 3}}):
                reply = guarded.patch(kind, "scorer", change)
                assert reply.status == 200, reply
            assert guarded.delete(kind, "scorer").status == 200
        assert guarded.create(model_deployment()).status == 500


def test_a_hung_webhook_blocks_only_what_evidence_governs(rest: Rest, guarded: Guarded) -> None:
    """It takes the question and never answers: the API server gives up when its time is over."""
    guarded.create(manifest_object())
    assert guarded.create(workload()).status == 201
    with serving() as hung, registered(rest, guarded.namespace, hung.port, hung.ca, timeout=1):
        over = threading.Event()
        hung.answer = lambda _: over.wait() and 500
        try:
            failed = wait_until(lambda: _with(500, guarded.create(workload(), "another")))
            assert failed is not None
            assert "deadline exceeded" in failed.message, failed
            assert guarded.create(BARE, "bare").status == 201
            assert guarded.patch("Deployment", "scorer", {"metadata": {"labels": {"a": "b"}}}).status == 200
        finally:
            over.set()


@pytest.mark.needs_kubectl
def test_kubectl_shows_the_refusal_and_how_to_fix_it(guarded: Guarded, kubectl: Kubectl) -> None:
    """What a person reads at the terminal: which rule, what was found, what to do."""
    manifest = changed(manifest_object(namespace=guarded.namespace, bias=UNFAIR), "metadata.uid", None)
    model = changed(model_deployment(), "metadata.namespace", guarded.namespace)
    for obj in (manifest, model):
        obj["metadata"] = {key: obj["metadata"][key] for key in ("name", "namespace")}
    outcome = kubectl.apply(manifest, model)
    assert outcome.code == 1
    assert "compliancemanifest.actgate.dev/credit-risk-scorer-v2 created" in outcome.out
    assert "denied the request: bias/limit" in outcome.err
    assert "mitigate the disparity, measure again and write a new manifest" in outcome.err
    assert "[bias/limit] compliancemanifest/credit-risk-scorer-v2 spec.bias[0].value: " in outcome.err
    repaired = {**manifest, "metadata": {**manifest["metadata"], "name": "repaired"}}
    repaired["spec"] = manifest_object()["spec"]
    model["spec"]["complianceManifestRef"]["name"] = "repaired"
    outcome = kubectl.apply(repaired, model)
    assert outcome.code == 0, outcome


def test_without_the_api_server_a_miss_is_unavailable_and_known_evidence_still_counts(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    """An outage of the API server allows nothing that was not known, and is reported as an outage."""
    with sandbox.start(control_plane.engine) as plane:
        rest = plane.rest()
        install_crds(rest, CRDS)
        place = Guarded(rest, "default")
        assert place.create(manifest_object()).status == 201
        with running(tmp_path / "webhook", plane.kubeconfig) as webhook:
            webhook.wait_until_ready()
            rest.close()
            plane.stop()
            known = changed(model_deployment(), "metadata.namespace", "default")
            missing = changed(known, "spec.complianceManifestRef.name", "missing")
            refused = webhook.ask(review(missing, namespace="default"), timeout="2s")
            assert refused["allowed"] is False
            assert (refused["status"]["code"], refused["status"]["reason"]) == (503, "ServiceUnavailable")
            assert refused["status"]["message"].startswith("evidence is temporarily unavailable, retry: ")
            assert webhook.ask(review(known, namespace="default"))["allowed"] is True
