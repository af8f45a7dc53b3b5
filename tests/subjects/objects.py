"""Workloads and ModelDeployments as the API server sends them, with what a test wants in them."""

from __future__ import annotations

from typing import Any, Final

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
    "ReplicationController": "v1",
}
TEMPLATE_PATHS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(API_VERSIONS, ("spec", "template")),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Where Kubernetes keeps the pod template of each kind; a Pod is its own."""
REGION, ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
LINK = "actgate.dev/compliance-manifest"
MODEL = "actgate.dev/model"

Json = dict[str, Any]


def workload(
    kind: str, pod: Json | None = None, own: Json | None = None, template: Json | None = None
) -> Json:
    """Return a workload: the spec of its pods, its own metadata, and its pod template's metadata."""
    steps = TEMPLATE_PATHS[kind]
    inner: Json = {"spec": {"containers": [{"image": "registry.example/server:1"}], **(pod or {})}}
    if template is not None:
        inner["metadata"] = template
    for step in reversed(steps):
        inner = {step: inner}
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        **inner,
        "metadata": {"name": "scorer", "namespace": "credit", **(own or {})},
    }


def linked(**annotations: str) -> Json:
    """Return metadata with the annotations actgate.dev/<name>."""
    names = {name.replace("_", "-"): value for name, value in annotations.items()}
    return {"annotations": {f"actgate.dev/{name}": value for name, value in names.items()}}


def serving(**spec: Any) -> Json:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return a ModelDeployment of the passing model, with other values for some fields of its spec."""
    passing = {
        "model": {"name": "CreditRiskScorer", "version": "2"},
        "complianceManifestRef": {"name": "credit-risk-scorer-v2"},
        "server": {"image": "registry.example/server:1"},
    }
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "scorer", "namespace": "credit"},
        "spec": passing | spec,
    }


def required(*terms: Json) -> Json:
    """Return a pod spec that requires one of these node selector terms."""
    rule = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"affinity": {"nodeAffinity": {rule: {"nodeSelectorTerms": list(terms)}}}}


def term(key: str, operator: str = "In", *values: str) -> Json:
    """Return a node selector term of one expression."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}
