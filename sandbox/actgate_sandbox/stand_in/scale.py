"""The scale subresource: an `autoscaling/v1 Scale` as a window onto replicas."""

from __future__ import annotations

from actgate_sandbox.stand_in import jsonpath
from actgate_sandbox.stand_in.resources import Scale
from actgate_sandbox.status import Object


def shown(obj: Object, scale: Scale) -> Object:
    """Return the Scale of an object."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Object = {"replicas": jsonpath.first(obj, scale.status) or 0}
    if scale.selector and (selector := _selector(jsonpath.first(obj, scale.selector))):
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": jsonpath.first(obj, scale.spec) or 0},
        "status": status,
    }


def put(obj: Object, scale: Scale, sent: Object) -> Object:
    """Return the object with the replicas that a Scale asks for."""
    replicas = (sent.get("spec") or {}).get("replicas", 0)
    jsonpath.put(obj, scale.spec, replicas)
    if revision := (sent.get("metadata") or {}).get("resourceVersion"):
        obj["metadata"]["resourceVersion"] = revision
    return obj


def _selector(value: object) -> str:
    """Write a LabelSelector as the string that a Scale carries; custom resources have it so."""
    if isinstance(value, dict):
        labels = value.get("matchLabels", {})
        return ",".join(f"{key}={label}" for key, label in sorted(labels.items()))
    return value if isinstance(value, str) else ""
