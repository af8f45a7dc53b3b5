"""KServe and Knative as a gate meets them: definitions of their shape, and what their controllers make.

Facts are those of kserve/kserve (v1beta1, commit aaac4e29) and knative/serving (v1, commit 98e5ef9):
names, labels, annotations that are passed on, and the controller references by which one object owns the
next. What a controller decides at run time (the image of a runtime, the name of a revision) is fixed here.
"""

from __future__ import annotations

import copy
from typing import Any, Final

Json = dict[str, Any]

RUNTIME_IMAGE: Final = f"registry.example/kserve/sklearnserver@sha256:{'c' * 64}"
"""Of the ClusterServingRuntime that serves the model format: no InferenceService states it."""
INITIALIZER_IMAGE: Final = f"registry.example/kserve/storage-initializer@sha256:{'e' * 64}"
QUEUE_IMAGE: Final = f"registry.example/knative/queue@sha256:{'f' * 64}"
MODEL_URI: Final = "s3://models/credit/v2"
REGION: Final = {"topology.kubernetes.io/region": "eu-west-3"}
LINK: Final = {
    "actgate.dev/compliance-manifest": "credit-risk-scorer-v2",
    "actgate.dev/model": "CreditRiskScorer",
}

_ANYTHING: Final[Json] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_STRING: Final[Json] = {"type": "string"}


def _object(**fields: Json) -> Json:
    """Return the schema of an object that has these fields and others."""
    return {**_ANYTHING, "properties": fields}


_MODEL: Final = _object(
    modelFormat=_object(name=_STRING, version=_STRING),
    storageUri=_STRING,
    runtime=_STRING,
    protocolVersion=_STRING,
    args={"type": "array", "items": _STRING},
)
_PREDICTOR: Final = _object(
    minReplicas={"type": "integer"},
    maxReplicas={"type": "integer"},
    annotations={"type": "object", "additionalProperties": _STRING},
    labels={"type": "object", "additionalProperties": _STRING},
    nodeSelector={"type": "object", "additionalProperties": _STRING},
    model=_MODEL,
)
_TEMPLATE: Final = _object(template=_object(metadata=_ANYTHING, spec=_ANYTHING))


def _definition(group: str, version: str, plural: str, kind: str, spec: Json) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": spec, "status": _ANYTHING},
                        }
                    },
                }
            ],
        },
    }


DEFINITIONS: Final = (
    _definition(
        *("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService"),
        _object(predictor=_PREDICTOR, transformer=_ANYTHING, explainer=_ANYTHING),
    ),
    _definition("serving.knative.dev", "v1", "services", "Service", _TEMPLATE),
    _definition("serving.knative.dev", "v1", "configurations", "Configuration", _TEMPLATE),
    _definition("serving.knative.dev", "v1", "revisions", "Revision", _ANYTHING),
)


def inference_service(**changes: Any) -> Json:  # noqa: ANN401 - fields of metadata
    """Return an InferenceService as a user applies it, with other values for some fields of its metadata."""
    predictor = {
        "minReplicas": 1,
        "maxReplicas": 2,
        "nodeSelector": dict(REGION),
        "model": {"modelFormat": {"name": "sklearn"}, "storageUri": MODEL_URI},
    }
    return _made(
        "serving.kserve.io/v1beta1",
        "InferenceService",
        {"name": "scorer", "annotations": dict(LINK), **changes},
        {"predictor": predictor},
    )


def deployment(service: Json) -> Json:
    """Return the Deployment of an InferenceService, as stored, in the deployment mode Standard."""
    metadata = _component(service)
    selected = {"app": f"isvc.{metadata['name']}"}
    pods = {
        "labels": {**metadata["labels"], **selected},
        "annotations": metadata["annotations"],
    }
    spec = {"selector": {"matchLabels": selected}, "template": {"metadata": pods, "spec": _pod_spec(service)}}
    made = _made("apps/v1", "Deployment", {**metadata, "labels": pods["labels"]}, spec)
    return owned(made, service)


def service(of: Json) -> Json:
    """Return the Service of an InferenceService in that mode."""
    metadata = _component(of)
    ports = [{"name": metadata["name"], "port": 80, "protocol": "TCP", "targetPort": 8080}]
    spec = {"selector": {"app": f"isvc.{metadata['name']}"}, "ports": ports}
    return owned(_made("v1", "Service", metadata, spec), of)


def autoscaler(of: Json) -> Json:
    """Return the HorizontalPodAutoscaler of an InferenceService in that mode."""
    metadata, predictor = _component(of), of["spec"]["predictor"]
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"]},
        "minReplicas": predictor["minReplicas"],
        "maxReplicas": predictor["maxReplicas"],
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    return owned(_made("autoscaling/v2", "HorizontalPodAutoscaler", metadata, spec), of)


def knative_service(of: Json) -> Json:
    """Return the Knative Service of an InferenceService, as stored, in the mode Knative (Serverless)."""
    metadata = _component(of)
    pods = {"labels": metadata["labels"], "annotations": metadata["annotations"]}
    template = {"metadata": pods, "spec": _pod_spec(of)}
    bare = {"name": metadata["name"], "labels": metadata["labels"], "annotations": {}}
    return owned(_made("serving.knative.dev/v1", "Service", bare, {"template": template}), of)


def configuration(of: Json) -> Json:
    """Return the Configuration of a Knative Service."""
    metadata = of["metadata"]
    labels = {**metadata["labels"], "serving.knative.dev/service": metadata["name"]}
    made = _made(
        *("serving.knative.dev/v1", "Configuration", {"name": metadata["name"], "labels": labels}),
        {"template": of["spec"]["template"]},
    )
    return owned(made, of)


def revision(of: Json) -> Json:
    """Return the first Revision of a Configuration."""
    metadata, template = of["metadata"], of["spec"]["template"]
    labels = {**template["metadata"]["labels"], "serving.knative.dev/configuration": metadata["name"]}
    name = f"{metadata['name']}-00001"
    own = {"name": name, "labels": labels, "annotations": template["metadata"]["annotations"]}
    return owned(_made("serving.knative.dev/v1", "Revision", own, template["spec"]), of)


def revision_deployment(of: Json) -> Json:
    """Return the Deployment of a Revision: its pods run the queue-proxy beside the server."""
    metadata = of["metadata"]
    selected = {"serving.knative.dev/revisionUID": metadata["uid"]}
    labels = {**metadata["labels"], **selected, "app": metadata["name"]}
    pods = {
        "metadata": {"labels": labels, "annotations": metadata["annotations"]},
        "spec": copy.deepcopy(of["spec"]),
    }
    pods["spec"]["containers"].append({"name": "queue-proxy", "image": QUEUE_IMAGE})
    spec = {"replicas": 1, "selector": {"matchLabels": selected}, "template": pods}
    own = {"name": f"{metadata['name']}-deployment", "labels": labels, "annotations": metadata["annotations"]}
    return owned(_made("apps/v1", "Deployment", own, spec), of)


def replica_set(of: Json) -> Json:
    """Return the ReplicaSet that Kubernetes makes for a Deployment."""
    template = copy.deepcopy(of["spec"]["template"])
    template["metadata"]["labels"]["pod-template-hash"] = "6d4b75cb6d"
    labels = template["metadata"]["labels"]
    selector = {"matchLabels": {**of["spec"]["selector"]["matchLabels"], "pod-template-hash": "6d4b75cb6d"}}
    own = {"name": f"{of['metadata']['name']}-6d4b75cb6d", "labels": dict(labels)}
    made = _made("apps/v1", "ReplicaSet", own, {"replicas": 1, "selector": selector, "template": template})
    return owned(made, of)


def pod(of: Json, *, injected: bool = True) -> Json:
    """Return the Pod that Kubernetes makes for a ReplicaSet, with what KServe's webhook injects."""
    template = copy.deepcopy(of["spec"]["template"])
    if injected:
        template["spec"]["initContainers"] = [
            {
                "name": "storage-initializer",
                "image": INITIALIZER_IMAGE,
                "args": [MODEL_URI, "/mnt/models"],
                "volumeMounts": [{"name": "kserve-provision-location", "mountPath": "/mnt/models"}],
            }
        ]
        template["spec"]["volumes"] = [{"name": "kserve-provision-location", "emptyDir": {}}]
    own = {**template["metadata"], "name": f"{of['metadata']['name']}-x7k2p"}
    return owned(_made("v1", "Pod", own, template["spec"]), of)


def owned(child: Json, owner: Json) -> Json:
    """Return an object with its controller, one that is stored."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**child, "metadata": {**child["metadata"], "ownerReferences": [reference]}}


def _component(service: Json) -> Json:
    """Return the metadata of what runs the predictor: the user's annotations and labels are passed on."""
    metadata = service["metadata"]
    labels = {"serving.kserve.io/inferenceservice": metadata["name"], "component": "predictor"}
    return {
        "name": f"{metadata['name']}-predictor",
        "labels": {**(metadata.get("labels") or {}), **labels},
        "annotations": {
            **(metadata.get("annotations") or {}),
            "internal.serving.kserve.io/storage-initializer-sourceuri": MODEL_URI,
        },
    }


def _pod_spec(service: Json) -> Json:
    """Return the pods of a predictor: the runtime's container, where the user says."""
    server = {
        "name": "kserve-container",
        "image": RUNTIME_IMAGE,
        "args": [
            f"--model_name={service['metadata']['name']}",
            "--model_dir=/mnt/models",
            "--http_port=8080",
        ],
    }
    return {"containers": [server], "nodeSelector": dict(service["spec"]["predictor"]["nodeSelector"])}


def _made(api_version: str, kind: str, metadata: Json, spec: Json) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
