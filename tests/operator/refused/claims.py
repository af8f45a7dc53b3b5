"""Events of controllers, as Kubernetes writes them (core/v1, read as events.k8s.io/v1)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

REFUSAL = (
    'link/manifest, link/model: in InferenceService "scorer", apply that ComplianceManifest\n'
    '[link/manifest] metadata.annotations[actgate.dev/compliance-manifest]: ComplianceManifest "x" not found '
    'in namespace "credit" (actgate)\n[link/model] spec.model: Required value (actgate)\n'
    "[bias/limit] compliancemanifest/x spec.bias[0].value: Invalid value: 0.2 (house policy)"
)


def denied(refusal: str = REFUSAL, webhook: str = "declared.actgate.dev") -> str:
    """Return what the controller of ReplicaSets says of a pod that the webhook refused."""
    return f'Error creating: admission webhook "{webhook}" denied the request: {refusal}'


def claim(maker: Json, note: str | None = None, **regarding: object) -> Json:
    """Return the Event by which a controller says that a child of an object could not be created."""
    metadata = maker["metadata"]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": metadata["namespace"], "name": f"{metadata['name']}.1"},
        "type": "Warning",
        "reason": "FailedCreate",
        "note": denied() if note is None else note,
        "regarding": {
            "apiVersion": maker["apiVersion"],
            "kind": maker["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            **regarding,
        },
    }
