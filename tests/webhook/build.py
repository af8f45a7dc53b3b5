"""Objects, reviews and evidence as a cluster has them; each test says only what differs."""

from __future__ import annotations

import copy
from typing import Any, Final

import orjson

from actgate.decision import Manifest
from actgate.manifests import read_manifest

Json = dict[str, Any]

NAMESPACE: Final = "credit"
MANIFEST: Final = "credit-risk-scorer-v2"
ASSESSED_IMAGE: Final = f"registry.example/server@sha256:{'a' * 64}"
KINDS: Final = {
    "ModelDeployment": ("actgate.dev", "v1alpha1"),
    "Deployment": ("apps", "v1"),
    "StatefulSet": ("apps", "v1"),
    "DaemonSet": ("apps", "v1"),
    "ReplicaSet": ("apps", "v1"),
    "Job": ("batch", "v1"),
    "CronJob": ("batch", "v1"),
    "Pod": ("", "v1"),
    "ReplicationController": ("", "v1"),
    "ConfigMap": ("", "v1"),
}
_ALL: Final = {
    **KINDS,
    "InferenceService": ("serving.kserve.io", "v1beta1"),
    "ServingRuntime": ("serving.kserve.io", "v1alpha1"),
}


def manifest_object(name: str = MANIFEST, namespace: str = NAMESPACE, **spec: object) -> Json:
    """Return a ComplianceManifest that passes, with other values for some fields of its spec."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ComplianceManifest",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "resourceVersion": "7"},
        "spec": {
            "model": {"name": "CreditRiskScorer", "version": "2", "digest": f"sha256:{'d' * 64}"},
            "riskCategory": "HighRisk",
            "training": {
                "finishedAt": "2026-11-01T10:00:00Z",
                "regions": [{"provider": "aws", "region": "eu-west-3"}],
            },
            "bias": [
                {
                    "attribute": "gender",
                    "metric": "demographic_parity_difference",
                    "value": 0.03,
                    "threshold": 0.05,
                    "groups": [{"name": "female", "count": 4120}, {"name": "male", "count": 5010}],
                }
            ],
            "humanOversight": {
                "enabled": True,
                "role": "Credit officer",
                "stop": "Switch in the case system",
            },
            **spec,
        },
    }


def passing(**spec: object) -> Manifest:
    """Return that manifest as the rules see it."""
    return read_manifest(manifest_object(**spec))  # type: ignore[arg-type]


def failing() -> Manifest:
    """Return a manifest whose bias is over the limit."""
    bias = {"attribute": "gender", "metric": "demographic_parity_difference", "value": -0.2}
    return passing(bias=[bias])


def model_deployment(**spec: object) -> Json:
    """Return a ModelDeployment that refers to the passing manifest."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "scorer", "namespace": NAMESPACE, "uid": "1", "resourceVersion": "3"},
        "spec": {
            "model": {"name": "CreditRiskScorer", "version": "2"},
            "complianceManifestRef": {"name": MANIFEST},
            "placement": {"regions": [{"provider": "aws", "region": "eu-west-3"}]},
            "replicas": 2,
            "server": {"image": ASSESSED_IMAGE},
            **spec,
        },
    }


def workload(
    kind: str = "Deployment", *, annotations: Json | None = None, labels: Json | None = None
) -> Json:
    """Return a workload of a kind whose pod template links to the passing manifest."""
    linked = {"actgate.dev/compliance-manifest": MANIFEST, "actgate.dev/model": "CreditRiskScorer"}
    template: Json = {
        "metadata": {
            "labels": {"app": "scorer", "actgate.dev/inference": "true"} if labels is None else labels,
            "annotations": linked if annotations is None else annotations,
        },
        "spec": {
            "containers": [{"name": "server", "image": ASSESSED_IMAGE}],
            "nodeSelector": {"topology.kubernetes.io/region": "eu-west-3"},
        },
    }
    own = {"name": "scorer", "namespace": NAMESPACE, "uid": "1", "resourceVersion": "3"}
    if kind == "Pod":
        return _object(kind, own | template["metadata"], template["spec"])
    if kind == "CronJob":
        template["spec"]["restartPolicy"] = "Never"
        return _object(kind, own, {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}})
    return _object(kind, own, {"selector": {"matchLabels": {"app": "scorer"}}, "template": template})


def inference_service(kind: str = "InferenceService", **predictor: object) -> Json:
    """Return an object of KServe that links to the passing manifest."""
    linked = {"actgate.dev/compliance-manifest": MANIFEST, "actgate.dev/model": "CreditRiskScorer"}
    own = {"name": "scorer", "namespace": NAMESPACE, "annotations": linked}
    placed = {"nodeSelector": {"topology.kubernetes.io/region": "eu-west-3"}}
    return _object(kind, own, {"predictor": {"model": {"image": ASSESSED_IMAGE}, **placed, **predictor}})


def _object(kind: str, metadata: Json, spec: Json) -> Json:
    group, version = _ALL[kind]
    api_version = f"{group}/{version}" if group else version
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def review(
    obj: Json | None,
    old: Json | None = None,
    *,
    operation: str | None = None,
    dry_run: bool = False,
    **request: object,
) -> Json:
    """Return the review of a create, or of an update where there is an old object."""
    kind = str((obj if obj is not None else old or {}).get("kind", "ConfigMap"))
    group, version = _ALL[kind]
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": f"{kind.lower()}s"},
            "operation": operation or ("UPDATE" if old is not None else "CREATE"),
            "namespace": NAMESPACE,
            "name": "scorer",
            "userInfo": {"username": "engineer", "groups": ["system:authenticated"]},
            "object": obj,
            "oldObject": old,
            "dryRun": dry_run,
            **request,
        },
    }


def changed(obj: Json, path: str, value: object) -> Json:
    """Return a copy of an object with one field set; the path is like ``spec.model.name``."""
    copied = copy.deepcopy(obj)
    *parents, last = path.split(".")
    found: Any = copied
    for step in parents:
        found = found[int(step)] if isinstance(found, list) else found.setdefault(step, {})
    found[int(last) if isinstance(found, list) else last] = value
    return copied


def body_of(document: object) -> bytes:
    """Return JSON bytes."""
    return orjson.dumps(document)
