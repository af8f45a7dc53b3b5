"""Ways over evidence, policies and the gate itself: what ``edit`` may not write, and what it can."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.e2e.bypasses.objects import (
    OTHER_IMAGE,
    SCORER,
    links,
    undeclared,
    workload,
)
from tests.e2e.bypasses.place import USER, Answer, Json, Place, Way, answered, manifest
from tests.support.attested import covered
from tests.support.waiting import wait_until

RBAC: Final = "RBAC"
EXEMPT: Final = "actgate.dev/exempt"
EXEMPTIONS: Final = "actgate-namespace-exemptions"
_ADMISSION: Final = "/apis/admissionregistration.k8s.io/v1"
_ACTGATE: Final = "/apis/actgate.dev/v1alpha1"
MERGE: Final = "application/merge-patch+json"


def _sent(method: str, path: str, body: Json | None = None, content_type: str = "application/json") -> Any:  # noqa: ANN401
    """Send a request as the user; NAMESPACE is the namespace."""
    return lambda place, name: answered(
        place.user(
            method, path.replace("NAMESPACE", place.namespace).replace("NAME", name), body, content_type
        )
    )


def _ours(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": "actgate.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _labelled(place: Place, name: str) -> Answer:
    """The right to create namespaces is not the right to exempt them."""
    body = {"metadata": {"name": name, "labels": {EXEMPT: "true"}}}
    return answered(place.self_service("POST", "/api/v1/namespaces", body))


def _labelled_later(place: Place, name: str) -> Answer:
    assert place.self_service("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    labels = {"metadata": {"labels": {EXEMPT: ""}}}
    return answered(place.self_service("PATCH", f"/api/v1/namespaces/{name}", labels, MERGE))


def _labelled_by_finalize(place: Place, name: str) -> Answer:
    reply = place.self_service("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert reply.status == 201, reply
    body = reply.body
    body["metadata"]["labels"][EXEMPT] = "true"
    return answered(place.self_service("PUT", f"/api/v1/namespaces/{name}/finalize", body))


def _impersonated(place: Place, *line: str, stdin: str | None = None, account: str = "pipeline") -> Answer:
    return place.run(*line, f"--as=system:serviceaccount:{place.namespace}:{account}", stdin=stdin)


def _self_written(place: Place, name: str) -> Answer:
    """The pipeline's account of the same namespace is the user's as well; it has no key."""
    spec = covered(place.sign())
    spec["bias"][0].pop("planDigest", None)
    written = _impersonated(place, "create", "-f", "-", stdin=json.dumps(manifest(name, spec)))
    assert written.admitted, written
    return place.create(workload(name, template={"annotations": links(name)}))


def _same_name(place: Place, name: str) -> Answer:
    """Evidence that passes is deleted, and made anew under its name with another content."""
    stored = place.evidence(name)
    wait_until(
        lambda: place.create(workload(name, template={"annotations": links(name)}), dryRun="All").by == set()
    )
    assert _impersonated(place, "delete", "compliancemanifest", name).admitted
    spec = json.loads(json.dumps(stored["spec"]))
    spec["model"]["images"] = [OTHER_IMAGE]
    written = _impersonated(place, "create", "-f", "-", stdin=json.dumps(manifest(name, spec)))
    assert written.admitted, written
    obj = workload(
        name, template={"annotations": links(name)}, containers=[{"name": "server", "image": OTHER_IMAGE}]
    )
    answer = wait_until(lambda: None if (found := place.create(obj)).admitted else found)
    assert answer is not None
    return answer


def _changed_evidence(place: Place, name: str) -> Answer:
    """Also an account that may write evidence cannot change it."""
    place.evidence(name)
    change = json.dumps({"spec": {"riskCategory": "MinimalRisk"}})
    return _impersonated(place, "patch", "compliancemanifest", name, "--type=merge", "--patch", change)


def _by_token(place: Place, name: str) -> Answer:
    """A token of the pipeline's account, as `kubectl create token` makes it, writes no better evidence."""
    made = place.kubectl("create", "token", "pipeline")
    assert made.code == 0, made.err
    spec = covered(place.sign())
    written = place.kubectl(
        "create", "-f", "-", f"--token={made.out.strip()}", stdin=json.dumps(manifest(name, spec))
    )
    assert written.code == 0, written.err
    return place.create(workload(name, template={"annotations": links(name)}))


def _as_controller(place: Place, name: str) -> Answer:
    line = (
        "create",
        "--validate=false",
        "-f",
        "-",
        "--as=system:serviceaccount:kube-system:replicaset-controller",
    )
    return place.run(*line, stdin=json.dumps(undeclared(name)))


def _as_administrator(place: Place, name: str) -> Answer:
    line = ("create", "--validate=false", "-f", "-", "--as=admin", "--as-group=system:masters")
    return place.run(*line, stdin=json.dumps(undeclared(name)))


def _bound_by_itself(place: Place, name: str) -> Answer:
    role = ("create", "rolebinding", name, "--clusterrole=write-evidence")
    return place.run(*role, f"--serviceaccount={place.namespace}:{USER}")


def _deleted_at_once(place: Place, name: str) -> Answer:
    """Deleting is never refused; what is made anew is judged."""
    place.admitted(workload(name))
    path = place.path("Deployment")
    assert place.user("DELETE", path, labelSelector=f"app={name}").status == 200
    wait_until(lambda: place.admin("GET", f"{path}/{name}").status in (200, 404))
    return place.create(undeclared(f"{name}-anew"))


EVIDENCE: Final = [
    Way("a manifest of one's own", lambda place, name: place.create(manifest(name, place.sign())), RBAC),
    Way(
        "evidence changed",
        _sent(
            "PATCH",
            f"{_ACTGATE}/namespaces/NAMESPACE/compliancemanifests/{SCORER}",
            {"spec": {"riskCategory": "MinimalRisk"}},
            MERGE,
        ),
        RBAC,
    ),
    Way(
        "evidence deleted, to put another in its place",
        _sent("DELETE", f"{_ACTGATE}/namespaces/NAMESPACE/compliancemanifests/{SCORER}"),
        RBAC,
    ),
    Way(
        "all evidence deleted: deletecollection",
        _sent("DELETE", f"{_ACTGATE}/namespaces/NAMESPACE/compliancemanifests"),
        RBAC,
    ),
    Way(
        "the status of evidence",
        _sent(
            "PATCH",
            f"{_ACTGATE}/namespaces/NAMESPACE/compliancemanifests/{SCORER}/status",
            {"status": {}},
            MERGE,
        ),
        RBAC,
    ),
    Way("evidence changed by the pipeline's account: `--as`", _changed_evidence, RBAC),
    Way("unsigned evidence by the pipeline's account: `--as`", _self_written, "evidence/signers"),
    Way("unsigned evidence by its token: `kubectl create token`", _by_token, "evidence/signers"),
    Way("other content under the name of evidence that passed", _same_name, "evidence/mismatch"),
    Way(
        "an Exemption of one's own",
        _sent("POST", f"{_ACTGATE}/exemptions", _ours("Exemption", "own", {})),
        RBAC,
    ),
    Way(
        "a policy that asks for less",
        _sent("POST", f"{_ACTGATE}/compliancepolicies", _ours("CompliancePolicy", "own", {})),
        RBAC,
    ),
    Way(
        "the policy changed",
        _sent("PATCH", f"{_ACTGATE}/compliancepolicies/high-risk", {"spec": {"enforcement": "Audit"}}, MERGE),
        RBAC,
    ),
]

GATE: Final = [
    Way(
        "the registration deleted",
        _sent("DELETE", f"{_ADMISSION}/validatingwebhookconfigurations/actgate"),
        RBAC,
    ),
    Way(
        "the registration changed",
        _sent("PATCH", f"{_ADMISSION}/validatingwebhookconfigurations/actgate", {"webhooks": []}, MERGE),
        RBAC,
    ),
    Way(
        "the admission policy of exempt namespaces deleted",
        _sent("DELETE", f"{_ADMISSION}/validatingadmissionpolicybindings/{EXEMPTIONS}"),
        RBAC,
    ),
    Way(
        "the webhook's Deployment scaled to none",
        _sent(
            "PATCH",
            "/apis/apps/v1/namespaces/actgate-system/deployments/actgate-webhook/scale",
            {"spec": {"replicas": 0}},
            MERGE,
        ),
        RBAC,
    ),
    Way(
        "the namespace exempted",
        _sent("PATCH", "/api/v1/namespaces/NAMESPACE", {"metadata": {"labels": {EXEMPT: "true"}}}, MERGE),
        RBAC,
    ),
    Way(
        "the label of the namespace removed that selects the policy",
        _sent(
            "PATCH",
            "/api/v1/namespaces/NAMESPACE",
            {"metadata": {"labels": {"actgate.dev/profile": None}}},
            MERGE,
        ),
        RBAC,
    ),
    Way(
        "a namespace created",
        _sent("POST", "/api/v1/namespaces", {"metadata": {"name": "own", "labels": {EXEMPT: "true"}}}),
        RBAC,
    ),
    Way(
        "a namespace created with the label that exempts, by who may create namespaces", _labelled, EXEMPTIONS
    ),
    Way("a namespace exempted later, by who may label namespaces", _labelled_later, EXEMPTIONS),
    Way("a namespace exempted through `namespaces/finalize`", _labelled_by_finalize, EXEMPTIONS),
    Way(
        "a workload in kube-system, which is not judged",
        _sent("POST", "/apis/apps/v1/namespaces/kube-system/deployments", undeclared("hidden")),
        RBAC,
    ),
    Way("a workload as the ReplicaSet controller: `--as`", _as_controller, RBAC),
    Way("a workload as an administrator: `--as-group`", _as_administrator, RBAC),
    Way("a role with the right to write evidence, bound to oneself", _bound_by_itself, RBAC),
    Way("everything deleted and made anew: deletecollection", _deleted_at_once, "inference/undeclared"),
]
