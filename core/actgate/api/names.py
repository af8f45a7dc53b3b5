"""Names that appear in clusters and files: the API group, and actgate's labels and annotations."""

from typing import Final

GROUP: Final = "actgate.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

INFERENCE_LABEL: Final = f"{GROUP}/inference"
"""On a workload, its job template or its pod template: any value but ``"false"`` says that it serves a
model, and so it is judged."""

ENFORCE_LABEL: Final = f"{GROUP}/enforce"
"""On a namespace: with any value but ``"false"`` plain workloads in it reach the webhook."""

MANIFEST_ANNOTATION: Final = f"{GROUP}/compliance-manifest"
"""Name of the ComplianceManifest, in the workload's own namespace, that speaks for its model; for several
models ``model=manifest`` for each, with commas between."""

MODEL_ANNOTATION: Final = f"{GROUP}/model"
MODEL_VERSION_ANNOTATION: Final = f"{GROUP}/model-version"
MODEL_DIGEST_ANNOTATION: Final = f"{GROUP}/model-digest"

PROVIDER_ANNOTATION: Final = f"{GROUP}/provider"
"""Cloud provider of the regions and zones that a pod template selects nodes by."""

OWN_KEYS: Final = frozenset(
    f"{GROUP}/{name}"
    for name in ("desired-state", "manifest-digest", "next-trusted-since", "previous-needed-until")
)
"""Annotations that the operator keeps for itself; they declare nothing."""

REGION_NODE_LABEL: Final = "topology.kubernetes.io/region"
ZONE_NODE_LABEL: Final = "topology.kubernetes.io/zone"
