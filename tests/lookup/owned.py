"""Objects with owners, as the controllers of a cluster make them."""

from __future__ import annotations

import copy
from typing import Any, Final

Json = dict[str, Any]

SERVER: Final = {"name": "server", "image": "registry.example/server:1"}
LINK: Final = {
    "actgate.dev/compliance-manifest": "credit-risk-scorer-v2",
    "actgate.dev/model": "CreditRiskScorer",
}
SELECTED: Final = {"topology.kubernetes.io/region": "eu-west-3"}


def controlled_by(owner: Json, **changes: object) -> list[Json]:
    """Return the ownerReferences of what a controller makes, with other values for some fields."""
    metadata = owner["metadata"]
    stated = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return [{**stated, **changes}]


def owned(
    version: str,
    kind: str,
    called: str,
    owner: Json | None = None,
    spec: Json | None = None,
    **metadata: Any,  # noqa: ANN401 - fields of metadata
) -> Json:
    """Return an object in the namespace credit; its uid is made of its kind and name."""
    own = {"name": called, "namespace": "credit", "uid": f"uid-of-{kind}-{called}".lower(), **metadata}
    if owner is not None:
        own["ownerReferences"] = controlled_by(owner)
    return {"apiVersion": version, "kind": kind, "metadata": own, "spec": spec or {}}


def template(*containers: Json, **annotations: str) -> Json:
    """Return a pod template that runs the server, or these containers."""
    return {
        "metadata": {"labels": {"app": "scorer"}, "annotations": annotations},
        "spec": {"containers": list(containers or (SERVER,)), "nodeSelector": SELECTED},
    }


def inference_service(**metadata: Any) -> Json:  # noqa: ANN401 - fields of metadata
    """Return an InferenceService that links the passing manifest."""
    spec = {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://models/credit"}}}
    return owned(
        "serving.kserve.io/v1beta1",
        "InferenceService",
        "scorer",
        spec=spec,
        **{"annotations": LINK, **metadata},
    )


def deployment(owner: Json | None = None, pods: Json | None = None, **metadata: Any) -> Json:  # noqa: ANN401 - fields of metadata
    """Return a Deployment."""
    return owned("apps/v1", "Deployment", "scorer", owner, {"template": pods or template()}, **metadata)


def replica_set(owner: Json | None = None, pods: Json | None = None, **metadata: Any) -> Json:  # noqa: ANN401 - fields of metadata
    """Return a ReplicaSet as the controller of Deployments makes it."""
    made = copy.deepcopy(pods or (owner["spec"]["template"] if owner else template()))
    made["metadata"]["labels"]["pod-template-hash"] = "1"
    return owned("apps/v1", "ReplicaSet", "scorer-1", owner, {"template": made}, **metadata)


def pod(owner: Json, *injected: Json, **changes: object) -> Json:
    """Return a Pod as the controller of an owner with ``spec.template`` makes it."""
    made = copy.deepcopy(owner["spec"]["template"])
    made["spec"]["containers"] += injected
    made["spec"] |= changes
    found = owned("v1", "Pod", "scorer-1-x", owner, made["spec"], **made["metadata"])
    del found["metadata"]["uid"]
    return found


def of_a_service() -> tuple[Json, Json, Json, Json]:
    """Return an InferenceService and what its controllers make: Deployment, ReplicaSet, Pod."""
    top = inference_service()
    middle = deployment(top)
    below = replica_set(middle)
    return top, middle, below, pod(below)
