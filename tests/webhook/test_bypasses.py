"""Ways around the gate that outsiders tried, each through an API server and by an administrator."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any, Final

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import APPLY_PATCH, MERGE_PATCH, Reply
from tests.support.waiting import wait_until
from tests.webhook.build import (
    ASSESSED_IMAGE,
    MANIFEST,
    Json,
    changed,
    manifest_object,
    model_deployment,
    workload,
)
from tests.webhook.guarding import Guarded

BAD: Final = "unfair"
UNFAIR: Final = [{"attribute": "gender", "metric": "demographic_parity_difference", "value": -0.2}]
LINK, MODEL = "actgate.dev/compliance-manifest", "actgate.dev/model"
LINKED: Final = {LINK: MANIFEST, MODEL: "CreditRiskScorer"}
OTHER_IMAGE: Final = f"registry.example/other@sha256:{'b' * 64}"
CONTROLLED: Final = {
    "kind": "ReplicaSet",
    "apiVersion": "apps/v1",
    "name": "scorer-1",
    "uid": "7f1c8a9e-3c57-4a54-9d0c-0d4f2a4f4f10",
    "controller": True,
    "blockOwnerDeletion": True,
}


def plain(kind: str = "Deployment", manifest: str = MANIFEST, **metadata: Any) -> Json:  # noqa: ANN401
    """Return a workload that an API server takes, on a manifest, with more of its own metadata."""
    obj = workload(kind, annotations={**LINKED, LINK: manifest})
    if kind == "Job":
        obj["spec"]["template"]["spec"]["restartPolicy"] = "Never"
        del obj["spec"]["selector"]
    obj["metadata"].update(metadata)
    return obj


def generated(place: Guarded, obj: Json) -> Reply:
    """Create an object whose name the API server makes up."""
    metadata = {key: obj["metadata"][key] for key in ("labels", "annotations") if key in obj["metadata"]}
    return place.rest(
        "POST",
        place.collection(obj["kind"]),
        {**obj, "metadata": {**metadata, "namespace": place.namespace, "generateName": "scorer-"}},
    )


def applied(place: Guarded, obj: Json) -> Reply:
    """Apply an object by force, in the name of a controller of Kubernetes."""
    metadata = {"name": "scorer", "namespace": place.namespace}
    return place.rest(
        "PATCH",
        f"{place.collection(obj['kind'])}/scorer",
        {**obj, "metadata": metadata},
        APPLY_PATCH,
        fieldManager="kube-controller-manager",
        force="true",
    )


WAYS: Final[dict[str, Callable[[Guarded, str], Reply]]] = {
    "Deployment with a generated name": lambda place, name: generated(place, plain(manifest=name)),
    "Pod with a generated name": lambda place, name: generated(place, plain("Pod", name)),
    "suspended Job": lambda place, name: place.create(changed(plain("Job", name), "spec.suspend", True)),
    "suspended CronJob": lambda place, name: place.create(
        changed(plain("CronJob", name), "spec.suspend", True)
    ),
    "StatefulSet": lambda place, name: place.create(plain("StatefulSet", name)),
    "DaemonSet": lambda place, name: place.create(plain("DaemonSet", name)),
    "Deployment of none": lambda place, name: place.create(changed(plain(manifest=name), "spec.replicas", 0)),
    "ReplicaSet of a forged Deployment": lambda place, name: place.create(
        plain("ReplicaSet", name, ownerReferences=[{**CONTROLLED, "kind": "Deployment"}])
    ),
    "Pod of a forged ReplicaSet": lambda place, name: place.create(
        plain("Pod", name, ownerReferences=[CONTROLLED])
    ),
    "gated Pod": lambda place, name: place.create(
        changed(plain("Pod", name), "spec.schedulingGates", [{"name": "example.com/wait"}])
    ),
    "forced apply of a controller": lambda place, name: applied(place, plain(manifest=name)),
}


@pytest.fixture
def guarded(guarded: Guarded) -> Guarded:
    """A guarded namespace with evidence that passes and evidence that fails, once the webhook knows both."""
    assert guarded.create(manifest_object()).status == 201
    assert guarded.create(manifest_object(BAD, bias=UNFAIR)).status == 201
    wait_until(lambda: guarded.create(plain(), "probe", dryRun="All").status == 201)
    return guarded


def test_no_way_to_create_a_workload_gets_around_its_evidence(guarded: Guarded) -> None:
    """With any owner or manager, the pods are judged; on good evidence each way is open."""
    for way, create in WAYS.items():
        reply = create(guarded, BAD)
        assert (reply.status, "bias/limit" in reply.message) == (403, True), (way, reply)
        reply = create(guarded, MANIFEST)
        assert reply.status == 201, (way, reply)
        for kind in ("Deployment", "Pod"):
            guarded.rest("DELETE", f"{guarded.collection(kind)}/scorer", gracePeriodSeconds="0")


LINKS: Final[dict[str, tuple[Json, str]]] = {
    "no manifest": ({MODEL: "CreditRiskScorer"}, "link/manifest"),
    "an empty manifest": ({**LINKED, LINK: ""}, "link/manifest"),
    "a manifest that does not exist": ({**LINKED, LINK: "nowhere"}, "link/manifest"),
    "evidence that fails": ({**LINKED, LINK: BAD}, "bias/limit"),
    "no model": ({LINK: MANIFEST}, "link/model"),
    "an empty model": ({**LINKED, MODEL: ""}, "link/model"),
    "another model": ({**LINKED, MODEL: "Other"}, "link/model"),
    "another version": ({**LINKED, "actgate.dev/model-version": "3"}, "link/model"),
    "nothing but the label": ({}, "link/manifest"),
}


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_a_link_that_says_less_or_something_else_is_refused(guarded: Guarded, kind: str) -> None:
    """Each with the label that says that a model is served."""
    for case, (links, rule) in LINKS.items():
        reply = guarded.create(workload(kind, annotations=links))
        assert (reply.status, rule in reply.message) == (403, True), (case, reply)
    assert guarded.create(plain(kind)).status == 201


def test_a_workload_that_disagrees_with_its_pods_is_refused(guarded: Guarded) -> None:
    """Either of two values could be the one that was meant."""
    for key, value in itertools.product((LINK, MODEL), ("", "another")):
        reply = guarded.create(plain(annotations={key: value}))
        assert reply.status == 403, (key, value, reply)
        assert "must state the same" in reply.message


NEARLY: Final = (
    *(f"../{MANIFEST}", f"./{MANIFEST}", f"../../default/compliancemanifests/{MANIFEST}"),
    *(f"%63{MANIFEST[1:]}", f"{MANIFEST}/", f"{MANIFEST}/status", f"{MANIFEST}?x=y", f"{MANIFEST}#x"),
    *(MANIFEST.upper(), MANIFEST.capitalize(), f" {MANIFEST}", f"{MANIFEST} ", f"{MANIFEST}\n"),
    *(" ", "..", "*", "a" * 300, "größe", f"{MANIFEST}\u200b"),
)
"""References that a careless reader could take for the name of the evidence that passes."""


def test_a_reference_that_is_only_nearly_a_name_finds_nothing(guarded: Guarded) -> None:
    """It is asked for as it stands: no path, no escape, no other case and no blanks lead to evidence."""
    for name in NEARLY:
        reply = guarded.create(plain(manifest=name))
        assert (reply.status, "link/manifest" in reply.message) == (403, True), (name, reply)
        model = guarded.create(model_deployment(complianceManifestRef={"name": name}))
        # The schema refuses what cannot be a name; the webhook finds nothing under the others.
        assert model.status in (403, 422), (name, model)


def test_links_cannot_be_stripped_from_what_runs(guarded: Guarded) -> None:
    """Pods without a link would not be judged from then on."""
    assert guarded.create(plain("Pod")).status == 201
    assert guarded.create(plain()).status == 201
    bare = {"metadata": {"labels": {"actgate.dev/inference": None}, "annotations": {LINK: None, MODEL: None}}}
    for kind, change in (("Pod", bare), ("Deployment", {"spec": {"template": bare}})):
        reply = guarded.patch(kind, "scorer", change)
        assert (reply.status, "link/manifest" in reply.message) == (403, True), reply


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_a_mark_that_is_added_later_is_judged_then(guarded: Guarded, kind: str) -> None:
    """What was let in as none of our business becomes ours with its first mark."""
    assert guarded.create(workload(kind, labels={"app": "scorer"}, annotations={})).status == 201
    for field, marks in (
        ("labels", {"actgate.dev/inference": "true"}),
        ("annotations", {**LINKED, LINK: BAD}),
    ):
        change: Json = {"metadata": {field: marks}}
        reply = guarded.patch(kind, "scorer", change if kind == "Pod" else {"spec": {"template": change}})
        assert reply.status == 403, reply
        assert "link/manifest" in reply.message or "bias/limit" in reply.message


def test_a_gated_pod_cannot_be_sent_abroad(guarded: Guarded) -> None:
    """Until its gates are gone a pod may get another node selector, and it is judged with that."""
    pod = changed(plain("Pod"), "spec.schedulingGates", [{"name": "example.com/wait"}])
    assert guarded.create(changed(pod, "spec.nodeSelector", {"disk": "ssd"})).status == 201
    for region, status in (("us-east-1", 403), ("eu-west-3", 200)):
        selector = {"spec": {"nodeSelector": {"disk": "ssd", "topology.kubernetes.io/region": region}}}
        reply = guarded.patch("Pod", "scorer", selector)
        assert reply.status == status, reply


def test_a_rollback_to_withdrawn_evidence_is_refused(guarded: Guarded) -> None:
    """`kubectl rollout undo` writes an old pod template again, and old evidence may be gone."""
    assert guarded.create(manifest_object(), "former").status == 201
    assert guarded.create(plain(manifest="former")).status == 201
    path = f"{guarded.collection('Deployment')}/scorer"
    former = guarded.rest("GET", path).body["spec"]["template"]
    onwards = {"spec": {"template": {"metadata": {"annotations": LINKED}}}}
    assert guarded.patch("Deployment", "scorer", onwards).status == 200
    assert guarded.delete("ComplianceManifest", "former").status == 200
    reverted = [{"op": "replace", "path": "/spec/template", "value": former}]

    def refused() -> Reply:
        reply = guarded.rest("PATCH", path, reverted, "application/json-patch+json", dryRun="All")
        assert reply.warnings, reply
        return guarded.rest("PATCH", path, reverted, "application/json-patch+json")

    reply = wait_until(refused)
    assert (reply.status, "link/manifest" in reply.message) == (403, True), reply


def test_a_replica_set_on_withdrawn_evidence_gets_no_pods(guarded: Guarded) -> None:
    """It may be scaled, as anything may; each pod that is made for it is judged anew, replacements too."""
    assert guarded.create(manifest_object(), "former").status == 201
    orphan = changed(plain("ReplicaSet", "former"), "spec.replicas", 0)
    created = guarded.create(orphan, "scorer-1")
    assert created.status == 201, created
    owner = {**CONTROLLED, "uid": created.body["metadata"]["uid"]}
    pod = plain("Pod", "former", ownerReferences=[owner])
    assert generated(guarded, pod).status == 201
    assert guarded.delete("ComplianceManifest", "former").status == 200
    wait_until(lambda: guarded.create(pod, "late", dryRun="All").warnings)
    assert guarded.patch("ReplicaSet", "scorer-1", {"spec": {"replicas": 3}}).status == 200
    reply = generated(guarded, pod)
    assert (reply.status, "link/manifest" in reply.message) == (403, True), reply


@pytest.fixture
def bound(guarded: Guarded) -> Guarded:
    """A guarded namespace with evidence that binds one image; pods on it are called `bound`."""
    model = {**manifest_object()["spec"]["model"], "images": [ASSESSED_IMAGE]}
    assert guarded.create(manifest_object(model=model), "bound").status == 201
    wait_until(lambda: guarded.create(plain("Pod", "bound"), dryRun="All").status == 201)
    return guarded


def test_no_image_beside_the_assessed_one_comes_into_a_pod(bound: Guarded) -> None:
    """By tag, in an init container, in an image volume, or in a copy such as `kubectl debug` makes."""
    pod = plain("Pod", "bound")
    copied = copy.deepcopy(pod)
    copied["metadata"]["labels"] = {}
    container = {"name": "other", "image": OTHER_IMAGE}
    brought_in = {
        "a tag": changed(pod, "spec.containers.0.image", "registry.example/server:1"),
        "another digest": changed(pod, "spec.containers.0.image", OTHER_IMAGE),
        "an init container": changed(pod, "spec.initContainers", [container]),
        "a side-car": changed(pod, "spec.containers", [*pod["spec"]["containers"], container]),
        "an image volume": changed(pod, "spec.volumes", [{"name": "w", "image": {"reference": OTHER_IMAGE}}]),
        "a copy without labels": changed(copied, "spec.containers.0.image", OTHER_IMAGE),
    }
    for way, obj in brought_in.items():
        reply = bound.create(obj)
        assert (reply.status, "link/model" in reply.message) == (403, True), (way, reply)
    assert bound.create(pod).status == 201
    reply = bound.patch("Pod", "scorer", {"spec": {"containers": [{"name": "server", "image": OTHER_IMAGE}]}})
    assert (reply.status, "link/model" in reply.message) == (403, True), reply


def test_no_debugger_comes_into_a_pod_with_another_image(bound: Guarded, control_plane: ControlPlane) -> None:
    """`kubectl debug` adds an ephemeral container through a subresource of its own."""
    if control_plane.engine == "stand-in":
        pytest.skip("the stand-in has no pods/ephemeralcontainers")
    assert bound.create(plain("Pod", "bound")).status == 201
    path = f"{bound.collection('Pod')}/scorer/ephemeralcontainers"
    for image, status in ((OTHER_IMAGE, 403), ("busybox", 403), (ASSESSED_IMAGE, 200)):
        container = {"name": "debugger", "image": image}
        reply = bound.rest("PATCH", path, {"spec": {"ephemeralContainers": [container]}}, MERGE_PATCH)
        assert reply.status == status, (image, reply)


def test_a_deployment_of_a_thousand_containers_is_judged(guarded: Guarded) -> None:
    """The last one counts as the first, and looking at all is within what the API server spends."""
    containers = [{"name": f"c-{number}", "image": ASSESSED_IMAGE} for number in range(1000)]
    model = {**manifest_object()["spec"]["model"], "images": [ASSESSED_IMAGE]}
    assert guarded.create(manifest_object(model=model), "bound").status == 201
    huge = changed(plain(manifest="bound"), "spec.template.spec.containers", containers)
    wait_until(lambda: guarded.create(huge, dryRun="All").status == 201)
    reply = guarded.create(changed(huge, "spec.template.spec.containers.999.image", OTHER_IMAGE))
    assert reply.status == 403, reply
    assert "spec.template.spec.containers[999].image" in reply.message
