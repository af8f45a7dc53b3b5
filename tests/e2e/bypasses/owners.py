"""Ways through owners and controllers: forged, orphaned, rolled back, scaled from zero."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.e2e.bypasses.objects import (
    NOTHING,
    OTHER_IMAGE,
    PLACED,
    VLLM,
    house,
    inference_service,
    links,
    owner,
    server,
    undeclared,
    workload,
)
from tests.e2e.bypasses.place import Answer, Expected, Json, Place, Way
from tests.support.waiting import wait_until

UNDECLARED: Final = "inference/undeclared"
MANIFEST: Final = "link/manifest"
_NOWHERE: Final = {"metadata": {"name": "nothing-of-that-name"}}


def _pod_of(reference: Json, name: str, **pod: Any) -> Json:  # noqa: ANN401
    """Return a pod without a word of a model that names an owner."""
    obj = undeclared(name, "Pod", **pod)
    obj["metadata"]["ownerReferences"] = [reference]
    return obj


def _forged(stored: Json, **changes: Any) -> Any:  # noqa: ANN401
    """Create a pod that names an owner which is not there, or is another one."""
    return lambda place, name: place.create(_pod_of(owner(stored, **changes), name))


def _of_a_kind(api_version: str, kind: str) -> Json:
    return {"apiVersion": api_version, "kind": kind, **_NOWHERE}


def _other_uid(place: Place, name: str) -> Answer:
    """An owner that is admitted, under the uid of none."""
    stored = place.admitted(workload(name, replicas=0))
    return place.create(_pod_of(owner(stored, uid="7f1c8a9e-3c57-4a54-9d0c-0d4f2a4f4f10"), f"{name}-pod"))


def _other_image(place: Place, name: str) -> Answer:
    """The real owner, and an image that its template does not have."""
    stored = place.admitted(_idle(workload(name)))
    return place.create(_pod_of(owner(stored), f"{name}-pod"))


def _container_more(place: Place, name: str) -> Answer:
    """The real owner, what its template has, and a server beside it."""
    stored = place.admitted(_idle(workload(name)))
    return place.create(
        _pod_of(owner(stored), f"{name}-pod", containers=[server(), {"name": "b", "image": VLLM}])
    )


def _of_a_service(place: Place, name: str) -> Answer:
    """The InferenceService that is admitted really owns no such pod; it lends its link, and no image."""
    stored = place.admitted(inference_service(name))
    return place.create(_pod_of(owner(stored), f"{name}-pod", nodeSelector=PLACED))


def _without_controller(place: Place, name: str) -> Answer:
    """A reference that does not control lends nothing."""
    stored = place.admitted(_idle(workload(name)))
    return place.create(_pod_of(owner(stored, controller=False), f"{name}-pod"))


def _owner_in_vain(place: Place, name: str) -> Answer:
    """The owner is a Deployment of the same namespace that says nothing of a model, and is let in."""
    stored = place.admitted(_idle(workload(name, template=NOTHING, containers=[house()])))
    return place.create(_pod_of(owner(stored), f"{name}-pod"))


def _cycle(place: Place, name: str) -> Answer:
    """A ReplicaSet that is its own owner."""
    obj = _idle(workload(name, "ReplicaSet", template=NOTHING, containers=[house()]))
    stored = place.admitted(obj)
    itself = {"metadata": {"ownerReferences": [owner(stored)]}}
    assert place.merge("ReplicaSet", name, itself).admitted
    return place.create(_pod_of(owner(stored), f"{name}-pod"))


def _training(place: Place, name: str) -> Answer:
    """Training owners take hints away, where they are verified; this one is not even there."""
    reference = owner(_of_a_kind("kubeflow.org/v1", "PyTorchJob"))
    fields = {"env": [{"name": "MODEL_ID", "value": "x/y"}], "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    return place.create(_pod_of(reference, name, containers=[house(**fields)]))


def _child_of_a_service(place: Place, name: str, **spec: Any) -> str:  # noqa: ANN401 - fields of the child
    """Make an InferenceService and the Deployment that its controller makes; return the name of that."""
    stored = place.admitted(inference_service(name))
    labels = {"serving.kserve.io/inferenceservice": name}
    child = workload(f"{name}-predictor", own={"labels": labels}, template={"labels": labels})
    child["metadata"]["ownerReferences"] = [owner(stored)]
    child["spec"] |= {"replicas": 0, **spec}
    place.admitted(child)
    return f"{name}-predictor"


def _orphaned_and_changed(place: Place, name: str) -> Answer:
    """The child leaves its owner, and is changed then."""
    child = _child_of_a_service(place, name)
    answer = place.merge("Deployment", child, {"metadata": {"ownerReferences": None}})
    assert answer.admitted, answer
    change = {"spec": {"template": {"spec": {"containers": [{"name": "server", "image": OTHER_IMAGE}]}}}}
    return place.strategic("Deployment", child, change)


def _orphaned(place: Place, name: str, child: str) -> None:
    """Delete the owner of a child and keep the child, and give it a replica then."""
    assert (
        place.user("DELETE", place.path("InferenceService", name), propagationPolicy="Orphan").status == 200
    )
    wait_until(lambda: not place.stored("Deployment", child)["metadata"].get("ownerReferences"))
    assert place.merge("Deployment", child, {"spec": {"paused": False, "replicas": 1}}).admitted


def _orphaned_children(place: Place, name: str) -> Answer:
    """What it makes from then on stands alone: it had made nothing before."""
    child = _child_of_a_service(place, name, paused=True)
    _orphaned(place, name, child)
    return place.refused_child(child)


def _orphaned_a_moment_ago(place: Place, name: str) -> Answer:
    """Its owners were read when it made its ReplicaSet; an allow may rest on that for 75 seconds."""
    child = _child_of_a_service(place, name)
    wait_until(lambda: _replica_sets(place, child))
    _orphaned(place, name, child)
    pods = place.path("Pod")
    wait_until(lambda: place.admin("GET", pods, labelSelector=f"app={child}").body["items"], within=20)
    return Answer(True, "")


def _child_changed(place: Place, name: str) -> Answer:
    """The child still has its owner; what it runs is not what the owner states."""
    child = _child_of_a_service(place, name)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "server", "image": OTHER_IMAGE}]}}}}
    return place.strategic("Deployment", child, change)


def _rolled_back(place: Place, name: str) -> Answer:
    """`kubectl rollout undo` to pods whose evidence was withdrawn since."""
    _two_revisions(place, name)
    return place.run("rollout", "undo", f"deployment/{name}")


def _old_replica_set(place: Place, name: str) -> Answer:
    """The old ReplicaSet is scaled by itself, which is never refused: each of its pods is."""
    old = _two_revisions(place, name)
    # The Deployment would scale it down again.
    assert place.merge("Deployment", name, {"spec": {"paused": True}}).admitted
    assert place.run("delete", f"deployment/{name}", "--cascade=orphan").admitted
    assert place.run("scale", f"replicaset/{old}", "--replicas=1").admitted
    return place.refused_child(old)


def _two_revisions(place: Place, name: str) -> str:
    """Make a Deployment whose former revision has no evidence any more; return its ReplicaSet."""
    former = f"{name}-former"
    place.evidence(former)
    wait_until(
        lambda: (
            place.create(workload(f"{name}-probe", template={"annotations": links(former)}), dryRun="All").by
            == set()
        )
    )
    obj = workload(name, template={"annotations": links(former)})
    place.admitted({**obj, "spec": {**obj["spec"], "replicas": 0}})
    old = wait_until(lambda: _replica_sets(place, name))[0]
    assert place.merge(
        "Deployment", name, {"spec": {"template": {"metadata": {"annotations": links()}}}}
    ).admitted
    wait_until(lambda: len(_replica_sets(place, name)) == 2)
    place.withdraw(former)
    wait_until(
        lambda: (
            MANIFEST
            in place.create(
                workload(f"{name}-probe", template={"annotations": links(former)}), dryRun="All"
            ).by
        )
    )
    return old


def _replica_sets(place: Place, name: str) -> list[str]:
    items = place.admin("GET", place.path("ReplicaSet"), labelSelector=f"app={name}").body["items"]
    return [item["metadata"]["name"] for item in items]


def _from_zero(place: Place, name: str) -> Answer:
    """Admitted at 0 while the evidence held, scaled up after it ended."""
    evidence = f"{name}-ending"
    for seconds in (4, 12, 30):
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        place.evidence(f"{evidence}-{seconds}", validity={"notAfter": f"{ends:%Y-%m-%dT%H:%M:%SZ}"})
        obj = _idle(workload(name, template={"annotations": links(f"{evidence}-{seconds}")}))
        if place.create(obj).admitted:
            break
    later = workload(f"{name}-later", template={"annotations": links(f"{evidence}-{seconds}")})
    wait_until(lambda: "evidence/expired" in place.create(later, dryRun="All").by)
    assert place.run("scale", f"deployment/{name}", "--replicas=1").admitted
    return place.refused_child(name)


def _replica_set_changed(place: Place, name: str) -> Answer:
    """The ReplicaSet of an admitted Deployment gets another image."""
    obj = workload(name)
    place.admitted({**obj, "spec": {**obj["spec"], "replicas": 0}})
    (found,) = wait_until(lambda: _replica_sets(place, name))
    return place.run("set", "image", f"replicaset/{found}", f"server={OTHER_IMAGE}")


def _controller_revision(place: Place, name: str) -> Answer:
    """A StatefulSet makes pods of what this object holds."""
    body = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": name}, "revision": 1}
    reply = place.user("POST", place.path("Deployment").replace("deployments", "controllerrevisions"), body)
    return Answer(reply.status == 201, reply.message)


def _idle(obj: Json) -> Json:
    changed = copy.deepcopy(obj)
    changed["spec"]["replicas"] = 0
    return changed


OWNED: Final = [
    Way(
        "a forged owner: a ReplicaSet that does not exist",
        _forged(_of_a_kind("apps/v1", "ReplicaSet")),
        UNDECLARED,
    ),
    Way(
        "a forged owner: an InferenceService that does not exist",
        _forged(_of_a_kind("serving.kserve.io/v1beta1", "InferenceService")),
        UNDECLARED,
    ),
    Way(
        "a forged owner: a kind that nothing is known of",
        _forged(_of_a_kind("models.example.com/v1", "LanguageModel")),
        UNDECLARED,
    ),
    Way("a forged owner: a Node, as static pods have it", _forged(_of_a_kind("v1", "Node")), UNDECLARED),
    Way("an admitted owner under another uid", _other_uid, UNDECLARED),
    Way("an admitted owner, and another image than it states", _other_image, UNDECLARED),
    Way("an admitted owner, and a container more than it states", _container_more, MANIFEST),
    Way("an admitted InferenceService as the owner of another image", _of_a_service, "link/model"),
    Way("an admitted owner that does not control", _without_controller, UNDECLARED),
    Way("an owner that says nothing of a model", _owner_in_vain, UNDECLARED),
    Way("a chain of owners without an end", _cycle, UNDECLARED),
    Way(
        "a forged training job, over two hints",
        _training,
        UNDECLARED,
        Expected.WARNED,
        "`likely: Warn`, as without it",
    ),
    Way("another image on the child of an InferenceService", _child_changed, "link/model"),
    Way("an orphaned child, changed", _orphaned_and_changed, UNDECLARED),
    Way("an orphaned child: what it makes then", _orphaned_children, UNDECLARED),
    Way(
        "an orphaned child: its pods within 75 seconds",
        _orphaned_a_moment_ago,
        "",
        Expected.LET_IN,
        "an allow may rest for 75 seconds on owners that were read; images and models are compared",
    ),
    Way("another image on the ReplicaSet of an admitted Deployment", _replica_set_changed, "link/model"),
    Way("rollback to withdrawn evidence: `kubectl rollout undo`", _rolled_back, MANIFEST),
    Way("rollback by the old ReplicaSet: its pods", _old_replica_set, MANIFEST),
    Way("a ControllerRevision, of which a StatefulSet makes pods", _controller_revision, "RBAC"),
    Way("scaled from zero after the evidence expired: its pods", _from_zero, "evidence/expired"),
]
