"""The digest by which a child is known to be what was planned last.

Replicas do not count: an autoscaler sets them, and a suspended model is the same model.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from actgate_operator.names import STATE_ANNOTATION
from actgate_operator.plan.shape import Object


def state(child: Mapping[str, Any]) -> str:
    """Return ``sha256:<64 hex digits>`` of a planned child, its own state annotation and replicas apart."""
    spec = {key: value for key, value in child["spec"].items() if key != "replicas"}
    told = _annotated(child["metadata"])
    text = json.dumps({**child, "metadata": told, "spec": spec}, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def stamped(child: Object) -> Object:
    """Return the child with the annotation that tells its state."""
    metadata = _annotated(child["metadata"])
    return {**child, "metadata": {**metadata, "annotations": {**metadata["annotations"], **_stamp(child)}}}


def _stamp(child: Object) -> dict[str, str]:
    return {STATE_ANNOTATION: state(child)}


def _annotated(metadata: Object) -> Object:
    """Return metadata with annotations, be they empty, and without the state."""
    annotations = metadata.get("annotations", {})
    return {**metadata, "annotations": {k: v for k, v in annotations.items() if k != STATE_ANNOTATION}}
