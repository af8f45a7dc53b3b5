"""Workloads and models as an API server takes them: what was assessed, and every change of it."""

from __future__ import annotations

from typing import Any, Final

from tests.support.attested import MODEL as MODEL_DIGEST

Json = dict[str, Any]

SCORER: Final = "scorer"
"""The manifest that passes: signed by three parties, and bound to an image and to URIs."""
IMAGE: Final = f"registry.example/server@sha256:{'1' * 64}"
OTHER_IMAGE: Final = f"registry.example/other@sha256:{'2' * 64}"
VLLM: Final = "vllm/vllm-openai:v0.9"
HOUSE: Final = "registry.example/house/program:1"
"""An image whose name says nothing."""
URIS: Final = ["hf://bank/credit", "s3://models/credit/"]
PLACED: Final = {"topology.kubernetes.io/region": "eu-west-3"}
INFERENCE: Final = "actgate.dev/inference"
LINK: Final = "actgate.dev/compliance-manifest"
MODEL: Final = "actgate.dev/model"
NOTHING: Final[Json] = {}
"""Metadata without a word of a model."""

API_VERSIONS: Final = {
    "Pod": "v1",
    "ReplicationController": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "ModelDeployment": "actgate.dev/v1alpha1",
    "ComplianceManifest": "actgate.dev/v1alpha1",
    "InferenceService": "serving.kserve.io/v1beta1",
    "LanguageModel": "models.example.com/v1",
}


def links(manifest: str = SCORER, **changes: str | None) -> Json:
    """Return the annotations that link a manifest; a keyword changes one (``model_digest``)."""
    stated = {
        "compliance-manifest": manifest,
        "model": "CreditRiskScorer",
        "model-version": "2",
        "model-digest": MODEL_DIGEST,
    }
    changed = stated | {key.replace("_", "-"): value for key, value in changes.items()}
    return {f"actgate.dev/{key}": value for key, value in changed.items() if value is not None}


def linked(manifest: str = SCORER, **changes: str | None) -> Json:
    """Return metadata with the label that declares and a whole link."""
    return {"labels": {INFERENCE: "true"}, "annotations": links(manifest, **changes)}


def server(**fields: Any) -> Json:  # noqa: ANN401 - JSON
    """Return the container that was assessed, with other fields."""
    return {"name": "server", "image": IMAGE, "args": ["--model", "bank/credit"], **fields}


def house(**fields: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a container of an image whose name says nothing."""
    return {"name": "server", "image": HOUSE, **fields}


def workload(
    name: str,
    kind: str = "Deployment",
    *,
    own: Json | None = None,
    template: Json | None = None,
    **pod: Any,  # noqa: ANN401 - JSON
) -> Json:
    """Return a workload whose pods run what was assessed, and link the evidence.

    Args:
        name: Of the object.
        kind: A kind of Kubernetes.
        own: More of its metadata.
        template: Metadata of its pods in place of a whole link; of a Pod, its own.
        pod: Fields of the spec of its pods.
    """
    metadata = linked() if template is None else template
    metadata = {**metadata, "labels": {"app": name, **metadata.get("labels", {})}}
    spec = {"containers": [server()], "nodeSelector": PLACED, **pod}
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
    own = {"name": name, **(own or {})}
    template = {"metadata": metadata, "spec": spec}
    selected: Json = {"selector": {"matchLabels": {"app": name}}, "template": template}
    match kind:
        case "Pod":
            own = {**own, **metadata, "labels": {**metadata["labels"], **own.get("labels", {})}}
            body: Json = spec
        case "CronJob":
            body = {"schedule": "@yearly", "jobTemplate": {"spec": {"template": template}}}
        case "Job":
            body = {"template": template}
        case "ReplicationController":
            body = {"selector": {"app": name}, "template": template}
        case "StatefulSet":
            body = {"serviceName": name, **selected}
        case _:
            body = selected
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": own, "spec": body}


def undeclared(name: str, kind: str = "Deployment", **pod: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a workload that runs a model server and says nothing of it."""
    return workload(name, kind, template=NOTHING, **{"containers": [house(image=VLLM)], **pod})


def model(name: str, **spec: Any) -> Json:  # noqa: ANN401 - fields of the spec
    """Return a ModelDeployment of what was assessed."""
    return {
        "apiVersion": API_VERSIONS["ModelDeployment"],
        "kind": "ModelDeployment",
        "metadata": {"name": name},
        "spec": {
            "model": {"name": "CreditRiskScorer", "version": "2", "digest": MODEL_DIGEST},
            "complianceManifestRef": {"name": SCORER},
            "placement": {"regions": [{"provider": "aws", "region": "eu-west-3"}]},
            "server": {"image": IMAGE, "args": ["--model", "bank/credit"]},
            "replicas": 1,
            **spec,
        },
    }


def inference_service(name: str, uri: str = "s3://models/credit/2", *, link: Json | None = None) -> Json:
    """Return an InferenceService of KServe that loads a model, and links the evidence."""
    return {
        "apiVersion": API_VERSIONS["InferenceService"],
        "kind": "InferenceService",
        "metadata": {"name": name, "annotations": links() if link is None else link},
        "spec": {
            "predictor": {
                "nodeSelector": PLACED,
                "model": {"modelFormat": {"name": "sklearn"}, "storageUri": uri, "image": IMAGE},
            }
        },
    }


def owner(obj: Json, **changes: Any) -> Json:  # noqa: ANN401 - fields of a reference
    """Return the reference by which an object that is stored controls another."""
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"].get("uid", "7f1c8a9e-3c57-4a54-9d0c-0d4f2a4f4f10"),
        "controller": True,
        **changes,
    }
