"""Names that appear in clusters and files: their forms, the API group, actgate's labels and annotations."""

import re
from typing import Final

GROUP: Final = "actgate.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

INFERENCE_LABEL: Final = f"{GROUP}/inference"
"""On a workload, its job template or its pod template: any value but ``"false"`` says that it serves a
model, and so it is judged."""

ENFORCE_LABEL: Final = f"{GROUP}/enforce"
"""On a namespace, where workloads are judged by choice (the component ``opt-in-namespaces``): with any value
but ``"false"`` those in it reach the webhook."""

EXEMPT_LABEL: Final = f"{GROUP}/exempt"
"""On a namespace: with any value nothing in it reaches the webhook. Who may set it is an RBAC verb."""

NAMESPACE_NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The API server sets it on every namespace, to the namespace's own name."""

OUTSIDE_NAMESPACES: Final = ("kube-system", "kube-node-lease", "actgate-system")
"""Namespaces that never reach the webhook, whatever their labels are: the cluster's own, and ours."""

MANIFEST_ANNOTATION: Final = f"{GROUP}/compliance-manifest"
"""Name of the ComplianceManifest, in the workload's own namespace, that speaks for its model; for several
models ``model=manifest`` for each, with commas between."""

MODEL_ANNOTATION: Final = f"{GROUP}/model"
MODEL_VERSION_ANNOTATION: Final = f"{GROUP}/model-version"
MODEL_DIGEST_ANNOTATION: Final = f"{GROUP}/model-digest"

REPORT_LABEL: Final = f"{GROUP}/report"
"""On a report that the operator keeps: the hash of its content."""


LOGGING_ANNOTATION: Final = f"{GROUP}/logging"
"""On pods: how the use of the model is logged, the fields of a ModelDeployment's ``spec.logging`` as JSON."""

RECORDER_CONTAINER: Final = "actgate-recorder"
"""Name of the native sidecar that records the use of a model."""

STOPPED_BY_ANNOTATION: Final = f"{GROUP}/stopped-by"
"""On a ModelDeployment with ``spec.suspend``: who stopped it, as that person or system says."""
STOP_REASON_ANNOTATION: Final = f"{GROUP}/stop-reason"
"""On a ModelDeployment with ``spec.suspend``: why; a stop needs no reason."""

PROVIDER_ANNOTATION: Final = f"{GROUP}/provider"
"""Cloud provider of the regions and zones that a pod template selects nodes by."""

OWN_KEYS: Final = frozenset(
    f"{GROUP}/{name}"
    for name in ("desired-state", "manifest-digest", "next-trusted-since", "previous-needed-until")
) | {STOPPED_BY_ANNOTATION, STOP_REASON_ANNOTATION}
"""Annotations that declare nothing: those that the operator keeps for itself, and those that describe a stop,
which no evidence may stand in the way of."""

REGION_NODE_LABEL: Final = "topology.kubernetes.io/region"
ZONE_NODE_LABEL: Final = "topology.kubernetes.io/zone"

LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""Form of an RFC 1123 label: the name of a namespace."""
SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
"""Form of an RFC 1123 subdomain, of at most 253 characters: the name of an object."""
LABEL_VALUE: Final = r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
"""Form of the value of a label, of at most 63 characters."""
_LABEL: Final = re.compile(LABEL)
_SUBDOMAIN: Final = re.compile(SUBDOMAIN)


def is_namespace_name(text: str) -> bool:
    """Return whether Kubernetes takes a text as the name of a namespace."""
    return _LABEL.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """Return whether Kubernetes takes a text as the name of an object."""
    return len(text) <= 253 and _SUBDOMAIN.fullmatch(text) is not None
